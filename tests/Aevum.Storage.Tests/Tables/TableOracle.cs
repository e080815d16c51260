// TableOracle: what a table must answer, by the slowest and plainest means: a sorted list of entries.

using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

sealed record TestEntry(byte[] Key, ulong Version, EffectKind Kind, ulong Expiry, ulong End, byte[] Value);

sealed class TableOracle
{
    public List<TestEntry> Entries { get; private set; } = [];

    public List<RangeDelete> RangeDeletes { get; } = [];

    public static int Compare(TestEntry a, TestEntry b) => Compare(a.Key, a.Version, b.Key, b.Version);

    public static int Compare(byte[] aKey, ulong aVersion, byte[] bKey, ulong bVersion)
    {
        var order = aKey.AsSpan().SequenceCompareTo(bKey);
        return order != 0 ? order : bVersion.CompareTo(aVersion);
    }

    /// <summary>Index of the first entry at or after (key, version).</summary>
    public int LowerBound(byte[] key, ulong version)
    {
        var i = 0;
        // Plain on purpose; the binary search is what is being tested.
        while (i < Entries.Count && Compare(Entries[i].Key, Entries[i].Version, key, version) < 0) i++;
        return i;
    }

    public TestEntry? Find(byte[] key, ulong at)
    {
        TestEntry? best = null;
        foreach (var entry in Entries)
            if (entry.Version <= at && entry.Key.AsSpan().SequenceEqual(key) && (best is null || entry.Version > best.Version))
                best = entry;
        return best;
    }

    public void Sort()
    {
        var sorted = new SortedDictionary<(byte[], ulong), TestEntry>(
            Comparer<(byte[], ulong)>.Create((a, b) => Compare(a.Item1, a.Item2, b.Item1, b.Item2)));
        foreach (var entry in Entries) sorted[(entry.Key, entry.Version)] = entry;
        Entries = [.. sorted.Values];
    }

    public TableInfo Write(IFileSystem files, string path, ulong tableId, TableWriterOptions? options = null)
    {
        using var writer = new TableWriter(files.Create(path), tableId, options);
        foreach (var entry in Entries) writer.Add(entry.Key, entry.Version, entry.Kind, entry.Expiry, entry.End, entry.Value);
        foreach (var rangeDelete in RangeDeletes) writer.AddRangeDelete(rangeDelete.Start, rangeDelete.End, rangeDelete.Version);
        return writer.Finish();
    }

    /// <summary>Entries of a random shape: few or many versions a key, short or long keys and values, with or without times.</summary>
    public static TableOracle Random(SeededRandom random, int entriesMax)
    {
        var oracle = new TableOracle();
        var count = 1 + random.Next(entriesMax);
        var prefix = new byte[random.OneIn(3) ? random.Next(40) : random.Next(4)];
        random.Fill(prefix);
        var alphabet = random.OneIn(3) ? 256 : 1 + random.Next(4);
        var keyBytesMax = random.OneIn(4) ? 300 : 1 + random.Next(12);
        var valueBytesMax = random.OneIn(5) ? 6000 : random.Next(150);
        var versionsMax = random.OneIn(3) ? 60 : 1 + random.Next(4);
        var versionBase = random.OneIn(4) ? 0 : random.NextUInt64() >> random.Next(2, 60);
        var versionRange = random.OneIn(4) ? long.MaxValue : 1L << random.Next(2, 40);
        bool expiries = random.OneIn(3), ends = random.OneIn(3);
        // Half of the shapes have times whose counters agree, as most real ones do.
        var counterMask = random.OneIn(2) ? ulong.MaxValue : ~SystemTime.CounterMax;
        var counter = random.NextUInt64() & SystemTime.CounterMax & ~counterMask;
        ulong Time(ulong value) => (value & counterMask) | counter;
        while (oracle.Entries.Count < count)
        {
            var key = new byte[prefix.Length + random.Next(keyBytesMax)];
            prefix.CopyTo(key, 0);
            for (var i = prefix.Length; i < key.Length; i++)
                key[i] = (byte)(alphabet == 256 ? random.Next(256) : 0x61 + random.Next(alphabet));
            for (var versions = 1 + random.Next(versionsMax); versions > 0; versions--)
            {
                var value = new byte[random.Next(valueBytesMax + 1)];
                if (random.OneIn(2)) random.Fill(value);
                oracle.Entries.Add(new(key, Time(versionBase + (ulong)random.Next(versionRange)), (EffectKind)random.Next(3),
                    expiries && random.OneIn(2) ? Time(random.NextUInt64() >> random.Next(64)) : 0,
                    ends && !random.OneIn(5) ? Time(random.NextUInt64() >> random.Next(64)) : 0, value));
            }
        }
        oracle.Sort();
        if (random.OneIn(4)) oracle.ChainEnds(random);
        return oracle;
    }

    /// <summary>What is not newer than <paramref name="ceiling"/>.</summary>
    public TableOracle UpTo(ulong ceiling)
    {
        var oracle = new TableOracle();
        oracle.Entries.AddRange(Entries.Where(entry => entry.Version <= ceiling));
        return oracle;
    }

    // As in history tables: a version ends where the one above it begins. Now and then one ends earlier, by a delete that is gone.
    void ChainEnds(SeededRandom random)
    {
        for (var i = 0; i < Entries.Count; i++)
        {
            var (entry, above) = (Entries[i], i > 0 ? Entries[i - 1] : null);
            var end = above is not null && above.Key.AsSpan().SequenceEqual(entry.Key) ? above.Version : entry.Version + 1000;
            Entries[i] = entry with { End = random.OneIn(100) ? end - 1 : random.OneIn(100) ? 0 : end };
        }
    }

    public static TableWriterOptions RandomOptions(SeededRandom random) => new()
    {
        BlockBytes = random.OneIn(3) ? 4096 : 1 << random.Next(5, 14),
        RestartInterval = random.OneIn(3) ? 16 : 1 + random.Next(40),
        FilterBitsPerKey = random.OneIn(4) ? 0 : 10,
        IndexBytesMax = random.OneIn(2) ? 0 : 256 << 10,
        IndexPartitionBytes = 1 << random.Next(6, 15),
        KeyspacePrefixBytes = random.OneIn(2) ? 8 : 0,
        ChunkBytes = 1 << random.Next(8, 20),
        CompressionOf = Compressions[random.Next(Compressions.Length)],
    };

    static readonly Func<ulong, Compression>?[] Compressions =
        [null, null, _ => Compression.Brotli, _ => Compression.Lz4, keyspace => (Compression)(keyspace % 3)];
}

static unsafe class CursorAssert
{
    public static void At(TestEntry? expected, VersionCursor cursor)
    {
        Assert.Equal(expected is not null, cursor.Valid);
        if (expected is null) return;
        Assert.Equal(expected.Key, cursor.Key.ToArray());
        Assert.Equal(expected.Version, cursor.Version);
        Assert.Equal(expected.Kind, cursor.Kind);
        Assert.Equal(expected.Expiry, cursor.Expiry);
        Assert.Equal(expected.End, cursor.End);
        Assert.True(expected.Value.AsSpan().SequenceEqual(cursor.Value));
    }
}
