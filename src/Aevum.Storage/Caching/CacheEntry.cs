using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aevum.Storage.Caching;

/// <summary>What the cache knows of one block: one cache line, in memory that is never given back while the cache lives.</summary>
/// <remarks>
/// Because an entry's memory stays an entry forever, a reader may follow a stale link to it, try to pin it, and look at its key only
/// then. States:
///
///   Free        -> Rented     [CacheShard.Rent]       state = Detached + 1 pin; only the renter knows it
///   Rented      -> Resident   [CacheShard.Publish]    state = its pins; in the hash table and in one queue
///   Resident    -> Free       [eviction]              only from 0 pins, by compare-and-swap
///   Resident    -> Detached   [EraseTable]            no longer to be found; Free when the last pin goes
///   Rented      -> Free       [last Unpin]            never published
///
/// Pins are taken without the shard's gate, by compare-and-swap on <see cref="State"/>, and only while neither flag is set. All other
/// fields change under the gate, or while the entry is Rented by whoever rented it.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
unsafe struct CacheEntry
{
    public const int Bytes = 64;

    /// <summary>Not to be pinned any more (or not yet).</summary>
    public const int Detached = 1 << 30;

    /// <summary>Holds no block.</summary>
    public const int Free = 1 << 29;

    const int Flags = Detached | Free;

    public ulong TableKey;
    public ulong Offset;
    public byte* Memory;

    /// <summary>Pins, and the flags above.</summary>
    public int State;

    /// <summary>Bytes of the block's contents.</summary>
    public int Length;

    /// <summary>Links are entry numbers; 0 is none.</summary>
    public int HashNext;
    public int QueueNewer, QueueOlder;
    public int TableNext, TablePrev;
    public int Number;
    public byte SizeClass;

    /// <summary>Hits since it last passed through a queue, 3 at most.</summary>
    public byte Frequency;
    public CacheQueue Queue;
    public byte Shard;

    public readonly int Pins => State & ~Flags;

    /// <summary>Takes one pin, unless the entry is no longer (or not yet) to be had.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPin(CacheEntry* entry)
    {
        var state = Volatile.Read(ref entry->State);
        while ((state & Flags) == 0)
        {
            var seen = Interlocked.CompareExchange(ref entry->State, state + 1, state);
            if (seen == state) return true;
            state = seen;
        }
        return false;
    }
}

enum CacheQueue : byte
{
    None = 0,
    Small = 1,
    Main = 2,
}
