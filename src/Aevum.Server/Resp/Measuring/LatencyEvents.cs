// LatencyEvents: what held clients up, by kind, for LATENCY: of each kind the last 160 seconds in which it happened, and the longest of each second.
//
//   command         a command took long               fast-command    one that should never did, or a group of such (LoopMeter)
//   commit          a commit of many commands took long: it waited for the disk, or for a flush or compaction that is behind
//
// Others may add kinds of their own. Off (a threshold of 0) unless told otherwise, as in Redis.

namespace Aevum.Server.Resp.Measuring;

/// <summary>The longest of one second.</summary>
readonly record struct LatencySample(long UnixSeconds, long Milliseconds);

/// <summary>One kind.</summary>
/// <param name="Samples">The oldest first.</param>
/// <param name="MillisecondsMax">The longest of all times, forgotten samples included.</param>
sealed record LatencyEvent(string Name, IReadOnlyList<LatencySample> Samples, long MillisecondsMax);

sealed class LatencyEvents
{
    public const int SamplesMax = 160;

    readonly Lock _gate = new();
    readonly SortedDictionary<string, (Queue<LatencySample> Before, LatencySample Last, long Max)> _events = new(StringComparer.Ordinal);

    /// <summary>Adds one, however short it was.</summary>
    public void Add(string name, long unixSeconds, long milliseconds)
    {
        lock (_gate)
        {
            var sample = new LatencySample(unixSeconds, milliseconds);
            if (!_events.TryGetValue(name, out var found))
            {
                _events[name] = ([], sample, milliseconds);
                return;
            }
            var max = Math.Max(found.Max, milliseconds);
            if (found.Last.UnixSeconds == unixSeconds)
            {
                _events[name] = (found.Before, sample with { Milliseconds = Math.Max(found.Last.Milliseconds, milliseconds) }, max);
                return;
            }
            found.Before.Enqueue(found.Last);
            if (found.Before.Count >= SamplesMax) found.Before.Dequeue();
            _events[name] = (found.Before, sample, max);
        }
    }

    /// <summary>All kinds that happened, by name.</summary>
    public IReadOnlyList<LatencyEvent> All()
    {
        lock (_gate) return [.. _events.Select(e => new LatencyEvent(e.Key, [.. e.Value.Before, e.Value.Last], e.Value.Max))];
    }

    /// <summary>One kind; null: it never happened.</summary>
    public LatencyEvent? Find(string name) => All().FirstOrDefault(e => e.Name == name);

    /// <summary>Forgets one kind.</summary>
    /// <returns>False: it never happened.</returns>
    public bool Reset(string name)
    {
        lock (_gate) return _events.Remove(name);
    }

    /// <summary>Forgets everything.</summary>
    /// <returns>How many kinds there were.</returns>
    public int Reset()
    {
        lock (_gate)
        {
            var count = _events.Count;
            _events.Clear();
            return count;
        }
    }
}
