// Searching: prepares the query, lets the graph walk or scan, and names what it found.
//
//   no filter     walk with ef; where too few of what was found are seen (deleted rows in the way, parts that links do not reach) wider; then scan
//   a filter      by FilterPlan: scan the rows of the filter, walk wide and check at the end, or walk over matching rows only; where that gave too
//                 little, or gave up, scan
//
// So fewer than K come back only where fewer exist. Whether a row is seen, and whether it is in the filter, is asked late: of what is near enough to be
// a result, not of everything that is passed. Allocates nothing, except where an id was put again during the search and hundreds of results are asked for.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    /// <summary>The ids nearest to a vector, nearest first; among equal distances the lower row first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">Room for K, or for as many as there are (<see cref="Count"/>).</param>
    /// <returns>How many were found: K, unless fewer exist.</returns>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this index, or a query out of range. LimitExceeded: the budget has no room for
    /// the search's scratch. Closed.</exception>
    public int Search(ReadOnlySpan<float> vector, in HnswQuery query, Span<VectorMatch> results)
    {
        query.Validate();
        var scratch = _readers.Enter();
        try
        {
            VectorEncoder.Encode(Shape, vector, new Span<byte>(EnsureQuery(scratch), Shape.Bytes));
            return SearchStored(scratch, query, results);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>The same for components in their own element type.</summary>
    /// <param name="elements"><see cref="VectorShape.ElementBytes"/> bytes.</param>
    public int SearchElements(ReadOnlySpan<byte> elements, in HnswQuery query, Span<VectorMatch> results)
    {
        query.Validate();
        var scratch = _readers.Enter();
        try
        {
            VectorEncoder.EncodeElements(Shape, elements, new Span<byte>(EnsureQuery(scratch), Shape.Bytes));
            return SearchStored(scratch, query, results);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>The same for what the encoder made of a vector.</summary>
    internal int SearchEncoded(ReadOnlySpan<byte> stored, in HnswQuery query, Span<VectorMatch> results)
    {
        query.Validate();
        var scratch = _readers.Enter();
        try
        {
            stored[..Shape.Bytes].CopyTo(new(EnsureQuery(scratch), Shape.Bytes));
            return SearchStored(scratch, query, results);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    int SearchStored(SearchScratch scratch, HnswQuery query, Span<VectorMatch> results)
    {
        var replacements = Volatile.Read(ref _replacements);
        var death = query.Death ?? Volatile.Read(ref _death);
        // Which rows the ids are is asked after the readers were entered: none of them is used for another id before the search ends. And after it was noted
        // who had died: the row of an id that is put anew in between is seen, whichever of the two it is.
        if (query.Ids is not null) query = query with { Filter = query.Ids.RowsOf(this, Options.Lifetimes != LifetimeKind.FromTo, death) };
        var graph = Volatile.Read(ref _graph);
        // As of a moment rows count that were live when it was pinned, too.
        var live = query.AsOf == 0 ? Count : RowCount;
        var asked = Math.Min((long)query.K + query.Offset, live);
        var wanted = (int)Math.Min(asked, int.MaxValue);
        if (results.Length < Math.Min(query.K, live)) Throw.Invalid($"there is room for {results.Length} results where {query.K} are asked for");
        if (wanted <= query.Offset || query.Filter is { Count: 0 }) return 0;

        var search = new Ask(scratch, Prepare(graph, scratch), query, wanted, death, replacements, live);
        var found = query.AsOf != 0 && _lifetimes is not null ? SearchAsOf(graph, search, results)
            : query.Filter is null ? SearchPlain(graph, search, results) : SearchFilter(graph, search, query.Filter, results);
        GC.KeepAlive(query.Filter);
        return found;
    }

    int SearchPlain(Graph graph, in Ask ask, Span<VectorMatch> results)
    {
        var ef = EfOf(ask);
        while (!ask.Query.Exact && (Options.ForcedWay is not null || !FilterPlan.IsScanCheaper(ef, ask.Live)))
        {
            var keys = graph.Search(ask.Scratch, ask.Point, ef, ask.Wanted, ask.Query.Patience, out _);
            if (Collect(ask, keys, null, results, out var found)) return found;
            // Fewer keys than candidates: everything that can be reached was.
            if (keys < ef || ef == HnswOptions.EfMax) break;
            ef = (int)Math.Min(ef * 4L, HnswOptions.EfMax);
        }
        return Scan(graph, ask, null, results);
    }

    int SearchFilter(Graph graph, in Ask ask, PreparedFilter filter, Span<VectorMatch> results)
    {
        var ef = EfOf(ask);
        var plan = ask.Query.Exact ? new(FilterWay.Scan, ef, default) : FilterPlan.Choose(filter.Count, RowCount, ef, Options.ForcedWay);
        if (plan.Way == FilterWay.OverFetch)
        {
            var keys = graph.Search(ask.Scratch, ask.Point, plan.Ef, plan.Ef, ask.Query.Patience, out _);
            if (Collect(ask, keys, filter, results, out var found)) return found;
        }
        if (plan.Way == FilterWay.TwoHop)
        {
            var keys = graph.SearchFiltered(ask.Scratch, ask.Point, plan.Ef, filter, plan.Limits, out _);
            if (keys >= 0 && Collect(ask, keys, null, results, out var found)) return found;
        }
        return Scan(graph, ask, filter, results);
    }

    int Scan(Graph graph, in Ask ask, PreparedFilter? filter, Span<VectorMatch> results)
    {
        for (long most = ask.Wanted; ; most *= 2)
        {
            most = Math.Min(most, RowCount);
            var keys = graph.Scan(ask.Scratch, ask.Point, (int)most, (uint)RowCount, filter, _rows.View, ask.Death, ask.Query.Bound);
            // Rows of ids that were put again meanwhile take places of others.
            if (Collect(ask, keys, null, results, out var found) || keys < most || most >= RowCount) return found;
        }
    }

    int EfOf(in Ask ask) => Math.Max(ask.Query.Ef == 0 ? Options.EfSearch : ask.Query.Ef, ask.Wanted);

    /// <param name="wanted">How many make a whole answer, where it is known that fewer than were asked for exist.</param>
    /// <returns>False: what was found is less than what was asked for, and more may exist.</returns>
    bool Collect(in Ask ask, int keys, PreparedFilter? filter, Span<VectorMatch> results, out int found, int wanted = int.MaxValue)
    {
        wanted = Math.Min(wanted, ask.Wanted);
        var isWhole = Collect(ask, keys, filter, results, out found, wanted, once: false);
        // Both rows of an id that was put again meanwhile may be among the results.
        if ((ask.Replacements & 1) != 0 || Volatile.Read(ref _replacements) != ask.Replacements)
            isWhole = Collect(ask, keys, filter, results, out found, wanted, once: true);
        return isWhole;
    }

    bool Collect(in Ask ask, int keys, PreparedFilter? filter, Span<VectorMatch> results, out int found, int wanted, bool once)
    {
        var view = _rows.View;
        var key = ask.Scratch.Keys;
        var (seen, skipped) = (0, ask.Query.Offset);
        var most = Math.Min(ask.Query.K, results.Length);
        var asOf = ask.Query.AsOf;
        var times = asOf == 0 ? null : _lifetimes;
        found = 0;
        var named = once ? new HashSet<ulong>() : null;
        for (var i = 0; i < keys && found < most; i++)
        {
            var row = PoolKey.Row(key[i]);
            if (!view.IsSeen(row, ask.Death) || (filter is not null && !filter.Contains(row)) || (times is not null && !times.Holds(row, asOf))) continue;
            var id = view.Id(row);
            if (named is not null && !named.Add(id)) continue;
            seen++;
            if (skipped-- > 0) continue;
            var distance = PoolKey.Distance(key[i]) * _scale;
            if (!(distance <= ask.Query.DistanceMax)) return true;
            results[found++] = new(id, distance, row);
        }
        return seen >= wanted;
    }

    // Turned or widened, as the graph compares it.
    Point Prepare(Graph graph, SearchScratch scratch)
    {
        var stored = scratch.Query;
        var prepared = scratch.Query + Shape.Stride;
        if (graph.Rotation is null)
        {
            PreparedQuery.Write(Shape, stored, prepared);
            return new(prepared, null);
        }
        graph.Rotation.Apply((float*)stored, (float*)prepared);
        return graph.Split(prepared);
    }

    // What one search is about. Rows that died after Death are seen; Wanted counts the offset and is at most Live.
    readonly struct Ask(SearchScratch scratch, Point point, HnswQuery query, int wanted, uint death, long replacements, long live)
    {
        public readonly SearchScratch Scratch = scratch;
        public readonly Point Point = point;
        public readonly HnswQuery Query = query;
        public readonly int Wanted = wanted;
        public readonly uint Death = death;
        public readonly long Replacements = replacements;
        public readonly long Live = live;
    }
}
