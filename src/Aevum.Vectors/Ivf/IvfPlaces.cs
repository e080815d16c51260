// IvfPlaces: in which list, and where in it, each row is. Open addressing with linear probing, 12 bytes a place, 14 to 17 a row; row numbers may lie as far
// apart as they like. The number of places is any: a hash is scaled to it, not masked (Lemire 2019). Removal moves later entries back (Knuth 6.4, algorithm R).
//
// Always true: at most 17 of 20 places are used; each row stands in the first free place from its home on. One thread at a time changes it.

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfPlaces(MemoryBudget budget) : IDisposable
{
    const int Empty = -1;

    struct Entry
    {
        public uint Row;
        public int List;
        public int Place;
    }

    NativeBlock? _block;
    Entry* _entries;
    int _length;

    public int Count { get; private set; }

    public long Bytes => _block?.Bytes ?? 0;

    public bool TryGet(uint row, out int list, out int place)
    {
        (list, place) = (-1, -1);
        if (Count == 0) return false;
        var entry = _entries + Find(row);
        if (entry->List == Empty) return false;
        (list, place) = (entry->List, entry->Place);
        return true;
    }

    /// <summary>Makes room for so many rows more, so that <see cref="Set"/> cannot fail for them.</summary>
    /// <exception cref="Core.Errors.AevumException">LimitExceeded: the budget has no room; nothing changed.</exception>
    public void EnsureRoom(long more)
    {
        var needed = Count + more;
        if (needed * 20 <= _length * 17L) return;
        var length = Math.Max(64, needed * 7 / 5);
        if (length > int.MaxValue) Core.Errors.Throw.Limit("rows of an index", needed, int.MaxValue / 7 * 5L);
        var block = new NativeBlock(length * sizeof(Entry), budget);
        var (old, count) = (_block, _length);
        var entries = _entries;
        (_block, _length) = (block, (int)length);
        _entries = (Entry*)block.Pointer;
        for (var i = 0; i < _length; i++) _entries[i].List = Empty;
        for (var i = 0; i < count; i++)
            if (entries[i].List != Empty) _entries[Find(entries[i].Row)] = entries[i];
        old?.Dispose();
    }

    /// <summary>Notes where a row is now. For one that is not there yet <see cref="EnsureRoom"/> has made room.</summary>
    public void Set(uint row, int list, int place)
    {
        var entry = _entries + Find(row);
        if (entry->List == Empty) Count++;
        *entry = new() { Row = row, List = list, Place = place };
    }

    public void Remove(uint row)
    {
        if (Count == 0) return;
        var hole = Find(row);
        if (_entries[hole].List == Empty) return;
        for (var at = Next(hole); _entries[at].List != Empty; at = Next(at))
        {
            // An entry may fill the hole unless its home lies after the hole, on the way to where it stands.
            if (Way(Home(_entries[at].Row), at) < Way(hole, at)) continue;
            _entries[hole] = _entries[at];
            hole = at;
        }
        _entries[hole].List = Empty;
        Count--;
    }

    public void Dispose()
    {
        _block?.Dispose();
        (_block, _length, Count) = (null, 0, 0);
        _entries = null;
    }

    // Where a row stands, or would.
    int Find(uint row)
    {
        var at = Home(row);
        while (_entries[at].List != Empty && _entries[at].Row != row) at = Next(at);
        return at;
    }

    // Row numbers often follow each other at equal steps: mixed twice, these too lie all about.
    int Home(uint row)
    {
        var hash = (row + 1UL) * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return (int)Math.BigMul(hash, (ulong)_length, out _);
    }

    int Next(int at) => at + 1 == _length ? 0 : at + 1;

    // Steps from one place on to another.
    int Way(int from, int to) => to >= from ? to - from : to - from + _length;
}
