// RowIds: which row holds an id. Open addressing with linear probing over u32 row numbers in native memory; the ids themselves stand in the row
// table, so a place costs 4 bytes (4.7 to 5.6 a row). The number of places is any: a hash is scaled to it, not masked (Lemire 2019). Removal moves later
// entries back (Knuth 6.4, algorithm R), so that no markers of removed entries pile up.
//
// Always true: at most 17 of 20 places are used; each row stands in the first free place from its home on. One thread at a time.

namespace Aevum.Vectors.Hnsw;

sealed unsafe class RowIds(RowTable rows, MemoryBudget budget) : IDisposable
{
    const uint Empty = uint.MaxValue;

    NativeBlock? _block;
    uint* _places;
    int _length;

    public int Count { get; private set; }

    public long Bytes => _block?.Bytes ?? 0;

    /// <summary>Places, taken or not.</summary>
    public int Length => _length;

    public ReadOnlySpan<uint> Places => new(_places, _length);

    /// <summary>Begins with places copied from elsewhere, of which <paramref name="count"/> are taken, fewer than all.</summary>
    public void Load(ReadOnlySpan<uint> places, int count)
    {
        var block = new NativeBlock((long)places.Length * sizeof(uint), budget);
        places.CopyTo(new(block.Pointer, places.Length));
        _block?.Dispose();
        _block = block;
        _places = (uint*)block.Pointer;
        _length = places.Length;
        Count = count;
    }

    public bool TryFind(ulong id, out uint row)
    {
        row = 0;
        if (Count == 0) return false;
        for (var at = Home(id); _places[at] != Empty; at = Next(at))
            if (rows.Id(_places[at]) == id)
            {
                row = _places[at];
                return true;
            }
        return false;
    }

    /// <summary>Makes room, so that the next <see cref="Set"/> cannot fail.</summary>
    public void EnsureRoom(long more)
    {
        var needed = Count + more;
        if (needed * 20 <= _length * 17L) return;
        var length = checked((int)Math.Max(64, needed * 7 / 5));
        var block = new NativeBlock((long)length * sizeof(uint), budget);
        new Span<uint>(block.Pointer, length).Fill(Empty);
        var old = _block;
        var oldPlaces = _places;
        var oldLength = _length;
        _block = block;
        _places = (uint*)block.Pointer;
        _length = length;
        for (var i = 0; i < oldLength; i++)
            if (oldPlaces[i] != Empty) _places[FreePlace(rows.Id(oldPlaces[i]))] = oldPlaces[i];
        old?.Dispose();
    }

    /// <summary>Lets <paramref name="id"/> name <paramref name="row"/>, whose id must be written already, instead of what it named.</summary>
    public void Set(ulong id, uint row)
    {
        EnsureRoom(1);
        for (var at = Home(id); _places[at] != Empty; at = Next(at))
            if (rows.Id(_places[at]) == id)
            {
                _places[at] = row;
                return;
            }
        _places[FreePlace(id)] = row;
        Count++;
    }

    public bool Remove(ulong id, out uint row)
    {
        if (!TryFind(id, out row)) return false;
        var hole = Home(id);
        while (_places[hole] != row) hole = Next(hole);
        for (var at = Next(hole); _places[at] != Empty; at = Next(at))
        {
            // An entry may fill the hole unless its home lies after the hole, on the way to where it stands.
            var home = Home(rows.Id(_places[at]));
            if (Way(home, at) < Way(hole, at)) continue;
            _places[hole] = _places[at];
            hole = at;
        }
        _places[hole] = Empty;
        Count--;
        return true;
    }

    public void Dispose() => _block?.Dispose();

    uint Home(ulong id) => (uint)Math.BigMul(id * 0x9E3779B97F4A7C15, (ulong)_length, out _);

    uint Next(uint at) => at + 1 == (uint)_length ? 0 : at + 1;

    // Steps from one place on to another.
    uint Way(uint from, uint to) => to >= from ? to - from : to + (uint)_length - from;

    uint FreePlace(ulong id)
    {
        var at = Home(id);
        while (_places[at] != Empty) at = Next(at);
        return at;
    }
}
