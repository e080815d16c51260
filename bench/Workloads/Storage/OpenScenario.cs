// OpenScenario ("open"): how long opening a store of a million entries of 1 KiB takes, in wall time, its files in the page cache.
//
// The first opening runs in a process that has opened nothing yet and is told beside ("cold_code_ms": the JIT's share is in it);
// the row's figure is the median of those after the warm-up.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class OpenScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 1024;
    const string Row = "open 1g";

    public override void Run()
    {
        if (Task.Step == "fill") Fill();
        else Measure();
    }

    void Fill()
    {
        const int stretch = StoreLoops<TEngine, TCursor>.Stretch;
        Open("open", Task.StoreOptions, out var directory);
        using var order = Order.Shuffled(Sizes.OpenKeys, Task.Seed(1));
        for (var i = 0; i < order.Count; i += stretch)
            Store.PutBatches(order.Indexes + i, Math.Min(stretch, order.Count - i), 1, ValueBytes, 100);
        Store.Engine.Flush();
        Store.Engine.WaitIdle();
        Store.Engine.Close();
        Tell(Row, $"filled, {DirectorySize.Allocated(directory) / 1048576.0:F0} MiB on disk");
    }

    void Measure()
    {
        var cold = OpenAndClose();
        new WarmUpScenario<TEngine, TCursor>(Task, TextWriter.Null).Run();
        var wall = new double[Sizes.OpenRepeats];
        var cpu = new double[Sizes.OpenRepeats];
        for (var n = 0; n < wall.Length; n++)
        {
            var cost = OpenAndClose();
            (wall[n], cpu[n]) = (cost.WallNs, cost.CpuNs);
        }
        Report(Row, Rows.Median.Of(wall) / 1e6, "ms");
        Beside(Row, "cpu_ms", Rows.Median.Of(cpu) / 1e6);
        Beside(Row, "cold_code_ms", cold.WallNs / 1e6);
    }

    Cost OpenAndClose()
    {
        var cost = Open("open", Task.StoreOptions, out _);
        // An opening counts only if the store answers right behind it.
        using var order = Order.Shuffled(Sizes.OpenKeys, Task.Seed(1));
        Expect(Row, "keys found", 100, Store.Get(order.Indexes, 100));
        Store.Engine.WaitIdle();
        Store.Engine.Close();
        return cost;
    }
}
