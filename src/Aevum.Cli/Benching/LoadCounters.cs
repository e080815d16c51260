// LoadCounters: what clients have counted, and what it comes to.
//
// Each thread that takes replies has counters of its own, so that no two write the same memory; a look sums them up. What is counted between two
// looks is their difference. Latencies are those of LatencyHistogram: at most 1/32 too great.

using Aevum.Server.Resp.Measuring;

namespace Aevum.Cli.Benching;

/// <summary>Counters of one thread, by the place of the command in the mix.</summary>
sealed class LoadCounters(int commands)
{
    public LatencyHistogram[] Latencies { get; } = [.. Enumerable.Range(0, commands).Select(_ => new LatencyHistogram())];

    public long[] Nothing { get; } = new long[commands];

    public long[] Errors { get; } = new long[commands];
}

/// <summary>A sum of all counters, at a moment or between two.</summary>
sealed class LoadSum
{
    readonly LatencyDistribution[] _latencies;

    public LoadSum(int commands)
    {
        _latencies = [.. Enumerable.Range(0, commands).Select(_ => new LatencyDistribution())];
        Nothing = new long[commands];
        Errors = new long[commands];
    }

    /// <summary>Of each command of the mix.</summary>
    public IReadOnlyList<LatencyDistribution> Latencies => _latencies;

    public long[] Nothing { get; }

    public long[] Errors { get; }

    public long Count => _latencies.Sum(l => l.Count);

    public long ErrorCount => Errors.Sum();

    public void Add(LoadCounters counters)
    {
        for (var i = 0; i < _latencies.Length; i++)
        {
            counters.Latencies[i].AddTo(_latencies[i]);
            Nothing[i] += Volatile.Read(ref counters.Nothing[i]);
            Errors[i] += Volatile.Read(ref counters.Errors[i]);
        }
    }

    /// <summary>What came to it since an earlier sum.</summary>
    public LoadSum Since(LoadSum earlier)
    {
        var since = new LoadSum(_latencies.Length);
        for (var i = 0; i < _latencies.Length; i++)
        {
            _latencies[i].AddTo(since._latencies[i]);
            since._latencies[i].Subtract(earlier._latencies[i]);
            since.Nothing[i] = Nothing[i] - earlier.Nothing[i];
            since.Errors[i] = Errors[i] - earlier.Errors[i];
        }
        return since;
    }

    /// <summary>The latencies of all commands together.</summary>
    public LatencyDistribution All()
    {
        var all = new LatencyDistribution();
        foreach (var one in _latencies) one.AddTo(all);
        return all;
    }
}
