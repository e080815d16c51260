// A disk that fills up, and compactions that fail: writers are slowed down, stopped, refused with the reason; reads go on; and everything goes on
// by itself once there is room again. On virtual time: what waits a while costs nothing.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Trees;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeDiskFullTests
{
    static readonly TreeOptions Options = new()
    {
        MemtableBytes = 160 << 10,
        BlockBytes = 512,
        LogSegmentBytes = 64 << 10,
        Compaction = new CompactionOptions { BaseLevelBytes = 64 << 10, TableBytes = 16 << 10, LevelZeroSlowdown = 6, LevelZeroStop = 16 },
    };

    static byte[] Key(int i) => System.Text.Encoding.ASCII.GetBytes($"key{i:d4}");

    /// <summary>A tree that writes one value after another, and remembers which were taken.</summary>
    sealed class World : IDisposable
    {
        readonly SeededRandom _random;
        readonly Dictionary<int, byte[]> _taken = [];
        ulong _time;

        public World(ulong seed, FaultPlan plan)
        {
            _random = new SeededRandom(seed);
            Scheduler = new SimulatedScheduler(seed);
            Environment = new StorageEnvironment(
                new StorageOptions { Files = new FaultyFileSystem(seed, plan), Scheduler = Scheduler, BlockCacheBytes = 1 << 20 });
            Tree = Tree.Open(Environment, "db", Options);
        }

        public SimulatedScheduler Scheduler { get; }

        public StorageEnvironment Environment { get; }

        public Tree Tree { get; private set; }

        /// <returns>Why the write was refused; null if it was taken.</returns>
        public AevumException? Write()
        {
            var key = _random.Next(300);
            var value = new byte[_random.Next(10, 400)];
            _random.Fill(value);
            try
            {
                Tree.Put(Key(key), value, new SystemTime(++_time));
            }
            catch (AevumException refusal)
            {
                return refusal;
            }
            _taken[key] = value;
            return null;
        }

        public void CheckAll()
        {
            for (var i = 0; i < 300; i++) Assert.Equal(_taken.GetValueOrDefault(i), Tree.Get(Key(i)));
            using var iterator = Tree.Iterate();
            var count = 0;
            for (iterator.SeekToFirst(); iterator.Valid; iterator.Next()) count++;
            Assert.Equal(_taken.Count, count);
        }

        public void Reopen()
        {
            Tree.Dispose();
            Tree = Tree.Open(Environment, "db", Options);
        }

        public void Dispose()
        {
            Tree.Dispose();
            Environment.Dispose();
            Scheduler.Dispose();
        }
    }

    // Different sizes of the disk let different files meet its end first: the log's next segment, a flush, a compaction, the manifest.
    [Theory, Seeds(10)]
    public void A_full_disk_refuses_writes_keeps_reading_and_recovers_when_space_returns(ulong seed)
    {
        var plan = new FaultPlan();
        using var world = new World(seed, plan);
        for (var i = 0; i < 50; i++) Assert.Null(world.Write());
        plan.CapacityBytes = 400_000 + (long)seed * 23_000;

        var refused = 0;
        for (var i = 0; i < 20_000 && refused < 20; i++)
        {
            if (world.Write() is not { } refusal) continue;
            Assert.Equal(ErrorCode.DiskFull, refusal.Code);
            refused++;
            if (refused % 5 == 1) world.CheckAll();
            world.Scheduler.RunFor(TimeSpan.FromMilliseconds(50));
        }
        Assert.Equal(20, refused);
        world.CheckAll();

        plan.CapacityBytes = null;
        // The pause between two attempts of a flush passes, and then it is as if nothing had been.
        world.Scheduler.RunFor(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 500; i++) Assert.Null(world.Write());
        world.Tree.Flush();
        world.Tree.WaitIdle();
        Assert.Null(world.Tree.MaintenanceFailure);
        world.CheckAll();
        world.Reopen();
        world.CheckAll();
    }

    // With a full disk the store can also be closed and opened, for reading at least.
    [Theory, Seeds(6)]
    public void A_tree_closed_on_a_full_disk_keeps_what_was_acknowledged(ulong seed)
    {
        var plan = new FaultPlan();
        using var world = new World(seed, plan);
        for (var i = 0; i < 50; i++) Assert.Null(world.Write());
        plan.CapacityBytes = 400_000 + (long)seed * 37_000;
        for (var i = 0; i < 20_000; i++)
            if (world.Write() is not null) break;
        world.Tree.Dispose();
        plan.CapacityBytes = null;
        world.Reopen();
        world.CheckAll();
        Assert.Null(world.Write());
    }

    [Fact]
    public void Writers_are_slowed_down_then_stopped_and_told_why_while_compactions_fail()
    {
        var plan = new FaultPlan { FilesCanBeMapped = false };
        using var world = new World(5, plan);
        plan.Strikes = path => path.EndsWith(TableStore.Suffix, StringComparison.Ordinal);
        plan.FailWithProbability(FileOperation.Read, 1);

        var seen = new HashSet<WritePressure>();
        AevumException? refusal = null;
        for (var i = 0; i < 20_000 && refusal is null; i++)
        {
            refusal = world.Write();
            if (i % 50 == 0) world.Scheduler.RunFor(TimeSpan.FromMilliseconds(10));
            seen.Add(world.Tree.Pressure);
        }
        Assert.NotNull(refusal);
        Assert.Equal(ErrorCode.InputOutput, refusal.Code);
        Assert.Contains(WritePressure.None, seen);
        Assert.Contains(WritePressure.Slowdown, seen);
        Assert.Contains(WritePressure.Stop, seen);
        Assert.True(world.Tree.Statistics.Slowdowns > 0, "nobody was slowed down");
        Assert.NotNull(world.Tree.MaintenanceFailure);

        plan.Heal();
        world.Scheduler.RunFor(TimeSpan.FromSeconds(2));
        for (var i = 0; i < 500; i++) Assert.Null(world.Write());
        world.Tree.WaitIdle();
        Assert.Equal(WritePressure.None, world.Tree.Pressure);
        Assert.Null(world.Tree.MaintenanceFailure);
        world.CheckAll();
    }

    // The replay of the log waits for room as writers do, so somebody must be making it.
    [Fact]
    public void A_tree_whose_level_zero_is_full_opens()
    {
        using var scheduler = new SimulatedScheduler(1);
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        var manual = Options with { Compaction = Options.Compaction with { Automatic = false } };
        using (var tree = Tree.Open(environment, "db", manual))
            for (var i = 0; i <= Options.Compaction.LevelZeroStop; i++)
            {
                tree.Put(Key(i), "value"u8, new SystemTime(1 + (ulong)i));
                if (i < Options.Compaction.LevelZeroStop) tree.Flush();   // the last one stays in the log
            }
        using var opened = Tree.Open(environment, "db", Options);
        for (var i = 0; i <= Options.Compaction.LevelZeroStop; i++) Assert.NotNull(opened.Get(Key(i)));
        opened.WaitIdle();
        Assert.Equal(WritePressure.None, opened.Pressure);
    }
}
