// Lifetimes: what an index under VectorIndex does beyond an ordinary one. Its rows carry times (LifetimeTable), and a search may ask for those that held
// at a moment.
//
//   PutEncoded, ReadEntry     live rows, named by ids, as everywhere; what an id holds now, with its time
//   TryAppend, Seal           history rows: several may have one id, none is named, none is ever deleted
//   AsOf of a query           HnswIndex.Past
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
    internal PastCount CountHeld(ulong asOf)
    {
        var scratch = _readers.Enter();
        try
        {
            return _lifetimes?.CountHeld(asOf, RowCount) ?? new(Count, Count);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }
}

/// <param name="stored">Good until the visitor returns.</param>
delegate void RowVisitor(uint row, ulong id, ReadOnlySpan<byte> stored, ulong from, ulong to);

delegate void EntryVisitor(uint row, ulong id, ulong from, ulong to);
