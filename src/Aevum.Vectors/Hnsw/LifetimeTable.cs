// LifetimeTable: since when, and until when, what a row holds was so, in system time: [from, to).
//
//   live rows       8 bytes a row: from; the end is not known yet
//   history rows   16 bytes a row: from, to
//
// Written before the row is Live and not again until the row is used anew, so a reader that sees the row reads its own lifetime.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

/// <summary>Which part of a lifetime rows carry.</summary>
enum LifetimeKind
{
    None,
    From,
    FromTo,
}

sealed unsafe class LifetimeTable(LifetimeKind kind, MemoryBudget budget) : IDisposable
{
    const int SampleRows = 256;

    readonly SlabTable _times = new(kind == LifetimeKind.FromTo ? 2 * sizeof(ulong) : sizeof(ulong), budget, zeroed: true);

    public LifetimeKind Kind => kind;

    public int Stride => _times.Stride;

    public long Bytes => _times.Bytes;

    public long AdoptedBytes => _times.AdoptedBytes;

    public void Adopt(byte* times, long rows) => _times.Adopt(times, rows);

    public void Ensure(long rows, bool exact) => _times.Ensure(rows, exact);

    public ulong From(uint row) => *(ulong*)_times[row];

    public ulong To(uint row) => kind == LifetimeKind.FromTo ? ((ulong*)_times[row])[1] : ulong.MaxValue;

    public void Set(uint row, ulong from, ulong to)
    {
        var times = (ulong*)_times[row];
        times[0] = from;
        if (kind == LifetimeKind.FromTo) times[1] = to;
    }

    /// <summary>Whether the row's content was so at <paramref name="time"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Holds(uint row, ulong time)
    {
        var times = (ulong*)_times[row];
        return times[0] <= time && (kind == LifetimeKind.From || time < times[1]);
    }

    /// <summary>Bit i: whether row 64 <paramref name="word"/> + i is below <paramref name="rows"/> and held what it holds at <paramref name="time"/>.</summary>
    public ulong WordHeld(int word, ulong time, long rows)
    {
        var bits = 0UL;
        var first = (long)word * 64;
        var count = (int)Math.Min(64, rows - first);
        for (var i = 0; i < count; i++)
            if (Holds((uint)(first + i), time)) bits |= 1UL << i;
        return bits;
    }

    /// <summary>About how many of the rows [0, <paramref name="rows"/>) held what they hold at <paramref name="time"/>.</summary>
    public long CountAbout(ulong time, long rows)
    {
        if (rows == 0) return 0;
        var step = Math.Max(1, rows / SampleRows);
        var (seen, held) = (0L, 0L);
        for (var row = step / 2; row < rows; row += step, seen++)
            if (Holds((uint)row, time)) held++;
        return seen == 0 ? rows : held * rows / seen;
    }

    public void Dispose() => _times.Dispose();
}
