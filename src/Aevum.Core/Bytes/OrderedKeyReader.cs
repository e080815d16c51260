// OrderedKeyReader: takes the components off a key, front to back. A key does not say what it holds: the reader asks for what the writer
// added, in the same order. Any bytes may be given; what is no encoding of the component asked for is refused, and then nothing is
// consumed. What is read and written again gives the same bytes. Encodings: OrderedKey.

using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Aevum.Core.Time;

namespace Aevum.Core.Bytes;

/// <summary>Reads the components of a key. Every TryRead returns false, and consumes nothing, if the key does not go on with such a
/// component.</summary>
public ref struct OrderedKeyReader(ReadOnlySpan<byte> key)
{
    ReadOnlySpan<byte> _rest = key;

    /// <summary>What is not read yet. At the end of a key with a raw component it is that component.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public bool TryReadByte(out byte value, KeyOrder order = KeyOrder.Ascending)
    {
        value = 0;
        if (_rest.Length < 1) return false;
        value = order == KeyOrder.Ascending ? _rest[0] : (byte)~_rest[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryReadUInt16(out ushort value, KeyOrder order = KeyOrder.Ascending)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value)) return false;
        if (order == KeyOrder.Descending) value = (ushort)~value;
        _rest = _rest[2..];
        return true;
    }

    public bool TryReadUInt32(out uint value, KeyOrder order = KeyOrder.Ascending)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value)) return false;
        if (order == KeyOrder.Descending) value = ~value;
        _rest = _rest[4..];
        return true;
    }

    public bool TryReadUInt64(out ulong value, KeyOrder order = KeyOrder.Ascending)
    {
        if (!BinaryPrimitives.TryReadUInt64BigEndian(_rest, out value)) return false;
        if (order == KeyOrder.Descending) value = ~value;
        _rest = _rest[8..];
        return true;
    }

    public bool TryReadSByte(out sbyte value, KeyOrder order = KeyOrder.Ascending)
    {
        var done = TryReadByte(out var bits, order);
        value = done ? (sbyte)(bits ^ 0x80) : (sbyte)0;
        return done;
    }

    public bool TryReadInt16(out short value, KeyOrder order = KeyOrder.Ascending)
    {
        var done = TryReadUInt16(out var bits, order);
        value = done ? (short)(bits ^ 0x8000) : (short)0;
        return done;
    }

    public bool TryReadInt32(out int value, KeyOrder order = KeyOrder.Ascending)
    {
        var done = TryReadUInt32(out var bits, order);
        value = done ? (int)bits ^ int.MinValue : 0;
        return done;
    }

    public bool TryReadInt64(out long value, KeyOrder order = KeyOrder.Ascending)
    {
        var done = TryReadUInt64(out var bits, order);
        value = done ? (long)bits ^ long.MinValue : 0;
        return done;
    }

    /// <remarks>Refuses bits that the writer never writes: -0, and NaNs other than the one.</remarks>
    public bool TryReadSingle(out float value, KeyOrder order = KeyOrder.Ascending)
    {
        var before = _rest;
        if (TryReadUInt32(out var bits, order))
        {
            value = OrderedKey.ToSingle(bits);
            if (OrderedKey.FromSingle(value) == bits) return true;
        }
        _rest = before;
        value = 0;
        return false;
    }

    /// <inheritdoc cref="TryReadSingle"/>
    public bool TryReadDouble(out double value, KeyOrder order = KeyOrder.Ascending)
    {
        var before = _rest;
        if (TryReadUInt64(out var bits, order))
        {
            value = OrderedKey.ToDouble(bits);
            if (OrderedKey.FromDouble(value) == bits) return true;
        }
        _rest = before;
        value = 0;
        return false;
    }

    public bool TryReadBoolean(out bool value, KeyOrder order = KeyOrder.Ascending)
    {
        var before = _rest;
        if (TryReadByte(out var bits, order) && bits <= 1)
        {
            value = bits == 1;
            return true;
        }
        _rest = before;
        value = false;
        return false;
    }

    public bool TryReadGuid(out Guid value, KeyOrder order = KeyOrder.Ascending)
    {
        value = default;
        if (_rest.Length < 16) return false;
        if (order == KeyOrder.Ascending)
        {
            value = new Guid(_rest[..16], bigEndian: true);
        }
        else
        {
            Span<byte> inverted = stackalloc byte[16];
            for (var i = 0; i < 16; i++) inverted[i] = (byte)~_rest[i];
            value = new Guid(inverted, bigEndian: true);
        }
        _rest = _rest[16..];
        return true;
    }

    public bool TryReadVersion(out SystemTime value)
    {
        var done = TryReadUInt64(out var bits);
        value = done ? new SystemTime(~bits) : SystemTime.None;
        return done;
    }

    /// <summary>Reads the tag of a nullable component. If <paramref name="isNull"/> is false the value follows.</summary>
    public bool TryReadNullTag(out bool isNull)
    {
        isNull = false;
        if (_rest.IsEmpty || _rest[0] is not (OrderedKey.NullFirst or OrderedKey.Present or OrderedKey.NullLast)) return false;
        isNull = _rest[0] != OrderedKey.Present;
        _rest = _rest[1..];
        return true;
    }

    /// <summary>Finds where a component of bytes or text ends, without reading it.</summary>
    /// <param name="order">As it was written.</param>
    /// <param name="encodedLength">Its length in the key.</param>
    /// <param name="decodedLength">Its length as a value.</param>
    public readonly bool TryMeasureBytes(KeyOrder order, out int encodedLength, out int decodedLength)
    {
        var mask = order == KeyOrder.Ascending ? (byte)0 : (byte)0xFF;
        var zeros = 0;
        for (var at = 0; ; at += 2, zeros++)
        {
            var found = _rest[at..].IndexOf((byte)(OrderedKey.Escape ^ mask));
            if (found < 0 || at + found + 1 >= _rest.Length) break;
            at += found;
            var second = _rest[at + 1] ^ mask;
            if (second == OrderedKey.Terminator)
            {
                encodedLength = at + 2;
                decodedLength = at - zeros;   // each escaped zero is one byte longer than what it stands for
                return true;
            }
            if (second != OrderedKey.EscapedZero) break;
        }
        encodedLength = 0;
        decodedLength = 0;
        return false;
    }

    /// <summary>Reads bytes into <paramref name="target"/>. A target as long as <see cref="Rest"/> always suffices.</summary>
    /// <returns>False also if the target is too short.</returns>
    public bool TryReadBytes(Span<byte> target, out int written, KeyOrder order = KeyOrder.Ascending)
    {
        written = 0;
        if (!TryMeasureBytes(order, out var encoded, out var decoded) || decoded > target.Length) return false;
        Decode(_rest[..(encoded - 2)], target[..decoded], order);
        written = decoded;
        _rest = _rest[encoded..];
        return true;
    }

    /// <summary>Reads bytes into an array of their own.</summary>
    public bool TryReadBytes(out byte[] value, KeyOrder order = KeyOrder.Ascending)
    {
        value = [];
        if (!TryMeasureBytes(order, out var encoded, out var decoded)) return false;
        value = new byte[decoded];
        Decode(_rest[..(encoded - 2)], value, order);
        _rest = _rest[encoded..];
        return true;
    }

    /// <summary>Reads text. Refuses bytes that are not UTF-8.</summary>
    public bool TryReadText(out string value, KeyOrder order = KeyOrder.Ascending)
    {
        var before = _rest;
        if (TryReadBytes(out byte[] utf8, order) && Utf8.IsValid(utf8))
        {
            value = Encoding.UTF8.GetString(utf8);
            return true;
        }
        _rest = before;
        value = "";
        return false;
    }

    /// <summary>Passes over a component of bytes or text.</summary>
    public bool TrySkipBytes(KeyOrder order = KeyOrder.Ascending)
    {
        if (!TryMeasureBytes(order, out var encoded, out _)) return false;
        _rest = _rest[encoded..];
        return true;
    }

    static void Decode(ReadOnlySpan<byte> encoded, Span<byte> target, KeyOrder order)
    {
        var mask = order == KeyOrder.Ascending ? (byte)0 : (byte)0xFF;
        if (mask == 0 && encoded.Length == target.Length)
        {
            encoded.CopyTo(target);
            return;
        }
        for (int from = 0, to = 0; to < target.Length; from++, to++)
        {
            target[to] = (byte)(encoded[from] ^ mask);
            if (target[to] == OrderedKey.Escape) from++;   // the second byte of an escaped zero
        }
    }
}
