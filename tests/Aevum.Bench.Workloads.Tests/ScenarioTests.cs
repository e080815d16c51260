// Every scenario runs on an honest engine and hands in a figure for each of its rows; an engine that lies is caught, with the row named.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Tests;

public sealed class ScenarioTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("aevum-bench-tests").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    public static TheoryData<string> Scenarios => [.. Suite.All.Where(s => s.Runner is null).SelectMany(s => s.Scenarios).Select(s => s.Name)];

    [Theory, MemberData(nameof(Scenarios))]
    public void An_honest_engine_gives_a_figure_for_every_row(string name)
    {
        var readings = Run<Honest>(name);
        foreach (var row in SuiteOf(name).Rows.Where(r => r.Scenario == name && r.Name != "resident 10m"))   // that one is seen from outside
            foreach (var field in row.Fields)
            {
                var reading = Assert.Single(readings, r => r.Row == row.Name && r.Field == field);
                Assert.True(double.IsFinite(reading.Value) && reading.Value >= 0, $"{row.Name} {field}: {reading.Value}");
            }
    }

    [Theory, MemberData(nameof(Scenarios))]
    public void Lost_puts_fail_the_row(string name) => AssertCaught<LosesPuts>(name);

    [Theory, MemberData(nameof(Scenarios))]
    public void A_walk_that_skips_fails_the_row(string name)
    {
        // Opening, and values of 1 KiB, are checked by gets alone.
        // So are transactions.
        if (name is "open" or "1k" or "transactions" or "past") Run<SkipsInWalks>(name);
        else AssertCaught<SkipsInWalks>(name);
    }

    [Theory, MemberData(nameof(Scenarios))]
    public void Garbled_values_fail_the_row(string name)
    {
        if (name == "open") Run<GarblesValues>(name);   // checks presence; the values are the other rows' business
        else AssertCaught<GarblesValues>(name);
    }

    [Theory]
    [InlineData("open")]
    [InlineData("recover")]
    public void A_store_that_forgets_at_open_fails_the_row(string name) => AssertCaught<ForgetsAtOpen>(name);

    [Fact]
    public void Only_wanted_rows_are_handed_in()
    {
        var readings = Run<Honest>("memory", "get random");
        Assert.All(readings, r => Assert.Equal("get random", r.Row));
        Assert.NotEmpty(readings);
    }

    [Fact]
    public void Every_store_is_deleted_behind_a_round()
    {
        foreach (var name in (string[])["memory", "1k", "1m", "10m", "history", "engine", "transactions", "past"]) Run<Honest>(name);
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    static Suite SuiteOf(string scenario) => Suite.All.Single(s => s.Scenarios.Any(c => c.Name == scenario));

    void AssertCaught<TFault>(string scenario) where TFault : struct, IFault
    {
        var rows = SuiteOf(scenario).Rows.Select(r => r.Name);
        var e = Assert.Throws<BenchException>(() => Run<TFault>(scenario));
        Assert.Contains(rows, row => e.Message.Contains(row, StringComparison.Ordinal));
    }

    List<Reading> Run<TFault>(string scenario, params string[] rows) where TFault : struct, IFault
    {
        var entry = new EngineEntry<PlainEngine<TFault>, PlainCursor>();
        var readings = new List<Reading>();
        foreach (var step in SuiteOf(scenario).Scenarios.Single(s => s.Name == scenario).Steps)
        {
            var task = new RoundTask
            {
                Scenario = scenario, Step = step, Round = 1, Scale = Scale.Tiny, Directory = _directory,
                Rows = rows.Length > 0 ? rows : [.. SuiteOf(scenario).Rows.Select(r => r.Name)],
            };
            readings.AddRange(entry.Run(task, TextWriter.Null));
        }
        return readings;
    }
}
