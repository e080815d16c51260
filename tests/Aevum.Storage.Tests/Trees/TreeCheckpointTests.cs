using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;
using Aevum.Storage.Compaction;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeCheckpointTests : IDisposable
{
    readonly MemoryFileSystem _files = new();
    readonly ThreadScheduler _scheduler = new();
    readonly StorageEnvironment _environment;
    readonly TreeOptions _options = new()
    {
        Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None },
        MemtableBytes = 128 << 10,
        BlockBytes = 512,
        LogSegmentBytes = 64 << 10,
        Compaction = new CompactionOptions { BaseLevelBytes = 64 << 10, TableBytes = 16 << 10, LevelMultiplier = 4 },
    };

    public TreeCheckpointTests() =>
        _environment = new StorageEnvironment(new StorageOptions { Files = _files, Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });

    public void Dispose()
    {
        _environment.Dispose();
        _scheduler.Dispose();
    }

    Tree Open(string directory) => Tree.Open(_environment, directory, _options);

    /// <summary>Batch n at time 1000 + n: its number under one key, and some of a hundred other keys.</summary>
    static WriteBatch Batch(long number)
    {
        var random = new SeededRandom((ulong)number);
        var batch = new WriteBatch { SystemTime = new(1000 + (ulong)number) };
        batch.Put("number"u8, BitConverter.GetBytes(number));
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var key = System.Text.Encoding.ASCII.GetBytes($"key{random.Next(100):d3}");
            if (random.OneIn(6)) batch.Delete(key);
            else batch.Put(key, new byte[random.Next(200)]);
        }
        if (random.OneIn(40)) batch.DeleteRange("key020"u8, "key030"u8);
        return batch;
    }

    static TreeModel ModelOf(long batches)
    {
        var model = new TreeModel(_ => null);
        for (var n = 1L; n <= batches; n++) model.Append(Batch(n).Encoded);
        return model;
    }

    static long NumberIn(Tree tree) => tree.Get("number"u8) is { } number ? BitConverter.ToInt64(number) : 0;

    static void AssertHolds(Tree tree, long batches)
    {
        Assert.Equal(batches, NumberIn(tree));
        var model = ModelOf(batches);
        foreach (var at in new[] { ulong.MaxValue >> 1, 1000 + (ulong)batches / 2 })
        {
            foreach (var key in model.Keys) Assert.Equal(model.Get(key, at, 0)?.Value, tree.Get(key, new ReadPoint(new(at), SystemTime.None)));
            using var iterator = tree.Iterate(new Storage.Iterators.IterateOptions { Point = new ReadPoint(new(at), SystemTime.None) });
            var count = 0;
            for (iterator.SeekToFirst(); iterator.Valid; iterator.Next()) count++;
            Assert.Equal(model.Scan(at, 0).Count, count);
        }
    }

    [Fact]
    public void Checkpoints_made_under_a_writer_are_whole_and_as_new_as_the_call()
    {
        var tree = Open("db");
        long acknowledged = 0;
        var stop = false;
        Exception? failed = null;
        var writer = new Thread(() =>
        {
            try
            {
                for (var n = 1L; !Volatile.Read(ref stop); n++)
                {
                    tree.Write(Batch(n));
                    Volatile.Write(ref acknowledged, n);
                }
            }
            catch (Exception failure)
            {
                failed = failure;
            }
        });
        writer.Start();
        var made = new List<(string Directory, long AtLeast, long AtMost)>();
        for (var i = 0; i < 4; i++)
        {
            while (Volatile.Read(ref acknowledged) < 300 * (i + 1) && failed is null) Thread.Yield();
            var before = Volatile.Read(ref acknowledged);
            tree.CreateCheckpoint($"checkpoint-{i}");
            made.Add(($"checkpoint-{i}", before, Volatile.Read(ref acknowledged) + 1));
        }
        Volatile.Write(ref stop, true);
        writer.Join();
        Assert.Null(failed);

        foreach (var (directory, atLeast, atMost) in made)
        {
            using var copy = Open(directory);
            var batches = NumberIn(copy);
            Assert.InRange(batches, atLeast, atMost);
            AssertHolds(copy, batches);
        }
        tree.Dispose();
    }

    [Fact]
    public void A_checkpoint_and_its_origin_go_their_own_ways()
    {
        var origin = Open("db");
        for (var n = 1L; n <= 400; n++) origin.Write(Batch(n));
        origin.CreateCheckpoint("copy");
        for (var n = 401L; n <= 700; n++) origin.Write(Batch(n));
        origin.CompactAll();

        var copy = Open("copy");
        AssertHolds(copy, 400);
        for (var n = 401L; n <= 500; n++) copy.Write(Batch(n));
        copy.CompactAll();
        AssertHolds(copy, 500);
        AssertHolds(origin, 700);

        // The origin and all its files go: the copy holds names of its own.
        origin.Dispose();
        _files.DeleteTree("db");
        copy.Dispose();
        copy = Open("copy");
        AssertHolds(copy, 500);
        for (var n = 501L; n <= 600; n++) copy.Write(Batch(n));
        copy.Dispose();
        using var again = Open("copy");
        AssertHolds(again, 600);
    }

    [Fact]
    public void A_directory_that_holds_something_is_refused_and_left_alone()
    {
        using var tree = Open("db");
        tree.Write(Batch(1));
        _files.CreateDirectory("taken");
        using (var file = _files.Create(Path.Combine("taken", "note"))) file.Append("mine"u8);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => tree.CreateCheckpoint("taken")).Code);
        Assert.Equal(["note"], _files.ListFiles("taken"));
        Assert.Equal("mine"u8.ToArray(), _files.ReadAllBytes(Path.Combine("taken", "note")));
        _files.CreateDirectory("empty");
        tree.CreateCheckpoint("empty");
        using var copy = Open("empty");
        AssertHolds(copy, 1);
    }

    [Fact]
    public void A_checkpoint_of_an_empty_tree_opens_as_an_empty_tree()
    {
        using var tree = Open("db");
        tree.CreateCheckpoint("copy");
        using var copy = Open("copy");
        AssertHolds(copy, 0);
        copy.Write(Batch(1));
        AssertHolds(copy, 1);
    }

    // Every operation of a checkpoint fails once: what was begun is removed, the tree goes on, and the next attempt succeeds.
    [Theory]
    [InlineData(FileOperation.Link)]
    [InlineData(FileOperation.SyncDirectory)]
    [InlineData(FileOperation.Create)]
    [InlineData(FileOperation.Append)]
    [InlineData(FileOperation.Sync)]
    [InlineData(FileOperation.Rename)]
    public void A_checkpoint_that_fails_leaves_nothing(FileOperation operation)
    {
        var plan = new FaultPlan { Strikes = path => path.StartsWith("copy", StringComparison.Ordinal) || operation == FileOperation.Link };
        var files = new FaultyFileSystem(1, plan);
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = files, Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", _options);
        for (var n = 1L; n <= 50; n++) tree.Write(Batch(n));
        plan.FailNth(operation, 1);
        Assert.Throws<AevumException>(() => tree.CreateCheckpoint("copy"));
        Assert.False(files.DirectoryExists("copy"), "something is left of a checkpoint that failed");
        AssertHolds(tree, 50);
        tree.CreateCheckpoint("copy");
        using var copy = Tree.Open(environment, "copy", _options);
        AssertHolds(copy, 50);
    }
}
