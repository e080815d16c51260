// TopK: the nearest of what was offered, at most so many, in memory of the caller: a heap of DistanceKeys with the farthest on top.
//
// Always true: keys[0, Count) is a max-heap until Sort; when full, keys[0] is the farthest kept, and an offer gets in only below it. Equal
// distances are decided by row, so what is kept does not depend on the order of offers.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aevum.Vectors;

/// <param name="keys">Room for <paramref name="capacity"/> keys; garbage is fine.</param>
/// <param name="capacity">How many to keep, at least 1.</param>
/// <param name="distanceMax">Nothing farther gets in; infinity: no such limit.</param>
unsafe struct TopK(ulong* keys, int capacity, float distanceMax)
{
    readonly ulong* _keys = keys;
    readonly int _capacity = capacity;
    // What a key must be below: above all rows at distanceMax until the heap is full.
    ulong _bound = DistanceKey.Of(distanceMax, uint.MaxValue);
    float _distanceBound = distanceMax;
    int _count;

    public readonly int Count => _count;

    /// <summary>No distance above this gets in; one that equals it may, by its row.</summary>
    public readonly float Bound => _distanceBound;

    /// <returns>Whether it was kept, for now.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Offer(float distance, uint row)
    {
        var key = DistanceKey.Of(distance, row);
        if (key > _bound || (key == _bound && _count == _capacity)) return false;
        Keep(key);
        return true;
    }

    /// <summary>Puts the kept keys in order, nearest first. The end: nothing can be offered after.</summary>
    /// <returns>The first of <see cref="Count"/> keys.</returns>
    public readonly ulong* Sort()
    {
        new Span<ulong>(_keys, _count).Sort();
        return _keys;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Keep(ulong key)
    {
        if (_count < _capacity) RiseFrom(_count++, key);
        else SinkFromTop(key);
        if (_count < _capacity) return;
        _bound = _keys[0];
        _distanceBound = DistanceKey.Distance(_bound);
    }

    readonly void RiseFrom(int at, ulong key)
    {
        while (at > 0)
        {
            var parent = (at - 1) / 2;
            if (_keys[parent] >= key) break;
            _keys[at] = _keys[parent];
            at = parent;
        }
        _keys[at] = key;
    }

    readonly void SinkFromTop(ulong key)
    {
        Debug.Assert(key < _keys[0]);
        var at = 0;
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= _count) break;
            if (child + 1 < _count && _keys[child + 1] > _keys[child]) child++;
            if (_keys[child] <= key) break;
            _keys[at] = _keys[child];
            at = child;
        }
        _keys[at] = key;
    }
}
