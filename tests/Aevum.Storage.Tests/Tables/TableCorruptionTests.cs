using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Tests.Bytes;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed unsafe class TableCorruptionTests
{
    const ulong TableId = 3;

    static TableOracle Sample(ulong seed, int keys, int valueBytes)
    {
        var random = new SeededRandom(seed);
        var oracle = new TableOracle();
        for (var i = 0; i < keys; i++)
        {
            var key = System.Text.Encoding.ASCII.GetBytes($"key{random.Next(keys):d4}{new string('x', random.Next(5))}");
            var value = new byte[random.Next(valueBytes)];
            if (random.OneIn(3)) random.Fill(value);
            var (expiry, end) = (random.OneIn(4) ? 77UL + (ulong)i : 0, random.OneIn(4) ? 9000UL + (ulong)i : 0);
            oracle.Entries.Add(new(key, 1000 + (ulong)random.Next(5000), (EffectKind)random.Next(3), expiry, end, value));
        }
        for (var version = 1; version < keys / 2; version++)
            oracle.Entries.Add(new("many"u8.ToArray(), (ulong)version * 3, EffectKind.Put, 0, 0, [(byte)version]));
        oracle.RangeDeletes.Add(new("key0003"u8.ToArray(), "key0007"u8.ToArray(), 1234));
        oracle.Sort();
        return oracle;
    }

    static TableWriterOptions Shape(int shape) => shape switch
    {
        0 => new() { BlockBytes = 200, RestartInterval = 4 },
        1 => new() { BlockBytes = 150, IndexBytesMax = 0, IndexPartitionBytes = 250 },
        2 => new() { BlockBytes = 400, CompressionOf = _ => Compression.Lz4, CompressionGainDivisor = 100 },
        _ => new() { BlockBytes = 400, CompressionOf = _ => Compression.Brotli, CompressionGainDivisor = 100, FilterBitsPerKey = 0 },
    };

    /// <summary>Reads everything there is. What is read before damage is met must be right, if an oracle is given.</summary>
    static void ReadAll(byte[] bytes, BlockCache cache, TableAccess access, TableCursorOptions options, TableOracle? oracle)
    {
        using var table = TableReader.Open(new ArrayFile(bytes), TableId, cache, new() { Access = access });
        using var cursor = table.CreateCursor(options);
        var i = 0;
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next(), i++)
            if (oracle is not null) CursorAssert.At(oracle.Entries[i], cursor);
        if (oracle is not null) Assert.Equal(oracle.Entries.Count, i);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3)]
    public void A_flip_of_any_bit_is_reported_and_never_becomes_data(int shape)
    {
        var oracle = Sample(1, 14, 14);
        var image = TableImage.Of(oracle, TableId, Shape(shape));
        using var cache = new BlockCache(1 << 20);
        ReadAll(image.Bytes, cache, TableAccess.Cached, TableCursorOptions.Default, oracle);

        var bytes = (byte[])image.Bytes.Clone();
        // Every bit of the first shape; of the others one of each byte, in turn.
        for (var bit = 0; bit < bytes.Length * 8; bit += shape == 0 ? 1 : 9)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var access = bit % 16 == 5 ? TableAccess.Mapped : TableAccess.Cached;
            Assert.Throws<CorruptionException>(() =>
                ReadAll(bytes, cache, access, bit % 2 == 0 ? TableCursorOptions.Default : TableCursorOptions.Bypass, oracle));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.Null(cache.FindInconsistency());
    }

    [Fact]
    public void A_file_that_is_too_short_or_too_long_is_reported()
    {
        var oracle = Sample(2, 30, 30);
        var image = TableImage.Of(oracle, TableId, Shape(0));
        using var cache = new BlockCache(0);
        for (var length = 0; length < image.Bytes.Length; length++)
            Assert.Throws<CorruptionException>(() =>
                ReadAll(image.Bytes[..length], cache, TableAccess.Cached, TableCursorOptions.Default, null));
        Assert.Throws<CorruptionException>(() => ReadAll([.. image.Bytes, 0], cache, TableAccess.Cached, TableCursorOptions.Default, null));
        Assert.Throws<CorruptionException>(() => ReadAll([0, .. image.Bytes], cache, TableAccess.Cached, TableCursorOptions.Default, null));
    }

    [Fact]
    public void The_message_names_the_file_and_the_place()
    {
        var image = TableImage.Of(Sample(2, 200, 60), TableId, null);
        var bytes = (byte[])image.Bytes.Clone();
        var block = image.Blocks[^1];
        bytes[block.Offset + 5] ^= 1;
        using var cache = new BlockCache(0);
        var failure = Assert.Throws<CorruptionException>(() => ReadAll(bytes, cache, TableAccess.Cached, TableCursorOptions.Default, null));
        Assert.Contains("array", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"{block.Offset}", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Corruption, failure.Code);
    }

    [Fact]
    public void Another_tables_file_is_refused()
    {
        var image = TableImage.Of(Sample(2, 20, 30), TableId, null);
        using var cache = new BlockCache(0);
        Assert.Throws<CorruptionException>(() => TableReader.Open(new ArrayFile(image.Bytes), TableId + 1, cache));
    }

    [Fact]
    public void A_later_format_is_refused_as_such()
    {
        var image = TableImage.Of(Sample(2, 20, 30), TableId, null);
        var bytes = (byte[])image.Bytes.Clone();
        bytes[^(TableFooter.Bytes - 76)]++;
        image.Reseal(bytes);
        using var cache = new BlockCache(0);
        var failure = Assert.Throws<AevumException>(() => TableReader.Open(new ArrayFile(bytes), TableId, cache));
        Assert.Equal(ErrorCode.UnsupportedFormat, failure.Code);
    }

    // Damage behind checksums that hold: nothing but a typed error may come of it, whatever is asked of the table.
    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3)]
    public void Nonsense_with_good_checksums_ends_in_typed_errors_at_worst(int shape)
    {
        var oracle = Sample(4, 40, 40);
        var image = TableImage.Of(oracle, TableId, Shape(shape));
        var random = new SeededRandom(100 + (ulong)shape);
        using var cache = new BlockCache(300_000);
        int opened = 0, read = 0;
        for (var round = 0; round < 2500; round++)
        {
            var bytes = (byte[])image.Bytes.Clone();
            // Aim at one block, so that rounds get far, and at its end, where lengths and counts are.
            var block = image.Blocks[random.Next(image.Blocks.Count)];
            var isFooter = random.OneIn(12);
            var (start, length) = isFooter ? (bytes.Length - TableFooter.Bytes, TableFooter.Bytes)
                : ((int)block.Offset, (int)block.Length + 1);
            for (var changes = 1 + random.Next(3); changes > 0; changes--)
            {
                var at = start + (random.OneIn(2) ? random.Next(length) : Math.Max(0, length - 1 - random.Next(40)));
                bytes[at] = random.Next(4) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(bytes[at] + 1),
                    2 => (byte)(bytes[at] ^ (1 << random.Next(8))),
                    _ => random.OneIn(2) ? (byte)0xFF : (byte)0,
                };
            }
            image.Reseal(bytes);
            try
            {
                using var table = TableReader.Open(new ArrayFile(bytes), TableId, cache,
                    new() { Access = random.OneIn(2) ? TableAccess.Mapped : TableAccess.Cached });
                opened++;
                Torment(table, oracle, random);
                read++;
            }
            catch (AevumException)
            {
            }
        }
        // Both ways out are taken often.
        Assert.InRange(opened, 600, 2400);
        Assert.InRange(read, 200, opened - 200);
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.Null(cache.FindInconsistency());
    }

    static void Torment(TableReader table, TableOracle oracle, SeededRandom random)
    {
        table.Verify();
        using var cursor = table.CreateCursor(random.OneIn(2) ? TableCursorOptions.Default : TableCursorOptions.Bypass);
        var lease = default(BlockLease);
        try
        {
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) Use(cursor);
            for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) Use(cursor);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.NextKey()) Use(cursor);
            for (var i = 0; i < 30; i++)
            {
                var entry = oracle.Entries[random.Next(oracle.Entries.Count)];
                cursor.Seek(entry.Key, entry.Version);
                if (cursor.Valid) Use(cursor);
                if (cursor.Valid) cursor.Prev();
                if (cursor.Valid) Use(cursor);
                cursor.SeekBefore(entry.Key, entry.Version);
                if (cursor.Valid) cursor.Next();
                if (table.TryFind(entry.Key, KeyHash.Compute(entry.Key), entry.Version, out var found, ref lease)) Sum(found.Value);
            }
        }
        finally
        {
            lease.Dispose();
        }
    }

    static int s_sum;

    static void Use(VersionCursor cursor)
    {
        Sum(cursor.Key);
        Sum(cursor.Value);
    }

    // Touches every byte.
    static void Sum(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) s_sum += b;
    }

    [Fact]
    public void Validated_blocks_of_nonsense_are_searched_without_leaving_them()
    {
        var random = new SeededRandom(7);
        using var memory = new GuardedMemory(1 << 14);
        var accepted = 0;
        for (var round = 0; round < 300; round++)
        {
            var image = TableImage.Of(TableOracle.Random(random, 40), 1,
                new() { BlockBytes = 1 << random.Next(6, 12), RestartInterval = 1 + random.Next(20) });
            foreach (var block in image.Blocks.Where(block => block.Length <= 1 << 14).Skip(2).Take(6))
            {
                for (var damage = 0; damage < 6; damage++)
                {
                    var copy = memory.CopyAtEnd(image.Bytes.AsSpan((int)block.Offset, (int)block.Length));
                    for (var changes = damage; changes > 0; changes--)
                        copy[random.OneIn(2) ? random.Next(copy.Length) : Math.Max(0, copy.Length - 1 - random.Next(30))] =
                            (byte)(random.OneIn(2) ? random.Next(256) : random.Next(4));
                    fixed (byte* contents = copy)
                    {
                        if (DataBlock.TryValidate(contents, copy.Length, 1 << 20) is null)
                        {
                            accepted++;
                            WalkDataBlock(new DataBlock(contents, copy.Length), random);
                        }
                    }
                }
            }
        }
        Assert.True(accepted > 1000, $"{accepted}");
    }

    static void WalkDataBlock(DataBlock block, SeededRandom random)
    {
        var at = block.Entries;
        for (var i = 0; i < block.Count; i++)
        {
            var entry = BlockEntry.Read(at);
            Sum(new(entry.Suffix, entry.Unshared));
            Sum(new(entry.Value, entry.ValueLength));
            s_sum += (int)(block.VersionOf(i) + (block.HasExpiries ? block.ExpiryOf(i) : 0) + (block.HasEnds ? block.EndOf(i) : 0));
            at = entry.End;
            if (!block.HasRuns) continue;
            Assert.Equal(i + 1 == block.Count, at == block.EntriesEnd);
            Assert.InRange(block.RunStart(i), 0, i);
            var runEnd = block.RunEnd(i);
            Assert.InRange(runEnd, i + 1, block.Count);
            Assert.InRange(block.NewestAtMost(i, runEnd, random.NextUInt64()), i, runEnd);
            Sum(new(block.At(i), 3));
        }
        var key = new byte[random.Next(20)];
        random.Fill(key);
        fixed (byte* start = key)
        {
            var index = block.Search(start, key.Length, random.NextUInt64(), out var found, out _);
            if (index < block.Count) Sum(new(found.Suffix, found.Unshared));
        }
    }

    [Fact]
    public void Validated_index_blocks_of_nonsense_are_searched_without_leaving_them()
    {
        var random = new SeededRandom(8);
        using var memory = new GuardedMemory(1 << 15);
        var accepted = 0;
        for (var round = 0; round < 400; round++)
        {
            var oracle = TableOracle.Random(random, 60);
            var image = TableImage.Of(oracle, 1, new() { BlockBytes = 64, FilterBitsPerKey = 0 });
            var block = image.Blocks[0];
            if (block.Length > (1 << 15) - IndexBlock.PaddingBytes) continue;
            for (var damage = 0; damage < 8; damage++)
            {
                var padded = memory.AtEnd((int)block.Length + IndexBlock.PaddingBytes);
                image.Bytes.AsSpan((int)block.Offset, padded.Length).CopyTo(padded);
                for (var changes = damage; changes > 0; changes--)
                    padded[random.OneIn(3) ? random.Next(56) : random.Next((int)block.Length)] =
                        (byte)(random.OneIn(2) ? random.Next(256) : random.Next(4));
                fixed (byte* contents = padded)
                {
                    if (IndexBlock.TryValidate(contents, (long)block.Length, (ulong)image.Bytes.Length) is not null) continue;
                    accepted++;
                    var index = new IndexBlock(contents);
                    for (var i = 0; i < index.Count; i++)
                    {
                        Sum(index.Separator(i));
                        s_sum += (int)(index.VersionMin(i) + index.VersionMax(i) + index.EndMax(i));
                        s_sum += (int)(index.TieVersion(i) + index.Handle(i).Length);
                    }
                    for (var i = 0; i < 20; i++)
                    {
                        var entry = oracle.Entries[random.Next(oracle.Entries.Count)];
                        fixed (byte* key = entry.Key)
                            Assert.InRange(index.LowerBound(key, entry.Key.Length, entry.Version), 0, index.Count);
                    }
                }
            }
        }
        Assert.True(accepted > 500, $"{accepted}");
    }
}
