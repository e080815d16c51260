// OrderedKeyWriter: builds keys in one buffer that it keeps. Clear, add components, take Key; nothing is allocated once the buffer has the
// size of the longest key. Encodings: OrderedKey.

using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Bytes;

/// <summary>Writes keys whose byte order is the order of their components. Every Add returns this writer. One thread at a time.</summary>
public sealed class OrderedKeyWriter(int capacity = 64)
{
    byte[] _bytes = new byte[Math.Max(capacity, 16)];
    int _length;

    /// <summary>The key so far. Valid until the next change.</summary>
    public ReadOnlySpan<byte> Key => _bytes.AsSpan(0, _length);

    public int Length => _length;

    /// <summary>Starts a new key in the same memory.</summary>
    public OrderedKeyWriter Clear()
    {
        _length = 0;
        return this;
    }

    /// <summary>Goes back to an earlier <see cref="Length"/>: keys that share their first components need not write them again.</summary>
    public OrderedKeyWriter Truncate(int length)
    {
        if ((uint)length > (uint)_length) Throw.Invalid($"a key of {_length} bytes cannot be cut to {length}");
        _length = length;
        return this;
    }

    public OrderedKeyWriter AddByte(byte value, KeyOrder order = KeyOrder.Ascending)
    {
        Room(1)[0] = order == KeyOrder.Ascending ? value : (byte)~value;
        _length++;
        return this;
    }

    public OrderedKeyWriter AddUInt16(ushort value, KeyOrder order = KeyOrder.Ascending)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Room(2), order == KeyOrder.Ascending ? value : (ushort)~value);
        _length += 2;
        return this;
    }

    public OrderedKeyWriter AddUInt32(uint value, KeyOrder order = KeyOrder.Ascending)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Room(4), order == KeyOrder.Ascending ? value : ~value);
        _length += 4;
        return this;
    }

    public OrderedKeyWriter AddUInt64(ulong value, KeyOrder order = KeyOrder.Ascending)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Room(8), order == KeyOrder.Ascending ? value : ~value);
        _length += 8;
        return this;
    }

    public OrderedKeyWriter AddSByte(sbyte value, KeyOrder order = KeyOrder.Ascending) => AddByte((byte)(value ^ sbyte.MinValue), order);

    public OrderedKeyWriter AddInt16(short value, KeyOrder order = KeyOrder.Ascending) =>
        AddUInt16((ushort)(value ^ short.MinValue), order);

    public OrderedKeyWriter AddInt32(int value, KeyOrder order = KeyOrder.Ascending) => AddUInt32((uint)(value ^ int.MinValue), order);

    public OrderedKeyWriter AddInt64(long value, KeyOrder order = KeyOrder.Ascending) => AddUInt64((ulong)(value ^ long.MinValue), order);

    /// <summary>-0 is written as 0, and every NaN as the one NaN, above infinity.</summary>
    public OrderedKeyWriter AddSingle(float value, KeyOrder order = KeyOrder.Ascending) => AddUInt32(OrderedKey.FromSingle(value), order);

    /// <inheritdoc cref="AddSingle"/>
    public OrderedKeyWriter AddDouble(double value, KeyOrder order = KeyOrder.Ascending) => AddUInt64(OrderedKey.FromDouble(value), order);

    public OrderedKeyWriter AddBoolean(bool value, KeyOrder order = KeyOrder.Ascending) => AddByte(value ? (byte)1 : (byte)0, order);

    public OrderedKeyWriter AddGuid(Guid value, KeyOrder order = KeyOrder.Ascending)
    {
        var room = Room(16)[..16];
        value.TryWriteBytes(room, bigEndian: true, out _);
        if (order == KeyOrder.Descending) Invert(room);
        _length += 16;
        return this;
    }

    /// <summary>The newest first.</summary>
    public OrderedKeyWriter AddVersion(SystemTime value) => AddUInt64(~value.Value);

    /// <summary>A null of a nullable component. <paramref name="last"/> says on which side of all values it sorts; keys to be
    /// compared agree on it.</summary>
    public OrderedKeyWriter AddNull(bool last = false) => AddByte(last ? OrderedKey.NullLast : OrderedKey.NullFirst);

    /// <summary>Says that a nullable component has a value, which follows.</summary>
    public OrderedKeyWriter AddPresent() => AddByte(OrderedKey.Present);

    /// <summary>Bytes of any length and content.</summary>
    public OrderedKeyWriter AddBytes(ReadOnlySpan<byte> value, KeyOrder order = KeyOrder.Ascending)
    {
        var start = _length;
        AppendEscaped(value);
        if (order == KeyOrder.Descending) Invert(_bytes.AsSpan(start, _length - start));
        return this;
    }

    /// <summary>Text in the order of code points.</summary>
    /// <exception cref="AevumException">InvalidArgument: a surrogate stands alone. Such text has no UTF-8; a replacement character in its
    /// place would make different texts one key.</exception>
    public OrderedKeyWriter AddText(ReadOnlySpan<char> value, KeyOrder order = KeyOrder.Ascending)
    {
        // Encoded to the end of the buffer first, then escaped in place of itself only if a zero is in it, which hardly ever happens.
        var room = Room(Encoding.UTF8.GetMaxByteCount(value.Length));
        if (Utf8.FromUtf16(value, room, out _, out var count, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
            Throw.Invalid("text for a key holds half of a surrogate pair");
        var utf8 = room[..count];
        if (utf8.Contains(OrderedKey.Escape)) return AddBytes(utf8.ToArray(), order);
        var start = _length;
        _length += count;
        AppendTerminator();
        if (order == KeyOrder.Descending) Invert(_bytes.AsSpan(start, _length - start));
        return this;
    }

    /// <summary>Text given as UTF-8, in the order of code points.</summary>
    /// <exception cref="AevumException">InvalidArgument: it is not UTF-8.</exception>
    public OrderedKeyWriter AddUtf8(ReadOnlySpan<byte> value, KeyOrder order = KeyOrder.Ascending)
    {
        if (!Utf8.IsValid(value)) Throw.Invalid("text for a key is not UTF-8");
        return AddBytes(value, order);
    }

    /// <summary>Bytes as they are, neither escaped nor ended. What is added after them is part of them to every reader.</summary>
    public OrderedKeyWriter AddRaw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Room(value.Length));
        _length += value.Length;
        return this;
    }

    void AppendEscaped(ReadOnlySpan<byte> value)
    {
        while (true)
        {
            var zero = value.IndexOf(OrderedKey.Escape);
            if (zero < 0) break;
            AddRaw(value[..zero]);
            var room = Room(2);
            room[0] = OrderedKey.Escape;
            room[1] = OrderedKey.EscapedZero;
            _length += 2;
            value = value[(zero + 1)..];
        }
        AddRaw(value);
        AppendTerminator();
    }

    void AppendTerminator()
    {
        var room = Room(2);
        room[0] = OrderedKey.Escape;
        room[1] = OrderedKey.Terminator;
        _length += 2;
    }

    static void Invert(Span<byte> bytes)
    {
        foreach (ref var b in bytes) b = (byte)~b;
    }

    Span<byte> Room(int bytes)
    {
        if (bytes > _bytes.Length - _length) Grow(bytes);
        return _bytes.AsSpan(_length);
    }

    void Grow(int bytes)
    {
        var needed = (long)_length + bytes;
        if (needed > Array.MaxLength) Throw.Limit("a key's length", needed, Array.MaxLength);
        Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _bytes.Length)));
    }
}
