// The candidates of a walk: the ef nearest rows met so far, and which of them were not yet expanded. Two forms behind one seam:
//
//   SortedPool   one ascending array of keys; best up to a few hundred, an insertion moves what follows in blocks of 64 bytes
//   HeapPool     a heap of the nearest unexpanded and a heap of the ef nearest; for large ef, where moving would cost more
//
//   key:  distance as an ordered u32 << 32 | row << 1 | expanded
//
// So keys order by distance, then by row. Always true: rows are below 2^31; a row is offered at most once a walk (the visited bytes see to it).

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors.Hnsw;

interface IPool
{
    /// <summary>A row at this distance or farther is of no use any more.</summary>
    float Bound { get; }

    /// <summary>How often something came among the first rows that are watched.</summary>
    int Improvements { get; }

    /// <summary>The nearest row not yet expanded, which then counts as expanded; false when none is left that could lead to something nearer.</summary>
    /// <param name="following">The row that would come next if nothing nearer is found; for prefetching only.</param>
    bool TryTake(out uint row, out uint following);

    /// <summary>Takes a row whose distance is below <see cref="Bound"/>.</summary>
    void Offer(float distance, uint row);
}

static class PoolKey
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(float distance, uint row) => ((ulong)Ordered(distance) << 32) | (row << 1);

    public static uint Row(ulong key) => (uint)key >> 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Distance(ulong key)
    {
        var ordered = (uint)(key >> 32);
        var bits = (ordered & 0x80000000) != 0 ? ordered ^ 0x80000000 : ~ordered;
        return BitConverter.UInt32BitsToSingle(bits);
    }

    // Floats as numbers without a sign in the same order: negative ones (inner products) are inverted, the others get the top bit. Adding zero
    // makes -0 to 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Ordered(float distance)
    {
        var bits = BitConverter.SingleToUInt32Bits(distance + 0f);
        return bits ^ ((uint)((int)bits >> 31) | 0x80000000);
    }
}

/// <param name="keys">Room for <paramref name="ef"/> keys and <see cref="SearchScratch.KeyPadding"/> more.</param>
/// <param name="watched">What counts as an improvement: coming among so many first rows.</param>
/// <param name="bound">Nothing at this distance or farther is of use from the beginning.</param>
unsafe struct SortedPool(ulong* keys, int ef, int watched, float bound = float.PositiveInfinity) : IPool
{
    const int CountedMax = 32;

    readonly ulong* _keys = keys;
    readonly int _ef = ef;
    readonly int _watched = watched;
    int _count;
    int _next;
    int _improvements;
    float _bound = bound;

    public readonly float Bound => _bound;

    public readonly int Improvements => _improvements;

    public readonly int Count => _count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out uint row, out uint following)
    {
        while (_next < _count && (_keys[_next] & 1) != 0) _next++;
        if (_next >= _count)
        {
            row = following = 0;
            return false;
        }
        var key = _keys[_next];
        row = PoolKey.Row(key);
        _keys[_next++] = key | 1;
        following = _next < _count ? PoolKey.Row(_keys[_next]) : row;
        return true;
    }

    public void Offer(float distance, uint row)
    {
        var key = PoolKey.Of(distance, row);
        var keys = _keys;
        var (lower, upper) = (0, _count);
        // Which half a key belongs to is anybody's guess: the last few steps are done by counting what is smaller, without a branch.
        while (upper - lower > CountedMax)
        {
            var middle = (lower + upper) >>> 1;
            if (keys[middle] < key) lower = middle + 1;
            else upper = middle;
        }
        lower += CountBelow(keys + lower, upper - lower, key);
        // From the top down in blocks, each moved up by one place; what is moved beyond the end falls into the padding.
        for (var at = lower + ((_count - lower - 1) & -8); at >= lower; at -= 8)
            if (Vector512.IsHardwareAccelerated) Vector512.Store(Vector512.Load(keys + at), keys + at + 1);
            else
            {
                var (low, high) = (Vector256.Load(keys + at), Vector256.Load(keys + at + 4));
                Vector256.Store(high, keys + at + 5);
                Vector256.Store(low, keys + at + 1);
            }
        keys[lower] = key;
        if (_count < _ef) _count++;
        if (_count == _ef) _bound = PoolKey.Distance(keys[_ef - 1]);
        if (lower < _next) _next = lower;
        if (lower < _watched) _improvements++;
    }

    // Of ascending keys, how many are below one. What stands behind them may be anything.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int CountBelow(ulong* keys, int count, ulong key)
    {
        var below = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            var wanted = Vector512.Create(key);
            for (var i = 0; i < count; i += 8)
            {
                var isBelow = (uint)Vector512.LessThan(Vector512.Load(keys + i), wanted).ExtractMostSignificantBits();
                below += BitOperations.PopCount(isBelow & ((1u << Math.Min(8, count - i)) - 1));
            }
            return below;
        }
        for (var i = 0; i < count; i++) below += keys[i] < key ? 1 : 0;
        return below;
    }
}

/// <param name="nearest">Room for <paramref name="ef"/> keys: a heap with the farthest of the nearest on top.</param>
/// <param name="scratch">Whose second block of keys holds the unexpanded rows, and grows as they do.</param>
unsafe struct HeapPool(ulong* nearest, SearchScratch scratch, int ef) : IPool
{
    readonly ulong* _nearest = nearest;
    readonly int _ef = ef;
    int _count;
    int _open;
    int _improvements;
    float _bound = float.PositiveInfinity;

    public readonly float Bound => _bound;

    public readonly int Improvements => _improvements;

    public readonly int Count => _count;

    public bool TryTake(out uint row, out uint following)
    {
        row = following = 0;
        if (_open == 0) return false;
        var open = scratch.More;
        var key = open[0];
        if (_count == _ef && key > _nearest[0]) return false;
        var last = open[--_open];
        var at = 0;
        for (int child; (child = (2 * at) + 1) < _open; at = child)
        {
            if (child + 1 < _open && open[child + 1] < open[child]) child++;
            if (last <= open[child]) break;
            open[at] = open[child];
        }
        open[at] = last;
        row = PoolKey.Row(key);
        following = _open > 0 ? PoolKey.Row(open[0]) : row;
        return true;
    }

    public void Offer(float distance, uint row)
    {
        var key = PoolKey.Of(distance, row);
        _improvements++;
        // A full heap of open rows drops nothing: rows beyond the bound are left there and end the walk when they come up. So it must grow.
        if ((_open & 1023) == 0) scratch.GrowMore(_open, _open + 1024);
        var open = scratch.More;
        var at = _open++;
        for (int parent; at > 0 && key < open[parent = (at - 1) >> 1]; at = parent) open[at] = open[parent];
        open[at] = key;

        KeyHeap.Offer(_nearest, ref _count, _ef, key);
        if (_count == _ef) _bound = PoolKey.Distance(_nearest[0]);
    }

    /// <summary>Brings the nearest into ascending order; the pool is of no use afterwards.</summary>
    public readonly void Sort() => KeyHeap.Sort(_nearest, _count);
}

/// <summary>A heap of keys with the largest on top, so that the nearest of many are kept.</summary>
static unsafe class KeyHeap
{
    /// <summary>Takes a key while there is room, and afterwards in place of the largest if it is smaller.</summary>
    public static void Offer(ulong* heap, ref int count, int most, ulong key)
    {
        if (count == most)
        {
            if (key < heap[0]) Sink(heap, count, key);
            return;
        }
        var at = count++;
        for (int parent; at > 0 && key > heap[parent = (at - 1) >> 1]; at = parent) heap[at] = heap[parent];
        heap[at] = key;
    }

    /// <summary>Makes an ascending array of a heap.</summary>
    public static void Sort(ulong* heap, int count)
    {
        for (var left = count - 1; left > 0; left--)
        {
            var largest = heap[0];
            Sink(heap, left, heap[left]);
            heap[left] = largest;
        }
    }

    // Puts the key on top in place of what stands there, and lets it sink.
    static void Sink(ulong* heap, int count, ulong key)
    {
        var at = 0;
        for (int child; (child = (2 * at) + 1) < count; at = child)
        {
            if (child + 1 < count && heap[child + 1] > heap[child]) child++;
            if (key >= heap[child]) break;
            heap[at] = heap[child];
        }
        heap[at] = key;
    }
}
