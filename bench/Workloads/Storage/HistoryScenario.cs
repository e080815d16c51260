// HistoryScenario ("history"): what keeping history for ever costs those who only read the present. The same puts go into a store
// that keeps no history and into one that keeps all of it; the figure is the ratio of CPU per get and per scanned entry.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class HistoryScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;

    readonly record struct Costs(Cost Get, Cost Scan);

    public override void Run()
    {
        var none = Measure(HistoryKind.None);
        var forever = Measure(HistoryKind.Forever);
        Report("history get", forever.Get.CpuNs / none.Get.CpuNs, "x");
        Report("history scan", forever.Scan.CpuNs / none.Scan.CpuNs, "x");
        Beside("history get", "none_ns", none.Get.CpuNs / Sizes.HistoryGets);
        Beside("history get", "forever_ns", forever.Get.CpuNs / Sizes.HistoryGets);
        Beside("history scan", "none_ns", none.Scan.CpuNs / Sizes.HistoryScans / Sizes.HistoryKeys);
        Beside("history scan", "forever_ns", forever.Scan.CpuNs / Sizes.HistoryScans / Sizes.HistoryKeys);
    }

    Costs Measure(HistoryKind history)
    {
        var keys = Sizes.HistoryKeys;
        Open($"history-{history}", Task.StoreOptions with { History = history }, out var directory);
        var epochLast = Sizes.HistoryOverwrites + 1;
        using var oracle = new StoreOracle(keys, ValueBytes);
        for (var epoch = 1; epoch <= epochLast; epoch++)
        {
            using var order = Order.Shuffled(keys, Task.Seed(epoch));
            PutOrder(order, epoch, ValueBytes);
            if (epoch == epochLast) oracle.Put(order, epoch);
        }
        Store.Engine.Flush();
        Store.Engine.WaitIdle();
        Tell($"history {history}", $"{DirectorySize.Allocated(directory) / 1048576.0:F0} MiB on disk");

        GetDraws(Task.Seed(101), keys, Sizes.HistoryGets / 2);   // untimed
        var meter = Meter.Start();
        var found = GetDraws(Task.Seed(102), keys, Sizes.HistoryGets);
        var get = meter.Stop();
        Expect("history get", "keys found", Sizes.HistoryGets, found);

        Expect("history scan", "entries met", keys, Store.Scan());   // untimed
        meter = Meter.Start();
        for (var pass = 0; pass < Sizes.HistoryScans; pass++) Store.Scan();
        var scan = meter.Stop();
        oracle.CheckScan(Store, "history scan");
        CloseAndDelete(directory);
        return new(get, scan);
    }
}
