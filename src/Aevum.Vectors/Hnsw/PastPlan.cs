// PastPlan: how to search for rows that held at a moment. As FilterPlan, but whether a row held is known only late, of what is near enough, unless a filter
// is made first; that costs a pass over codes of all rows (TimeIndex). Pure.
//
//   most rows held     over-fetch: walk with a larger ef, look at the times of what was found
//   some held          make the filter; two hops
//   few held           make the filter; scan
//   history            look at the codes of all that held (PastCodesList), if there are codes: a tenth of a nanosecond for each ten bytes; then at the
//                      vectors of the nearest. So a scan of tens of thousands costs what a walk does
//
// An over-fetching walk keeps ef / share candidates, of which about ef held. FilterPlan adds half as much again because matches of a filter lie unevenly;
// here nothing is added: one graph of several owes no whole answer, and where all of them together have too little, wider walks follow.

namespace Aevum.Vectors.Hnsw;

static class PastPlan
{
    // Counted in distances that a walk computes, as in FilterPlan; measured with `as of *` of the bench.
    const double DistancesPerCandidate = 17;
    const double ScannedRow = 0.3;
    const double TwoHopWeight = 2.2;
    const double MarkedRow = 0.002;

    /// <summary>Candidates' worth that a two-hop walk costs before the first one: with few candidates wanted it looks through as many
    /// lists as with some.</summary>
    const double TwoHopStart = 12;

    public static int OverFetchEf(long held, long rows, int ef) =>
        (int)Math.Min(HnswOptions.EfMax, Math.Ceiling(ef * Math.Max(1, rows / (double)held)));

    /// <summary>What a byte of a code costs, and what a candidate that is compared by its vector does.</summary>
    const double CodedByte = 0.0003;
    const double ComparedCandidate = 0.6;

    /// <param name="codedBytes">Of the code of a row; 0: there are none.</param>
    public static FilterWay Choose(long held, long rows, int ef, int wide, int codedBytes, FilterWay? forced)
    {
        if (forced is { } way) return way;
        var overFetch = wide * DistancesPerCandidate;
        var scan = (held * ScannedRow) + (rows * MarkedRow);
        var twoHop = ((ef + TwoHopStart) * DistancesPerCandidate * TwoHopWeight) + (rows * MarkedRow);
        if (codedBytes > 0)
        {
            // A piece of which only some rows held is looked at as a whole.
            var codes = ((held + PastCodes.RowsMax) * codedBytes * CodedByte) + (ef * 2 * ComparedCandidate);
            if (codes < Math.Min(overFetch, Math.Min(scan, twoHop))) return FilterWay.Codes;
        }
        if (overFetch <= scan && overFetch <= twoHop) return FilterWay.OverFetch;
        return twoHop < scan ? FilterWay.TwoHop : FilterWay.Scan;
    }
}
