// KeyTable: the keys of a collection, each with a number of its own: 0, 1, 2, ... in the order in which they were seen first. Indexes know numbers; answers
// want keys.
//
//   key -> number     a hash table with open places; only by the one who writes
//   number -> key     chunks that never move; by any thread, for every number that has been told
//   number -> state   the same
//
// A number is never given again, and a key keeps its number when its row goes: what the past holds is found under it.
//
// Always true: what a number leads to is written before the number is told. One writer at a time (CollectionIndex holds a gate).

using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Engine.Indexes;

sealed class KeyTable
{
    const int ChunkBits = 12;
    const int ChunkNumbers = 1 << ChunkBits;
    const int ArenaBytes = 256 << 10;
    const int NumbersMax = int.MaxValue;

    /// <summary>What is known of a number beside its key.</summary>
    public struct State
    {
        /// <summary>Where the newest entry of the number stands in the tail's count; -1: there never was one. Read by any thread.</summary>
        public long LastEntry;

        /// <summary>System time of the newest put or delete that was followed.</summary>
        public ulong Version;

        /// <summary>Whether the newest one was a put.</summary>
        public bool IsLive;

        /// <summary>Met by the walk over all rows that is under way.</summary>
        public bool IsMet;
    }

    readonly record struct Place(byte[] Arena, int Offset, int Length);

    Place[][] _places = [];
    State[][] _states = [];
    uint[] _slots = new uint[1024];   // number + 1; 0: free
    byte[] _arena = [];
    int _arenaUsed;
    int _count;

    /// <summary>How many numbers were given.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Keys whose newest row is there.</summary>
    public int Live { get; private set; }

    /// <summary>What it takes, about.</summary>
    public long MemoryBytes { get; private set; }

    public ReadOnlySpan<byte> KeyOf(uint number)
    {
        var place = Volatile.Read(ref _places)[number >> ChunkBits][number & (ChunkNumbers - 1)];
        return place.Arena.AsSpan(place.Offset, place.Length);
    }

    public ref State StateOf(uint number) => ref Volatile.Read(ref _states)[number >> ChunkBits][number & (ChunkNumbers - 1)];

    /// <summary>By the writer.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, out uint number)
    {
        var mask = (uint)_slots.Length - 1;
        for (var at = (uint)XxHash3.Compute(key) & mask; _slots[at] != 0; at = (at + 1) & mask)
        {
            number = _slots[at] - 1;
            if (KeyOf(number).SequenceEqual(key)) return true;
        }
        number = 0;
        return false;
    }

    /// <summary>The number of a key, given now if it has none. By the writer.</summary>
    /// <exception cref="AevumException">LimitExceeded: no number is left.</exception>
    public uint FindOrAdd(ReadOnlySpan<byte> key)
    {
        if (TryFind(key, out var number)) return number;
        if (_count == NumbersMax) Throw.Limit("the number of keys of a collection", _count + 1L, NumbersMax);
        if (_count >= _slots.Length / 2) Grow();
        number = (uint)_count;
        if (number >> ChunkBits == (uint)_places.Length) AddChunk();
        _places[number >> ChunkBits][number & (ChunkNumbers - 1)] = Store(key);
        _states[number >> ChunkBits][number & (ChunkNumbers - 1)].LastEntry = -1;
        Insert(key, number);
        Volatile.Write(ref _count, _count + 1);
        return number;
    }

    /// <summary>Notes the newest change of a number. By the writer.</summary>
    public void Note(uint number, ulong version, bool isLive)
    {
        ref var state = ref StateOf(number);
        if (state.IsLive != isLive) Live += isLive ? 1 : -1;
        state.Version = version;
        state.IsLive = isLive;
    }

    /// <summary>Forgets everything. Nobody else may look at it.</summary>
    public void Clear()
    {
        (_places, _states, _slots, _arena) = ([], [], new uint[1024], []);
        _arenaUsed = 0;
        Live = 0;
        MemoryBytes = 0;
        Volatile.Write(ref _count, 0);
    }

    void AddChunk()
    {
        Volatile.Write(ref _states, [.. _states, new State[ChunkNumbers]]);
        Volatile.Write(ref _places, [.. _places, new Place[ChunkNumbers]]);
        MemoryBytes += ChunkNumbers * 40L;
    }

    Place Store(ReadOnlySpan<byte> key)
    {
        if (_arena.Length - _arenaUsed < key.Length)
        {
            _arena = new byte[Math.Max(ArenaBytes, key.Length)];
            _arenaUsed = 0;
            MemoryBytes += _arena.Length;
        }
        key.CopyTo(_arena.AsSpan(_arenaUsed));
        _arenaUsed += key.Length;
        return new(_arena, _arenaUsed - key.Length, key.Length);
    }

    void Insert(ReadOnlySpan<byte> key, uint number)
    {
        var mask = (uint)_slots.Length - 1;
        var at = (uint)XxHash3.Compute(key) & mask;
        while (_slots[at] != 0) at = (at + 1) & mask;
        _slots[at] = number + 1;
    }

    void Grow()
    {
        MemoryBytes += _slots.Length * (long)sizeof(uint);
        _slots = new uint[2 * _slots.Length];
        for (var number = 0u; number < _count; number++) Insert(KeyOf(number), number);
    }
}
