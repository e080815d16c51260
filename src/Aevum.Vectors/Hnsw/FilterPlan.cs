// FilterPlan: how to search with a filter, from three numbers: how many rows match, how many there are, how many candidates are wanted. Pure.
//
//   few rows match                       scan them: exact, and in a space with a rest only a few nanoseconds a row
//   most rows match                      over-fetch: walk as without a filter, with an ef larger by what the filter will take away, check at the end
//   in between                           two hops: walk over matching rows, look through the others (FilteredWalk); capped at what a scan costs
//
// Costs are counted in distances that a walk computes (each a cache miss or two). A scan meets its rows in order, so the next ones are fetched
// meanwhile. The constants were measured on 116,659 vectors of 128 dimensions and a million synthetic ones (docs/internals/hnsw.md).

namespace Aevum.Vectors.Hnsw;

enum FilterWay
{
    Scan,
    OverFetch,
    TwoHop,
    Codes,
}

/// <param name="Ef">For the walk.</param>
/// <param name="Limits">When a walk over matching rows gives up.</param>
readonly record struct FilterPlan(FilterWay Way, int Ef, FilteredWalkLimits Limits)
{
    /// <summary>Distances that a walk computes for each candidate it keeps, with M = 16.</summary>
    const double DistancesPerCandidate = 17;

    /// <summary>What a row of a scan costs, in distances of a walk.</summary>
    const double ScannedRow = 0.3;

    /// <summary>How much more than the plain share is fetched, because matches are not spread evenly.</summary>
    const double OverFetched = 1.5;

    /// <summary>What a walk over matching rows costs more than a plain one: every expansion looks through lists of links.</summary>
    const double TwoHopWeight = 2.2;

    /// <summary>Whether looking at every row costs less than a walk that keeps <paramref name="ef"/> candidates.</summary>
    public static bool IsScanCheaper(int ef, long rows) => ef * DistancesPerCandidate > rows * ScannedRow;

    /// <summary>When a walk over so many matching rows gives up.</summary>
    public static FilteredWalkLimits LimitsOf(long matching, long rows) =>
        new((long)(matching * ScannedRow), Math.Min(1.0, matching / (double)Math.Max(1, rows)));

    /// <param name="forced">Takes this way and never gives it up, to measure and to test it.</param>
    public static FilterPlan Choose(long matching, long rows, int ef, FilterWay? forced = null)
    {
        var share = Math.Min(1.0, matching / (double)Math.Max(1, rows));
        var scan = matching * ScannedRow;
        var wide = Math.Ceiling(ef * Math.Max(1, OverFetched * Math.Min(1, 1 / share - 0.999) / share));
        var overFetch = wide * DistancesPerCandidate;
        var twoHop = ef * DistancesPerCandidate * TwoHopWeight;
        if (forced is { } way) return new(way, way == FilterWay.OverFetch ? (int)Math.Min(wide, HnswOptions.EfMax) : ef, new(long.MaxValue, 0));
        if (scan <= Math.Min(overFetch, twoHop)) return new(FilterWay.Scan, ef, default);
        return overFetch <= twoHop && wide <= HnswOptions.EfMax
            ? new(FilterWay.OverFetch, (int)wide, default)
            : new(FilterWay.TwoHop, ef, new((long)scan, share));
    }
}
