using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed class TableRoundTripTests : IDisposable
{
    const ulong TableId = 7;

    readonly MemoryFileSystem _files = new();
    readonly BlockCache _cache = new(1 << 20);

    TableReader Open(string path = "t", TableAccess access = TableAccess.Cached) =>
        TableReader.Open(_files, path, TableId, _cache, new() { Access = access });

    public void Dispose() => _cache.Dispose();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    static TableCursorOptions RandomCursorOptions(SeededRandom random) => random.Next(3) switch
    {
        0 => TableCursorOptions.Default,
        1 => TableCursorOptions.Bypass,
        _ => new()
        {
            FillCache = random.OneIn(2),
            ReadaheadBytesMin = random.Next(3000),
            ReadaheadBytesMax = random.OneIn(4) ? 0 : random.Next(20000),
        },
    };

    [Theory, MemberData(nameof(Seeds))]
    public void Cursors_and_lookups_agree_with_a_sorted_list(int seed)
    {
        var random = new SeededRandom((ulong)seed);
        var oracle = TableOracle.Random(random, 600);
        var info = oracle.Write(_files, "t", TableId, TableOracle.RandomOptions(random));
        Assert.Equal(_files.FileLength("t"), info.FileBytes);
        using var table = Open(access: random.OneIn(2) ? TableAccess.Mapped : TableAccess.Cached);
        Assert.Equal(oracle.Entries.Count, info.Entries);

        CheckScans(oracle, table, random);
        CheckMoves(oracle, table, random, 300);
        var some = oracle.Entries[random.Next(oracle.Entries.Count)].Version;
        foreach (var ceiling in new[] { 0UL, some, random.NextUInt64() >> random.Next(64), ulong.MaxValue - 1 })
            CheckMoves(oracle.UpTo(ceiling), table, random, 100, ceiling);
        CheckLookups(oracle, table, random);
        Assert.Empty(table.Verify());
        Assert.Equal(info.Properties.Numbers, table.Properties.Numbers);
    }

    static void CheckScans(TableOracle oracle, TableReader table, SeededRandom random)
    {
        using var cursor = table.CreateCursor(RandomCursorOptions(random));
        cursor.SeekToFirst();
        foreach (var entry in oracle.Entries)
        {
            CursorAssert.At(entry, cursor);
            cursor.Next();
        }
        Assert.False(cursor.Valid);
        cursor.SeekToLast();
        for (var i = oracle.Entries.Count - 1; i >= 0; i--)
        {
            CursorAssert.At(oracle.Entries[i], cursor);
            cursor.Prev();
        }
        Assert.False(cursor.Valid);
    }

    // A target that is an entry, or near one, or anything.
    static (byte[] Key, ulong Version) RandomTarget(TableOracle oracle, SeededRandom random)
    {
        var entry = oracle.Entries[random.Next(oracle.Entries.Count)];
        var key = entry.Key;
        if (random.OneIn(3) && key.Length > 0)
        {
            key = [.. key];
            var at = random.Next(key.Length);
            switch (random.Next(4))
            {
                case 0: key[at]++; break;
                case 1: key[at]--; break;
                case 2: key = key[..at]; break;
                default: key = [.. key, (byte)random.Next(2)]; break;
            }
        }
        var version = random.Next(6) switch
        {
            0 => 0UL,
            1 => ulong.MaxValue,
            2 => entry.Version - 1,
            3 => entry.Version + 1,
            _ => entry.Version,
        };
        return (key, version);
    }

    static void CheckMoves(TableOracle oracle, TableReader table, SeededRandom random, int moves, ulong ceiling = ulong.MaxValue)
    {
        using var cursor = table.CreateCursor(RandomCursorOptions(random) with { Ceiling = ceiling });
        TestEntry? Entry(int i) => i >= 0 && i < oracle.Entries.Count ? oracle.Entries[i] : null;
        var at = -1;
        for (var i = 0; i < moves; i++)
        {
            var before = Entry(at);
            var valid = before is not null;
            var move = random.Next(valid ? 12 : oracle.Entries.Count > 0 ? 4 : 2);
            if (move == 0)
            {
                cursor.SeekToFirst();
                at = 0;
            }
            else if (move == 1)
            {
                cursor.SeekToLast();
                at = oracle.Entries.Count - 1;
            }
            else if (move is 2 or 3)
            {
                var (key, version) = RandomTarget(oracle, random);
                at = oracle.LowerBound(key, version);
                if (move == 2)
                {
                    cursor.Seek(key, version);
                }
                else
                {
                    at--;
                    cursor.SeekBefore(key, version);
                }
            }
            else if (move <= 6)
            {
                cursor.Next();
                at++;
            }
            else if (move <= 9)
            {
                cursor.Prev();
                at--;
            }
            else if (move == 10)
            {
                cursor.NextKey();
                var key = oracle.Entries[at].Key;
                while (Entry(at) is { } entry && entry.Key.AsSpan().SequenceEqual(key)) at++;
            }
            else
            {
                // A cursor may be asked to seek to where it stands, by its own key.
                cursor.Seek(cursor.Key, cursor.Version);
            }
            CursorAssert.At(Entry(at), cursor);
            if (move is (>= 4 and <= 6) or 10 && cursor.Valid) Assert.Equal(cursor.Key.CommonPrefixLength(before!.Key), cursor.Shared);
        }
    }

    static void CheckLookups(TableOracle oracle, TableReader table, SeededRandom random)
    {
        var lease = default(BlockLease);
        for (var i = 0; i < 400; i++)
        {
            var (key, version) = RandomTarget(oracle, random);
            CheckLookup(oracle, table, key, version, ref lease);
        }
        lease.Dispose();
    }

    static void CheckLookup(TableOracle oracle, TableReader table, byte[] key, ulong at, ref BlockLease lease)
    {
        var expected = oracle.Find(key, at);
        var got = table.TryFind(key, KeyHash.Compute(key), at, out var found, ref lease);
        Assert.Equal(expected is not null, got);
        if (expected is null) return;
        Assert.Equal(expected.Version, found.Version);
        Assert.Equal(expected.Kind, found.Kind);
        Assert.Equal(expected.Expiry, found.Expiry);
        Assert.Equal(expected.End, found.End);
        Assert.True(expected.Value.AsSpan().SequenceEqual(found.Value));
    }

    [Theory, InlineData(16, 4096, false), InlineData(3, 200, false), InlineData(16, 4096, true), InlineData(1, 100, true)]
    public void Thousands_of_versions_of_one_key_are_found_each_at_its_time(int interval, int blockBytes, bool partitioned)
    {
        var oracle = new TableOracle();
        var random = new SeededRandom(5);
        foreach (var key in new byte[][] { [], "a"u8.ToArray(), "many"u8.ToArray(), "many\0"u8.ToArray(), "n"u8.ToArray() })
        {
            var versions = key.Length == 4 || random.OneIn(2) ? 5000 : 1;
            for (var i = 0; i < versions; i++)
                oracle.Entries.Add(new(key, (ulong)(2 + i * 3), EffectKind.Put, 0, 0, BitConverter.GetBytes(i)));
        }
        oracle.Sort();
        var indexBytesMax = partitioned ? 0 : 1 << 30;
        oracle.Write(_files, "t", TableId,
            new() { RestartInterval = interval, BlockBytes = blockBytes, IndexBytesMax = indexBytesMax, IndexPartitionBytes = 2000 });
        using var table = Open();

        var lease = default(BlockLease);
        for (var i = 0; i < 5000; i++)
        {
            foreach (var (at, expected) in new[] { (1UL + (ulong)i * 3, i - 1), (2UL + (ulong)i * 3, i), (3UL + (ulong)i * 3, i) })
            {
                var key = "many"u8;
                Assert.Equal(expected >= 0, table.TryFind(key, KeyHash.Compute(key), at, out var found, ref lease));
                if (expected >= 0) Assert.Equal(expected, BitConverter.ToInt32(found.Value));
            }
        }
        lease.Dispose();

        using var cursor = table.CreateCursor();
        var keys = 0;
        for (cursor.SeekToFirst(); cursor.Valid; cursor.NextKey()) keys++;
        Assert.Equal(5, keys);
        CheckMoves(oracle, table, random, 300);
        Assert.Empty(table.Verify());
    }

    [Fact]
    public void Long_keys_and_values_come_back_whole()
    {
        var oracle = new TableOracle();
        var random = new SeededRandom(9);
        var stem = new byte[64 << 10];
        random.Fill(stem);
        for (var i = 0; i < 40; i++)
        {
            byte[] key = [.. stem.AsSpan(0, (64 << 10) - 2), (byte)i, (byte)random.Next(256)];
            for (var version = 1; version <= 3; version++)
            {
                var value = new byte[random.OneIn(10) ? 1 << 20 : random.Next(5000)];
                random.Fill(value);
                oracle.Entries.Add(new(key, (ulong)version, EffectKind.Put, 0, 0, value));
            }
        }
        oracle.Entries.Add(new([], 3, EffectKind.Merge, 0, 0, [1]));
        oracle.Sort();
        oracle.Write(_files, "t", TableId);
        using var table = Open();
        CheckScans(oracle, table, random);
        CheckMoves(oracle, table, random, 200);
        CheckLookups(oracle, table, random);
        Assert.Empty(table.Verify());
    }

    [Fact]
    public void A_table_may_be_empty_or_hold_range_deletes_alone()
    {
        new TableOracle().Write(_files, "empty", TableId);
        using (var table = Open("empty"))
        {
            using var cursor = table.CreateCursor();
            cursor.SeekToFirst();
            Assert.False(cursor.Valid);
            cursor.SeekBefore("x"u8, 1);
            Assert.False(cursor.Valid);
            var lease = default(BlockLease);
            Assert.False(table.TryFind("x"u8, KeyHash.Compute("x"u8), ulong.MaxValue, out _, ref lease));
            Assert.True(table.RangeDeletes.IsEmpty);
        }

        var oracle = new TableOracle();
        oracle.RangeDeletes.Add(new("b"u8.ToArray(), "f"u8.ToArray(), 5));
        oracle.RangeDeletes.Add(new("a"u8.ToArray(), "c"u8.ToArray(), 9));
        var info = oracle.Write(_files, "ranges", TableId);
        using (var table = Open("ranges"))
        {
            Assert.Equal(9UL, table.RangeDeletes.NewestCovering("b"u8, ulong.MaxValue));
            Assert.Equal(5UL, table.RangeDeletes.NewestCovering("b"u8, 8));
            Assert.Equal("a"u8.ToArray(), info.SmallestKey);
            Assert.Equal("f"u8.ToArray(), info.LargestKey);
            Assert.True(info.LargestIsExclusive);
            Assert.Equal(5UL, info.VersionMin);
            Assert.Equal(9UL, info.VersionMax);
            Assert.Empty(table.Verify());
        }
    }
}
