// RunCommand: "run SUITE": estimate, scenarios, rows, table. Exit code 0 when every wanted row has a figure, 1 when one failed; a
// missed bound is a result, not a failure: it is printed as MISSED.

using System.Diagnostics;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Reporting;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Running;

static class RunCommand
{
    public static int Run(RunOptions options)
    {
        var start = Stopwatch.GetTimestamp();
        var people = options.JsonFile is null ? Console.Error : Console.Out;
        var head = Machine.Describe(EngineVersions(options), options.Directory);
        people.WriteLine(head);
        var wanted = options.Suite.Rows.Where(options.IsWanted).Select(r => r.Scenario).ToHashSet();
        var scenarios = options.Suite.Scenarios.Where(s => wanted.Contains(s.Name)).ToArray();
        CheckSpace(options, scenarios);
        people.WriteLine(Estimate(options, scenarios));
        people.Flush();

        using var json = options.JsonFile is null ? null : new StreamWriter(options.JsonFile) { NewLine = "\n", AutoFlush = true };
        var directory = Path.Combine(options.Directory, $"aevum-bench-{Environment.ProcessId}");
        var results = new List<RowResult>();
        try
        {
            foreach (var result in Results(options, scenarios, directory))
            {
                results.Add(result);
                (json ?? Console.Out).WriteLine(JsonRow.Write(result, options.Suite.PeerName));
            }
        }
        finally
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        }

        var inOrder = results.OrderBy(r => Array.IndexOf(options.Suite.Rows, r.Row)).ToArray();
        people.WriteLine();
        people.Write(Table.Write(inOrder, options));
        people.WriteLine($"{Stopwatch.GetElapsedTime(start).TotalMinutes:F1} minutes. {Machine.Load()}");
        if (options.PlotFile is { } plot) File.WriteAllText(plot, RatioChart.Write(inOrder, options.Suite, head));
        return results.Any(r => r.Verdict == Verdict.Failed) ? 1 : 0;
    }

    static IEnumerable<RowResult> Results(RunOptions options, Scenario[] scenarios, string directory)
    {
        if (options.Suite.Runner is { } runner)
        {
            Directory.CreateDirectory(directory);
            foreach (var result in runner.Run(options, directory, Console.Error)) yield return result;
            yield break;
        }
        using var coordinator = new Coordinator(options, directory, Console.Error);
        foreach (var scenario in scenarios)
            foreach (var result in RunScenario(options, coordinator, scenario)) yield return result;
    }

    static string[] EngineVersions(RunOptions options)
    {
        if (options.Suite.Runner is { } runner) return runner.Versions(options);
        var ours = options.Sides == Sides.Peer ? null : EngineTable.Find(options.OursName).Version;
        var peer = options.Sides == Sides.Ours ? null : EngineTable.Find(options.Suite.PeerName).Version;
        return [.. new[] { ours, peer }.OfType<string>().Distinct()];
    }

    static IEnumerable<RowResult> RunScenario(RunOptions options, Coordinator coordinator, Scenario scenario)
    {
        var rows = options.Suite.Rows.Where(r => r.Scenario == scenario.Name && options.IsWanted(r)).ToArray();
        var names = rows.Select(r => r.Name).ToArray();
        var main = coordinator.Run(scenario, names, Variant.Main);
        var variants = new List<(Variant Variant, ScenarioOutcome Outcome)>();
        if (options.Variants && scenario.HasVariants)
            foreach (var variant in Variant.Others) variants.Add((variant, coordinator.Run(scenario, names, variant)));
        foreach (var row in rows)
        {
            // A side that was left out of the run leaves some rows without any figure: those are not reported at all.
            if (options.Sides == Sides.Peer && !row.HasPeer && scenario.PeerRoundsMax == 0) continue;
            var result = RowResult.Create(row, options.Suffix, main.Ours, main.Peer, main.Error);
            foreach (var (variant, outcome) in variants) result = variant.AddTo(result, outcome, main);
            yield return result;
        }
    }

    static void CheckSpace(RunOptions options, Scenario[] scenarios)
    {
        Directory.CreateDirectory(options.Directory);
        var free = new DriveInfo(options.Directory).AvailableFreeSpace / (double)(1L << 30);
        var needed = options.Scale == Scale.Full ? scenarios.Max(s => s.DiskGib) : 1;
        if (free < needed)
            throw new BenchException($"{options.Directory} has {free:F1} GiB free, this run needs {needed:F1}; --dir names another place");
    }

    static string Estimate(RunOptions options, Scenario[] scenarios)
    {
        double seconds = 0;
        foreach (var s in scenarios)
        {
            var isFull = options.Scale == Scale.Full;
            var rounds = options.Rounds ?? (isFull ? s.Rounds : s.QuickRounds);
            var (ours, peer) = isFull ? s.Seconds : s.QuickSeconds;
            var mine = options.Sides == Sides.Peer ? 0 : rounds * ours;
            var theirs = options.Sides == Sides.Ours ? 0 : Math.Min(rounds, s.PeerRoundsMax) * peer;
            seconds += mine + theirs;
            if (options.Variants && s.HasVariants) seconds += Variant.Others.Sum(v => (v.HasOurs ? mine : 0) + (v.HasPeer ? theirs : 0));
        }
        return $"estimate: {seconds / 60:F0} minutes on two free cores ({string.Join(", ", scenarios.Select(s => s.Name))})";
    }
}
