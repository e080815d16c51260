// Writing: a vector always goes into a row of its own, also when its id has one already. The new row is written and linked while the old one still
// answers; then, in one step, the id changes hands and the old row is dead. So an update never passes through a moment without the id, and a search
// never sees half of a vector; and the old row's place comes back through the sweep, like that of a deleted one.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    readonly Stack<uint> _free = new();
    long _highRow;
    ulong _rowsTaken;
    uint _death = RowTable.FirstDeath;
    long _replacements;
    long _changes;

    /// <summary>Stores a vector under an id, in place of what the id named before.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <returns>Whether the id is new.</returns>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this index (VectorEncoder). LimitExceeded: the budget has no room; nothing
    /// changed. Closed.</exception>
    public bool Put(ulong id, ReadOnlySpan<float> vector)
    {
        bool isNew;
        var scratch = _readers.Enter();
        try
        {
            VectorEncoder.Encode(Shape, vector, new Span<byte>(EnsureQuery(scratch), Shape.Bytes));
            isNew = PutStored(id, scratch);
        }
        finally
        {
            _readers.Leave(scratch);
        }
        Upkeep();
        return isNew;
    }

    /// <summary>The same for components in their own element type.</summary>
    /// <param name="elements"><see cref="VectorShape.ElementBytes"/> bytes.</param>
    public bool PutElements(ulong id, ReadOnlySpan<byte> elements)
    {
        bool isNew;
        var scratch = _readers.Enter();
        try
        {
            VectorEncoder.EncodeElements(Shape, elements, new Span<byte>(EnsureQuery(scratch), Shape.Bytes));
            isNew = PutStored(id, scratch);
        }
        finally
        {
            _readers.Leave(scratch);
        }
        Upkeep();
        return isNew;
    }

    /// <summary>Forgets an id. Searches that begin afterwards do not see it; its place is reused.</summary>
    /// <returns>False: there was no such id.</returns>
    public bool Delete(ulong id)
    {
        lock (_gate)
        {
            ThrowIfClosed();
            if (!_ids.Remove(id, out var row)) return false;
            Kill(row);
            Volatile.Write(ref _changes, _changes + 1);
            Volatile.Write(ref _count, _count - 1);
        }
        Upkeep();
        return true;
    }

    bool PutStored(ulong id, SearchScratch scratch, ulong from = 0)
    {
        _upkeep.EnterReadLock();
        try
        {
            ThrowIfClosed();
            var row = Link(id, scratch, from, ulong.MaxValue);
            lock (_gate) return Name(id, row);
        }
        finally
        {
            _upkeep.ExitReadLock();
        }
    }

    // A row of its own for the vector in the scratch, linked, and not yet seen by any search. Under the read side of _upkeep.
    uint Link(ulong id, SearchScratch scratch, ulong from, ulong to)
    {
        var graph = _graph;
        var row = TakeRow(id, graph);
        try
        {
            _lifetimes?.Set(row, from, to);
            graph.Rotation?.Apply((float*)scratch.Query, (float*)scratch.Query);
            graph.Write(row, scratch.Query, Shape.Bytes);
            graph.Link(row, scratch, Options.EfConstruction);
            return row;
        }
        catch
        {
            // Nothing failed after the first link was set: no row leads here.
            lock (_gate) GiveBack(row);
            throw;
        }
    }

    uint TakeRow(ulong id, Graph graph)
    {
        lock (_gate)
        {
            _ids.EnsureRoom(1 + _upkeep.CurrentReadCount);
            CollectRested();
            if (!_free.TryPeek(out var row))
            {
                if (_highRow >= RowsMax) Throw.Limit("the number of rows", _highRow + 1, RowsMax);
                graph.Store.Ensure(_highRow + 1, exact: false);
                _rows.Ensure(_highRow + 1, exact: false);
                _lifetimes?.Ensure(_highRow + 1, exact: false);
                row = (uint)_highRow;
            }
            var level = LevelOf(_rowsTaken);
            var upper = _upper.Take(level);
            // Nothing can fail from here on.
            if (_free.Count > 0) _free.Pop();
            else Volatile.Write(ref _highRow, _highRow + 1);
            _rowsTaken++;
            _rows.Begin(row, id, level, upper);
            return row;
        }
    }

    // Level l with probability (1/M)^l (1 - 1/M): a row is in M times fewer layers as it goes up. A hash of how many rows came before, so that one
    // thread gets the same levels for the same seed.
    int LevelOf(ulong ordinal)
    {
        var z = (ordinal + 1) * 0x9E3779B97F4A7C15 + Options.Seed * 0xD1342543DE82EF95;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        var uniform = ((z >> 11) + 1) * (1.0 / (1UL << 53));
        return Math.Min(UpperLinks.LevelMax, (int)(-Math.Log(uniform) / Math.Log(Options.M)));
    }

    // Under _gate.
    bool Name(ulong id, uint row)
    {
        Volatile.Write(ref _changes, _changes + 1);
        if (!_ids.TryFind(id, out var old))
        {
            _ids.Set(id, row);
            _rows.SetState(row, RowTable.Live);
            Volatile.Write(ref _count, _count + 1);
            return true;
        }
        // Odd while both rows may be seen: a search that meets such a moment looks for ids that it has twice.
        Interlocked.Increment(ref _replacements);
        _ids.Set(id, row);
        _rows.SetState(row, RowTable.Live);
        Kill(old);
        Interlocked.Increment(ref _replacements);
        return false;
    }

    // Under _gate. The death is told before the row dies: a search that begins in between sees the row, as one that began before.
    void Kill(uint row)
    {
        var death = _death + 1;
        if (death < RowTable.FirstDeath) death = RowTable.FirstDeath;
        _rows.SetState(row, death);
        Volatile.Write(ref _death, death);
        _dead.Add(row);
        _sweepCredit += SweepRowsPerDeath;
    }

    // Under _gate.
    void GiveBack(uint row)
    {
        _upper.Return(_rows.Upper(row), _rows.Level(row));
        _rows.SetState(row, RowTable.Free);
        _lifetimes?.Clear(row);
        _free.Push(row);
    }
}
