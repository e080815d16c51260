// EngineTable: from an engine's name on the command line to code compiled for that engine.

using Aevum.Bench.Workloads.Engines.Aevum;
using Aevum.Bench.Workloads.Engines.RocksDb;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Storage;

namespace Aevum.Bench.Workloads.Engines;

abstract class EngineEntry
{
    public abstract string Name { get; }

    /// <exception cref="BenchException">The engine cannot be loaded here; the message says what to install.</exception>
    public abstract string Version { get; }

    /// <summary>Runs one round of a storage scenario in this process.</summary>
    public abstract IReadOnlyList<Reading> Run(RoundTask task, TextWriter progress);
}

sealed class EngineEntry<TEngine, TCursor> : EngineEntry
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    public override string Name => TEngine.Name;

    public override string Version => TEngine.Version;

    public override IReadOnlyList<Reading> Run(RoundTask task, TextWriter progress)
    {
        StoreScenario<TEngine, TCursor> scenario = task.Scenario switch
        {
            "warm-up" => new WarmUpScenario<TEngine, TCursor>(task, progress),
            "memory" => new MemoryScenario<TEngine, TCursor>(task, progress),
            "1k" => new KibibyteScenario<TEngine, TCursor>(task, progress),
            "1m" => new MillionScenario<TEngine, TCursor>(task, progress),
            "10m" => new ChainScenario<TEngine, TCursor>(task, progress),
            "history" => new HistoryScenario<TEngine, TCursor>(task, progress),
            "open" => new OpenScenario<TEngine, TCursor>(task, progress),
            "engine" => new Embedded.EmbeddedScenario<TEngine, TCursor>(task, progress),
            "past" => new Embedded.PastScenario<TEngine, TCursor>(task, progress),
            "transactions" => new Embedded.TransactionScenario<TEngine, TCursor>(task, progress),
            "recover" => new RecoverScenario<TEngine, TCursor>(task, progress),
            _ => throw new BenchException($"there is no scenario {task.Scenario}"),
        };
        try
        {
            scenario.Run();
            return scenario.Readings;
        }
        catch
        {
            scenario.Abandon();
            throw;
        }
    }
}

static class EngineTable
{
    static readonly EngineEntry[] Entries =
    [
        new EngineEntry<AevumEngine, AevumCursor>(),
        new EngineEntry<DatabaseEngine, DatabaseCursor>(),
        new EngineEntry<RocksDbEngine, RocksDbCursor>(),
    ];

    public static EngineEntry Find(string name) =>
        Entries.FirstOrDefault(e => e.Name == name) ??
        throw new BenchException($"this build has no engine \"{name}\"; it has {string.Join(", ", Entries.Select(e => e.Name))}");
}
