using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Trees;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Trees;

/// <summary>What an owner of a tree asks and says beyond reads and writes: what is newer than a moment, what is visible.</summary>
public sealed class TreeNewerTests
{
    static readonly TreeOptions Options = new()
    {
        OwnLog = false,
        Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None },
        MemtableBytes = 64 << 10,
        Compaction = new CompactionOptions { BaseLevelBytes = 16 << 10, TableBytes = 4 << 10, LevelZeroTrigger = 2 },
    };

    static byte[] Key(int i) => [(byte)'k', (byte)i];

    /// <summary>Every change ever made, asked one by one.</summary>
    sealed class Changes
    {
        readonly List<(byte[] Start, byte[]? End, ulong Time)> _all = [];
        readonly List<(ulong Time, int[] Live)> _states = [];

        public void Add(int key, ulong time) => _all.Add((Key(key), null, time));

        // A range delete changes the keys that held something.
        public void Add(int first, int end, ulong time, IReadOnlySet<int> live)
        {
            foreach (var key in live)
                if (key >= first && key < end) Add(key, time);
        }

        public void Keep(ulong time, IEnumerable<int> live) => _states.Add((time, [.. live]));

        // Whether a key of [first, end) held something at a moment.
        public bool AnyLive(int first, int end, ulong at) =>
            _states.LastOrDefault(s => s.Time <= at).Live is { } live && Array.Exists(live, key => key >= first && key < end);

        public ulong NewestOf(int key) => _all.Where(c => c.Start.AsSpan().SequenceEqual(Key(key))).Select(c => c.Time).DefaultIfEmpty().Max();

        public ulong NewestIn(int first, int end) => Enumerable.Range(first, end - first).Select(NewestOf).DefaultIfEmpty().Max();
    }

    [Theory, Seeds(30)]
    public void What_is_newer_is_what_was_changed_since(ulong seed)
    {
        const int Keys = 40;
        var random = new SeededRandom(seed);
        using var scheduler = new SimulatedScheduler(seed);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", Options);
        var changes = new Changes();
        var live = new HashSet<int>();
        ulong position = 0, time = 100;
        for (var step = 0; step < 400; step++)
        {
            time += (ulong)random.Next(1, 4);
            var batch = new WriteBatch { SystemTime = new(time) };
            var key = random.Next(Keys);
            switch (random.Next(12))
            {
                case < 6:
                    batch.Put(Key(key), new byte[random.Next(60)]);
                    changes.Add(key, time);
                    live.Add(key);
                    break;
                case < 9:
                    batch.Delete(Key(key));
                    changes.Add(key, time);
                    live.Remove(key);
                    break;
                case 9:
                    var end = random.Next(key, Keys + 1);
                    batch.DeleteRange(Key(key), Key(end));
                    changes.Add(key, end, time, live);
                    live.RemoveWhere(k => k >= key && k < end);
                    break;
                case 10: tree.Flush(); break;
                default: tree.CompactAll(); break;
            }
            if (batch.Count > 0)
            {
                while (!tree.TryReserve(batch.Encoded.Length)) tree.WaitForRoom();
                tree.ApplyReserved(batch.Encoded, ++position);
            }
            changes.Keep(time, live);
            if (random.OneIn(3)) Check(tree, changes, random, time, Keys);
        }
    }

    static void Check(Tree tree, Changes changes, SeededRandom random, ulong time, int keys)
    {
        var since = 90 + (ulong)random.Next((int)(time - 90) + 2);
        var first = random.Next(keys);
        var end = random.Next(first, keys + 1);
        // A range delete over nothing may be told of for as long as it is there: an answer of "newer" may be too careful, never too bold.
        if (changes.NewestIn(first, end) > since) Assert.True(tree.HasNewer(Key(first), Key(end), new(since)));
        if (!tree.HasNewer(Key(first), Key(end), new(since))) Assert.True(changes.NewestIn(first, end) <= since);
        // Of what held nothing at that moment it is told exactly whether something was put there since, range deletes or not.
        if (!changes.AnyLive(first, end, since))
            Assert.Equal(changes.NewestIn(first, end) > since, tree.HasNewer(Key(first), Key(end), new(since), withRangeDeletes: false));
        Assert.True(tree.NewestVersionOf(Key(first)).Value >= changes.NewestOf(first));
    }

    [Fact]
    public void A_delete_that_went_to_history_is_newer_than_a_range_delete_that_stays()
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler });
        using var tree = Tree.Open(environment, "db", Options);
        ulong position = 0;
        void Apply(ulong time, Action<WriteBatch> fill)
        {
            var batch = new WriteBatch { SystemTime = new(time) };
            fill(batch);
            tree.ApplyReserved(batch.Encoded, ++position);
        }
        Apply(10, b => b.Put(Key(1), "old"u8));
        Apply(20, b => b.DeleteRange(Key(0), Key(9)));
        Apply(30, b => b.Put(Key(1), "new"u8));
        Apply(40, b => b.Delete(Key(1)));
        foreach (var merged in new[] { false, true })
        {
            tree.Flush();
            if (merged) tree.CompactAll();
            Assert.Equal(new SystemTime(40), tree.NewestVersionOf(Key(1)));
        }
        // The range delete again, above the rest: in memory, while what is newer than it for the key lies in history.
        Apply(50, b => b.DeleteRange(Key(0), Key(9)));
        Apply(60, b => b.Put(Key(1), "newest"u8));
        Apply(70, b => b.Delete(Key(1)));
        tree.Flush();
        Assert.Equal(new SystemTime(70), tree.NewestVersionOf(Key(1)));
        tree.CompactAll();
        Assert.Equal(new SystemTime(70), tree.NewestVersionOf(Key(1)));
    }

    [Fact]
    public void Nothing_is_said_of_what_lies_below_the_floor()
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler });
        using var tree = Tree.Open(environment, "db", Options with { Policy = new UniformTreePolicy() });
        for (ulong i = 1; i <= 3; i++)
        {
            var batch = new WriteBatch { SystemTime = new(i * 10) };
            batch.Put(Key((int)i), "v"u8);
            tree.ApplyReserved(batch.Encoded, i);
        }
        Assert.False(tree.HasNewer(Key(0), Key(9), new(30)));
        Assert.True(tree.HasNewer(Key(0), Key(9), new(29)));
        Assert.Throws<HistoryUnavailableException>(() => tree.HasNewer(Key(5), Key(9), new(29)));
    }

    [Fact]
    public void What_is_applied_is_seen_when_the_owner_says_so()
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler });
        using var tree = Tree.Open(environment, "db", Options with { Policy = new UniformTreePolicy() });
        tree.VisibleTime = new(10);
        for (ulong i = 1; i <= 3; i++)
        {
            var batch = new WriteBatch { SystemTime = new(i * 10) };
            batch.Put("k"u8, [(byte)i]);
            tree.ApplyReserved(batch.Encoded, i);
        }
        string Seen()
        {
            var values = new byte[1][];
            tree.GetMany(["k"u8.ToArray()], ReadPoint.Latest, values!);
            using var iterator = tree.Iterate();
            iterator.SeekToFirst();
            return $"{tree.Get("k"u8)?[0]} {values[0]?[0]} {iterator.Value[0]}";
        }
        Assert.Equal("1 1 1", Seen());
        Assert.Equal((byte)3, tree.Get("k"u8, ReadPoint.Applied)![0]);

        // Without history what is not visible yet must still leave what is.
        tree.Flush();
        tree.CompactAll();
        Assert.Equal("1 1 1", Seen());
        Assert.Equal(new SystemTime(10), tree.OpenSnapshot() is var held ? held.At : default);
        tree.VisibleTime = new(20);
        Assert.Equal("2 2 2", Seen());
        tree.VisibleTime = SystemTime.Max;
        Assert.Equal("3 3 3", Seen());
        Assert.Equal((byte)1, tree.Get("k"u8, ReadPoint.AsOf(new(10)))![0]);
        held.Dispose();
        Assert.Throws<HistoryUnavailableException>(() => tree.Get("k"u8, ReadPoint.AsOf(new(10))));
    }

    [Fact]
    public void Held_compactions_begin_when_they_are_released()
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler });
        using var tree = Tree.Open(environment, "db", Options with { HoldCompactions = true });
        for (ulong i = 1; i <= 6; i++)
        {
            var batch = new WriteBatch { SystemTime = new(i) };
            batch.Put(Key((int)i), "v"u8);
            tree.ApplyReserved(batch.Encoded, i);
            tree.Flush();
        }
        scheduler.RunUntilIdle();
        Assert.Equal((6, 0), (tree.Version.Levels[0].Length, tree.Statistics.Compactions));
        tree.ReleaseCompactions();
        scheduler.RunUntilIdle();
        Assert.True(tree.Version.Levels[0].Length < 2 && tree.Statistics.Compactions + tree.Statistics.Moves > 0);
    }
}
