// ManyDistances: one query against many rows, four at a time, with the rows that come next already on their way into the cache.
//
// Rows lie at a stride from a first one. Either some of them, named by their numbers (a filter's matches, a graph's neighbours), or all from
// one number on; the processor sees the second coming by itself, the first it does not.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

static unsafe class ManyDistances
{
    /// <summary>Distances to <paramref name="count"/> rows named by <paramref name="ids"/>.</summary>
    /// <param name="rows">Row 0.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="bytes">Bytes of a row that a distance reads.</param>
    /// <param name="results">Room for <paramref name="count"/>.</param>
    public static void Gather<TDistance>(TDistance distance, byte* query, byte* rows, nint stride, int bytes, uint* ids, int count, float* results)
        where TDistance : struct, IDistance
    {
        for (var i = 0; i < Math.Min(count, 8); i++) Prefetch(rows + (stride * (nint)ids[i]), bytes);
        var at = 0;
        for (; at <= count - 4; at += 4)
        {
            // Two groups ahead: one is being computed, and a line from memory takes about as long as two.
            for (var i = at + 8; i < Math.Min(count, at + 12); i++) Prefetch(rows + (stride * (nint)ids[i]), bytes);
            distance.Four(query, rows + (stride * (nint)ids[at]), rows + (stride * (nint)ids[at + 1]), rows + (stride * (nint)ids[at + 2]),
                rows + (stride * (nint)ids[at + 3]), results + at);
        }
        for (; at < count; at++) results[at] = distance.One(query, rows + (stride * (nint)ids[at]));
    }

    /// <summary>Distances to <paramref name="count"/> rows that follow each other.</summary>
    /// <param name="first">The first of them.</param>
    public static void Consecutive<TDistance>(TDistance distance, byte* query, byte* first, nint stride, int count, float* results)
        where TDistance : struct, IDistance
    {
        var at = 0;
        for (; at <= count - 4; at += 4, first += 4 * stride)
            distance.Four(query, first, first + stride, first + (2 * stride), first + (3 * stride), results + at);
        for (; at < count; at++, first += stride) results[at] = distance.One(query, first);
    }

    /// <summary>Asks for the first lines of a row; the processor follows by itself where there are more. Nothing where there is no such hint.</summary>
    /// <param name="bytes">Of the row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* row, int bytes)
    {
        if (!Sse.IsSupported) return;
        var end = Math.Min(bytes, 512);
        for (var at = 0; at < end; at += 64) Sse.Prefetch0(row + at);
    }
}
