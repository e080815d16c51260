// RecordHints: where a thread found keys a moment ago. A step of a batch looks for its keys three times: memory is asked for them, it is decided,
// it is applied. Only the first needs to walk down the tree.
//
// Each thread has its own hints, of the memtable that it used last, so nothing is shared and nothing waits. A slot is a guess: the record that it
// names is of that memtable, where records never move nor go, and the key in it is compared.

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

sealed unsafe class RecordHints
{
    // A batch has up to a few hundred keys; the table should stay in the first cache beside what they point to.
    const int Slots = 1024;

    const int KeyBytesMin = 16;

    [ThreadStatic]
    static RecordHints? t_own;

    static long s_lastOwner;

    readonly nint[] _slots = new nint[Slots];
    long _owner;

    /// <summary>A number for a memtable that no other ever has.</summary>
    public static long NewOwner() => Interlocked.Increment(ref s_lastOwner);

    /// <summary>Remembers where a key of a memtable is.</summary>
    public static void Keep(long owner, byte* key, int length, KeyRecord* record)
    {
        if (length < KeyBytesMin) return;
        var own = t_own ??= new RecordHints();
        if (own._owner != owner) own.BelongTo(owner);
        own._slots[SlotOf(key, length)] = (nint)record;
    }

    /// <summary>The record of a key; null: it is not known here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static KeyRecord* Find(long owner, byte* key, int length)
    {
        var own = t_own;
        if (own is null || own._owner != owner || length < KeyBytesMin) return null;
        var record = (KeyRecord*)own._slots[SlotOf(key, length)];
        if (record == null || record->KeyLength != length) return null;
        return new ReadOnlySpan<byte>(KeyRecord.Key(record), length).SequenceEqual(new ReadOnlySpan<byte>(key, length)) ? record : null;
    }

    void BelongTo(long owner)
    {
        Array.Clear(_slots);
        _owner = owner;
    }

    // Keys that are used together share their beginnings; so their ends tell them apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int SlotOf(byte* key, int length)
    {
        var last = Unsafe.ReadUnaligned<ulong>(key + length - 8);
        var before = Unsafe.ReadUnaligned<ulong>(key + length - 16);
        var mixed = (last * 0x9E3779B97F4A7C15UL) ^ (before * 0xC2B2AE3D27D4EB4FUL);
        return (int)((mixed ^ (mixed >> 29)) * 0x9E3779B97F4A7C15UL >> (64 - 10));
    }
}
