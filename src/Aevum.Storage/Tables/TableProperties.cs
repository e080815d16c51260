// TableProperties: what is known about a table as a whole, as pairs of a name and bytes.
//
//   count u32, then each:   name length varint | name (UTF-8) | value length varint | value          names ascend by bytes, none twice
//
// Numbers are u64. A reader ignores names that it does not know, so new properties need no new format version.
//
// To add one: a field here, a line in Encode and one in TryRead, a line in docs/formats/sorted-table.md, a check in TableVerifier.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Bytes;

namespace Aevum.Storage.Tables;

sealed record TableProperties
{
    public const string CollectorPrefix = "collector.";
    public const string CreationPrefix = "creation.";

    /// <summary>The table's number, unique among the tables of a process and never reused.</summary>
    public ulong TableId { get; init; }

    public ulong Entries { get; init; }

    public ulong Deletes { get; init; }

    public ulong Puts { get; init; }

    public ulong Merges { get; init; }

    public ulong RangeDeletes { get; init; }

    /// <summary>Different keys (of entries; range deletes do not count).</summary>
    public ulong Keys { get; init; }

    /// <summary>Bytes of all keys as they were added, one for each entry.</summary>
    public ulong RawKeyBytes { get; init; }

    public ulong RawValueBytes { get; init; }

    /// <summary>The longest key.</summary>
    public ulong KeyBytesMax { get; init; }

    public ulong DataBlocks { get; init; }

    /// <summary>Contents of all data blocks before compression.</summary>
    public ulong DataBytesRaw { get; init; }

    /// <summary>The longest contents of a data block before compression. No stored length may claim more.</summary>
    public ulong BlockBytesMax { get; init; }

    public ulong BlocksLz4 { get; init; }

    public ulong BlocksBrotli { get; init; }

    public ulong IndexPartitions { get; init; }

    /// <summary>The smallest key that the table speaks of, be it of an entry or the start of a range delete.</summary>
    public byte[] SmallestKey { get; init; } = [];

    /// <summary>The greatest key that the table speaks of, be it of an entry or the (exclusive) end of a range delete.</summary>
    public byte[] LargestKey { get; init; } = [];

    /// <summary>True if <see cref="SmallestKey"/> is the start of a range delete below every entry.</summary>
    public bool SmallestIsRangeDelete { get; init; }

    /// <summary>True if <see cref="LargestKey"/> is the end of a range delete beyond every entry: the key itself is not covered.</summary>
    public bool LargestIsRangeDelete { get; init; }

    /// <summary>Over entries and range deletes; greater than <see cref="VersionMax"/> if there are none.</summary>
    public ulong VersionMin { get; init; }

    public ulong VersionMax { get; init; }

    /// <summary>The smallest and greatest expiry of entries that expire; 0 if none does.</summary>
    public ulong ExpiryMin { get; init; }

    public ulong ExpiryMax { get; init; }

    /// <summary>Entries that expire.</summary>
    public ulong Expiring { get; init; }

    /// <summary>History tables: entries that say when they were superseded, and the greatest such time; 0 if none does.</summary>
    public ulong Ended { get; init; }

    public ulong EndMax { get; init; }

    /// <summary>Everything with a name of its own: collectors, creation facts, and properties of later programs.</summary>
    public IReadOnlyDictionary<string, byte[]> Others { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>What the collector of this name returned when the table was written, if one was registered.</summary>
    public byte[]? Collected(string collector) => Others.GetValueOrDefault(CollectorPrefix + collector);

    public void Encode(ref GrowingBytes target)
    {
        var all = new SortedDictionary<byte[], byte[]>(KeyComparer.Instance);
        foreach (var (name, value) in Others) all.Add(Encoding.UTF8.GetBytes(name), value);
        foreach (var (name, value) in Numbers) all.Add(Encoding.UTF8.GetBytes(name), Number(value));
        all.Add("key.smallest"u8.ToArray(), SmallestKey);
        all.Add("key.largest"u8.ToArray(), LargestKey);

        target.Append((uint)all.Count);
        foreach (var (name, value) in all)
        {
            RangeDeleteBlock.AppendBytes(ref target, name);
            RangeDeleteBlock.AppendBytes(ref target, value);
        }
    }

    static byte[] Number(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>Every property that is a number, under the name it has on disk.</summary>
    public IEnumerable<(string Name, ulong Value)> Numbers =>
    [
        ("table.id", TableId),
        ("entries", Entries),
        ("entries.delete", Deletes),
        ("entries.put", Puts),
        ("entries.merge", Merges),
        ("entries.expiring", Expiring),
        ("entries.ended", Ended),
        ("range.deletes", RangeDeletes),
        ("keys", Keys),
        ("key.bytes", RawKeyBytes),
        ("key.bytes.max", KeyBytesMax),
        ("key.smallest.is.range.delete", SmallestIsRangeDelete ? 1UL : 0),
        ("key.largest.is.range.delete", LargestIsRangeDelete ? 1UL : 0),
        ("value.bytes", RawValueBytes),
        ("blocks", DataBlocks),
        ("blocks.bytes", DataBytesRaw),
        ("blocks.bytes.max", BlockBytesMax),
        ("blocks.lz4", BlocksLz4),
        ("blocks.brotli", BlocksBrotli),
        ("index.partitions", IndexPartitions),
        ("version.min", VersionMin),
        ("version.max", VersionMax),
        ("expiry.min", ExpiryMin),
        ("expiry.max", ExpiryMax),
        ("end.max", EndMax),
    ];

    /// <returns>Null if the block is sound, else what should have been there.</returns>
    public static string? TryRead(ReadOnlySpan<byte> source, out TableProperties properties)
    {
        properties = new();
        if (source.Length < 4) return "a count of properties";
        var count = BinaryPrimitives.ReadUInt32LittleEndian(source);
        source = source[4..];
        var others = new Dictionary<string, byte[]>();
        byte[] before = [];
        for (uint i = 0; i < count; i++)
        {
            if (!RangeDeleteBlock.TryReadBytes(ref source, out var name) || !RangeDeleteBlock.TryReadBytes(ref source, out var value))
                return "a whole property";
            if (i > 0 && before.AsSpan().SequenceCompareTo(name) >= 0) return "properties in the order of their names";
            before = name.ToArray();
            if (!others.TryAdd(Encoding.UTF8.GetString(name), value.ToArray())) return "different names";
        }
        if (!source.IsEmpty) return "nothing after the last property";

        string? missing = null;
        ulong Take(string name)
        {
            if (others.Remove(name, out var value) && value.Length == 8) return BinaryPrimitives.ReadUInt64LittleEndian(value);
            missing ??= $"the property {name} of 8 bytes";
            return 0;
        }
        bool TakeTruth(string name)
        {
            var value = Take(name);
            if (value > 1) missing ??= $"0 or 1 as the property {name}";
            return value == 1;
        }
        byte[] TakeBytes(string name)
        {
            if (others.Remove(name, out var value)) return value;
            missing ??= $"the property {name}";
            return [];
        }
        properties = new()
        {
            TableId = Take("table.id"),
            Entries = Take("entries"),
            Deletes = Take("entries.delete"),
            Puts = Take("entries.put"),
            Merges = Take("entries.merge"),
            Expiring = Take("entries.expiring"),
            Ended = Take("entries.ended"),
            RangeDeletes = Take("range.deletes"),
            Keys = Take("keys"),
            RawKeyBytes = Take("key.bytes"),
            KeyBytesMax = Take("key.bytes.max"),
            SmallestIsRangeDelete = TakeTruth("key.smallest.is.range.delete"),
            LargestIsRangeDelete = TakeTruth("key.largest.is.range.delete"),
            RawValueBytes = Take("value.bytes"),
            DataBlocks = Take("blocks"),
            DataBytesRaw = Take("blocks.bytes"),
            BlockBytesMax = Take("blocks.bytes.max"),
            BlocksLz4 = Take("blocks.lz4"),
            BlocksBrotli = Take("blocks.brotli"),
            IndexPartitions = Take("index.partitions"),
            VersionMin = Take("version.min"),
            VersionMax = Take("version.max"),
            ExpiryMin = Take("expiry.min"),
            ExpiryMax = Take("expiry.max"),
            EndMax = Take("end.max"),
            SmallestKey = TakeBytes("key.smallest"),
            LargestKey = TakeBytes("key.largest"),
            Others = others,
        };
        return missing;
    }
}
