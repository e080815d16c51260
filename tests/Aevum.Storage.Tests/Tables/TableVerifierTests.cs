using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed class TableVerifierTests
{
    const ulong TableId = 3;

    static TableOracle Sample()
    {
        var random = new SeededRandom(11);
        var oracle = new TableOracle();
        for (var i = 0; i < 60; i++)
        {
            var key = System.Text.Encoding.ASCII.GetBytes($"key{i * 3:d4}");
            for (var version = 1 + random.Next(4); version > 0; version--)
            {
                var end = random.OneIn(2) ? 900UL + (ulong)i : 0;
                oracle.Entries.Add(new(key, 10 * (ulong)version + (ulong)i, EffectKind.Put, 0, end, new byte[random.Next(30)]));
            }
        }
        oracle.RangeDeletes.Add(new("a"u8.ToArray(), "key0009"u8.ToArray(), 5));
        oracle.Sort();
        return oracle;
    }

    static IReadOnlyList<TableProblem> Verify(byte[] bytes)
    {
        using var cache = new BlockCache(0);
        using var table = TableReader.Open(new ArrayFile(bytes), TableId, cache);
        return table.Verify();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_sound_table_has_no_problems_and_each_damaged_block_is_one(bool partitioned)
    {
        var options = new TableWriterOptions { BlockBytes = 200, IndexBytesMax = partitioned ? 0 : 1 << 20, IndexPartitionBytes = 300 };
        var image = TableImage.Of(Sample(), TableId, options);
        Assert.Empty(Verify(image.Bytes));
        var dataBlocks = image.Blocks.Where(block => block.Offset < image.Blocks[0].Offset).ToList();
        Assert.True(dataBlocks.Count > 10);
        foreach (var block in dataBlocks)
        {
            var bytes = (byte[])image.Bytes.Clone();
            bytes[block.Offset + block.Length / 2] ^= 8;
            var problem = Assert.Single(Verify(bytes));
            Assert.Equal((long)block.Offset, problem.Offset);
        }
        // Two at once are two problems: checking goes on behind damage.
        var both = (byte[])image.Bytes.Clone();
        both[dataBlocks[2].Offset] ^= 1;
        both[dataBlocks[7].Offset] ^= 1;
        Assert.Equal(2, Verify(both).Count);
    }

    [Fact]
    public void A_key_out_of_order_is_a_problem()
    {
        var image = TableImage.Of(Sample(), TableId, new() { BlockBytes = 200, RestartInterval = 1 });
        foreach (var block in image.Blocks.Where(block => block.Offset < image.Blocks[0].Offset))
        {
            var bytes = (byte[])image.Bytes.Clone();
            // With restarts everywhere an entry starts with two lengths and a tag, then the key.
            Assert.Equal((byte)'k', bytes[block.Offset + 3]);
            bytes[block.Offset + 3] = (byte)'j';
            image.Reseal(bytes);
            Assert.NotEmpty(Verify(bytes));
            bytes[block.Offset + 3] = (byte)'l';
            image.Reseal(bytes);
            Assert.NotEmpty(Verify(bytes));
        }
    }

    [Fact]
    public void A_filter_that_denies_a_key_is_a_problem()
    {
        var image = TableImage.Of(Sample(), TableId, null);
        var filter = image.Blocks[0];
        var bytes = (byte[])image.Bytes.Clone();
        bytes.AsSpan((int)filter.Offset, BloomFilter.LineBytes).Clear();
        image.Reseal(bytes);
        Assert.Contains(Verify(bytes), problem => problem.Text.Contains("filter denies", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_number_among_the_properties_is_checked()
    {
        var image = TableImage.Of(Sample(), TableId, new() { CreationFacts = [new("why", [1, 2])] });
        using var cache = new BlockCache(0);
        using var sound = TableReader.Open(new ArrayFile(image.Bytes), TableId, cache);
        var block = sound.Footer.Properties;
        foreach (var (name, _) in sound.Properties.Numbers)
        {
            var bytes = (byte[])image.Bytes.Clone();
            byte[] stored = [(byte)name.Length, .. System.Text.Encoding.ASCII.GetBytes(name), 8];
            var at = bytes.AsSpan((int)block.Offset, (int)block.Length).IndexOf(stored);
            Assert.True(at > 0, name);
            bytes[(int)block.Offset + at + stored.Length]++;
            image.Reseal(bytes);
            var refused = false;
            try
            {
                Assert.Contains(Verify(bytes), problem =>
                    problem.Text.Contains(name, StringComparison.Ordinal) || problem.Text.Contains("smallest", StringComparison.Ordinal));
            }
            catch (CorruptionException)
            {
                refused = true;
            }
            // What opening needs is checked there already.
            var mayBeRefused = name is "table.id" or "keys" or "range.deletes"
                || name.EndsWith("is.range.delete", StringComparison.Ordinal);
            Assert.True(!refused || mayBeRefused, name);
        }
    }

    // Index and filter say nothing that the data does not: whatever is done to them, either it is noticed or it makes no difference.
    [Theory, InlineData(false), InlineData(true)]
    public void What_passes_verification_answers_rightly(bool partitioned)
    {
        var oracle = Sample();
        var image = TableImage.Of(oracle, TableId,
            new() { BlockBytes = 200, IndexBytesMax = partitioned ? 0 : 1 << 20, IndexPartitionBytes = 400 });
        var random = new SeededRandom(12);
        using var cache = new BlockCache(0);
        int noticed = 0, harmless = 0;
        var others = image.Blocks.Where(block => block.Offset >= image.Blocks[0].Offset).ToList();
        for (var round = 0; round < 1500; round++)
        {
            var bytes = (byte[])image.Bytes.Clone();
            var block = others[random.Next(others.Count)];
            var at = (int)block.Offset + random.Next((int)block.Length);
            bytes[at] = (byte)(random.OneIn(2) ? bytes[at] ^ (1 << random.Next(8)) : random.Next(256));
            if (bytes[at] == image.Bytes[at]) continue;
            image.Reseal(bytes);
            try
            {
                using var table = TableReader.Open(new ArrayFile(bytes), TableId, cache);
                if (table.Verify().Count > 0)
                {
                    noticed++;
                    continue;
                }
                harmless++;
                CheckAnswers(oracle, table);
            }
            catch (CorruptionException)
            {
                noticed++;
            }
        }
        Assert.True(noticed > 300 && harmless > 100, $"{noticed} noticed, {harmless} harmless");
    }

    static void CheckAnswers(TableOracle oracle, TableReader table)
    {
        using var cursor = table.CreateCursor();
        var lease = default(BlockLease);
        cursor.SeekToFirst();
        foreach (var entry in oracle.Entries)
        {
            CursorAssert.At(entry, cursor);
            cursor.Next();
            Assert.True(table.TryFind(entry.Key, KeyHash.Compute(entry.Key), entry.Version, out var found, ref lease));
            Assert.Equal(entry.Version, found.Version);
        }
        Assert.False(cursor.Valid);
        for (var i = 0; i < oracle.Entries.Count; i += 3)
        {
            cursor.Seek(oracle.Entries[i].Key, oracle.Entries[i].Version);
            CursorAssert.At(oracle.Entries[i], cursor);
        }
        lease.Dispose();
    }
}
