// RowIds: which row holds an id. Open addressing with linear probing over u32 row numbers in native memory; the ids themselves stand in the row
// table, so an entry costs 4 bytes (8 to 5.3 a row as the load goes from a half to three quarters). Removal moves later entries back (Knuth 6.4,
// algorithm R), so that no markers of removed entries pile up.
//
// Always true: at most three quarters are used; each row stands in the first free place from its home on. One thread at a time.

namespace Aevum.Vectors.Hnsw;

sealed unsafe class RowIds(RowTable rows, MemoryBudget budget) : IDisposable
{
    const uint Empty = uint.MaxValue;

    NativeBlock? _block;
    uint* _places;
    uint _mask;
    int _shift;

    public int Count { get; private set; }

    public long Bytes => _block?.Bytes ?? 0;

    public bool TryFind(ulong id, out uint row)
    {
        row = 0;
        if (Count == 0) return false;
        for (var at = Home(id); _places[at] != Empty; at = (at + 1) & _mask)
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
        if (_block is not null && needed * 4 <= ((long)_mask + 1) * 3) return;
        var places = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(64, (needed * 4 / 3) + 1));
        var block = new NativeBlock(places * sizeof(uint), budget);
        new Span<byte>(block.Pointer, checked((int)block.Bytes)).Fill(0xFF);
        var old = _block;
        var oldPlaces = _places;
        var oldLength = _block is null ? 0L : (long)_mask + 1;
        _block = block;
        _places = (uint*)block.Pointer;
        _mask = (uint)(places - 1);
        _shift = 64 - System.Numerics.BitOperations.Log2((ulong)places);
        for (var i = 0L; i < oldLength; i++)
            if (oldPlaces[i] != Empty) _places[FreePlace(rows.Id(oldPlaces[i]))] = oldPlaces[i];
        old?.Dispose();
    }

    /// <summary>Lets <paramref name="id"/> name <paramref name="row"/>, whose id must be written already, instead of what it named.</summary>
    public void Set(ulong id, uint row)
    {
        EnsureRoom(1);
        for (var at = Home(id); _places[at] != Empty; at = (at + 1) & _mask)
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
        while (_places[hole] != row) hole = (hole + 1) & _mask;
        for (var at = (hole + 1) & _mask; _places[at] != Empty; at = (at + 1) & _mask)
        {
            // An entry may fill the hole unless its home lies after the hole, on the way to where it stands.
            var home = Home(rows.Id(_places[at]));
            if (((at - home) & _mask) < ((at - hole) & _mask)) continue;
            _places[hole] = _places[at];
            hole = at;
        }
        _places[hole] = Empty;
        Count--;
        return true;
    }

    public void Dispose() => _block?.Dispose();

    uint Home(ulong id) => (uint)((id * 0x9E3779B97F4A7C15) >> _shift);

    uint FreePlace(ulong id)
    {
        var at = Home(id);
        while (_places[at] != Empty) at = (at + 1) & _mask;
        return at;
    }
}
