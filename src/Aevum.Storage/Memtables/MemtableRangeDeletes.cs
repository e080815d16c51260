// MemtableRangeDeletes: the range deletes of one memtable. Adding is an append; what readers need is built when they ask.
//
//   items   [ part 0 | part 1 | ... | part n | tail ]      parts are built (fragmented, binary search), the tail is looked at one by one
//
// A reader that finds more than TailMax items in the tail builds a part of them, merged with every part before it that is not larger: the
// logarithmic method (J. L. Bentley and J. B. Saxe, "Decomposable searching problems I", 1980). So there are O(log n) parts, each item is
// built O(log n) times, and a lookup asks O(log n) sets and a bounded tail. Readers race to publish what they built; the loser's work is
// only wasted. The writer never builds.
//
// A walk takes the parts as they are (Sets), with a set of the tail that is built once a change; all of it as one set (Snapshot) is for flushes.
//
// Always true: items below Count never change; parts cover a prefix of the items, in order; no lock anywhere.

using Aevum.Storage.Iterators;

namespace Aevum.Storage.Memtables;

sealed class MemtableRangeDeletes
{
    /// <summary>Items a lookup compares one by one before it builds a part of them.</summary>
    public const int TailMax = 32;

    sealed record Part(RangeDeletes Set, int Count);

    /// <summary>Built parts, oldest first, and how many items they cover.</summary>
    sealed record BuiltParts(Part[] Parts, int Count);

    sealed record WholeSet(RangeDeletes Set, int Count);

    sealed record SetList(RangeDeletes[] Sets, int Count);

    RangeDelete[] _items = new RangeDelete[8];
    int _count;
    BuiltParts _built = new([], 0);
    WholeSet _whole = new(RangeDeletes.Empty, 0);
    SetList _sets = new([], 0);

    public int Count => Volatile.Read(ref _count);

    /// <summary>Writer only.</summary>
    public void Add(in RangeDelete item)
    {
        var count = _count;
        if (count == _items.Length)
        {
            var larger = new RangeDelete[2 * count];
            Array.Copy(_items, larger, count);
            Volatile.Write(ref _items, larger);
        }
        _items[count] = item;
        Volatile.Write(ref _count, count + 1);
    }

    /// <summary>The greatest version at most <paramref name="at"/> of an item over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong NewestCovering(ReadOnlySpan<byte> key, ulong at)
    {
        // The count first: an array read later holds at least that many.
        var count = Volatile.Read(ref _count);
        var items = Volatile.Read(ref _items);
        var built = Volatile.Read(ref _built);
        if (count - built.Count > TailMax) built = Build(built, items, count);
        ulong newest = 0;
        foreach (var part in built.Parts) newest = Math.Max(newest, part.Set.NewestCovering(key, at));
        for (var i = built.Count; i < count; i++)
        {
            ref readonly var item = ref items[i];
            if (item.Version > newest && item.Version <= at && key.SequenceCompareTo(item.Start) >= 0 && key.SequenceCompareTo(item.End) < 0)
                newest = item.Version;
        }
        return newest;
    }

    /// <summary>Everything added so far, in O(log n) sets. Asking again without a new item is free; with one it costs a set of the tail.</summary>
    public IReadOnlyList<RangeDeletes> Sets()
    {
        var count = Volatile.Read(ref _count);
        var known = Volatile.Read(ref _sets);
        if (known.Count >= count) return known.Sets;
        var items = Volatile.Read(ref _items);
        var built = Volatile.Read(ref _built);
        if (count - built.Count > TailMax) built = Build(built, items, count);
        var sets = new List<RangeDeletes>(built.Parts.Length + 1);
        foreach (var part in built.Parts) sets.Add(part.Set);
        if (built.Count < count) sets.Add(RangeDeletes.Build(new ArraySegment<RangeDelete>(items, built.Count, count - built.Count)));
        var list = new SetList([.. sets], Math.Max(count, built.Count));
        Interlocked.CompareExchange(ref _sets, list, known);
        return list.Sets;
    }

    /// <summary>Everything added so far, as one set.</summary>
    public RangeDeletes Snapshot()
    {
        var count = Volatile.Read(ref _count);
        var whole = Volatile.Read(ref _whole);
        if (whole.Count >= count) return whole.Set;
        var built = new WholeSet(RangeDeletes.Build(new ArraySegment<RangeDelete>(Volatile.Read(ref _items), 0, count)), count);
        Interlocked.CompareExchange(ref _whole, built, whole);
        return built.Set;
    }

    BuiltParts Build(BuiltParts before, RangeDelete[] items, int count)
    {
        var kept = before.Parts.Length;
        var from = before.Count;
        while (kept > 0 && before.Parts[kept - 1].Count <= count - from) from -= before.Parts[--kept].Count;
        var part = new Part(RangeDeletes.Build(new ArraySegment<RangeDelete>(items, from, count - from)), count - from);
        var after = new BuiltParts([.. before.Parts.AsSpan(0, kept), part], count);
        Interlocked.CompareExchange(ref _built, after, before);
        return after;
    }
}
