// Many threads on one tree with small limits: memtables freeze, flush and merge while they write and read. Values tell their own key, time and
// writer, so that a reader can judge what it sees; at the end everything is compared with the model.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;
using Aevum.Storage.Compaction;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeConcurrencyTests
{
    const int WriterCount = 4;
    const int BatchesPerWriter = 700;
    const int KeysPerWriter = 60;
    const int SharedKeys = 40;

    static TreeOptions Small(SystemTime floor, SyncPolicy sync = default) => new()
    {
        Policy = new UniformTreePolicy { HistoryFloor = floor },
        Sync = sync,
        MemtableBytes = 32 << 10,
        BlockBytes = 512,
        LogSegmentBytes = 64 << 10,
        ManifestBytesMax = 2 << 10,
        Compaction = new CompactionOptions { BaseLevelBytes = 64 << 10, TableBytes = 16 << 10, LevelMultiplier = 4, SubCompactionBytesMin = 32 << 10 },
    };

    /// <summary>Everything the threads of one test share.</summary>
    sealed class Run(Tree tree, bool keepsHistory)
    {
        readonly object[] _sharedKeys = [.. Enumerable.Range(0, SharedKeys).Select(_ => new object())];
        readonly object _order = new();
        readonly long[] _announced = [.. Enumerable.Repeat(long.MaxValue, WriterCount)];
        long _clock = 1000;

        public List<byte[]>[] Written { get; } = [.. Enumerable.Range(0, WriterCount).Select(_ => new List<byte[]>())];

        public volatile bool Done;

        public ulong LastTime => (ulong)_clock;

        public void Write(int writer, SeededRandom random)
        {
            var batch = new WriteBatch();
            for (var n = 0; n < BatchesPerWriter; n++)
            {
                batch.Clear();
                // One shared key at most, whose lock is held until the batch is in: so its times rise, and nobody waits in a circle.
                var shared = random.OneIn(2) ? random.Next(SharedKeys) : -1;
                lock (shared < 0 ? new object() : _sharedKeys[shared])
                {
                    if (keepsHistory) WriteAt(NextTime(writer));
                    else
                        lock (_order) WriteAt(NextTime(writer));
                }
                Volatile.Write(ref _announced[writer], long.MaxValue);

                void WriteAt(ulong time)
                {
                    batch.SystemTime = new(time);
                    for (var i = random.Next(1, 5); i > 0; i--)
                    {
                        var key = Key('d', writer, random.Next(KeysPerWriter));
                        if (random.OneIn(8)) batch.Delete(key);
                        else batch.Put(key, Value(key, time, random.Next(120)));
                    }
                    if (random.OneIn(60)) batch.DeleteRange(Key('d', writer, random.Next(20)), Key('d', writer, random.Next(20, KeysPerWriter)));
                    if (shared >= 0) batch.Put(Key('s', 0, shared), Value(Key('s', 0, shared), time, 40));
                    tree.Write(batch);
                    Written[writer].Add(batch.Encoded.ToArray());
                }
            }
        }

        // A time below the new one is announced first: see SafeMoment.
        ulong NextTime(int writer)
        {
            Interlocked.Exchange(ref _announced[writer], Volatile.Read(ref _clock));
            return (ulong)Interlocked.Increment(ref _clock);
        }

        /// <summary>A time at or below which nothing is under way any more.</summary>
        public SystemTime SafeMoment()
        {
            var moment = Volatile.Read(ref _clock);
            for (var w = 0; w < WriterCount; w++) moment = Math.Min(moment, Interlocked.Read(ref _announced[w]));
            return new((ulong)moment);
        }

        public void ReadKeys(SeededRandom random)
        {
            var newest = new ulong[SharedKeys];
            SystemTime applied = default;
            while (!Done)
            {
                var number = random.Next(SharedKeys);
                var version = CheckValue(Key('s', 0, number), tree.Get(Key('s', 0, number)));
                Assert.True(version >= newest[number], $"shared key {number} went back from {newest[number]} to {version}");
                newest[number] = version;
                var own = Key('d', random.Next(WriterCount), random.Next(KeysPerWriter));
                CheckValue(own, tree.Get(own));
                var now = tree.AppliedTime;
                Assert.True(now >= applied, $"the applied time went back from {applied} to {now}");
                applied = now;
            }
        }

        /// <summary>What a snapshot shows does not change, whatever is written, flushed and merged meanwhile.</summary>
        public void ReadSnapshots(SeededRandom random)
        {
            while (!Done)
            {
                using var snapshot = tree.OpenSnapshot();
                var at = keepsHistory ? SafeMoment() : snapshot.At;
                var first = Scan(ReadPoint.AsOf(at), backward: false);
                if (random.OneIn(3)) tree.Flush();
                var second = Scan(ReadPoint.AsOf(at), backward: true);
                Assert.Equal(first.Count, second.Count);
                for (var i = 0; i < first.Count; i++)
                {
                    Assert.Equal(first[i].Key, second[i].Key);
                    Assert.Equal(first[i].Value, second[i].Value);
                    Assert.Equal(first[i].Value, tree.Get(first[i].Key, ReadPoint.AsOf(at)));
                }
            }
        }

        List<(byte[] Key, byte[] Value)> Scan(ReadPoint point, bool backward)
        {
            var found = new List<(byte[] Key, byte[] Value)>();
            using var iterator = tree.Iterate(new IterateOptions { Point = point });
            for (Step(first: true); iterator.Valid; Step(first: false))
            {
                var (key, value) = (iterator.Key.ToArray(), iterator.Value.ToArray());
                Assert.True(CheckValue(key, value) <= point.At.Value);
                if (found.Count > 0) Assert.Equal(backward, KeyComparer.Instance.Compare(found[^1].Key, key) > 0);
                found.Add((key, value));
            }
            if (backward) found.Reverse();
            return found;

            void Step(bool first)
            {
                if (first && backward) iterator.SeekToLast();
                else if (first) iterator.SeekToFirst();
                else if (backward) iterator.Prev();
                else iterator.Next();
            }
        }
    }

    static byte[] Key(char kind, int writer, int number) => System.Text.Encoding.ASCII.GetBytes($"{kind}{writer}/{number:d3}");

    static byte[] Value(byte[] key, ulong time, int filler)
    {
        var value = new byte[key.Length + 8 + filler];
        key.CopyTo(value, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(key.Length), time);
        value.AsSpan(key.Length + 8).Fill((byte)time);
        return value;
    }

    // The time that the value tells; 0 if there is none.
    static ulong CheckValue(byte[] key, byte[]? value)
    {
        if (value is null) return 0;
        Assert.Equal(key, value[..key.Length]);
        var time = BinaryPrimitives.ReadUInt64LittleEndian(value.AsSpan(key.Length));
        Assert.Equal(-1, value.AsSpan(key.Length + 8).IndexOfAnyExcept((byte)time));
        return time;
    }

    static void RunAll(Run run, params (int Count, Action<int> Body)[] roles)
    {
        var failures = new List<Exception>();
        var writers = new List<Thread>();
        var others = new List<Thread>();
        foreach (var (count, body) in roles)
            for (var i = 0; i < count; i++)
            {
                var number = i;
                var thread = new Thread(() =>
                {
                    try
                    {
                        body(number);
                    }
                    catch (Exception failure)
                    {
                        lock (failures) failures.Add(failure);
                    }
                });
                (writers.Count < roles[0].Count ? writers : others).Add(thread);
                thread.Start();
            }
        foreach (var thread in writers) thread.Join();
        run.Done = true;
        foreach (var thread in others) thread.Join();
        if (failures.Count > 0) throw new AggregateException(failures);
    }

    [Theory]
    [InlineData(1, true, "os")]
    [InlineData(2, false, "os")]
    [InlineData(3, true, "always")]
    [InlineData(4, false, "every:10")]
    public void Threads_write_and_read_while_tables_come_and_go(ulong seed, bool keepsHistory, string sync)
    {
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 256 << 10 });
        var options = Small(keepsHistory ? SystemTime.None : SystemTime.Max, SyncPolicy.Parse(sync));
        var tree = Tree.Open(environment, "db", options);
        var run = new Run(tree, keepsHistory);
        RunAll(run,
            (WriterCount, w => run.Write(w, new SeededRandom(seed * 100 + (ulong)w))),
            (2, r => run.ReadKeys(new SeededRandom(seed * 100 + 50 + (ulong)r))),
            (1, r => run.ReadSnapshots(new SeededRandom(seed * 100 + 60 + (ulong)r))));
        var moved = tree.Statistics.Flushes > 3 && tree.Statistics.Compactions > 0;

        var model = new TreeModel(_ => null);
        foreach (var encoded in run.Written.SelectMany(list => list)) model.Append(encoded);
        Compare(tree, model, run, keepsHistory);
        Assert.Equal(WriterCount * BatchesPerWriter, (long)tree.AppliedPosition);
        tree.Dispose();
        tree = Tree.Open(environment, "db", options);
        Compare(tree, model, run, keepsHistory);
        tree.Dispose();
        Assert.True(moved, "nothing moved: the limits are too large for this test");
    }

    static void Compare(Tree tree, TreeModel model, Run run, bool keepsHistory)
    {
        ulong[] moments = keepsHistory
            ? [ulong.MaxValue >> 1, 1000 + (run.LastTime - 1000) / 3, 1000 + (run.LastTime - 1000) * 2 / 3]
            : [ulong.MaxValue >> 1];
        foreach (var at in moments)
            foreach (var key in model.Keys)
                Assert.Equal(model.Get(key, at, 0)?.Value, tree.Get(key, new ReadPoint(new(at), SystemTime.None)));
    }

    [Fact]
    public void Writers_that_come_together_share_a_sync_and_nobody_reads_before_it()
    {
        const int Threads = 8;
        using var directory = new HeldFiles();
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = directory, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", new TreeOptions { Sync = SyncPolicy.Always });
        tree.Put("first"u8, "1"u8, new(1));

        // The first sync is held up until all have appended; those that came behind it then share one more.
        var seenEarly = false;
        var syncs = 0;
        directory.OnSync = () =>
        {
            if (Interlocked.Increment(ref syncs) > 1) return;
            while (tree.AppliedPosition < Threads + 1) Thread.Yield();
            for (var i = 0; i < Threads; i++) seenEarly |= tree.Get([(byte)i]) is not null;
        };
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() => tree.Put([(byte)i], "v"u8, new(10 + (ulong)i)))).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        directory.OnSync = null;
        Assert.InRange(syncs, 1, 3);
        Assert.False(seenEarly, "a batch was read that a power cut could still have taken back");
        for (var i = 0; i < Threads; i++) Assert.NotNull(tree.Get([(byte)i]));
    }
}
