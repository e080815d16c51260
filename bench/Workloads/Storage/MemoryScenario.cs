// MemoryScenario ("memory"): ten thousand entries of 20 + 100 bytes that never leave the memtable.
//
// A store of this size is done in a millisecond or thirty, so a round opens many, each fresh, and adds their costs up. What a store
// does at Open and Close is outside the figure and told beside put 10k as "open_ms" (CPU).

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class MemoryScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;
    const int Window = 1_000;

    public override void Run()
    {
        if (Task.Wants("put 10k", "get seq", "get random", "scan mem", "get managed bytes")) PutOneByOne();
        if (Task.Wants("put batch")) PutInBatches();
        if (Task.Wants("put managed bytes")) CountManagedBytesOfPuts();
    }

    void PutOneByOne()
    {
        var keys = Sizes.MemoryKeys;
        using var ascending = Order.Ascending(keys);
        using var shuffled = Order.Shuffled(keys, Task.Seed(1));
        Cost put = default, inOrder = default, random = default, scan = default, open = default;
        long managed = 0;
        for (var n = 0; n < Sizes.MemoryStores; n++)
        {
            open += Open($"one-{n}", Task.StoreOptions, out var directory);
            var meter = Meter.Start();
            Store.Put(ascending.Indexes, keys, 1, ValueBytes);
            Store.Engine.WaitIdle();
            put += meter.Stop();

            long found = 0, entries = 0;
            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.GetPasses; pass++) found += Store.Get(ascending.Indexes, keys);
            inOrder += meter.Stop();

            var before = GC.GetTotalAllocatedBytes(precise: true);
            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.GetPasses; pass++) found += Store.Get(shuffled.Indexes, keys);
            random += meter.Stop();
            managed += GC.GetTotalAllocatedBytes(precise: true) - before;
            Expect("get seq, get random", "keys found", 2L * Sizes.GetPasses * keys, found);

            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.ScanPasses; pass++) entries += Store.Scan();
            scan += meter.Stop();
            Expect("scan mem", "entries met", (long)Sizes.ScanPasses * keys, entries);

            if (n == 0) Check(ascending);
            CloseAndDelete(directory);
        }
        double puts = (double)keys * Sizes.MemoryStores;
        Report("put 10k", put, puts);
        Beside("put 10k", "open_ms", open.CpuNs / 1e6 / Sizes.MemoryStores);
        Report("get seq", inOrder, puts * Sizes.GetPasses);
        Report("get random", random, puts * Sizes.GetPasses);
        Report("scan mem", scan, puts * Sizes.ScanPasses);
        // Taken over the whole process: nothing else may run while a store is only read.
        Report("get managed bytes", Math.Round(managed / (puts * Sizes.GetPasses), 3), "B/op");
    }

    void Check(Order order)
    {
        using var oracle = new StoreOracle(order.Count, ValueBytes);
        oracle.Put(order, 1);
        oracle.CheckGets(Store, 2_000, "get random");
        oracle.CheckScan(Store, "scan mem");
    }

    void PutInBatches()
    {
        using var ascending = Order.Ascending(Sizes.MemoryKeys);
        Cost put = default;
        for (var n = 0; n < Sizes.BatchStores; n++)
        {
            Open($"batch-{n}", Task.StoreOptions, out var directory);
            var meter = Meter.Start();
            Store.PutBatches(ascending.Indexes, ascending.Count, 1, ValueBytes, 100);
            Store.Engine.WaitIdle();
            put += meter.Stop();
            if (n == 0) Check(ascending);
            CloseAndDelete(directory);
        }
        Report("put batch", put, (double)Sizes.MemoryKeys * Sizes.BatchStores);
    }

    /// <summary>
    /// Steady state: the median of many windows of a thousand puts, on the calling thread. What a change of memtable or log segment
    /// allocates now and then shows in the mean, and what other threads allocate in the process's mean; both are told beside.
    /// </summary>
    void CountManagedBytesOfPuts()
    {
        var windows = new long[Sizes.ManagedWindows];
        using var order = Order.Shuffled(Window * windows.Length, Task.Seed(2));
        Open("managed", Task.StoreOptions with { MemtableBytes = 8 << 20 }, out var directory);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var w = 0; w < windows.Length; w++)
        {
            var start = GC.GetAllocatedBytesForCurrentThread();
            Store.Put(order.Indexes + w * Window, Window, 1, ValueBytes);
            windows[w] = GC.GetAllocatedBytesForCurrentThread() - start;
        }
        Store.Engine.WaitIdle();
        var process = GC.GetTotalAllocatedBytes(precise: true) - before;
        CloseAndDelete(directory);
        var sum = windows.Sum();
        Array.Sort(windows);
        Report("put managed bytes", windows[windows.Length / 2] / (double)Window, "B/op");
        Beside("put managed bytes", "mean", sum / (double)order.Count);
        Beside("put managed bytes", "process_mean", process / (double)order.Count);
    }
}
