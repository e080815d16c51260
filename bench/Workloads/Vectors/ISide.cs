// ISide: one of the two that are compared on a data set. Ours runs in this process, on the calling thread; the peer in its own.

using System.Diagnostics;
using Aevum.Bench.Workloads.Loops;

namespace Aevum.Bench.Workloads.Vectors;

/// <param name="CpuSeconds">Of the whole process, all threads.</param>
readonly record struct BuildCost(double CpuSeconds, double WallSeconds);

interface ISide : IDisposable
{
    string Name { get; }

    int RowCount { get; }

    int QueryCount { get; }

    double BytesPerVector { get; }

    BuildCost Build(int threads);

    /// <summary>Asks every query once.</summary>
    /// <returns>CPU seconds of the one thread that searched.</returns>
    double Search(int ef, Span<uint> found);
}

/// <summary>An index of ours.</summary>
sealed class OurSide(string name, IIndexVariant variant, DataSet set) : ISide
{
    IBuiltIndex? _index;

    public string Name => name;

    public int RowCount => set.Rows.Count;

    public int QueryCount => set.Queries.Count;

    public double BytesPerVector => Index.BytesPerVector;

    public IBuiltIndex Index => _index ?? throw new InvalidOperationException("there is no index yet");

    public BuildCost Build(int threads)
    {
        _index?.Dispose();
        _index = null;
        GC.Collect();
        var meter = Meter.Start();
        var wall = Stopwatch.GetTimestamp();
        _index = variant.Build(set, threads);
        return new(meter.Stop().CpuNs * 1e-9, Stopwatch.GetElapsedTime(wall).TotalSeconds);
    }

    public double Search(int ef, Span<uint> found)
    {
        var before = ThreadCpu.Seconds;
        Index.SearchAll(set, ef, found);
        return ThreadCpu.Seconds - before;
    }

    public void Dispose() => _index?.Dispose();
}
