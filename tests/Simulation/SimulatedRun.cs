// SimulatedRun: what the runs of all areas share: telling. A line a step, of which the latest are kept for whoever looks for a failure; a hash over
// all of them; how often what happened.

using Aevum.Core.Scheduling;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation;

abstract class SimulatedRun(bool trace, int kept)
{
    readonly Dictionary<string, long> _seen = [];
    readonly List<string> _latest = [];
    ulong _hash = 14695981039346656037;

    protected bool IsTraced => trace;

    protected abstract SimulatedScheduler Scheduler { get; }

    /// <summary>Before each line: the step, the time.</summary>
    protected abstract string Where { get; }

    /// <summary>What the seed chose, and where it stands.</summary>
    protected abstract string Situation { get; }

    /// <summary>Everything that the seed is for. Throws if something does not hold.</summary>
    protected abstract void Run();

    public SimulationResult Execute()
    {
        string? failure = null;
        try
        {
            Run();
        }
        catch (Exception e)
        {
            var what = e is SimulationFailure ? e.Message : $"an exception that nothing explains: {e}";
            failure = $"{what}\n    {Situation}\n    last steps:\n      {string.Join("\n      ", _latest.TakeLast(25))}";
        }
        return new(failure, _hash ^ Scheduler.TraceHash, _seen);
    }

    protected void Note(string what)
    {
        foreach (var c in what) _hash = (_hash ^ c) * 1099511628211;
        var line = $"{Where} {what}";
        if (trace) Console.WriteLine(line);
        _latest.Add(line);
        if (_latest.Count > 2 * kept) _latest.RemoveRange(0, kept);
    }

    protected void Count(string what) => _seen[what] = _seen.GetValueOrDefault(what) + 1;

    protected static string Show(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= 24 ? Convert.ToHexString(bytes) : $"{Convert.ToHexString(bytes[..24])}.. ({bytes.Length} bytes)";

    protected static void Require(bool condition, string what)
    {
        if (!condition) throw new SimulationFailure(what);
    }
}
