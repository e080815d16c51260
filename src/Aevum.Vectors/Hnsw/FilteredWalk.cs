// FilteredWalk: a walk whose candidates all match a filter, after ACORN-1 (Patel et al. 2024, section 5): the graph knows nothing of filters, so a
// neighbour that does not match is looked through: its own links take its place. Distances are computed for matching rows only; rows
// that do not match cost a bit and, once each, a list of links.
//
// The landing of the descent is expanded even when it does not match. What the first expansions show of the neighbourhood tells whether the filter
// goes with the vectors: where far fewer rows match than the filter keeps overall, the walk would wander at the edge of the matching region and find
// too little (docs/internals/hnsw.md), so it gives up and the caller scans; likewise when it has cost as much as the scan.

namespace Aevum.Vectors.Hnsw;

/// <param name="DistancesMax">Give up after so many distances and looked-through lists.</param>
/// <param name="Share">Of all rows, those that match.</param>
readonly record struct FilteredWalkLimits(long DistancesMax, double Share);

sealed unsafe partial class Graph<TSpace, TQuery>
{
    // Rows looked at before the neighbourhood's share of matching ones is judged, and how far below the filter's own share it may lie.
    const int JudgedAfter = 256;
    const double ShareMin = 0.35;

    public override int SearchFiltered(SearchScratch scratch, Point query, int ef, PreparedFilter filter, in FilteredWalkLimits limits, out WalkCost cost)
    {
        cost = default;
        scratch.BeginWalk(Rows.Rows);
        if (!Entry.TryRead(out var row, out var top)) return 0;
        var view = Store.View;
        (row, var distance) = Walk.Descend(_querySpace, view, Rows, Upper, scratch, query, row, top, 1);
        scratch.EnsureKeys(ef);
        if (ef <= SortedPoolMax)
        {
            var sorted = new SortedPool(scratch.Keys, ef, 0);
            return WalkFiltered(view, ref sorted, scratch, query, row, distance, filter, limits, out cost) ? sorted.Count : -1;
        }
        var heaps = new HeapPool(scratch.Keys, scratch, ef);
        if (!WalkFiltered(view, ref heaps, scratch, query, row, distance, filter, limits, out cost)) return -1;
        heaps.Sort();
        return heaps.Count;
    }

    bool WalkFiltered<TPool>(
        in StoreView view, ref TPool pool, SearchScratch scratch, Point query, uint row, float distance, PreparedFilter filter, in FilteredWalkLimits limits,
        out WalkCost cost)
        where TPool : struct, IPool
    {
        var linksMax = view.LinksMax;
        // At most so many matching rows are taken from one expansion; a list more may run over it before it is seen.
        var enough = 2 * linksMax;
        scratch.EnsureNeighbours(enough + linksMax);
        scratch.EnsureLinks(linksMax);
        var visited = scratch.Visited;
        var mark = scratch.Mark;
        var rows = scratch.Rows;
        var ids = scratch.Ids;
        var fronts = scratch.Fronts;
        var between = scratch.Links;
        var prefetchBytes = Math.Min(view.FrontBytes, 512);
        var (expansions, computed, looked) = (0, 0L, 0L);
        visited[row] = mark;
        if (filter.Contains(row)) pool.Offer(distance, row);
        var seen = 0L;
        var matched = 0L;
        // The first row is expanded whether it matches or not; if it does, the pool gives it once more, and nothing is left to visit.
        do
        {
            expansions++;
            var links = view.Links(row);
            var (count, through) = (0, 0);
            for (var i = 0; i < linksMax; i++)
            {
                var link = links[i];
                if (link >= rows)
                {
                    if (link == VectorStore.End) break;
                    continue;
                }
                if (visited[link] == mark) continue;
                visited[link] = mark;
                seen++;
                if (filter.Contains(link)) Take(view, link, ids, fronts, ref count, prefetchBytes);
                else
                {
                    between[through++] = link;
                    Walk.Prefetch((byte*)view.Links(link), linksMax * sizeof(uint));
                }
            }
            matched += count;
            for (var i = 0; i < through && count < enough; i++)
            {
                looked++;
                var beyond = view.Links(between[i]);
                for (var j = 0; j < linksMax; j++)
                {
                    var link = beyond[j];
                    if (link >= rows)
                    {
                        if (link == VectorStore.End) break;
                        continue;
                    }
                    if (visited[link] == mark) continue;
                    seen++;
                    // One that does not match stays unvisited: met again as a neighbour, it is looked through.
                    if (!filter.Contains(link)) continue;
                    visited[link] = mark;
                    matched++;
                    Take(view, link, ids, fronts, ref count, prefetchBytes);
                }
            }
            computed += count;
            if (count > 0) Walk.Compute(_querySpace, view, ref pool, query, ids, fronts, scratch.Distances, count);
            if (computed + looked > limits.DistancesMax || (seen >= JudgedAfter && seen < 8 * JudgedAfter && matched < ShareMin * limits.Share * seen))
            {
                cost = new(expansions, (int)(computed + looked));
                return false;
            }
        }
        while (pool.TryTake(out row, out _));
        cost = new(expansions, (int)(computed + looked));
        return true;
    }

    static void Take(in StoreView view, uint row, uint* ids, byte** fronts, ref int count, int prefetchBytes)
    {
        var front = view.Front(row);
        ids[count] = row;
        fronts[count++] = front;
        Walk.Prefetch(front, prefetchBytes);
    }
}
