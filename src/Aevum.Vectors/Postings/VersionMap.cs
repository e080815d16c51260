// VersionMap: for each id the version of its live entries and the posting that is its home. 16 bytes a place, open addressing with linear probing in native
// memory; removal moves later entries back (Knuth 6.4, algorithm R), so no markers pile up.
//
//   place   id u64 | version << 24 | home;   0 in the second: free
//
// Versions rise over the whole index and are never given twice, so an entry on disk counts exactly if its version is the one here: an id that was deleted
// and put again has another, and nothing need be remembered of ids that are gone.
//
// Always true: at most three quarters of the places are used. One writer, and readers only while none writes.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Postings;

sealed unsafe class VersionMap(MemoryBudget budget) : IDisposable
{
    public const int HomeBits = 24;
    public const uint HomeMax = (1u << HomeBits) - 1;
    public const ulong VersionMax = (1UL << (64 - HomeBits)) - 1;

    NativeBlock? _block;
    ulong* _places;
    long _length;

    public long Count { get; private set; }

    public long Bytes => _block?.Bytes ?? 0;

    public bool TryFind(ulong id, out ulong version, out uint home)
    {
        (version, home) = (0, 0);
        if (Count == 0) return false;
        var at = Find(id);
        var value = _places[(2 * at) + 1];
        (version, home) = (value >> HomeBits, (uint)value & HomeMax);
        return value != 0;
    }

    /// <summary>Whether an entry of this version is the live one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsLive(ulong id, ulong version) => Count > 0 && _places[(2 * Find(id)) + 1] >> HomeBits == version;

    /// <summary>Makes room, so that the next <paramref name="more"/> of <see cref="Set"/> cannot fail.</summary>
    public void EnsureRoom(long more)
    {
        if ((Count + more) * 4 <= _length * 3) return;
        var length = Math.Max(64, (Count + more) * 2);
        var block = new NativeBlock(length * 16, budget, zeroed: true);
        var (old, oldPlaces, oldLength) = (_block, (nint)_places, _length);
        (_block, _length, Count) = (block, length, 0);
        _places = (ulong*)block.Pointer;
        for (long i = 0; i < oldLength; i++)
        {
            var place = (ulong*)oldPlaces + (2 * i);
            if (place[1] != 0) Store(place[0], place[1]);
        }
        old?.Dispose();
    }

    /// <param name="version">1 to <see cref="VersionMax"/>.</param>
    public void Set(ulong id, ulong version, uint home)
    {
        EnsureRoom(1);
        Store(id, (version << HomeBits) | home);
    }

    public bool Remove(ulong id)
    {
        if (Count == 0) return false;
        var hole = Find(id);
        if (_places[(2 * hole) + 1] == 0) return false;
        Count--;
        for (var at = Next(hole); _places[(2 * at) + 1] != 0; at = Next(at))
        {
            // It may move into the hole if its home is not between the hole and itself.
            var home = Home(_places[2 * at]);
            if (hole <= at ? home > hole && home <= at : home > hole || home <= at) continue;
            (_places[2 * hole], _places[(2 * hole) + 1]) = (_places[2 * at], _places[(2 * at) + 1]);
            hole = at;
        }
        _places[(2 * hole) + 1] = 0;
        return true;
    }

    /// <summary>Calls for each id, in no order.</summary>
    public void ForEach(Action<ulong, ulong, uint> act)
    {
        for (long i = 0; i < _length; i++)
            if (_places[(2 * i) + 1] is not 0 and var value) act(_places[2 * i], value >> HomeBits, (uint)value & HomeMax);
    }

    public void Dispose()
    {
        _block?.Dispose();
        (_block, _length, Count) = (null, 0, 0);
    }

    void Store(ulong id, ulong value)
    {
        var at = Find(id);
        if (_places[(2 * at) + 1] == 0) Count++;
        (_places[2 * at], _places[(2 * at) + 1]) = (id, value);
    }

    // Where the id is, or the free place where it would be.
    long Find(ulong id)
    {
        var at = Home(id);
        while (_places[(2 * at) + 1] != 0 && _places[2 * at] != id) at = Next(at);
        return at;
    }

    long Next(long at) => at + 1 == _length ? 0 : at + 1;

    long Home(ulong id)
    {
        var hash = id * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return (long)Math.BigMul(hash, (ulong)_length, out _);
    }
}
