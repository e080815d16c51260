// ChainScenario ("10m"): one life of a store of ten million draws (6.3 million distinct keys), bigger than its block cache.
//
//   fill 10m -> get disk -> seek 10 -> read while writing -> overwrite 5m -> write amplification, space
//
// Each link starts when the one before has paid its debt: flushed, compaction idle. So a fill cannot look cheap by leaving work to
// the reads behind it. Anonymous memory is sampled from outside through the whole life (Running/MemorySampler).

using System.Diagnostics;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class ChainScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;
    const int UserBytes = Keys.Length + ValueBytes;
    const int FillPhase = 1, UntimedGetPhase = 2, GetPhase = 3, SeekPhase = 4, ReadPhase = 5, WritePhase = 6, OverwritePhase = 7;
    const int FillEpoch = 1, WriteEpoch = 2, OverwriteEpoch = 3;
    const int SeekNexts = 10;

    public override void Run()
    {
        using var oracle = new StoreOracle(Sizes.ChainKeys, ValueBytes);
        Open("chain", Task.StoreOptions, out var directory);
        Fill(oracle);
        if (Task.Wants("get disk")) GetDisk(oracle);
        if (Task.Wants("seek 10")) SeekTen(oracle);
        long puts = Sizes.ChainKeys;
        if (Task.Wants("read while writing")) puts += ReadWhileWriting(oracle);
        if (Task.Wants("overwrite 5m", "write amplification", "space", "resident 10m")) Overwrite(oracle, puts, directory);
        CloseAndDelete(directory);
    }

    void Fill(StoreOracle oracle)
    {
        var wroteBefore = Store.Engine.BytesWritten;
        var meter = Meter.Start();
        PutDraws(Task.Seed(FillPhase), Sizes.ChainKeys, Sizes.ChainKeys, FillEpoch, ValueBytes);
        Report("fill 10m", meter.Stop(), Sizes.ChainKeys, "to_last_put", "wall_to_last_put");
        Settle();
        Report("fill 10m", meter.Stop(), Sizes.ChainKeys);
        Beside("write amplification", "fill", (Store.Engine.BytesWritten - wroteBefore) / ((double)Sizes.ChainKeys * UserBytes));
        oracle.PutDraws(Task.Seed(FillPhase), Sizes.ChainKeys, FillEpoch);
        oracle.CheckGets(Store, 2_000, "fill 10m");
    }

    void Settle()
    {
        Store.Engine.Flush();
        Store.Engine.WaitIdle();
    }

    void GetDisk(StoreOracle oracle)
    {
        GetDraws(Task.Seed(UntimedGetPhase), Sizes.ChainKeys, Sizes.ChainGetsUntimed);
        var meter = Meter.Start();
        var found = GetDraws(Task.Seed(GetPhase), Sizes.ChainKeys, Sizes.ChainGets);
        Report("get disk", meter.Stop(), Sizes.ChainGets);
        Expect("get disk", "keys found", oracle.CountHits(Task.Seed(GetPhase), Sizes.ChainGets), found);
        Beside("get disk", "hits_percent", 100.0 * found / Sizes.ChainGets);
    }

    void SeekTen(StoreOracle oracle)
    {
        oracle.CheckSeeks(Store, 1_000, SeekNexts, "seek 10");
        using var order = Order.Buffer(Sizes.ChainSeeks);
        order.Draw(new SeededRandom(Task.Seed(SeekPhase)), Sizes.ChainKeys);
        var cursor = Store.Engine.OpenCursor();
        Store.Seek(order.Indexes, order.Count / 4, SeekNexts, ref cursor);   // untimed
        var meter = Meter.Start();
        for (var i = 0; i < order.Count; i += 1_000) Store.Seek(order.Indexes + i, Math.Min(1_000, order.Count - i), SeekNexts, ref cursor);
        var cost = meter.Stop();
        cursor.Dispose();
        Report("seek 10", cost, order.Count);

        // Beside it: what a caller pays who opens a cursor per seek, to see the present.
        var count = Math.Min(Sizes.ChainSeeksAnew, order.Count);
        meter = Meter.Start();
        Store.SeekAnew(order.Indexes, count, SeekNexts);
        Beside("seek 10", "new_cursor_each", meter.Stop().CpuNs / count);
    }

    /// <returns>Puts done beside the reader.</returns>
    long ReadWhileWriting(StoreOracle oracle)
    {
        var stop = false;
        long puts = 0;
        Exception? failure = null;
        var writer = new Thread(() =>
        {
            try
            {
                puts = WriteAtRate(ref stop);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failure = e;
            }
        });
        using var order = Order.Buffer(1_000);
        var random = new SeededRandom(Task.Seed(ReadPhase));
        long gets = 0;
        var meter = Meter.Start();
        var start = Stopwatch.GetTimestamp();
        writer.Start();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < Sizes.ReadWhileWritingSeconds)
        {
            order.Draw(random, Sizes.ChainKeys);
            Store.Get(order.Indexes, order.Count);
            gets += order.Count;
        }
        Volatile.Write(ref stop, true);
        writer.Join();
        if (failure is not null) throw new BenchException("read while writing: the writer failed: " + failure.Message, failure);
        Store.Engine.WaitIdle();
        Report("read while writing", meter.Stop(), gets);
        Beside("read while writing", "puts_per_second", puts / Sizes.ReadWhileWritingSeconds);
        oracle.PutDraws(Task.Seed(WritePhase), puts, WriteEpoch);
        oracle.CheckGets(Store, 2_000, "read while writing");
        return puts;
    }

    /// <summary>Puts in small bursts, a millisecond apart, as many as are due: the same rate on every engine that keeps up.</summary>
    long WriteAtRate(ref bool stop)
    {
        using var order = Order.Buffer(1);
        var random = new SeededRandom(Task.Seed(WritePhase));
        var start = Stopwatch.GetTimestamp();
        long done = 0;
        while (!Volatile.Read(ref stop))
        {
            var elapsed = Math.Min(Stopwatch.GetElapsedTime(start).TotalSeconds, Sizes.ReadWhileWritingSeconds);
            for (var due = (long)(elapsed * Sizes.WriterPutsPerSecond); done < due; done++)
            {
                order.Draw(random, Sizes.ChainKeys);
                Store.Put(order.Indexes, 1, WriteEpoch, ValueBytes);
            }
            Thread.Sleep(1);
        }
        return done;
    }

    void Overwrite(StoreOracle oracle, long putsBefore, string directory)
    {
        Settle();
        var wroteBefore = Store.Engine.BytesWritten;
        var meter = Meter.Start();
        PutDraws(Task.Seed(OverwritePhase), Sizes.ChainKeys, Sizes.Overwrites, OverwriteEpoch, ValueBytes);
        Report("overwrite 5m", meter.Stop(), Sizes.Overwrites, "to_last_put", "wall_to_last_put");
        Settle();
        Report("overwrite 5m", meter.Stop(), Sizes.Overwrites);

        var puts = putsBefore + Sizes.Overwrites;
        Report("write amplification", Store.Engine.BytesWritten / ((double)puts * UserBytes), "x");
        Beside("write amplification", "overwrite", (Store.Engine.BytesWritten - wroteBefore) / ((double)Sizes.Overwrites * UserBytes));
        Report("space", DirectorySize.Allocated(directory) / 1048576.0, "MiB");
        oracle.PutDraws(Task.Seed(OverwritePhase), Sizes.Overwrites, OverwriteEpoch);
        Beside("space", "live_mib", oracle.CountKeys() * (double)UserBytes / 1048576.0);
        oracle.CheckGets(Store, 5_000, "overwrite 5m");
        oracle.CheckScan(Store, "overwrite 5m");
    }
}
