using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed unsafe class TableWriterTests : IDisposable
{
    readonly MemoryFileSystem _files = new();
    readonly BlockCache _cache = new(8 << 20);

    public void Dispose() => _cache.Dispose();

    TableReader Open(string path = "t", ulong id = 1) => TableReader.Open(_files, path, id, _cache);

    static byte[] Key(int i) => Encoding.ASCII.GetBytes($"user:profile:{i:d7}");

    static TableOracle Plain(int count)
    {
        var oracle = new TableOracle();
        var random = new SeededRandom(1);
        for (var i = 0; i < count; i++)
        {
            var value = new byte[100];
            random.Fill(value);
            // Times as they come from an hour of writes in random order.
            oracle.Entries.Add(new(Key(i), ((ulong)random.Next(3_600_000_000) + 1_700_000_000_000_000) << 10, EffectKind.Put, 0, 0, value));
        }
        return oracle;
    }

    [Fact]
    public void An_entry_of_20_and_100_bytes_takes_less_than_115_bytes_of_file()
    {
        // RocksDB 7.8.3 takes 116.5 for the same keys and values, uncompressed, with a filter of 10 bits and its other defaults.
        var oracle = Plain(20_000);
        var info = oracle.Write(_files, "t", 1);
        Assert.True(info.FileBytes < 20_000 * 115L, $"{info.FileBytes / 20_000.0}");
    }

    static TableOracle ManyVersions(int keys, int versions)
    {
        var oracle = new TableOracle();
        for (var i = 0; i < keys; i++)
            for (var version = versions; version > 0; version--)
            {
                var value = new byte[100];
                value.AsSpan().Fill((byte)(i * 31 + version));
                oracle.Entries.Add(new(Key(i), (ulong)version << 20, EffectKind.Put, 0, (ulong)(version + 1) << 20, value));
            }
        return oracle;
    }

    [Theory, InlineData(10), InlineData(30), InlineData(50), InlineData(70), InlineData(300)]
    public unsafe void Keys_with_many_versions_start_blocks_of_their_own_of_at_most_twice_the_size(int versions)
    {
        const int keys = 60;
        var info = ManyVersions(keys, versions).Write(_files, "t", 1, new() { BlockBytes = 4096 });
        Assert.True(info.Properties.BlockBytesMax <= 2 * 4096, $"{info.Properties.BlockBytesMax}");
        // Whole keys as long as they fit: three of ten versions, one of 30 to 70.
        var expected = versions switch { 10 => keys / 3, 300 => 0, _ => keys };
        if (expected > 0) Assert.Equal((ulong)expected, info.Properties.DataBlocks);
        else Assert.True(info.Properties.DataBytesRaw / info.Properties.DataBlocks > 3000);

        using var table = Open();
        Assert.Empty(table.Verify());
        // Room for a reference to each block counts.
        Assert.True(table.MemoryBytes >= 8 * (long)info.Properties.DataBlocks);
        // Twice: the second time by the references of the first.
        for (var pass = 0; pass < 2; pass++)
            for (var i = 0; i < keys; i++)
                for (var version = 0; version <= versions + 1; version++)
                {
                    var key = Key(i);
                    var hash = KeyHashOf(key);
                    var lease = default(BlockLease);
                    var known = table.TryFind(key, hash, ((ulong)version << 20) + 5, out var found, ref lease);
                    Assert.Equal(version > 0, known);
                    if (known)
                    {
                        var newest = Math.Min(version, versions);
                        Assert.Equal((ulong)newest << 20, found.Version);
                        Assert.Equal((ulong)(newest + 1) << 20, found.End);
                        Assert.Equal((byte)(i * 31 + newest), found.ValuePointer[99]);
                    }
                    lease.Dispose();
                }
        Assert.Equal(0, _cache.Statistics.PinnedBytes);
    }

    static unsafe ulong KeyHashOf(byte[] key)
    {
        fixed (byte* bytes = key) return Aevum.Core.Bytes.KeyHash.Compute(bytes, key.Length);
    }

    [Fact]
    public void Properties_tell_what_went_in()
    {
        var oracle = new TableOracle();
        oracle.Entries.AddRange(
        [
            new("a"u8.ToArray(), 9, EffectKind.Put, 50, 0, new byte[10]),
            new("a"u8.ToArray(), 8, EffectKind.Delete, 0, 9, []),
            new("bcd"u8.ToArray(), 30, EffectKind.Merge, 0, 33, new byte[5]),
            new("e"u8.ToArray(), 2, EffectKind.Put, 20, 31, new byte[1]),
        ]);
        oracle.RangeDeletes.Add(new("c"u8.ToArray(), "z"u8.ToArray(), 1));
        var info = oracle.Write(_files, "t", 42, new() { CreationFacts = [new("cause", "flush"u8.ToArray())] });
        using var table = Open(id: 42);
        foreach (var properties in new[] { info.Properties, table.Properties })
        {
            Assert.Equal(42UL, properties.TableId);
            Assert.Equal((4UL, 1UL, 2UL, 1UL), (properties.Entries, properties.Deletes, properties.Puts, properties.Merges));
            Assert.Equal((3UL, 1UL), (properties.Keys, properties.RangeDeletes));
            Assert.Equal((6UL, 16UL, 3UL), (properties.RawKeyBytes, properties.RawValueBytes, properties.KeyBytesMax));
            Assert.Equal((1UL, 30UL), (properties.VersionMin, properties.VersionMax));
            Assert.Equal((20UL, 50UL, 2UL), (properties.ExpiryMin, properties.ExpiryMax, properties.Expiring));
            Assert.Equal((3UL, 33UL), (properties.Ended, properties.EndMax));
            Assert.Equal("a"u8.ToArray(), properties.SmallestKey);
            Assert.Equal("z"u8.ToArray(), properties.LargestKey);
            Assert.Equal((false, true), (properties.SmallestIsRangeDelete, properties.LargestIsRangeDelete));
            Assert.Equal("flush"u8.ToArray(), properties.Others["creation.cause"]);
        }
        Assert.Equal(0UL, info.ClosedEnd);
        Assert.Equal(new RangeDelete("c"u8.ToArray(), "z"u8.ToArray(), 1).Version, table.RangeDeletes.NewestCovering("d"u8, 5));
    }

    sealed class LongestValue : IPropertyCollector
    {
        int _longest;
        int _calls;

        public string Name => "longest.value";

        public void Add(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ReadOnlySpan<byte> value)
        {
            _longest = Math.Max(_longest, value.Length);
            _calls++;
            Assert.True(key.Length > 0 && version > 0 && kind == EffectKind.Put);
        }

        public byte[] Finish() => [(byte)_longest, (byte)_calls];
    }

    [Fact]
    public void Collectors_see_every_entry_and_leave_a_property()
    {
        var oracle = Plain(5);
        var options = new TableWriterOptions { Collectors = [() => new LongestValue()] };
        oracle.Write(_files, "t", 1, options);
        oracle.Write(_files, "u", 1, options);
        foreach (var path in new[] { "t", "u" })
        {
            using var table = Open(path);
            Assert.Equal([100, 5], table.Properties.Collected("longest.value"));
            Assert.Null(table.Properties.Collected("other"));
        }
    }

    [Fact]
    public void Order_is_demanded()
    {
        void Refused(params (string Key, ulong Version)[] entries)
        {
            using var writer = new TableWriter(_files.Create("t"), 1);
            for (var i = 0; i < entries.Length - 1; i++)
                writer.Add(Encoding.ASCII.GetBytes(entries[i].Key), entries[i].Version, EffectKind.Put, 0, 0, []);
            Assert.Throws<InvalidOperationException>(() =>
                writer.Add(Encoding.ASCII.GetBytes(entries[^1].Key), entries[^1].Version, EffectKind.Put, 0, 0, []));
        }
        Refused(("b", 1), ("a", 1));
        Refused(("ab", 1), ("a", 2));
        Refused(("a", 1), ("a", 1));
        Refused(("a", 1), ("a", 2));
        Refused(("", 5), ("", 5));
        Refused(("", 5), ("a", 3), ("", 2));
        Refused(("a", 5), ("b", 3), ("az", 9));
    }

    [Fact]
    public void An_abandoned_table_cannot_be_opened()
    {
        using (var writer = new TableWriter(_files.Create("t"), 1))
        {
            writer.Add("a"u8, 1, EffectKind.Put, 0, 0, "x"u8);
            writer.Abandon();
            Assert.Throws<InvalidOperationException>(() => writer.Add("b"u8, 1, EffectKind.Put, 0, 0, "x"u8));
        }
        Assert.Throws<Aevum.Core.Errors.CorruptionException>(() => Open());
    }

    [Fact]
    public void The_estimate_of_the_size_follows_the_file()
    {
        var oracle = Plain(3000);
        using var writer = new TableWriter(_files.Create("t"), 1);
        foreach (var entry in oracle.Entries) writer.Add(entry.Key, entry.Version, entry.Kind, 0, 0, entry.Value);
        var estimate = writer.EstimatedFileSize;
        var info = writer.Finish();
        Assert.InRange(estimate, info.FileBytes * 97 / 100, info.FileBytes * 103 / 100);
    }

    [Fact]
    public void No_block_crosses_a_keyspace_and_each_keyspace_has_its_compression()
    {
        var oracle = new TableOracle();
        var random = new SeededRandom(4);
        for (ulong keyspace = 1; keyspace <= 9; keyspace++)
        {
            for (var i = 0; i < 40 + random.Next(60); i++)
            {
                var key = new byte[8 + random.Next(10)];
                BinaryPrimitives.WriteUInt64BigEndian(key, keyspace << 32);
                random.Fill(key.AsSpan(8));
                oracle.Entries.Add(new(key, 1 + (ulong)i, EffectKind.Put, 0, 0, new byte[50]));
            }
        }
        // Keys shorter than a prefix are a keyspace each.
        oracle.Entries.Add(new([0], 1, EffectKind.Put, 0, 0, new byte[50]));
        oracle.Entries.Add(new([0, 0], 1, EffectKind.Put, 0, 0, new byte[50]));
        oracle.Sort();
        var options = new TableWriterOptions
        {
            KeyspacePrefixBytes = 8,
            BlockBytes = 1000,
            CompressionOf = keyspace => (keyspace >> 32) switch { 3 => Compression.Lz4, 5 => Compression.Brotli, _ => Compression.None },
        };
        var info = oracle.Write(_files, "t", 1, options);
        using var table = Open();
        Assert.Empty(table.Verify());
        Assert.True(info.Properties.BlocksLz4 > 1 && info.Properties.BlocksBrotli > 1);

        var lease = default(BlockLease);
        var compressed = 0;
        for (var i = 0; i < table.Top.Count; i++)
        {
            table.Source.ReadFromFile(table.Top.Handle(i), BlockContent.Data, ref lease);
            var block = new DataBlock(lease.Memory, lease.Length);
            var prefixes = new HashSet<string>();
            var key = new byte[64];
            var at = block.Entries;
            for (var n = 0; n < block.Count; n++)
            {
                var entry = BlockEntry.Read(at);
                new ReadOnlySpan<byte>(entry.Suffix, entry.Unshared).CopyTo(key.AsSpan(entry.Shared));
                prefixes.Add(Convert.ToHexString(key.AsSpan(0, Math.Min(8, entry.Shared + entry.Unshared))));
                at = entry.End;
            }
            Assert.Single(prefixes);
            if (lease.Length > (long)table.Top.Handle(i).Length)
            {
                compressed++;
                Assert.Contains(prefixes.Single(), (string[])["0000000300000000", "0000000500000000"]);
            }
        }
        lease.Dispose();
        Assert.Equal((int)(info.Properties.BlocksLz4 + info.Properties.BlocksBrotli), compressed);
    }

    [Fact]
    public void What_compression_hardly_shortens_is_stored_raw()
    {
        var oracle = Plain(200);
        foreach (var compression in new[] { Compression.Lz4, Compression.Brotli })
        {
            var info = oracle.Write(_files, "t", 1, new() { CompressionOf = _ => compression });
            Assert.Equal(0UL, info.Properties.BlocksLz4 + info.Properties.BlocksBrotli);
            var other = new TableOracle();
            other.Entries.AddRange(oracle.Entries.Select(entry => entry with { Value = new byte[100] }));
            info = other.Write(_files, "t", 1, new() { CompressionOf = _ => compression });
            Assert.Equal(info.Properties.DataBlocks, info.Properties.BlocksLz4 + info.Properties.BlocksBrotli);
            Assert.True(info.FileBytes < 200 * 40);
        }
    }

    [Fact]
    public void The_filter_denies_at_least_985_of_1000_absent_keys_and_no_present_one()
    {
        var hashes = default(GrowingBytes);
        var filter = default(GrowingBytes);
        const int keys = 50_000;
        for (var i = 0; i < keys; i++) hashes.Append(KeyHash.Compute(Key(2 * i)));
        BloomFilter.Build((ulong*)hashes.Start, keys, 10, ref filter);
        Assert.Null(BloomFilter.TryRead(filter.Start, filter.Length, out var lines, out var count));
        Assert.Equal((ulong)keys, count);
        Assert.InRange(filter.Length, keys * 10 / 8, keys * 10 / 8 + 200);
        var falsePositives = 0;
        for (var i = 0; i < keys; i++)
        {
            Assert.True(BloomFilter.MayContain(filter.Start, lines, KeyHash.Compute(Key(2 * i))));
            if (BloomFilter.MayContain(filter.Start, lines, KeyHash.Compute(Key(2 * i + 1)))) falsePositives++;
        }
        Assert.True(falsePositives <= keys * 15 / 1000, $"{falsePositives}");
        hashes.Dispose();
        filter.Dispose();
    }

    [Fact]
    public void A_cursor_at_a_time_skips_blocks_but_nothing_that_is_visible_then()
    {
        foreach (var partitioned in new[] { false, true })
        {
            var oracle = new TableOracle();
            var random = new SeededRandom(6);
            for (var i = 0; i < 3000; i++)
            {
                // Neighbours are of one age, so that whole blocks can be passed over; some entries never ended.
                var version = 1 + (ulong)(i / 100 * 1000 + random.Next(900));
                oracle.Entries.Add(new(Key(i), version, EffectKind.Put, 0, i / 500 % 3 == 0 ? 0 : version + 2000, new byte[20]));
            }
            oracle.Write(_files, "t", 1, new() { BlockBytes = 600, IndexBytesMax = partitioned ? 0 : 1 << 20, IndexPartitionBytes = 700 });
            using var table = Open();
            foreach (var at in new ulong[] { 0, 1, 500, 5_000, 14_000, 29_000, 31_000, 40_000 })
            {
                var options = new TableCursorOptions { At = at };
                bool IsVisible(TestEntry entry) => entry.Version <= at && (entry.End == 0 || entry.End > at);
                using var cursor = table.CreateCursor(options);

                var shown = new List<byte[]>();
                for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) shown.Add(cursor.Key.ToArray());
                CheckShown(shown, oracle, IsVisible);
                Assert.True(shown.Count < 2900);

                shown.Clear();
                for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) shown.Insert(0, cursor.Key.ToArray());
                CheckShown(shown, oracle, IsVisible);

                for (var i = 0; i < 60; i++)
                {
                    var target = random.Next(3000);
                    cursor.Seek(Key(target), at);
                    while (cursor.Valid && !(cursor.Version <= at && (cursor.End == 0 || cursor.End > at))) cursor.Next();
                    CursorAssert.At(oracle.Entries.Skip(target).FirstOrDefault(entry => IsVisible(entry)), cursor);
                    cursor.SeekBefore(Key(target), ulong.MaxValue);
                    while (cursor.Valid && !(cursor.Version <= at && (cursor.End == 0 || cursor.End > at))) cursor.Prev();
                    CursorAssert.At(oracle.Entries.Take(target).LastOrDefault(entry => IsVisible(entry)), cursor);
                }
            }
        }
    }

    static void CheckShown(List<byte[]> shown, TableOracle oracle, Func<TestEntry, bool> isVisible)
    {
        var keys = shown.Select(Convert.ToHexString).ToHashSet();
        Assert.Equal(shown.Count, keys.Count);
        foreach (var entry in oracle.Entries.Where(isVisible)) Assert.Contains(Convert.ToHexString(entry.Key), keys);
        Assert.Equal(shown.OrderBy(Convert.ToHexString, StringComparer.Ordinal), shown);
    }

    [Fact]
    public void Sizes_of_ranges_are_told_by_the_index()
    {
        var oracle = Plain(20_000);
        var info = oracle.Write(_files, "t", 1, new() { IndexBytesMax = 0, IndexPartitionBytes = 600 });
        oracle.Write(_files, "u", 1);
        foreach (var path in new[] { "t", "u" })
        {
            using var table = Open(path);
            Assert.InRange(table.ApproximateBytes(null, null), info.FileBytes * 9 / 10, info.FileBytes);
            Assert.InRange(table.ApproximateBytes(Key(5000), Key(15_000)), info.FileBytes * 45 / 100, info.FileBytes * 52 / 100);
            Assert.InRange(table.ApproximateBytes(Key(19_999), null), 0, 200_000);
            Assert.Equal(0, table.ApproximateBytes(Key(15_000), Key(5000)));
        }
    }

    [Fact]
    public void Adding_finding_and_walking_allocate_no_managed_memory()
    {
        var oracle = Plain(4000);
        using var writer = new TableWriter(_files.Create("t"), 1, new() { ChunkBytes = 1 << 20 });
        // The first entries make the buffers grow; after that nothing may be allocated until a chunk is written.
        for (var i = 0; i < 1000; i++)
            writer.Add(oracle.Entries[i].Key, oracle.Entries[i].Version, EffectKind.Put, 0, 0, oracle.Entries[i].Value);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1000; i < 4000; i++)
            writer.Add(oracle.Entries[i].Key, oracle.Entries[i].Version, EffectKind.Put, 0, 0, oracle.Entries[i].Value);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        writer.Finish();

        using var table = Open();
        using var cursor = table.CreateCursor();
        var lease = default(BlockLease);
        for (var round = 0; round < 2; round++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            var found = 0;
            foreach (var entry in oracle.Entries)
                if (table.TryFind(entry.Key, KeyHash.Compute(entry.Key), ulong.MaxValue, out _, ref lease)) found++;
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) found++;
            for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) found++;
            for (var i = 0; i < 100; i++) cursor.Seek(oracle.Entries[i * 37].Key, 0);
            // What is read for the first time may make the cache's own tables grow.
            if (round == 1) Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(12_000, found);
        }
        lease.Dispose();
    }
}
