// MillionScenario ("1m"): a million distinct keys put in random order until everything lies in compacted tables; then scanned.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class MillionScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;

    public override void Run()
    {
        using var order = Order.Shuffled(Sizes.MillionKeys, Task.Seed(1));
        Open("million", Task.StoreOptions, out var directory);
        var meter = Meter.Start();
        PutOrder(order, 1, ValueBytes);
        Report("fill 1m", meter.Stop(), order.Count, "to_last_put", "wall_to_last_put");
        Store.Engine.Flush();
        Store.Engine.WaitIdle();
        Report("fill 1m", meter.Stop(), order.Count);

        if (Task.Wants("scan disk"))
        {
            Expect("scan disk", "entries met", order.Count, Store.Scan());   // untimed: brings the tables into the caches
            meter = Meter.Start();
            for (var pass = 0; pass < Sizes.MillionScans; pass++) Store.Scan();
            Report("scan disk", meter.Stop(), (double)order.Count * Sizes.MillionScans);
        }
        using var oracle = new StoreOracle(order.Count, ValueBytes);
        oracle.Put(order, 1);
        oracle.CheckGets(Store, 2_000, "fill 1m");
        oracle.CheckScan(Store, "scan disk");
        CloseAndDelete(directory);
    }
}
