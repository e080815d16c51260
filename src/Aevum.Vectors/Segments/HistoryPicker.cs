// HistoryPicker: which history segments to write anew. Pure.
//
//   shed     one segment, when the floor has passed half of its entries
//   merge    MergeFanIn neighbours of one tier (a tier is MergeFanIn times as large as the one below; the lowest is a sealed segment), oldest first
//
// Neighbours in the list are neighbours in time: entries come in the order in which they ended. A search as of a moment visits every
// segment whose span covers it.
// Where entries lived for long, most segments' spans do, and merging makes one search of several. Where they lived for less than a segment takes to
// fill, few spans do, and merging would only make larger what is visited anyway; so neighbours merge only if their entries lived, on average, for a share of
// the time in which they all ended; and, beyond SegmentsMax, in any case, for files and lists have their price too.

namespace Aevum.Vectors;

/// <summary>What is known of a sealed segment.</summary>
/// <param name="Ended">Entries that ended at or below the floor.</param>
/// <param name="LifeSum">Lifetimes of all entries together.</param>
/// <param name="FirstTo">When the first of its entries ended.</param>
/// <param name="LastTo">When the last did.</param>
readonly record struct HistorySummary(long Count, long Ended, double LifeSum, ulong FirstTo, ulong LastTo);

static class HistoryPicker
{
    public const int MergeFanIn = 4;
    public const int SegmentsMax = 64;

    /// <summary>Mean lifetime over the time in which the entries ended, from which on merging pays.</summary>
    const double LifeShareMin = 0.5;

    /// <param name="sealedRows">Entries of a segment of the lowest tier.</param>
    /// <param name="rowsMax">No merged segment has more.</param>
    /// <returns>Neighbours [First, End); the same twice: none.</returns>
    public static (int First, int End) Pick(IReadOnlyList<HistorySummary> segments, long sealedRows, long rowsMax)
    {
        for (var i = 0; i < segments.Count; i++)
            if (segments[i].Ended * 2 > segments[i].Count) return (i, i + 1);
        for (var first = 0; first + MergeFanIn <= segments.Count; first++)
        {
            var tier = TierOf(segments[first].Count, sealedRows);
            var (count, life, from, to) = (0L, 0.0, ulong.MaxValue, 0UL);
            var isOne = true;
            for (var i = first; i < first + MergeFanIn; i++)
            {
                var segment = segments[i];
                isOne &= TierOf(segment.Count, sealedRows) == tier;
                count += segment.Count;
                life += segment.LifeSum;
                (from, to) = (Math.Min(from, segment.FirstTo), Math.Max(to, segment.LastTo));
            }
            if (!isOne || count > rowsMax) continue;
            if (segments.Count > SegmentsMax || life / count >= LifeShareMin * (to - from)) return (first, first + MergeFanIn);
        }
        return (0, 0);
    }

    static int TierOf(long count, long sealedRows)
    {
        var tier = 0;
        for (var size = sealedRows * MergeFanIn; count >= size * 3 / 4 && tier < 30; size *= MergeFanIn) tier++;
        return tier;
    }
}
