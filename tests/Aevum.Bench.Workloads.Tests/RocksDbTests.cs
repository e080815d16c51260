using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Engines.RocksDb;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Testing;

namespace Aevum.Bench.Workloads.Tests;

/// <summary>The peer's side of every scenario, with every answer checked by the scenario itself.</summary>
public sealed class RocksDbTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("aevum-bench-tests").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [FactThatNeeds(Library = RocksDbNative.Library)]
    public void It_passes_through_every_scenario()
    {
        var entry = EngineTable.Find("rocksdb");
        Assert.StartsWith("RocksDB 7.8", entry.Version, StringComparison.Ordinal);
        foreach (var scenario in Suite.All[0].Scenarios.Where(s => s.Name != "history"))
        {
            var readings = 0;
            foreach (var step in scenario.Steps) readings += entry.Run(NewTask(scenario.Name, step), TextWriter.Null).Count;
            Assert.NotEqual(0, readings);
        }
    }

    [FactThatNeeds(Library = RocksDbNative.Library)]
    public void Its_errors_become_exceptions()
    {
        var engine = new RocksDbEngine();
        var file = Path.Combine(_directory, "file");
        File.WriteAllText(file, "");
        Assert.Contains("RocksDB", Assert.Throws<BenchException>(() => engine.Open(file, new())).Message, StringComparison.Ordinal);
        Assert.Throws<BenchException>(() => new RocksDbEngine().Open(_directory, new() { PeerOptions = "no_such_option=1" }));
    }

    RoundTask NewTask(string scenario, string step) => new()
    {
        Scenario = scenario, Step = step, Round = 1, Scale = Scale.Tiny, Directory = _directory, Rows = [.. Suite.All[0].Rows.Select(r => r.Name)],
    };
}
