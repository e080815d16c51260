// SeedRunner: works through the seeds on one or several threads, tells how far it is, and ends with the sum.
//
// A seed that makes no progress is a failure like any other: a watchdog names it and ends the process, for a thread that waits on a lock
// cannot be ended otherwise.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Sessions;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation;

/// <param name="Failure">What went wrong; null if nothing did.</param>
/// <param name="TraceHash">Equal for two runs of one seed, or something in them was not of the seed's making.</param>
/// <param name="Seen">How often what happened: shows that a run reached what it is there for.</param>
sealed record SimulationResult(string? Failure, ulong TraceHash, IReadOnlyDictionary<string, long> Seen);

/// <param name="Area">What is simulated: storage; engine, and its second half alone: sessions.</param>
/// <param name="History">Of sessions: files of this name, with the seed behind it, get what was done; null: none.</param>
sealed record SimulationArguments(string Area, ulong First, int Seeds, int Threads, bool Trace, string? History)
{
    public static bool TryParse(string[] args, [NotNullWhen(true)] out SimulationArguments? arguments)
    {
        arguments = null;
        if (args.Length == 0 || args[0] is not ("storage" or "engine" or "sessions")) return false;
        ulong first = 1;
        int seeds = 0, threads = 1;
        var trace = false;
        string? history = null;
        for (var i = 1; i < args.Length; i++)
        {
            if (args[i] == "--trace")
            {
                trace = true;
                continue;
            }
            if (args[i] == "--history" && i + 1 < args.Length && args[0] != "storage")
            {
                history = args[++i];
                continue;
            }
            if (i + 1 == args.Length || !ulong.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
            switch (args[i])
            {
                case "--first": first = value; break;
                case "--seeds": seeds = (int)Math.Min(value, int.MaxValue); break;
                case "--threads": threads = (int)Math.Clamp(value, 1, 64); break;
                default: return false;
            }
            i++;
        }
        if (seeds < 1) return false;
        arguments = new(args[0], first, seeds, threads, trace, history);
        return true;
    }
}

sealed class SeedRunner(SimulationArguments arguments)
{
    const int TwiceEvery = 16;
    static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(3);
    static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    readonly Lock _gate = new();
    readonly Dictionary<ulong, long> _running = [];
    readonly SortedDictionary<string, long> _seen = new(StringComparer.Ordinal);
    readonly long _started = Stopwatch.GetTimestamp();
    ulong _next = arguments.First;
    int _passed;
    int _failed;
    int _checkedTwice;
    bool _done;

    public int Run()
    {
        var processor = Environment.CpuUsage.TotalTime;
        new Thread(Watch) { IsBackground = true, Name = "watch" }.Start();
        var threads = Enumerable.Range(0, arguments.Threads).Select(i => new Thread(Work) { Name = $"seeds {i}" }).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        lock (_gate) _done = true;
        var seconds = (Environment.CpuUsage.TotalTime - processor).TotalSeconds;
        Console.WriteLine($"what happened: {string.Join(", ", _seen.Select(s => $"{s.Key} {s.Value}"))}");
        Console.WriteLine($"{_checkedTwice} seeds run twice; {seconds:0.0} s of processor time, " +
            $"{arguments.Seeds / Math.Max(seconds, 0.001):0.0} seeds a second of it");
        Console.WriteLine($"{_passed} passed, {_failed} failed");
        return _failed == 0 ? 0 : 1;
    }

    void Work()
    {
        while (true)
        {
            ulong seed;
            lock (_gate)
            {
                if (_next - arguments.First == (ulong)arguments.Seeds) return;
                seed = _next++;
                _running[seed] = Stopwatch.GetTimestamp();
            }
            var failure = RunSeed(seed, out var twice);
            lock (_gate)
            {
                _running.Remove(seed);
                if (twice) _checkedTwice++;
                if (failure is null) _passed++;
                else _failed++;
                if (failure is not null) Report(seed, failure);
            }
        }
    }

    SimulationResult RunOnce(ulong seed, bool trace)
    {
        if (arguments.Area == "storage") return StorageRun.Run(seed, trace);
        if (arguments.Area == "sessions" || arguments.History is not null) return RunSessions(seed, trace);
        var shards = EngineRun.Run(seed, trace);
        if (shards.Failure is not null) return shards;
        var sessions = RunSessions(seed, trace);
        var seen = shards.Seen.Concat(sessions.Seen).GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Sum(s => s.Value));
        return new(sessions.Failure, shards.TraceHash ^ ulong.RotateLeft(sessions.TraceHash, 1), seen);
    }

    SimulationResult RunSessions(ulong seed, bool trace) =>
        SessionRun.Run(seed, trace, arguments.History is { } path ? string.Create(CultureInfo.InvariantCulture, $"{path}.{seed}") : null);

    string? RunSeed(ulong seed, out bool twice)
    {
        twice = false;
        var first = RunOnce(seed, arguments.Trace);
        lock (_gate)
            foreach (var (what, count) in first.Seen) _seen[what] = _seen.GetValueOrDefault(what) + count;
        if (first.Failure is not null || seed % TwiceEvery != 0) return first.Failure;
        twice = true;
        var second = RunOnce(seed, trace: false);
        if (second.Failure is not null) return "it held at first, and then not: " + second.Failure;
        return first.TraceHash == second.TraceHash ? null : $"two runs left different traces: {first.TraceHash:x16} and {second.TraceHash:x16}";
    }

    void Report(ulong seed, string failure)
    {
        Console.WriteLine($"seed {seed} FAILED: {failure}");
        Console.WriteLine($"    replay: ./dev sim {arguments.Area} --seeds 1 --first {seed}");
    }

    void Watch()
    {
        var shown = TimeSpan.Zero;
        while (true)
        {
            Thread.Sleep(500);
            lock (_gate)
            {
                if (_done) return;
                var elapsed = Stopwatch.GetElapsedTime(_started);
                if (elapsed - shown >= ProgressEvery)
                {
                    shown = elapsed;
                    Console.WriteLine($"[{elapsed.TotalSeconds,4:0} s] {_passed + _failed} of {arguments.Seeds} seeds, {_failed} failed");
                }
                foreach (var (seed, began) in _running)
                {
                    if (Stopwatch.GetElapsedTime(began) < PatienceMax) continue;
                    Report(seed, $"no end after {PatienceMax}: it waits for something that cannot come, or goes round in a circle");
                    Console.WriteLine($"{_passed} passed, {_failed + 1} failed");
                    Environment.Exit(1);
                }
            }
        }
    }
}

sealed class ThrowingListener : TraceListener
{
    public override void Write(string? message) { }

    public override void WriteLine(string? message) { }

    public override void Fail(string? message, string? detailMessage) =>
        throw new InvalidOperationException($"an assertion does not hold: {message} {detailMessage}");
}
