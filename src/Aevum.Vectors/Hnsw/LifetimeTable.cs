// LifetimeTable: since when, and until when, what a row holds was so, in system time: [from, to).
//
//   live rows       from u64 a row; the end is not known yet
//   history rows    from u64 a row, to u64 a row, in a table of their own: most questions are decided by one of the two
//
// Written before the row is Live and not again until the row is used anew, so a reader that sees the row reads its own lifetime. Which rows held at a moment is
// found through a TimeIndex, which is made when it is first asked for and again after the rows have grown by a twentieth.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

/// <summary>Which part of a lifetime rows carry. Written into files; values never change their meaning.</summary>
enum LifetimeKind
{
    None = 0,
    From = 1,
    FromTo = 2,
}

/// <param name="Held">Rows that held what they hold at a moment, at most.</param>
/// <param name="All">About how many hold anything.</param>
readonly record struct PastCount(long Held, long All);

sealed unsafe class LifetimeTable(LifetimeKind kind, MemoryBudget budget) : IDisposable
{
    /// <summary>The time from of a row that holds nothing.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>Below so many rows looking at each is as quick.</summary>
    const int IndexedFrom = 512;

    readonly SlabTable _from = new(sizeof(ulong), budget, zeroed: true);
    readonly SlabTable? _to = kind == LifetimeKind.FromTo ? new(sizeof(ulong), budget, zeroed: true) : null;
    readonly Lock _making = new();
    volatile TimeIndex? _index;
    ulong _greatestFrom;
    long _disorder;

    public LifetimeKind Kind => kind;

    public long Bytes => _from.Bytes + (_to?.Bytes ?? 0);

    public long AdoptedBytes => _from.AdoptedBytes + (_to?.AdoptedBytes ?? 0);

    public void Ensure(long rows, bool exact)
    {
        _from.Ensure(rows, exact);
        _to?.Ensure(rows, exact);
    }

    public void Adopt(byte* from, byte* to, long rows, ulong greatestFrom)
    {
        _from.Adopt(from, rows);
        _to?.Adopt(to, rows);
        _greatestFrom = greatestFrom;
    }

    public ulong From(uint row) => *(ulong*)_from[row];

    public ulong To(uint row) => _to is null ? ulong.MaxValue : *(ulong*)_to[row];

    public void Set(uint row, ulong from, ulong to)
    {
        *(ulong*)_from[row] = from;
        if (_to is not null) *(ulong*)_to[row] = to;
        for (var seen = Volatile.Read(ref _greatestFrom); from > seen; seen = Volatile.Read(ref _greatestFrom))
            if (Interlocked.CompareExchange(ref _greatestFrom, from, seen) == seen) return;
        // Times rise, but for writes of several shards. An index says of a row that is used anew that its content is newer than all it knows; one that is
        // not makes an end of the index. History rows are never used anew.
        if (_to is not null) return;
        Interlocked.Increment(ref _disorder);
        _index = null;
    }

    /// <summary>Whether the row's content was so at <paramref name="time"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Holds(uint row, ulong time) => From(row) <= time && (_to is null || time < To(row));

    /// <summary>A row that holds nothing any more: it never was.</summary>
    public void Clear(uint row)
    {
        *(ulong*)_from[row] = Never;
        if (_to is not null) *(ulong*)_to[row] = Never;
    }

    /// <summary>How many of the rows [0, <paramref name="rows"/>) held what they hold at <paramref name="time"/>. Rows that are dead but not
    /// yet used anew count.</summary>
    public PastCount CountHeld(ulong time, long rows)
    {
        if (rows < IndexedFrom)
        {
            var (held, all) = (0L, 0L);
            for (var row = 0u; row < rows; row++)
            {
                if (Holds(row, time)) held++;
                if (From(row) != Never) all++;
            }
            return new(held, all);
        }
        var index = IndexFor(rows);
        var more = Math.Max(0, rows - index.Rows);
        return new(index.CountHeld(time) + more, index.All + more);
    }

    /// <summary>Sets a bit for each of the rows [0, <paramref name="rows"/>) that held what they hold at <paramref name="time"/>, and for
    /// a few that nearly did.</summary>
    /// <param name="words">Room for rows / 64 words, rounded up; the rest of the last is zero.</param>
    public void MarkHeld(ulong time, long rows, ulong* words)
    {
        var known = 0L;
        if (rows >= IndexedFrom)
        {
            var index = IndexFor(rows);
            known = Math.Min(index.Rows, rows) & -64;
            index.MarkHeld(time, known, words);
        }
        for (var first = known; first < rows; first += 64)
        {
            var bits = 0UL;
            for (var i = 0; i < Math.Min(64, rows - first); i++)
                if (Holds((uint)(first + i), time)) bits |= 1UL << i;
            words[first / 64] = bits;
        }
    }

    public void Dispose()
    {
        _from.Dispose();
        _to?.Dispose();
        _index = null;
    }

    TimeIndex IndexFor(long rows)
    {
        var index = _index;
        if (index is not null && rows - index.Rows <= index.Rows / 20) return index;
        lock (_making)
        {
            index = _index;
            if (index is not null && rows - index.Rows <= index.Rows / 20) return index;
            long disorder;
            do
            {
                disorder = Volatile.Read(ref _disorder);
                _index = index = new(this, rows);
                Interlocked.MemoryBarrier();
            }
            while (Volatile.Read(ref _disorder) != disorder);
            return index;
        }
    }
}
