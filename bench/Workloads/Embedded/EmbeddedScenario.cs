// EmbeddedScenario ("engine"): the work of the scenario "memory", through the embedded database; and beside it, in the same process and round, the
// tree alone, which tells what the engine and the API cost.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Engines.Aevum;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Storage;

namespace Aevum.Bench.Workloads.Embedded;

sealed class EmbeddedScenario<TEngine, TCursor>(RoundTask task, TextWriter progress)
    : MemoryScenario<TEngine, TCursor>(task, progress, MemoryRows.Engine)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    static readonly (string Row, string Tree)[] Pairs =
        [("put", "put 10k"), ("batch 100", "put batch"), ("get", "get random"), ("scan", "scan mem")];

    public override void Run()
    {
        base.Run();
        if (TEngine.Name != DatabaseEngine.Name) return;
        var rows = Pairs.Where(p => Task.Wants(p.Row)).ToArray();
        var tree = new MemoryScenario<AevumEngine, AevumCursor>(Task with { Rows = [.. rows.Select(p => p.Tree)] }, TextWriter.Null);
        tree.Run();
        foreach (var (row, name) in rows)
            Beside(row, "tree", tree.Readings.First(r => r.Row == name && r.Field == "cpu").Value);
    }
}
