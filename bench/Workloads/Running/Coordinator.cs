// Coordinator: runs scenarios round by round, ours, peer, ours, peer, each engine in its own process, and gathers the readings.
//
// Alternating is what makes a ratio mean something on a machine that others use too: both engines meet the same weather. Only one
// child works at a time; the other waits for its next line, its store closed.
//
// Children live through all rounds of a scenario (so the JIT's work is done once) unless the scenario wants a new process for each.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Running;

/// <summary>What one run of a scenario gave: readings per round for each side, or the first error.</summary>
sealed record ScenarioOutcome(List<Reading[]> Ours, List<Reading[]> Peer, string Error);

sealed class Coordinator(RunOptions options, string directory, TextWriter progress) : IDisposable
{
    readonly Dictionary<string, ChildProcess> _children = [];
    readonly Lock _gate = new();
    readonly long _startMs = Environment.TickCount64;

    /// <summary>One engine's name, and what it opens its stores with.</summary>
    readonly record struct Side(string Engine, bool IsOurs, HistoryKind History, CompressionKind Compression, bool MapsTables);

    public ScenarioOutcome Run(Scenario scenario, string[] rows, Variant variant)
    {
        var outcome = new ScenarioOutcome([], [], "");
        var rounds = options.Rounds ?? (options.Scale == Scale.Full ? scenario.Rounds : scenario.QuickRounds);
        var ours = new Side(options.OursName, true, variant.OursHistory, variant.Compression, MapsTables: false);
        var peer = new Side(options.Suite.PeerName, false, HistoryKind.None, variant.Compression, options.PeerMapsTables || variant.PeerMapsTables);
        var (hasOurs, hasPeer) = (variant.HasOurs && options.Sides != Sides.Peer, variant.HasPeer && options.Sides != Sides.Ours);
        for (var round = 1; round <= rounds && outcome.Error.Length == 0; round++)
        {
            var count = hasOurs ? rounds : Math.Min(rounds, scenario.PeerRoundsMax);
            var label = $"{scenario.Name}{(variant.Name.Length > 0 ? $" ({variant.Name})" : "")}, round {round}/{count}";
            if (hasOurs) outcome = RunRound(scenario, ours, round, rows, label, outcome);
            if (hasPeer && round <= scenario.PeerRoundsMax && outcome.Error.Length == 0)
                outcome = RunRound(scenario, peer, round, rows, label, outcome);
        }
        StopChildren();
        return outcome;
    }

    ScenarioOutcome RunRound(Scenario scenario, Side side, int round, string[] rows, string label, ScenarioOutcome outcome)
    {
        // The measured engine against itself still needs two processes, so the key is the side, not the engine.
        var key = side.IsOurs ? "ours" : "peer";
        var readings = new List<Reading>();
        var error = "";
        var place = Path.Combine(directory, key);
        Directory.CreateDirectory(place);
        foreach (var step in scenario.Steps)
        {
            var task = new RoundTask
            {
                Scenario = scenario.Name, Step = step, Round = round, Scale = options.Scale, Rows = rows, Directory = place,
                History = side.History, Compression = side.Compression, PeerMapsTables = side.MapsTables,
                PeerOptions = side.IsOurs ? "" : options.PeerOptions, PeerTickers = options.PeerTickers && !side.IsOurs,
                Label = $"{label}, {side.Engine}: ", RunStartMs = _startMs,
            };
            var child = Child(key, side.Engine, task, isMeasuringStart: scenario.Steps.Length > 1);
            using var memory = new MemorySampler(child.Id);
            var reply = child.Run(task);
            var bytesMax = memory.StopAndGetBytesMax();
            error = reply.Error;
            if (error.Length > 0) break;
            readings.AddRange(reply.Readings);
            if (rows.Contains("resident " + scenario.Name)) readings.Add(new("resident " + scenario.Name, "cpu", bytesMax / 1048576.0));
            if (scenario.Steps.Length > 1)
            {
                child.Kill();
                Stop(key);
            }
        }
        if (scenario.NewProcessPerRound || error.Length > 0) Stop(key);
        Directory.Delete(place, recursive: true);
        if (error.Length > 0) progress.WriteLine($"{label}, {side.Engine}: FAILED: {error}");
        (side.IsOurs ? outcome.Ours : outcome.Peer).Add([.. readings]);
        return error.Length > 0 ? outcome with { Error = $"{side.Engine}, round {round}: {error}" } : outcome;
    }

    /// <param name="key">Which side.</param>
    /// <param name="engine">Its engine.</param>
    /// <param name="task">Where and with which options to warm up.</param>
    /// <param name="isMeasuringStart">The scenario measures a process that has done nothing yet, and warms up by itself.</param>
    ChildProcess Child(string key, string engine, RoundTask task, bool isMeasuringStart)
    {
        lock (_gate)
        {
            if (_children.TryGetValue(key, out var child)) return child;
            child = _children[key] = new(engine);
            if (isMeasuringStart) return child;
            var reply = child.Run(task with { Scenario = "warm-up", Step = "" });
            if (reply.Error.Length > 0) progress.WriteLine($"{task.Label}the warm-up FAILED: {reply.Error}");
            return child;
        }
    }

    void Stop(string key)
    {
        lock (_gate)
        {
            if (_children.Remove(key, out var child)) child.Dispose();
        }
    }

    void StopChildren()
    {
        Stop("ours");
        Stop("peer");
    }

    public void Dispose() => StopChildren();
}
