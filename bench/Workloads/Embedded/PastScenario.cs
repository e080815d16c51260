// PastScenario ("past"): what the embedded database remembers and tells: reads as of a moment after many overwrites, and subscribers.
//
//   subscriber   half a million puts in batches of one, by a writer beside; until the subscriber has been told of the last
//   watch        single puts with pauses, each waited for by a subscriber that sleeps
//   get as of    20K keys overwritten 50 times, flushed and merged; gets of now and as of the moment half way, in random order

using System.Diagnostics;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Storage;

namespace Aevum.Bench.Workloads.Embedded;

sealed unsafe class PastScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    bool IsTiny => Task.Scale == Scale.Tiny;

    public override void Run()
    {
        if (Task.Wants("subscriber")) Follow(IsTiny ? 500 : 500_000);
        if (Task.Wants("watch")) Watch(IsTiny ? 10 : 400);
        if (Task.Wants("get as of")) AsOf(IsTiny ? 100 : 20_000, IsTiny ? 3 : 50);
    }

    IPast Open(string name, out string directory)
    {
        directory = Path.Combine(Task.Directory, name);
        Directory.CreateDirectory(directory);
        return TEngine.OpenPast(directory);
    }

    static void Put(IPast store, uint index, int epoch)
    {
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        Keys.Set(key, index);
        store.Put(new(key, Keys.Length), new(Values.At(index, epoch), ValueBytes));
    }

    void Follow(int puts)
    {
        var store = Open("follow", out var directory);
        using var follower = store.Follow();
        var start = Stopwatch.GetTimestamp();
        var writer = new Thread(() =>
        {
            for (var i = 0; i < puts; i++) Put(store, (uint)(i % 10_000), i);
        });
        writer.Start();
        long told = 0;
        while (told < puts)
        {
            var next = follower.Next(Patience);
            if (next == 0) break;
            told += next;
        }
        var wall = Stopwatch.GetElapsedTime(start);
        writer.Join();
        Expect("subscriber", "puts told of", puts, told);
        Report("subscriber", wall.TotalNanoseconds / puts, "ns");
        follower.Dispose();
        store.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    void Watch(int commits)
    {
        var store = Open("watch", out var directory);
        var follower = store.Follow();
        var delays = new double[commits];
        var heard = new long[commits];
        var reader = new Thread(() =>
        {
            for (var i = 0; i < commits && follower.Next(Patience) > 0; i++) Volatile.Write(ref heard[i], Stopwatch.GetTimestamp());
        });
        reader.Start();
        for (var i = 0; i < commits; i++)
        {
            Thread.Sleep(1);
            Put(store, (uint)i, 1);
            var committed = Stopwatch.GetTimestamp();
            while (Volatile.Read(ref heard[i]) == 0 && Stopwatch.GetElapsedTime(committed) < Patience) Thread.Yield();
            if (heard[i] == 0) throw new BenchException("watch: a commit was never told of");
            delays[i] = Math.Max(0, Stopwatch.GetElapsedTime(committed, heard[i]).TotalMicroseconds);
        }
        reader.Join();
        Array.Sort(delays);
        Report("watch", Median.Of(delays), "us");
        Beside("watch", "p99", delays[Math.Min(commits - 1, commits * 99 / 100)]);
        follower.Dispose();
        store.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    void AsOf(int keys, int overwrites)
    {
        var store = Open("as-of", out var directory);
        using var order = Order.Shuffled(keys, Task.Seed(5));
        ulong halfway = 0;
        for (var epoch = 0; epoch < overwrites; epoch++)
        {
            if (epoch == overwrites / 2) halfway = store.Mark();
            for (var i = 0; i < keys; i++) Put(store, order.Indexes[i], epoch);
        }
        store.WaitIdle();
        var passes = IsTiny ? 1 : 5;
        Get(store, order, 0, overwrites - 1);
        Get(store, order, halfway, overwrites / 2 - 1);
        Cost now = default, past = default;
        for (var pass = 0; pass < passes; pass++)
        {
            var meter = Meter.Start();
            Get(store, order, 0, overwrites - 1);
            now += meter.Stop();
            meter = Meter.Start();
            Get(store, order, halfway, overwrites / 2 - 1);
            past += meter.Stop();
        }
        Report("get as of", past.CpuNs / now.CpuNs, "x");
        Beside("get as of", "now_ns", now.CpuNs / (passes * (double)keys));
        Beside("get as of", "past_ns", past.CpuNs / (passes * (double)keys));
        store.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    static void Get(IPast store, Order order, ulong moment, int epoch)
    {
        var key = stackalloc byte[Keys.Length];
        var found = stackalloc byte[Values.LengthMax];
        Keys.Begin(key);
        for (var i = 0; i < order.Count; i++)
        {
            Keys.Set(key, order.Indexes[i]);
            var length = store.GetAt(moment, new(key, Keys.Length), new(found, Values.LengthMax));
            var expected = Values.At(order.Indexes[i], epoch);
            if (length != ValueBytes || found[0] != expected[0] || found[ValueBytes - 1] != expected[ValueBytes - 1])
                throw new BenchException($"get as of: key {order.Indexes[i]} holds something else than was put");
        }
    }
}
