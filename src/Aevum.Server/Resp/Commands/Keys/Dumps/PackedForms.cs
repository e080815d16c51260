// PackedForms: the compact forms in which Redis keeps small objects, and puts them into dumps as they are. Read only; every length is checked against the
// bytes there are, and what does not fit is refused.
//
//   listpack    bytes u32 | count u16 | entries, each: encoding, bytes, its length again backwards | ff
//   ziplist     bytes u32 | tail u32 | count u16 | entries, each: length of the one before, encoding, bytes | ff          before 7.0
//   intset      width u32: 2, 4, 8 | count u32 | numbers
//   zipmap      count u8 | key length, key, value length, free u8, value, free bytes | ff                                  before 2.6
//
// Little endian, but for ziplist's lengths of strings. Numbers become the text that Redis shows of them.

using System.Buffers.Binary;
using System.Buffers.Text;

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

static class PackedForms
{
    const byte End = 0xFF;

    /// <summary>Adds the entries to a list.</summary>
    /// <returns>False: the bytes are none.</returns>
    public static bool TryReadListpack(ReadOnlySpan<byte> bytes, List<byte[]> entries)
    {
        const int headerBytes = 6;
        if (bytes.Length < headerBytes + 1 || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != (uint)bytes.Length || bytes[^1] != End) return false;
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        var before = entries.Count;
        var at = headerBytes;
        while (at < bytes.Length - 1)
        {
            var start = at;
            if (!TryReadListpackEntry(bytes[..^1], ref at, out var entry)) return false;
            var back = BackBytes(at - start);
            if (back > bytes.Length - 1 - at) return false;
            at += back;
            entries.Add(entry);
        }
        return count == ushort.MaxValue || count == entries.Count - before;
    }

    static int BackBytes(int length) => length <= 127 ? 1 : length < 16383 ? 2 : length < 2097151 ? 3 : length < 268435455 ? 4 : 5;

    static bool TryReadListpackEntry(ReadOnlySpan<byte> bytes, ref int at, out byte[] entry)
    {
        entry = [];
        var first = bytes[at++];
        var rest = bytes[at..];
        if (first < 0x80) return SetNumber(first, out entry);
        if (first < 0xC0) return TryString(bytes, ref at, 0, first & 0x3F, out entry);
        if (first < 0xE0)
        {
            if (rest.IsEmpty) return false;
            at++;
            var number = ((first & 0x1F) << 8) | rest[0];
            return SetNumber(number >= 1 << 12 ? number - (1 << 13) : number, out entry);
        }
        if (first < 0xF0) return !rest.IsEmpty && TryString(bytes, ref at, 1, ((first & 0x0F) << 8) | rest[0], out entry);
        return first switch
        {
            0xF0 => rest.Length >= 4 && TryString(bytes, ref at, 4, BinaryPrimitives.ReadUInt32LittleEndian(rest), out entry),
            0xF1 => TryNumber(bytes, ref at, 2, out entry),
            0xF2 => TryNumber(bytes, ref at, 3, out entry),
            0xF3 => TryNumber(bytes, ref at, 4, out entry),
            0xF4 => TryNumber(bytes, ref at, 8, out entry),
            _ => false,
        };
    }

    /// <summary>Adds the entries to a list.</summary>
    /// <returns>False: the bytes are none.</returns>
    public static bool TryReadZiplist(ReadOnlySpan<byte> bytes, List<byte[]> entries)
    {
        const int headerBytes = 10;
        if (bytes.Length < headerBytes + 1 || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != (uint)bytes.Length || bytes[^1] != End) return false;
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
        var before = entries.Count;
        var body = bytes[..^1];
        for (var at = headerBytes; at < body.Length;)
        {
            at += body[at] < 254 ? 1 : 5;
            if (at >= body.Length || !TryReadZiplistEntry(body, ref at, out var entry)) return false;
            entries.Add(entry);
        }
        return count == ushort.MaxValue || count == entries.Count - before;
    }

    static bool TryReadZiplistEntry(ReadOnlySpan<byte> bytes, ref int at, out byte[] entry)
    {
        entry = [];
        var first = bytes[at++];
        var rest = bytes[at..];
        switch (first >> 6)
        {
            case 0: return TryString(bytes, ref at, 0, first & 0x3F, out entry);
            case 1: return !rest.IsEmpty && TryString(bytes, ref at, 1, ((first & 0x3F) << 8) | rest[0], out entry);
            case 2: return rest.Length >= 4 && TryString(bytes, ref at, 4, BinaryPrimitives.ReadUInt32BigEndian(rest), out entry);
        }
        return first switch
        {
            0xC0 => TryNumber(bytes, ref at, 2, out entry),
            0xD0 => TryNumber(bytes, ref at, 4, out entry),
            0xE0 => TryNumber(bytes, ref at, 8, out entry),
            0xF0 => TryNumber(bytes, ref at, 3, out entry),
            0xFE => TryNumber(bytes, ref at, 1, out entry),
            >= 0xF1 and <= 0xFD => SetNumber((first & 0x0F) - 1, out entry),
            _ => false,
        };
    }

    /// <summary>Adds the numbers to a list.</summary>
    /// <returns>False: the bytes are none.</returns>
    public static bool TryReadIntset(ReadOnlySpan<byte> bytes, List<byte[]> entries)
    {
        if (bytes.Length < 8) return false;
        var width = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (width is not (2 or 4 or 8) || (ulong)(bytes.Length - 8) != count * (ulong)width) return false;
        for (var at = 8; at < bytes.Length;)
        {
            if (!TryNumber(bytes, ref at, (int)width, out var entry)) return false;
            entries.Add(entry);
        }
        return true;
    }

    /// <summary>Adds keys and values by turns to a list.</summary>
    /// <returns>False: the bytes are none.</returns>
    public static bool TryReadZipmap(ReadOnlySpan<byte> bytes, List<byte[]> entries)
    {
        if (bytes.Length < 2 || bytes[^1] != End) return false;
        var body = bytes[..^1];
        var at = 1;
        while (at < body.Length)
        {
            if (!TryZipmapLength(body, ref at, out var keyBytes) || !TryString(body, ref at, 0, keyBytes, out var key)) return false;
            if (!TryZipmapLength(body, ref at, out var valueBytes) || at == body.Length) return false;
            int free = body[at++];
            if (!TryString(body, ref at, 0, valueBytes, out var value) || free > body.Length - at) return false;
            at += free;
            entries.Add(key);
            entries.Add(value);
        }
        return true;
    }

    static bool TryZipmapLength(ReadOnlySpan<byte> bytes, ref int at, out long length)
    {
        length = 0;
        if (at == bytes.Length) return false;
        length = bytes[at++];
        if (length < 254) return true;
        if (length != 254 || bytes.Length - at < 4) return false;
        length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
        at += 4;
        return true;
    }

    // Bytes of a length, behind so many bytes that told it.
    static bool TryString(ReadOnlySpan<byte> bytes, ref int at, int lengthBytes, long length, out byte[] entry)
    {
        entry = [];
        at += lengthBytes;
        if (length > bytes.Length - at) return false;
        entry = bytes.Slice(at, (int)length).ToArray();
        at += (int)length;
        return true;
    }

    static bool TryNumber(ReadOnlySpan<byte> bytes, ref int at, int width, out byte[] entry)
    {
        entry = [];
        if (width > bytes.Length - at) return false;
        var number = 0L;
        for (var i = width - 1; i >= 0; i--) number = (number << 8) | bytes[at + i];
        var unused = 64 - (8 * width);
        at += width;
        return SetNumber(number << unused >> unused, out entry);
    }

    static bool SetNumber(long number, out byte[] entry)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, text, out var length);
        entry = text[..length].ToArray();
        return true;
    }
}
