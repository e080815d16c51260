using System.Buffers.Binary;
using System.Buffers.Text;

namespace Aevum.Model.Structures;

/// <summary>What an entry of a stream is known by: a time and a number within it. The default, 0-0, is before every entry.</summary>
/// <param name="Milliseconds">Since 1970 UTC, where the stream made the id itself.</param>
public readonly record struct StreamId(ulong Milliseconds, ulong Sequence) : IComparable<StreamId>
{
    /// <summary>Bytes of an id in keys and values: both numbers big endian, so that ids sort as bytes.</summary>
    public const int Bytes = 2 * sizeof(ulong);

    /// <summary>Of an id as text.</summary>
    public const int TextBytesMax = 41;

    /// <summary>0-0.</summary>
    public static StreamId Zero => default;

    /// <summary>Behind it there is none.</summary>
    public static StreamId Max => new(ulong.MaxValue, ulong.MaxValue);

    /// <summary>The one behind it.</summary>
    /// <returns>False: it is the last there can be.</returns>
    public bool TryNext(out StreamId next)
    {
        var has = this != Max;   // told before: next may be this one itself
        next = Sequence != ulong.MaxValue ? this with { Sequence = Sequence + 1 } : new StreamId(unchecked(Milliseconds + 1), 0);
        return has;
    }

    /// <summary>The one before it.</summary>
    /// <returns>False: it is 0-0.</returns>
    public bool TryPrevious(out StreamId previous)
    {
        var has = this != Zero;
        previous = Sequence != 0 ? this with { Sequence = Sequence - 1 } : new StreamId(unchecked(Milliseconds - 1), ulong.MaxValue);
        return has;
    }

    /// <param name="target">At least <see cref="Bytes"/>.</param>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, Milliseconds);
        BinaryPrimitives.WriteUInt64BigEndian(target[sizeof(ulong)..], Sequence);
    }

    /// <param name="source">At least <see cref="Bytes"/>.</param>
    public static StreamId Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[sizeof(ulong)..]));

    /// <summary>As text: 1526919030474-55.</summary>
    /// <param name="target">At least <see cref="TextBytesMax"/>.</param>
    /// <returns>Bytes written.</returns>
    public int Format(Span<byte> target)
    {
        Utf8Formatter.TryFormat(Milliseconds, target, out var length);
        target[length++] = (byte)'-';
        Utf8Formatter.TryFormat(Sequence, target[length..], out var rest);
        return length + rest;
    }

    public int CompareTo(StreamId other) =>
        Milliseconds != other.Milliseconds ? Milliseconds.CompareTo(other.Milliseconds) : Sequence.CompareTo(other.Sequence);

    public static bool operator <(StreamId left, StreamId right) => left.CompareTo(right) < 0;

    public static bool operator >(StreamId left, StreamId right) => left.CompareTo(right) > 0;

    public static bool operator <=(StreamId left, StreamId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(StreamId left, StreamId right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Milliseconds}-{Sequence}";
}
