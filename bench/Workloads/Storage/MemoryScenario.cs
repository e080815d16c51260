// MemoryScenario ("memory"): ten thousand entries of 20 + 100 bytes that never leave the memtable.
//
// A store of this size is done in a millisecond or thirty, so a round opens many, each fresh, and adds their costs up. What a store
// does at Open and Close is outside the figure and told beside put 10k as "open_ms" (CPU).
//
// Puts are counted in stores that have been running for a while: what a store's first megabytes of log cost is neither hidden in Open nor
// charged to ten thousand puts. A store takes sixty thousand puts untimed and is flushed; then three times ten thousand, each into an empty
// memtable, are counted, with the log segments made and the pages touched meanwhile. Fewer flushes than begin a compaction, in both engines.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

/// <summary>What the rows are called: the same work is done for more than one suite.</summary>
sealed record MemoryRows(string Put, string PutBatch, string GetInOrder, string GetRandom, string Scan, string GetManaged, string PutManaged)
{
    public static MemoryRows Storage { get; } =
        new("put 10k", "put batch", "get seq", "get random", "scan mem", "get managed bytes", "put managed bytes");

    public static MemoryRows Engine { get; } = new("put", "batch 100", "get in order", "get", "scan", "get managed bytes", "put managed bytes");
}

unsafe class MemoryScenario<TEngine, TCursor>(RoundTask task, TextWriter progress, MemoryRows? names = null)
    : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    protected const int ValueBytes = 100;
    const int Window = 1_000;
    const int UntimedPasses = 6;
    const int TimedPasses = 3;

    readonly MemoryRows _rows = names ?? MemoryRows.Storage;

    public override void Run()
    {
        if (Task.Wants(_rows.Put)) PutRunning(_rows.Put, Sizes.MemoryStores, 1);
        if (Task.Wants(_rows.PutBatch)) PutRunning(_rows.PutBatch, Sizes.BatchStores, 100);
        if (Task.Wants(_rows.GetInOrder, _rows.GetRandom, _rows.Scan, _rows.GetManaged)) Read();
        if (Task.Wants(_rows.PutManaged)) CountManagedBytesOfPuts();
    }

    void Read()
    {
        var keys = Sizes.MemoryKeys;
        using var ascending = Order.Ascending(keys);
        using var shuffled = Order.Shuffled(keys, Task.Seed(1));
        Cost inOrder = default, random = default, scan = default;
        long managed = 0;
        for (var n = 0; n < Sizes.MemoryStores; n++)
        {
            Open($"one-{n}", Task.StoreOptions, out var directory);
            Store.Put(ascending.Indexes, keys, 1, ValueBytes);
            Store.Engine.WaitIdle();

            long found = 0, entries = 0;
            var meter = Meter.Start();
            for (var pass = 0; pass < Sizes.GetPasses; pass++) found += Store.Get(ascending.Indexes, keys);
            inOrder += meter.Stop();

            var before = GC.GetTotalAllocatedBytes(precise: true);
            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.GetPasses; pass++) found += Store.Get(shuffled.Indexes, keys);
            random += meter.Stop();
            managed += GC.GetTotalAllocatedBytes(precise: true) - before;
            Expect($"{_rows.GetInOrder}, {_rows.GetRandom}", "keys found", 2L * Sizes.GetPasses * keys, found);

            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.ScanPasses; pass++) entries += Store.Scan();
            scan += meter.Stop();
            Expect(_rows.Scan, "entries met", (long)Sizes.ScanPasses * keys, entries);

            if (n == 0) Check(ascending);
            CloseAndDelete(directory);
        }
        double entriesMet = (double)keys * Sizes.MemoryStores;
        Report(_rows.GetInOrder, inOrder, entriesMet * Sizes.GetPasses);
        Report(_rows.GetRandom, random, entriesMet * Sizes.GetPasses);
        Report(_rows.Scan, scan, entriesMet * Sizes.ScanPasses);
        // Taken over the whole process: nothing else may run while a store is only read.
        Report(_rows.GetManaged, Math.Round(managed / (entriesMet * Sizes.GetPasses), 3), "B/op");
    }

    void Check(Order order)
    {
        using var oracle = new StoreOracle(order.Count, ValueBytes);
        oracle.Put(order, 1);
        oracle.CheckGets(Store, 2_000, _rows.GetRandom);
        oracle.CheckScan(Store, _rows.Scan);
    }

    void PutRunning(string row, int stores, int batchSize)
    {
        using var ascending = Order.Ascending(Sizes.MemoryKeys);
        Cost put = default, open = default;
        for (var n = 0; n < stores; n++)
        {
            open += Open($"put-{n}", Task.StoreOptions, out var directory);
            for (var pass = 0; pass < UntimedPasses; pass++) PutAll(ascending, batchSize);
            for (var pass = 0; pass < TimedPasses; pass++)
            {
                Store.Engine.Flush();
                Store.Engine.WaitIdle();
                var meter = Meter.Start();
                PutAll(ascending, batchSize);
                Store.Engine.WaitIdle();
                put += meter.Stop();
            }
            if (n == 0) Check(ascending);
            CloseAndDelete(directory);
        }
        Report(row, put, (double)Sizes.MemoryKeys * stores * TimedPasses);
        Beside(row, "open_ms", open.CpuNs / 1e6 / stores);
    }

    void PutAll(Order order, int batchSize)
    {
        if (batchSize == 1) Store.Put(order.Indexes, order.Count, 1, ValueBytes);
        else Store.PutBatches(order.Indexes, order.Count, 1, ValueBytes, batchSize);
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
        Report(_rows.PutManaged, windows[windows.Length / 2] / (double)Window, "B/op");
        Beside(_rows.PutManaged, "mean", sum / (double)order.Count);
        Beside(_rows.PutManaged, "process_mean", process / (double)order.Count);
    }
}
