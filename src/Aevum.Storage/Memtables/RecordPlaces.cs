// RecordPlaces: where keys that are asked for again and again have their records: a table by hash, beside the tree.
//
// A walk down the tree is a chain of three or four cache misses, and a busy server looks the same keys up all day. Here a lookup is two: a line of
// the table, and the record, whose key is compared. A line is one cache line of eight slots:
//
//   slot    what the hash has above bit 48 | address of the record, 48 bits       0: free
//
// It is a cache, not an index: what is not here the tree knows. So nothing has to be complete, nothing is moved when it grows (the new table fills as
// keys are asked for), a full line drops any of its slots, and a memtable that is only written to never has one (Note).
//
// Any thread looks up and keeps. A slot is written as a whole; records are complete before anybody can find them, never move and never go (but with
// the memtable), so a slot read at any time names a record of this memtable, and comparing its key says whether it is the right one.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Aevum.Core.Bytes;

namespace Aevum.Storage.Memtables;

/// <remarks>A mutable struct: keep it in a field, never copy it.</remarks>
unsafe struct RecordPlaces
{
    const int SlotsOfLine = 8;
    const int LineBytes = SlotsOfLine * sizeof(ulong);
    const int AddressBits = 48;
    const ulong AddressMask = (1UL << AddressBits) - 1;

    /// <summary>Keys that a memtable has before a table is worth having: fewer lie in the caches with their tree.</summary>
    public const int KeysMin = 1024;

    const int SlotsMax = 1 << 20;

    Arena _memory;      // by whoever has _growing
    nint _table;        // slots - 1 stand in the 64 bytes before the first line
    int _found;         // keys found by the tree since the table was made; about
    int _growing;

    public RecordPlaces(ArenaPool pool) => _memory = new Arena(pool, 4096);

    /// <summary>Native bytes held.</summary>
    public readonly long AllocatedBytes => _memory.AllocatedBytes;

    /// <summary>The table as it is now, for the other members; null: there is none.</summary>
    public readonly byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (byte*)Volatile.Read(in _table);
    }

    public void Release()
    {
        _table = 0;
        _memory.Release();
    }

    public static ulong HashOf(byte* key, int length) => KeyHash.Compute(key, length);

    /// <summary>Asks memory for the line of a hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchLine(byte* table, ulong hash) => MemtableTree.Prefetch(LineOf(table, hash));

    /// <summary>The record that a hash leads to: nearly always that of the key, and not compared yet. Null: none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static KeyRecord* Guess(byte* table, ulong hash)
    {
        var line = LineOf(table, hash);
        var found = Matches(line, hash);
        if (found == 0) return null;
        return (KeyRecord*)(Volatile.Read(ref line[BitOperations.TrailingZeroCount(found)]) & AddressMask);
    }

    /// <summary>The record of a key; null: it is not known here.</summary>
    public static KeyRecord* Find(byte* table, ulong hash, byte* key, int length)
    {
        var line = LineOf(table, hash);
        for (var found = Matches(line, hash); found != 0; found &= found - 1)
        {
            var record = (KeyRecord*)(Volatile.Read(ref line[BitOperations.TrailingZeroCount(found)]) & AddressMask);
            if (record != null && Is(record, key, length)) return record;
        }
        return null;
    }

    /// <summary>True if a record is that of a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Is(KeyRecord* record, byte* key, int length) =>
        record->KeyLength == length && new ReadOnlySpan<byte>(KeyRecord.Key(record), length).SequenceEqual(new ReadOnlySpan<byte>(key, length));

    /// <summary>Remembers where a key is that the tree had to find. Makes the table, or a larger one, where that pays.</summary>
    /// <param name="keys">Keys of the memtable.</param>
    public void Note(ulong hash, KeyRecord* record, long keys)
    {
        _found++;
        var table = Table;
        var slots = table == null ? 0 : SlotsOf(table);
        // Keys have been found as often as would fill what is made: who only writes new ones never comes here.
        if (keys > slots / 4 * 3 && keys >= KeysMin && slots < SlotsMax && _found > keys / 2)
            table = Grow((int)Math.Min(BitOperations.RoundUpToPowerOf2((ulong)keys * 2), SlotsMax));
        if (table != null) Keep(table, hash, record);
    }

    /// <summary>Slots of the table; 0: there is none.</summary>
    public readonly int Slots => Table is var table && table == null ? 0 : SlotsOf(table);

    /// <summary>Begins with a table that is empty: the memtable before had one, and what was asked for then is written and asked for again.</summary>
    public void Begin(int slots) => Grow(slots);

    /// <summary>Remembers where a key is.</summary>
    public static void Keep(byte* table, ulong hash, KeyRecord* record)
    {
        var line = LineOf(table, hash);
        var slot = (ulong)record | (hash & ~AddressMask);
        for (var i = 0; i < SlotsOfLine; i++)
        {
            var there = Volatile.Read(ref line[i]);
            if (there == slot) return;
            if (there != 0) continue;
            Volatile.Write(ref line[i], slot);
            return;
        }
        Volatile.Write(ref line[(hash >> 40) & (SlotsOfLine - 1)], slot);
    }

    byte* Grow(int slots)
    {
        if (Interlocked.Exchange(ref _growing, 1) != 0) return Table;
        try
        {
            var bytes = (nint)slots * sizeof(ulong);
            var memory = _memory.Allocate(bytes + LineBytes);
            Unsafe.InitBlock(memory, 0, LineBytes);
            new Span<byte>(memory + LineBytes, (int)bytes).Clear();
            *(long*)memory = (slots / SlotsOfLine) - 1;
            _found = 0;
            Volatile.Write(ref _table, (nint)memory);
            return memory;
        }
        finally
        {
            Volatile.Write(ref _growing, 0);
        }
    }

    static int SlotsOf(byte* table) => (int)(*(long*)table + 1) * SlotsOfLine;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong* LineOf(byte* table, ulong hash) => (ulong*)(table + LineBytes + (((nint)hash & *(nint*)table) * LineBytes));

    /// <summary>A bit for each slot that has the hash's upper bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Matches(ulong* line, ulong hash)
    {
        var wanted = Vector512.Create(hash >> AddressBits);
        return (uint)Vector512.Equals(Vector512.Load(line) >>> AddressBits, wanted).ExtractMostSignificantBits();
    }
}
