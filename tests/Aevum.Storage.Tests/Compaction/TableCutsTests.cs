using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Memtables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Compaction;

/// <summary>Where flushes and merges cut their tables, against a look at every key; and what it is for: what only grows is written once.</summary>
public sealed class TableCutsTests
{
    static readonly TreeOptions Growing = new()
    {
        MemtableBytes = 256 << 10,
        BlockBytes = 512,
        Compaction = new CompactionOptions { BaseLevelBytes = 1 << 20, TableBytes = 128 << 10 },
    };

    [Theory, Seeds(200)]
    public void Runs_without_an_existing_key_are_cut_out_and_nothing_else(ulong seed)
    {
        var random = new SeededRandom(seed);
        var existing = new SortedSet<int>(Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(100_000)));
        var keys = new SortedSet<int>();
        for (var runs = random.Next(1, 8); runs > 0; runs--)
        {
            var (first, count, step) = (random.Next(100_000), random.Next(1, 600), random.Next(1, 30));
            for (var i = 0; i < count; i++) keys.Add(first + (i * step));
        }
        var every = Math.Max(1, keys.Count / TableCuts.SamplesPerFlush);
        int[] samples = [.. keys.Where((_, i) => i % every == 0)];

        using var arenas = new ArenaPool();
        using var tables = new Memtable(arenas);
        foreach (var key in existing) Put(tables, key);
        using var cursor = tables.NewCursor();
        var cuts = TableCuts.OfFlush([.. samples.Select(Key)], cursor);

        Assert.Equal(cuts.Order(KeyComparer.Instance), cuts);
        // Of any two neighbours: a border between them is wanted where one lies in a run that no existing key interrupts, and the other does not.
        int? before = null;
        foreach (var key in keys)
        {
            if (before is { } last)
                Assert.Equal(RunOf(last) != RunOf(key), cuts.Any(cut => Below(Key(last), cut) && !Below(Key(key), cut)));
            before = key;
        }

        static bool Below(byte[] key, byte[] cut) => KeyComparer.Instance.Compare(key, cut) < 0;

        // The existing key at or above, if enough samples lie between it and the one below: then the key is in a run of its own. 0: in none.
        int RunOf(int key)
        {
            if (existing.Contains(key)) return 0;
            var end = existing.FirstOrDefault(e => e > key, int.MaxValue);
            var start = existing.LastOrDefault(e => e < key, int.MinValue);
            return samples.Count(s => s > start && s < end) > TableCuts.StretchesOfRun(samples.Length) ? end : 0;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_only_grows_is_written_once(bool upwards)
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", Growing);
        const int Elements = 40_000;
        // Other keys on both sides, so that the growing object is not the end of everything.
        for (var i = 0; i < 50; i++) Write(tree, b => b.Put([(byte)(i % 2 == 0 ? 'a' : 'z'), (byte)i], new byte[50]));
        for (var i = 0; i < Elements; i++)
        {
            var element = upwards ? i : Elements - i;
            Write(tree, b =>
            {
                b.Put("head"u8, Key(i));
                b.Put([.. "head"u8, 1, .. Key(element)], Value(element));
            });
            if (i % 500 == 0) scheduler.RunUntilIdle();
        }
        tree.Flush();
        scheduler.RunUntilIdle();

        Assert.True(tree.Statistics.Flushes > 10 && tree.Statistics.Moves > 5, $"{tree.Statistics.Flushes} flushes, {tree.Statistics.Moves} moves");
        Assert.InRange(tree.Statistics.CompactionBytesWritten, 0, tree.Statistics.FlushBytes / 4);
        Assert.Equal(Key(Elements - 1), tree.Get("head"u8));
        for (var i = upwards ? 0 : 1; i < Elements; i += 7) Assert.Equal(Value(i), tree.Get([.. "head"u8, 1, .. Key(i)]));

        static byte[] Value(int element) => [.. Key(element), .. new byte[60]];
    }

    [Fact]
    public void A_flush_beside_a_table_that_cannot_be_read_goes_through()
    {
        var files = new MemoryFileSystem();
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using (var tree = Tree.Open(environment, "db", Growing))
        {
            Fill(tree, 0);
            tree.Flush();
            scheduler.RunUntilIdle();
        }
        var damaged = files.ListFiles("db/tables").Select(name => "db/tables/" + name).ToArray();
        Assert.NotEmpty(damaged);
        foreach (var path in damaged)
        {
            var length = files.FileLength(path);
            using var file = files.Create(path);
            file.Append(new byte[length]);
        }
        using (var tree = Tree.Open(environment, "db", Growing))
        {
            Fill(tree, 1);
            tree.Flush();
            Assert.Equal(1, tree.Statistics.Flushes);
        }

        static void Fill(Tree tree, int of)
        {
            for (var i = 0; i < 700; i++) Write(tree, b => b.Put(Key((2 * i) + of), new byte[60]));
        }
    }

    static ulong _time;

    static void Write(Tree tree, Action<WriteBatch> fill)
    {
        var batch = new WriteBatch { SystemTime = new(Interlocked.Increment(ref _time)) };
        fill(batch);
        tree.Write(batch);
    }

    static byte[] Key(int i) => [(byte)(i >> 24), (byte)(i >> 16), (byte)(i >> 8), (byte)i];

    static void Put(Memtable memtable, int key)
    {
        var batch = new WriteBatch { SystemTime = new(1) };
        batch.Put(Key(key), "v"u8);
        memtable.ApplyBatch(batch.Encoded);
    }
}
