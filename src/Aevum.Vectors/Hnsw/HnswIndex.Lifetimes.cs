// Lifetimes: what an index under VectorIndex does beyond an ordinary one. Its rows carry times (LifetimeTable), and a search may ask for those that held
// at a moment.
//
//   PutEncoded, ReadEntry     live rows, named by ids, as everywhere; what an id holds now, with its time
//   TryAppend, Seal           history rows: several may have one id, none is named, none is ever deleted
//   AsOf of a query           whether a row held then is asked late, like whether it is seen: of what is near enough to be a result. Where few rows held
//                             then they are listed first, and the plan is that of a filter (FilterPlan)
//
// Always true: a sealed index does not change any more.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    bool _sealed;

    /// <summary>Rises with everything that is written.</summary>
    internal long Changes => Volatile.Read(ref _changes);

    /// <summary>Stores what the encoder made of a vector, since <paramref name="from"/>, in place of what the id named before.</summary>
    internal bool PutEncoded(ulong id, ReadOnlySpan<byte> stored, ulong from)
    {
        bool isNew;
        var scratch = _readers.Enter();
        try
        {
            stored[..Shape.Bytes].CopyTo(new(EnsureQuery(scratch), Shape.Bytes));
            isNew = PutStored(id, scratch, from);
        }
        finally
        {
            _readers.Leave(scratch);
        }
        Upkeep();
        return isNew;
    }

    /// <summary>Adds a row that no id names.</summary>
    /// <returns>False: the index is sealed.</returns>
    internal bool TryAppend(ulong id, ReadOnlySpan<byte> stored, ulong from, ulong to)
    {
        var scratch = _readers.Enter();
        try
        {
            stored[..Shape.Bytes].CopyTo(new(EnsureQuery(scratch), Shape.Bytes));
            _upkeep.EnterReadLock();
            try
            {
                ThrowIfClosed();
                if (_sealed) return false;
                var row = Link(id, scratch, from, to);
                lock (_gate)
                {
                    _rows.SetState(row, RowTable.Live);
                    Volatile.Write(ref _changes, _changes + 1);
                    Volatile.Write(ref _count, _count + 1);
                }
            }
            finally
            {
                _upkeep.ExitReadLock();
            }
        }
        finally
        {
            _readers.Leave(scratch);
        }
        Upkeep();
        return true;
    }

    /// <summary>Waits for appends that run and takes no more.</summary>
    internal void Seal()
    {
        _upkeep.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            _sealed = true;
            _graph.Store.DropLengths();
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }

    /// <summary>What an id holds: the vector as the encoder stored it, and since when.</summary>
    /// <param name="stored">Room for <see cref="VectorShape.Bytes"/>.</param>
    /// <returns>False: there is no such id.</returns>
    /// <remarks>A turned vector is turned back, which may change the last bits of a component.</remarks>
    internal bool ReadEntry(ulong id, Span<byte> stored, out ulong from)
    {
        from = 0;
        var scratch = _readers.Enter();
        try
        {
            if (RowOf(id) is not { } row) return false;
            from = _lifetimes?.From(row) ?? 0;
            ReadRow(row, scratch, stored);
            return true;
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>Since when an id holds what it holds.</summary>
    internal bool TryGetFrom(ulong id, out ulong from)
    {
        from = 0;
        var scratch = _readers.Enter();
        try
        {
            if (RowOf(id) is not { } row) return false;
            from = _lifetimes?.From(row) ?? 0;
            return true;
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>Hands every row that is Live out, in order of rows, with its vector as stored and its times. Rows put meanwhile may be among them.</summary>
    internal void ForEachRow(RowVisitor visit)
    {
        var scratch = _readers.Enter();
        try
        {
            var stored = new byte[Shape.Bytes];
            for (var row = 0u; row < RowCount; row++)
            {
                if (_rows.State(row) != RowTable.Live) continue;
                ReadRow(row, scratch, stored);
                visit(row, _rows.Id(row), stored, _lifetimes?.From(row) ?? 0, _lifetimes?.To(row) ?? ulong.MaxValue);
            }
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>The same for ids and times alone.</summary>
    internal void ForEachEntry(EntryVisitor visit) => ForEachEntry(visit, null);

    /// <summary>The same, and those that died after <paramref name="death"/>.</summary>
    internal void ForEachEntry(EntryVisitor visit, uint? death)
    {
        var scratch = _readers.Enter();
        try
        {
            for (var row = 0u; row < RowCount; row++)
                if (death is { } then ? _rows.View.IsSeen(row, then) : _rows.State(row) == RowTable.Live)
                    visit(row, _rows.Id(row), _lifetimes?.From(row) ?? 0, _lifetimes?.To(row) ?? ulong.MaxValue);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    void ReadRow(uint row, SearchScratch scratch, Span<byte> stored)
    {
        var graph = Volatile.Read(ref _graph);
        var vector = EnsureQuery(scratch);
        graph.Read(row, vector);
        graph.Rotation?.ApplyInverse((float*)vector, (float*)vector);
        new ReadOnlySpan<byte>(vector, Shape.Bytes).CopyTo(stored);
    }

    /// <summary>Searches as of a moment, in one of several graphs that share the answer: so this one owes no whole answer, only the nearest it has.</summary>
    /// <param name="stored">What the encoder made of the vector.</param>
    /// <param name="query">With a moment; without an offset.</param>
    /// <param name="isLax">Fewer than K may come back though more exist; then <paramref name="isWhole"/> tells.</param>
    internal int SearchPast(ReadOnlySpan<byte> stored, in HnswQuery query, bool isLax, Span<VectorMatch> results, out bool isWhole)
    {
        var scratch = _readers.Enter();
        try
        {
            stored[..Shape.Bytes].CopyTo(new(EnsureQuery(scratch), Shape.Bytes));
            scratch.WasWhole = true;
            var found = SearchStored(scratch, query with { IsLax = isLax }, results);
            isWhole = found == results.Length || scratch.WasWhole;
            return found;
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>From now until <see cref="Unpin"/>, a search that is given what this notes sees what a search that begins now would see.</summary>
    internal SearchScratch Pin(out uint death)
    {
        var scratch = _readers.Enter();
        death = Volatile.Read(ref _death);
        return scratch;
    }

    internal void Unpin(SearchScratch scratch) => _readers.Leave(scratch);

    /// <summary>Distances inside the graph for one of its answers, and a little more: rounding of another graph's sums must not lose a tie.</summary>
    internal float BoundOf(float distance) => (distance / _scale) + (Math.Abs(distance / _scale) * 1e-5f) + 1e-30f;

    /// <summary>How many rows held at a moment, at most.</summary>
    internal long CountHeld(ulong asOf)
    {
        var scratch = _readers.Enter();
        try
        {
            return _lifetimes?.CountHeld(asOf, RowCount).Held ?? Count;
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
            var (held, all) = times.CountHeld(asOf, rows);
            if (given is not null) held = Math.Min(held, given.Count);
            if (held == 0) return 0;
            for (var wide = PastPlan.OverFetchEf(held, all, ef); ; wide *= 4)
            {
                way = PastPlan.Choose(held, rows, ef, wide, Options.ForcedWay);
                if (way != FilterWay.OverFetch) break;
                var keys = graph.Search(ask.Scratch, ask.Point, wide, wide, ask.Query.Patience, out _);
                if (Collect(ask, keys, given, results, out var found)) return found;
                if (!ask.Query.IsLax && keys == wide && wide <= HnswOptions.EfMax / 4) continue;
                if (!ask.Query.IsLax) break;
                ask.Scratch.WasWhole = false;
                return found;
            }
        }
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
}

/// <param name="stored">Good until the visitor returns.</param>
delegate void RowVisitor(uint row, ulong id, ReadOnlySpan<byte> stored, ulong from, ulong to);

delegate void EntryVisitor(uint row, ulong id, ulong from, ulong to);
