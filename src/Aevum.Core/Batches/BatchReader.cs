// BatchReader: walks an encoded batch without copying. It trusts nothing: any bytes may be given, and none make it read outside them.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Batches;

/// <summary>One effect, as a view over the batch's bytes.</summary>
public readonly ref struct Effect
{
    public EffectKind Kind { get; init; }

    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The value, the merge operand, or the end of the range.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>From this time on the key counts as absent; None if never.</summary>
    public SystemTime Expiry { get; init; }
}

public ref struct BatchReader
{
    readonly ReadOnlySpan<byte> _bytes;
    int _at;
    int _left;

    /// <exception cref="CorruptionException">The header is cut short.</exception>
    public BatchReader(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < WriteBatch.HeaderBytes) Malformed();
        _bytes = encoded;
        SystemTime = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(encoded));
        Count = BinaryPrimitives.ReadInt32LittleEndian(encoded[8..]);
        if (Count < 0 || BinaryPrimitives.ReadInt32LittleEndian(encoded[12..]) != 0) Malformed();
        _left = Count;
        _at = WriteBatch.HeaderBytes;
    }

    public SystemTime SystemTime { get; }

    /// <summary>The system time in the header of an encoded batch.</summary>
    public static ulong TimeOf(ReadOnlySpan<byte> encoded) => BinaryPrimitives.ReadUInt64LittleEndian(encoded);

    /// <summary>The effect that begins at an offset of an encoded batch.</summary>
    internal static Effect ReadOne(ReadOnlySpan<byte> encoded, int offset)
    {
        var reader = new BatchReader(encoded) { _at = offset, _left = 2 };   // two: what follows is of no interest
        if (!reader.TryRead(out var effect)) Malformed();
        return effect;
    }

    internal static int LengthOf(ReadOnlySpan<byte> encoded, int offset)
    {
        var reader = new BatchReader(encoded) { _at = offset, _left = 2 };
        if (!reader.TryRead(out _)) Malformed();
        return reader._at - offset;
    }

    /// <summary>How many effects the header announces.</summary>
    public int Count { get; }

    /// <summary>Bytes read so far, the header included.</summary>
    public readonly int Consumed => _at;

    /// <summary>Goes on behind the first <paramref name="count"/> effects, which end at an offset known from <see cref="Consumed"/>.</summary>
    public void SkipTo(int offset, int count)
    {
        _at = offset;
        _left = Count - count;
    }

    /// <summary>Reads the next effect; its spans point into the batch.</summary>
    /// <exception cref="CorruptionException">The bytes are no batch.</exception>
    public bool TryRead(out Effect effect)
    {
        effect = default;
        if (_left == 0)
        {
            if (_at != _bytes.Length) Malformed();
            return false;
        }
        if (_at >= _bytes.Length) Malformed();
        var tag = _bytes[_at++];
        var kind = (EffectKind)(tag & WriteBatch.KindMask);
        if (kind > EffectKind.DeleteRange || (tag & ~(WriteBatch.KindMask | WriteBatch.ExpiryFlag)) != 0) Malformed();
        var key = ReadBytes();
        SystemTime expiry = default;
        if ((tag & WriteBatch.ExpiryFlag) != 0)
        {
            if (_bytes.Length - _at < sizeof(ulong)) Malformed();
            expiry = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_at..]));
            _at += sizeof(ulong);
        }
        var value = kind == EffectKind.Delete ? default : ReadBytes();
        effect = new Effect { Kind = kind, Key = key, Value = value, Expiry = expiry };
        _left--;
        return true;
    }

    ReadOnlySpan<byte> ReadBytes()
    {
        if (!Varint.TryRead(_bytes[_at..], out uint length, out var used)) Malformed();
        _at += used;
        if (length > (uint)(_bytes.Length - _at)) Malformed();
        var bytes = _bytes.Slice(_at, (int)length);
        _at += (int)length;
        return bytes;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Malformed() => throw new CorruptionException("a batch is malformed");
}
