// Searching as of a moment: only rows that held what they hold at that moment may be results. PastPlan chooses the way.
//
//   over-fetch     walk, and ask late, of what is near enough to be a result, whether it held
//   two hops       list the rows that held (TimeIndex) and walk over these
//   codes          history alone: look at the codes of all rows that held (PastCodesList), then at the vectors of the nearest
//   scan           list the rows that held and look at their vectors
//
// An index under VectorIndex shares its answer with others: it may be given a bound, and it may owe no whole answer (SearchPast).

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    // Made when it is first asked for; null where rows have no ends, or vectors no codes.
    readonly PastCodesList? _coded;

    /// <summary>Searches as of a moment, in one of several graphs that share the answer: so this one owes no whole answer, only the nearest it has.</summary>
    /// <param name="stored">What the encoder made of the vector.</param>
    /// <param name="query">With a moment; without an offset. If it is lax, fewer than K may come back though more exist; then <paramref name="isWhole"/>
    /// tells.</param>
    internal int SearchPast(ReadOnlySpan<byte> stored, in HnswQuery query, Span<VectorMatch> results, out bool isWhole)
    {
        var scratch = _readers.Enter();
        try
        {
            stored[..Shape.Bytes].CopyTo(new(EnsureQuery(scratch), Shape.Bytes));
            scratch.WasWhole = true;
            var found = SearchStored(scratch, query, results);
            isWhole = found == results.Length || scratch.WasWhole;
            return found;
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    int SearchAsOf(Graph graph, in Ask ask, Span<VectorMatch> results)
    {
        var times = _lifetimes!;
        var asOf = ask.Query.AsOf;
        var given = ask.Query.Filter;
        var rows = RowCount;
        var ef = ask.Query.IsLax ? Math.Max(1, ask.Query.Ef) : EfOf(ask);
        var way = FilterWay.Scan;
        if (!ask.Query.Exact)
        {
            var (held, all) = ask.Query.Counted ?? times.CountHeld(asOf, rows);
            if (given is not null) held = Math.Min(held, given.Count);
            if (held == 0) return 0;
            for (var wide = PastPlan.OverFetchEf(held, all, ef); ; wide *= 4)
            {
                way = PastPlan.Choose(held, rows, ef, wide, CodedBytes(graph, given, rows, asOf), Options.ForcedWay);
                if (way != FilterWay.OverFetch) break;
                var keys = graph.Search(ask.Scratch, ask.Point, wide, wide, ask.Query.Patience, out _);
                if (Collect(ask, keys, given, results, out var found)) return found;
                if (!ask.Query.IsLax && keys == wide && wide <= HnswOptions.EfMax / 4) continue;
                if (!ask.Query.IsLax) break;
                ask.Scratch.WasWhole = false;
                return found;
            }
        }
        if (way == FilterWay.Codes && SearchCodes(graph, ask, ef, rows, results, out var nearest)) return nearest;
        var filter = ask.Scratch.RowsHeld(times, asOf, rows, given);
        if (filter.Count == 0) return 0;
        if (way == FilterWay.TwoHop)
        {
            var limits = Options.ForcedWay is null ? FilterPlan.LimitsOf(filter.Count, rows) : new(long.MaxValue, 0);
            var keys = graph.SearchFiltered(ask.Scratch, ask.Point, ef, filter, limits, out _);
            if (keys >= 0)
            {
                if (Collect(ask, keys, null, results, out var found)) return found;
                if (ask.Query.IsLax)
                {
                    ask.Scratch.WasWhole = false;
                    return found;
                }
            }
        }
        return Scan(graph, ask, filter, results);
    }

    // 0: there are no codes, nor room for them, or they are of no use: with a filter that keeps few rows most of what is near by its code would be looked at
    // in vain.
    int CodedBytes(Graph graph, PreparedFilter? given, long rows, ulong asOf) =>
        _coded is null || (given is not null && given.Count * 4 < rows) || !_coded.IsReady(graph, rows, asOf) ? 0 : _coded.BytesPerRow(graph);

    /// <returns>False: there was no room for codes.</returns>
    bool SearchCodes(Graph graph, in Ask ask, int ef, long rows, Span<VectorMatch> results, out int found)
    {
        found = 0;
        if (_coded is null) return false;
        var scratch = ask.Scratch;
        // As many again as are wanted, and never fewer: the order of estimates is not quite that of distances.
        var most = (int)Math.Min(ask.Wanted + (long)ef, rows);
        scratch.GrowMore(0, most);
        // Rows without a code that held come first into the list, then the nearest by their codes.
        long count;
        int near;
        if (most <= Graph.SortedPoolMax)
        {
            var sorted = new SortedPool(scratch.More, most, 0);
            if (!ScanCodes(graph, ask, rows, ref sorted, out count)) return false;
            near = sorted.Count;
        }
        else
        {
            var heap = new NearestHeap(scratch.More, most, float.PositiveInfinity);
            if (!ScanCodes(graph, ask, rows, ref heap, out count)) return false;
            near = heap.Count;
        }
        if (count + near == 0) return true;
        scratch.GrowLinks(count, count + near);
        for (var i = 0; i < near; i++) scratch.Links[count++] = PoolKey.Row(scratch.More[i]);
        var keys = graph.Scan(scratch, ask.Point, ask.Wanted, scratch.Links, count, _rows.View, ask.Death, ask.Query.Bound);
        Collect(ask, keys, null, results, out found);
        return true;
    }

    // Offers rows that are near by their codes, and lists those that have none.
    bool ScanCodes<TPool>(Graph graph, in Ask ask, long rows, ref TPool pool, out long listed)
        where TPool : struct, IPool
    {
        var asOf = ask.Query.AsOf;
        var query = graph.Rotation is null ? (float*)ask.Scratch.Query : (float*)ask.Point.Front;
        var codes = stackalloc int[((Shape.Dimension + 15) & -16) / PastCodes.GroupSize];
        listed = 0;
        for (var i = 0; i < PastCodesList.PiecesOf(rows); i++)
        {
            if (!_coded!.Spans(i, rows, asOf)) continue;
            if (!_coded.TryGet(i, graph, rows, out var piece)) return false;
            for (var j = 0; j < piece.OtherCount; j++) List(ask, piece.First + piece.Others[j], ref listed);
            var end = Math.Min(rows, (long)piece.First + PastCodes.RowsMax);
            for (var row = piece.First + piece.Count; row < end; row++) List(ask, (uint)row, ref listed);
            if (asOf < piece.MinFrom || asOf >= piece.MaxTo) continue;
            var held = new PastRows(piece, _lifetimes!, asOf, ask.Query.Filter);
            if (held.Blocks == 0) continue;
            var coded = PastCodesScan.Prepare(piece, query, codes);
            PastCodesScan.Run(piece, coded, codes, held, piece.LimitOf(ask.Query.Bound), ref pool);
        }
        return true;
    }

    void List(in Ask ask, uint row, ref long listed)
    {
        if (!_lifetimes!.Holds(row, ask.Query.AsOf) || (ask.Query.Filter is { } filter && !filter.Contains(row))) return;
        ask.Scratch.GrowLinks(listed, listed + 1);
        ask.Scratch.Links[listed++] = row;
    }
}
