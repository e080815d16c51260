// DumpReader: what Redis' DUMP answers, read: one object in the encoding of its files.
//
//   dump      type u8 | object | version u16 | checksum u64 (Crc64 over all before)                                        little endian
//   length    00llllll | 01llllll llllllll | 80 u32 | 81 u64            big endian; 11tttttt: no length, a string in another form
//   string    length, bytes; or a form: 0 i8, 1 i16, 2 i32 (as text), 3 LZF: packed length, length, packed bytes
//
// Types: those that Redis 7.0 writes and reads, from 2.0's on (listed in Type); of 7.2 sets as listpacks. Streams: DumpReader.Streams. Not modules.
// Always true: nothing is taken on trust. A dump that claims more than it holds, or would unpack to more than BytesMax, or has an element twice, an odd
// number of halves, a score that is no number, or nothing at all, is refused before anything is written.

using System.Buffers.Binary;
using System.Buffers.Text;
using Aevum.Core.Bytes;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

/// <summary>An object out of a dump.</summary>
/// <param name="Entries">Of a string one; of a hash and a sorted set pairs, a score as its 8 bytes, little endian.</param>
sealed record DumpedObject(StructureKind Kind, List<byte[]> Entries);

ref partial struct DumpReader
{
    /// <summary>Bytes behind the object.</summary>
    public const int FooterBytes = sizeof(ushort) + sizeof(ulong);

    /// <summary>The newest version of the encoding that is read: Redis 7.2's and its successors' differ in types, which are looked at one by one.</summary>
    public const int VersionMax = 12;

    // So much may a dump unpack to, beside what it holds as it is: no more than a request may be long.
    const long BytesMax = 512 << 20;

    internal enum Type : byte
    {
        String = 0,
        List = 1,
        Set = 2,
        SortedSetText = 3,
        Hash = 4,
        SortedSet = 5,
        HashZipmap = 9,
        ListZiplist = 10,
        SetIntset = 11,
        SortedSetZiplist = 12,
        HashZiplist = 13,
        ListOfZiplists = 14,
        HashListpack = 16,
        SortedSetListpack = 17,
        ListOfListpacks = 18,
        SetListpack = 20,
        StreamListpacks = 15,
        StreamListpacks2 = 19,
        StreamListpacks3 = 21,
    }

    readonly ReadOnlySpan<byte> _bytes;
    int _at;
    long _unpacked;

    DumpReader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>True if version and checksum are sound.</summary>
    public static bool IsSound(ReadOnlySpan<byte> dump)
    {
        if (dump.Length < FooterBytes) return false;
        var version = BinaryPrimitives.ReadUInt16LittleEndian(dump[^FooterBytes..]);
        return version <= VersionMax && BinaryPrimitives.ReadUInt64LittleEndian(dump[^sizeof(ulong)..]) == Crc64.Of(dump[..^sizeof(ulong)]);
    }

    /// <summary>Reads the object of a dump that is sound.</summary>
    /// <returns>Null: the bytes are none.</returns>
    public static DumpedObject? Read(ReadOnlySpan<byte> dump)
    {
        var reader = new DumpReader(dump[..^FooterBytes]);
        var entries = new List<byte[]>();
        if (reader._bytes.IsEmpty) return null;
        var type = (Type)reader._bytes[reader._at++];
        if (!reader.TryObject(type, entries, out var kind)) return null;
        return IsWhole(kind, entries) ? new DumpedObject(kind, entries) : null;
    }

    bool TryObject(Type type, List<byte[]> entries, out StructureKind kind)
    {
        kind = type switch
        {
            Type.String => StructureKind.String,
            Type.List or Type.ListZiplist or Type.ListOfZiplists or Type.ListOfListpacks => StructureKind.List,
            Type.Set or Type.SetIntset or Type.SetListpack => StructureKind.Set,
            Type.Hash or Type.HashZipmap or Type.HashZiplist or Type.HashListpack => StructureKind.Hash,
            _ => StructureKind.SortedSet,
        };
        switch (type)
        {
            case Type.String: return TryStrings(1, entries);
            case Type.List or Type.Set: return TryLength(out var count) && TryStrings(count, entries);
            case Type.Hash: return TryLength(out var pairs) && pairs <= int.MaxValue && TryStrings(2 * pairs, entries);
            case Type.SortedSet or Type.SortedSetText: return TryScored(type == Type.SortedSetText, entries);
            case Type.ListOfZiplists or Type.ListOfListpacks: return TryNodes(type == Type.ListOfListpacks, entries);
        }
        if (!TryString(out var packed)) return false;
        switch (type)
        {
            case Type.ListZiplist or Type.HashZiplist: return PackedForms.TryReadZiplist(packed, entries);
            case Type.HashListpack or Type.SetListpack: return PackedForms.TryReadListpack(packed, entries);
            case Type.HashZipmap: return PackedForms.TryReadZipmap(packed, entries);
            case Type.SetIntset: return PackedForms.TryReadIntset(packed, entries);
            case Type.SortedSetZiplist: return PackedForms.TryReadZiplist(packed, entries) && TryScores(entries);
            case Type.SortedSetListpack: return PackedForms.TryReadListpack(packed, entries) && TryScores(entries);
            default: return false;
        }
    }

    static bool IsWhole(StructureKind kind, List<byte[]> entries)
    {
        if (entries.Count == 0) return false;
        if (kind is StructureKind.String or StructureKind.List) return true;
        var step = kind == StructureKind.Set ? 1 : 2;
        if (entries.Count % step != 0) return false;
        var names = new HashSet<byte[]>(KeyComparer.Instance);
        for (var i = 0; i < entries.Count; i += step)
            if (!names.Add(entries[i])) return false;
        return true;
    }

    // ------------------------------------------------------------------------------------------------ parts

    bool TryNodes(bool areListpacks, List<byte[]> entries)
    {
        if (!TryLength(out var count)) return false;
        for (var i = 0L; i < count; i++)
        {
            var container = 2L;   // 1: the string is an element itself
            if (areListpacks && (!TryLength(out container) || container is not (1 or 2))) return false;
            if (!TryString(out var node)) return false;
            if (container == 1) entries.Add(node);
            else if (!(areListpacks ? PackedForms.TryReadListpack(node, entries) : PackedForms.TryReadZiplist(node, entries))) return false;
        }
        return true;
    }

    bool TryScored(bool areTexts, List<byte[]> entries)
    {
        if (!TryLength(out var count)) return false;
        for (var i = 0L; i < count; i++)
        {
            if (!TryString(out var member) || !(areTexts ? TryScoreText(out var score) : TryScoreBytes(out score)) || double.IsNaN(score)) return false;
            entries.Add(member);
            entries.Add(ScoreBytes(score));
        }
        return true;
    }

    bool TryScoreBytes(out double score)
    {
        score = 0;
        if (_bytes.Length - _at < sizeof(double)) return false;
        score = BinaryPrimitives.ReadDoubleLittleEndian(_bytes[_at..]);
        _at += sizeof(double);
        return true;
    }

    bool TryScoreText(out double score)
    {
        score = 0;
        if (_at == _bytes.Length) return false;
        int length = _bytes[_at++];
        if (length >= 253)
        {
            score = length == 254 ? double.PositiveInfinity : length == 255 ? double.NegativeInfinity : double.NaN;
            return true;
        }
        if (length > _bytes.Length - _at) return false;
        var text = _bytes.Slice(_at, length);
        _at += length;
        return Numbers.TryDouble(text, out score);
    }

    static bool TryScores(List<byte[]> entries)
    {
        for (var i = 1; i < entries.Count; i += 2)
        {
            if (!Numbers.TryDouble(entries[i], out var score)) return false;
            entries[i] = ScoreBytes(score);
        }
        return true;
    }

    static byte[] ScoreBytes(double score)
    {
        var bytes = new byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, score);
        return bytes;
    }

    bool TryStrings(long count, List<byte[]> entries)
    {
        // Each takes a byte at least.
        if (count > _bytes.Length - _at) return false;
        for (var i = 0L; i < count; i++)
        {
            if (!TryString(out var text)) return false;
            entries.Add(text);
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------------ lengths and strings

    bool TryLength(out long length)
    {
        if (TryLengthOrForm(out length, out var isForm) && !isForm) return true;
        length = 0;
        return false;
    }

    bool TryLengthOrForm(out long length, out bool isForm)
    {
        (length, isForm) = (0, false);
        if (_at == _bytes.Length) return false;
        var first = _bytes[_at++];
        var rest = _bytes[_at..];
        switch (first >> 6)
        {
            case 0:
                length = first & 0x3F;
                return true;
            case 1:
                if (rest.IsEmpty) return false;
                length = ((first & 0x3F) << 8) | rest[0];
                _at++;
                return true;
            case 3:
                (length, isForm) = (first & 0x3F, true);
                return true;
        }
        if (first == 0x80 && rest.Length >= sizeof(uint))
        {
            length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            _at += sizeof(uint);
            return true;
        }
        if (first != 0x81 || rest.Length < sizeof(ulong)) return false;
        length = BinaryPrimitives.ReadInt64BigEndian(rest);
        _at += sizeof(ulong);
        return length >= 0;
    }

    bool TryString(out byte[] text)
    {
        text = [];
        if (!TryLengthOrForm(out var length, out var isForm)) return false;
        if (!isForm)
        {
            if (length > _bytes.Length - _at) return false;
            text = _bytes.Slice(_at, (int)length).ToArray();
            _at += (int)length;
            return true;
        }
        switch (length)
        {
            case 0 when _bytes.Length - _at >= 1:
                text = Text((sbyte)_bytes[_at]);
                _at += 1;
                return true;
            case 1 when _bytes.Length - _at >= 2:
                text = Text(BinaryPrimitives.ReadInt16LittleEndian(_bytes[_at..]));
                _at += 2;
                return true;
            case 2 when _bytes.Length - _at >= 4:
                text = Text(BinaryPrimitives.ReadInt32LittleEndian(_bytes[_at..]));
                _at += 4;
                return true;
            case 3:
                return TryPackedString(out text);
            default:
                return false;
        }
    }

    bool TryPackedString(out byte[] text)
    {
        text = [];
        if (!TryLength(out var packedBytes) || !TryLength(out var length) || packedBytes > _bytes.Length - _at ||
            length > packedBytes * Lzf.ExpansionMax || (_unpacked += length) > BytesMax) return false;
        text = new byte[length];
        if (!Lzf.TryUnpack(_bytes.Slice(_at, (int)packedBytes), text)) return false;
        _at += (int)packedBytes;
        return true;
    }

    static byte[] Text(long number)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, text, out var length);
        return text[..length].ToArray();
    }
}
