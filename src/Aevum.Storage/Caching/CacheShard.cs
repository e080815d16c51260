// CacheShard: one part of the block cache, chosen by the block's hash. The policy is S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues
// are all you need for cache eviction", SOSP 2023, algorithm 1), with bytes in place of counts since blocks differ in size.
//
//            +--- small queue, 10 % of the bytes ---+  hit at most once   +--- ghost queue: fingerprints ---+
//   new -->  | newest ...                    oldest | ------------------> | of as many as main can hold     |
//            +--------------------------------------+                     +---------------------------------+
//                                    | hit twice or more                     | asked for again: straight to main
//                                    v                                       v
//            +--- main queue: oldest is kept if hit since (one less then), else evicted --------------------+
//
// A scan therefore passes through the small queue alone. A hit raises a counter of two bits and moves nothing.
//
// Departure from the paper: a pinned block cannot be evicted; when its turn comes it goes to the new end of its own queue.
//
// Always true under the gate:
//   (1) Bytes (buffers, waiting buffers, entries, hash table, ghost) <= the limit; who cannot be served within it gets nothing;
//   (2) a Resident entry is in exactly one hash chain, one queue and one table list; any other in none.
//
// Lookups take no gate: see CacheEntry for why that is safe.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Storage.Caching;

sealed unsafe class CacheShard : IDisposable
{
    const int ChunkEntries = 256;
    const int ChunkBytes = ChunkEntries * CacheEntry.Bytes;
    const int FrequencyMax = 3;

    // Of the limit, in parts.
    const int SmallShare = 10;
    const int LargestShare = 4;

    // Of a chain's head the number takes so many bits; the others hold a line number, of which processors have 41 bits at most for a process.
    const int NumberBits = 23;
    const int LineBytes = 64;

    // A lookup that has followed so many links was led astray by entries that moved to another chain (or met the worst of luck).
    const int ChainMax = 256;

    readonly BlockCache _cache;
    readonly long _limit;
    readonly byte _number;
    int _gate;

    // Heads of the hash chains: the number of the first entry, and above it which line of memory its block starts in (ReferenceTo).
    ulong* _buckets;
    int _bucketMask;
    CacheEntry** _chunks;
    int _chunksMax;
    int _entriesUsed;
    int _freeEntry;
    long _fixedBytes;
    BufferClasses _buffers;
    GhostQueue _ghost;
    Queue _small, _main;
    readonly Dictionary<ulong, int> _tables = [];

    struct Queue
    {
        public int Newest, Oldest, Count;
        public long Bytes;
    }

    public CacheShard(BlockCache cache, byte number, long limit)
    {
        _cache = cache;
        _number = number;
        _limit = limit;

        // One hash chain and one ghost slot for each 4 KiB of the limit: chains stay short, and both take 0.3 % of it.
        var buckets = (int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(limit / (4 << 10), 16)), 16, 1 << 30);
        var ghostBuckets = Math.Max(buckets / 4, 4);
        _chunksMax = (int)Math.Min(limit / ChunkBytes + 1, (1 << NumberBits) / ChunkEntries);
        var bytes = (long)buckets * sizeof(ulong) + GhostQueue.BytesFor(ghostBuckets) + (long)_chunksMax * sizeof(CacheEntry*);
        if (bytes > limit / 2) return;

        _bucketMask = buckets - 1;
        _chunks = (CacheEntry**)NativeMemory.AllocZeroed((nuint)_chunksMax, (nuint)sizeof(CacheEntry*));
        _ghost = GhostQueue.Create(ghostBuckets);
        _buffers = BufferClasses.Create();
        _fixedBytes = bytes;
        _entriesUsed = 1;
        _buckets = (ulong*)NativeMemory.AllocZeroed((nuint)buckets, sizeof(ulong));
    }

    /// <summary>Too small a limit for any block: the shard keeps nothing.</summary>
    bool IsDisabled => _buckets == null;

    long Bytes => _fixedBytes + _buffers.Bytes;

    CacheEntry* EntryAt(int number) => _chunks[number / ChunkEntries] + number % ChunkEntries;

    void Enter()
    {
        if (Interlocked.CompareExchange(ref _gate, 1, 0) == 0) return;
        var spin = default(SpinWait);
        while (Volatile.Read(ref _gate) != 0 || Interlocked.CompareExchange(ref _gate, 1, 0) != 0) spin.SpinOnce();
    }

    void Exit() => Volatile.Write(ref _gate, 0);

    static int NumberOf(ulong head) => (int)(head & ((1UL << NumberBits) - 1));

    /// <summary>An entry by its number, and where its block lies: what a chain's head says of the first entry, and what
    /// <see cref="TryFollow"/> takes. 0 is none.</summary>
    /// <remarks>For an entry that the caller has pinned, or under the gate.</remarks>
    public ulong ReferenceTo(int number) =>
        number == 0 ? 0 : ((ulong)EntryAt(number)->Memory / LineBytes << NumberBits) | (uint)number;

    /// <summary>Pins the block if it is here.</summary>
    /// <param name="lengthHint">Bytes that the block takes if it is stored as it is used: what is asked for early.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public CacheEntry* TryGet(ulong tableKey, ulong offset, ulong hash, long lengthHint)
    {
        if (IsDisabled) return null;
        var head = Volatile.Read(ref _buckets[(uint)hash & (uint)_bucketMask]);
        var number = NumberOf(head);
        if (number != 0) PrefetchBlock(LineOf(head), lengthHint);
        for (var steps = 0; number != 0 && steps < ChainMax; steps++)
        {
            var entry = EntryAt(number);
            if (TryPinAs(entry, tableKey, offset)) return entry;
            number = Volatile.Read(ref entry->HashNext);
        }
        return null;
    }

    /// <summary>Pins the block if it is still where it was when this reference was taken (<see cref="ReferenceTo"/>).</summary>
    /// <remarks>The reference may be as old as the cache: what is under the number now says itself which block it is.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public CacheEntry* TryFollow(ulong reference, ulong tableKey, ulong offset, in BlockGuess guess)
    {
        var entry = EntryAt(NumberOf(reference));
        if (Sse.IsSupported) Sse.Prefetch0(entry);
        var line = LineOf(reference);
        if (guess.Length > 0) PrefetchBlock(line, guess.Length);
        if (guess.IsWide) PrefetchWide(line, guess);
        return TryPinAs(entry, tableKey, offset) ? entry : null;
    }

    static byte* LineOf(ulong reference) => (byte*)(reference >> NumberBits << 6);

    // The entry may be another block's, or nobody's, at any moment until it is pinned.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    bool TryPinAs(CacheEntry* entry, ulong tableKey, ulong offset)
    {
        if (entry->Offset != offset || entry->TableKey != tableKey || !CacheEntry.TryPin(entry)) return false;
        // Pinned, it cannot turn into another block. It may have done so between the two looks.
        if (entry->Offset == offset && entry->TableKey == tableKey)
        {
            if (entry->Frequency < FrequencyMax) entry->Frequency++;
            return true;
        }
        Unpin(entry);
        return false;
    }

    // A search starts with the block's footer, the columns before it and the first entry. Where a block lies stands in its entry, which is
    // one wait, and the block is the next. So the head of the chain says it too, about: it is a guess that the chain's first entry is the
    // one sought, and both are on their way at once. A line asked for in vain does no harm, whatever it is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchBlock(byte* line, long length)
    {
        if (!Sse.IsSupported) return;
        // The block starts within the line, at a multiple of 16.
        var last = line + length + (LineBytes - 17);
        Sse.Prefetch0(last);
        Sse.Prefetch0(last - LineBytes);
        Sse.Prefetch0(line);
        Sse.Prefetch0(last - 2 * LineBytes);
        Sse.Prefetch0(last - 3 * LineBytes);
    }

    // Where keys have many versions the columns take more lines, and the entry sought lies nowhere near the first.
    static void PrefetchWide(byte* line, in BlockGuess guess)
    {
        if (!Sse.IsSupported) return;
        var last = line + guess.Length + (LineBytes - 17);
        Sse.Prefetch0(last - 4 * LineBytes);
        Sse.Prefetch0(last - 5 * LineBytes);
        for (var entry = line + guess.From; entry < line + guess.To; entry += LineBytes) Sse.Prefetch0(entry);
    }

    /// <summary>Asks for the head of a hash chain (far), or reads it and asks for the first entry, which is where most lookups end.</summary>
    public void PrefetchLookup(ulong hash, bool far)
    {
        if (IsDisabled || !Sse.IsSupported) return;
        var bucket = _buckets + ((uint)hash & (uint)_bucketMask);
        if (far)
        {
            Sse.Prefetch0(bucket);
            return;
        }
        var number = NumberOf(Volatile.Read(ref *bucket));
        if (number != 0) Sse.Prefetch0(EntryAt(number));
    }

    /// <summary>Memory for a block, pinned once and known to nobody else.</summary>
    /// <returns>Null if the limit leaves no room, because too much is pinned or the block is too large.</returns>
    public CacheEntry* Rent(long length)
    {
        if (IsDisabled) return null;
        var sizeClass = BufferClasses.ClassOf(length);
        var cost = BufferClasses.CostOf(sizeClass);
        if (cost > _limit / LargestShare) return null;
        Enter();
        try
        {
            var entry = TakeEntry();
            if (entry == null) return null;
            var memory = TakeBuffer(sizeClass, cost);
            if (memory == null)
            {
                PutEntry(entry);
                return null;
            }
            entry->Memory = memory;
            entry->SizeClass = (byte)sizeClass;
            entry->Length = (int)Math.Min(length, int.MaxValue);
            entry->Frequency = 0;
            entry->Queue = CacheQueue.None;
            entry->Shard = _number;
            Volatile.Write(ref entry->State, CacheEntry.Detached | 1);
            return entry;
        }
        finally
        {
            Exit();
        }
    }

    CacheEntry* TakeEntry()
    {
        while (true)
        {
            if (_freeEntry != 0)
            {
                var entry = EntryAt(_freeEntry);
                _freeEntry = entry->HashNext;
                return entry;
            }
            if (_entriesUsed % ChunkEntries != 0 && _chunks[_entriesUsed / ChunkEntries] != null) return NewEntry();
            if (_entriesUsed / ChunkEntries < _chunksMax)
            {
                while (Bytes + ChunkBytes > _limit && _buffers.TryTrim()) { }
                if (Bytes + ChunkBytes <= _limit)
                {
                    var chunk = (CacheEntry*)NativeMemory.AlignedAlloc(ChunkBytes, CacheEntry.Bytes);
                    NativeMemory.Clear(chunk, ChunkBytes);
                    for (var i = 0; i < ChunkEntries; i++) chunk[i].State = CacheEntry.Free;
                    _fixedBytes += ChunkBytes;
                    Volatile.Write(ref Unsafe.AsRef<nint>(_chunks + _entriesUsed / ChunkEntries), (nint)chunk);
                    return NewEntry();
                }
            }
            if (!TryEvict()) return null;
        }
    }

    // Entry 0 is never used: its number says "none".
    CacheEntry* NewEntry()
    {
        var entry = EntryAt(_entriesUsed);
        entry->Number = _entriesUsed++;
        return entry;
    }

    void PutEntry(CacheEntry* entry)
    {
        Volatile.Write(ref entry->State, CacheEntry.Free);
        entry->HashNext = _freeEntry;
        _freeEntry = entry->Number;
    }

    byte* TakeBuffer(int sizeClass, long cost)
    {
        while (true)
        {
            if (_buffers.TryTake(sizeClass, out var buffer)) return buffer;
            if (Bytes + cost <= _limit) return _buffers.Allocate(sizeClass);
            if (!_buffers.TryTrim() && !TryEvict()) return null;
        }
    }

    /// <summary>Makes a rented block known to all.</summary>
    /// <returns>The block that is now to be used, pinned: another, if somebody else was faster; then the rented one is given
    /// back.</returns>
    public CacheEntry* Publish(CacheEntry* entry, ulong tableKey, ulong offset, ulong hash, int length)
    {
        Enter();
        try
        {
            ref var bucket = ref _buckets[(uint)hash & (uint)_bucketMask];
            for (var number = NumberOf(bucket); number != 0; number = EntryAt(number)->HashNext)
            {
                var other = EntryAt(number);
                if (other->Offset != offset || other->TableKey != tableKey) continue;
                // Under the gate nothing in a chain is Free or Detached, so this cannot fail.
                if (!CacheEntry.TryPin(other)) continue;
                if (Interlocked.Decrement(ref entry->State) == CacheEntry.Detached) FreeLocked(entry);
                return other;
            }

            entry->TableKey = tableKey;
            entry->Offset = offset;
            entry->Length = length;
            entry->HashNext = NumberOf(bucket);
            Volatile.Write(ref bucket, ReferenceTo(entry->Number));
            LinkTable(entry);
            if (_ghost.TryTake(hash, GhostLength)) Enqueue(ref _main, CacheQueue.Main, entry);
            else Enqueue(ref _small, CacheQueue.Small, entry);
            Interlocked.And(ref entry->State, ~CacheEntry.Detached);
            Inserts++;
            return entry;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Gives one pin back.</summary>
    public void Unpin(CacheEntry* entry)
    {
        if (Interlocked.Decrement(ref entry->State) != CacheEntry.Detached) return;
        Enter();
        FreeLocked(entry);
        Exit();
    }

    // The entry has no pins and is in no list.
    void FreeLocked(CacheEntry* entry)
    {
        _buffers.Give(entry->SizeClass, entry->Memory);
        entry->Memory = null;
        PutEntry(entry);
    }

    void Enqueue(ref Queue queue, CacheQueue which, CacheEntry* entry)
    {
        entry->Queue = which;
        entry->QueueOlder = queue.Newest;
        entry->QueueNewer = 0;
        if (queue.Newest != 0) EntryAt(queue.Newest)->QueueNewer = entry->Number;
        else queue.Oldest = entry->Number;
        queue.Newest = entry->Number;
        queue.Count++;
        queue.Bytes += BufferClasses.CostOf(entry->SizeClass);
    }

    void Dequeue(ref Queue queue, CacheEntry* entry)
    {
        if (entry->QueueNewer != 0) EntryAt(entry->QueueNewer)->QueueOlder = entry->QueueOlder;
        else queue.Newest = entry->QueueOlder;
        if (entry->QueueOlder != 0) EntryAt(entry->QueueOlder)->QueueNewer = entry->QueueNewer;
        else queue.Oldest = entry->QueueNewer;
        entry->Queue = CacheQueue.None;
        queue.Count--;
        queue.Bytes -= BufferClasses.CostOf(entry->SizeClass);
    }

    void LinkTable(CacheEntry* entry)
    {
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_tables, entry->TableKey, out _);
        entry->TablePrev = 0;
        entry->TableNext = first;
        if (first != 0) EntryAt(first)->TablePrev = entry->Number;
        first = entry->Number;
    }

    void UnlinkTable(CacheEntry* entry)
    {
        if (entry->TableNext != 0) EntryAt(entry->TableNext)->TablePrev = entry->TablePrev;
        if (entry->TablePrev != 0) EntryAt(entry->TablePrev)->TableNext = entry->TableNext;
        else if (entry->TableNext != 0) _tables[entry->TableKey] = entry->TableNext;
        else _tables.Remove(entry->TableKey);
    }

    void UnlinkHash(CacheEntry* entry)
    {
        var head = &_buckets[(uint)BlockCache.HashOf(entry->TableKey, entry->Offset) & (uint)_bucketMask];
        if (NumberOf(*head) == entry->Number)
        {
            Volatile.Write(ref *head, ReferenceTo(entry->HashNext));
            return;
        }
        var link = &EntryAt(NumberOf(*head))->HashNext;
        while (*link != entry->Number) link = &EntryAt(*link)->HashNext;
        Volatile.Write(ref *link, entry->HashNext);
    }

    // As many as the main queue has room for, whether it is filled or not: else, starting from empty, nothing would ever get there.
    int GhostLength => (_small.Count + _main.Count) / SmallShare * (SmallShare - 1);

    bool TryEvict()
    {
        if (_small.Bytes >= _limit / SmallShare || _main.Count == 0) return TryEvictSmall() || TryEvictMain();
        return TryEvictMain() || TryEvictSmall();
    }

    bool TryEvictSmall()
    {
        for (var left = _small.Count; left > 0; left--)
        {
            var entry = EntryAt(_small.Oldest);
            if (entry->Frequency > 1)
            {
                Dequeue(ref _small, entry);
                entry->Frequency = 0;
                Enqueue(ref _main, CacheQueue.Main, entry);
                continue;
            }
            var hash = BlockCache.HashOf(entry->TableKey, entry->Offset);
            if (TryEvict(ref _small, entry))
            {
                _ghost.Add(hash);
                return true;
            }
            Dequeue(ref _small, entry);
            Enqueue(ref _small, CacheQueue.Small, entry);
        }
        return false;
    }

    bool TryEvictMain()
    {
        // Each entry may be passed over once for each time it was hit, and once more if pinned.
        for (var left = (long)_main.Count * (FrequencyMax + 1); left > 0; left--)
        {
            var entry = EntryAt(_main.Oldest);
            if (entry->Frequency > 0) entry->Frequency--;
            else if (TryEvict(ref _main, entry)) return true;
            Dequeue(ref _main, entry);
            Enqueue(ref _main, CacheQueue.Main, entry);
        }
        return false;
    }

    bool TryEvict(ref Queue queue, CacheEntry* entry)
    {
        if (Interlocked.CompareExchange(ref entry->State, CacheEntry.Free, 0) != 0) return false;
        Dequeue(ref queue, entry);
        UnlinkHash(entry);
        UnlinkTable(entry);
        FreeLocked(entry);
        Evictions++;
        return true;
    }

    public void EraseTable(ulong tableKey)
    {
        Enter();
        if (_tables.Remove(tableKey, out var number))
        {
            while (number != 0)
            {
                var entry = EntryAt(number);
                number = entry->TableNext;
                UnlinkHash(entry);
                if (entry->Queue == CacheQueue.Small) Dequeue(ref _small, entry);
                else Dequeue(ref _main, entry);
                // Whoever brings the pins to zero with the flag set frees the entry: this thread, or the last reader.
                if ((Interlocked.Or(ref entry->State, CacheEntry.Detached) | CacheEntry.Detached) == CacheEntry.Detached) FreeLocked(entry);
            }
        }
        Exit();
    }

    /// <summary>Counted under the gate.</summary>
    public long Inserts { get; private set; }

    public long Evictions { get; private set; }

    public void AddTo(ref BlockCacheStatistics statistics)
    {
        Enter();
        statistics.Inserts += Inserts;
        statistics.Evictions += Evictions;
        statistics.Bytes += Bytes;
        statistics.Blocks += _small.Count + _main.Count;
        for (var number = 1; number < _entriesUsed; number++)
        {
            var entry = EntryAt(number);
            if ((entry->State & CacheEntry.Free) == 0 && entry->Pins > 0) statistics.PinnedBytes += BufferClasses.CostOf(entry->SizeClass);
        }
        Exit();
    }

    /// <summary>Checks rules (1) and (2) of this file at a quiet moment. For tests.</summary>
    public string? FindInconsistency()
    {
        if (IsDisabled) return null;
        Enter();
        try
        {
            if (Bytes > _limit) return $"{Bytes} bytes of {_limit}";
            var resident = 0;
            long bytes = _buffers.FreeBytes;
            for (var number = 1; number < _entriesUsed; number++)
            {
                var entry = EntryAt(number);
                if (entry->State == CacheEntry.Free) continue;
                bytes += BufferClasses.CostOf(entry->SizeClass);
                if (entry->Queue != CacheQueue.None) resident++;
            }
            if (bytes != _buffers.Bytes) return $"buffers of {_buffers.Bytes} bytes, of which {bytes} are known";
            if (resident != _small.Count + _main.Count) return $"{resident} resident, {_small.Count} + {_main.Count} queued";
            var chained = 0;
            for (var bucket = 0; bucket <= _bucketMask; bucket++)
                for (var number = NumberOf(_buckets[bucket]); number != 0; number = EntryAt(number)->HashNext) chained++;
            if (chained != resident) return $"{chained} in chains, {resident} resident";
            var listed = 0;
            foreach (var first in _tables.Values)
                for (var number = first; number != 0; number = EntryAt(number)->TableNext) listed++;
            return listed == resident ? null : $"{listed} in table lists, {resident} resident";
        }
        finally
        {
            Exit();
        }
    }

    public void Dispose()
    {
        if (IsDisabled) return;
        for (var number = 1; number < _entriesUsed; number++)
        {
            var entry = EntryAt(number);
            if (entry->State == CacheEntry.Free) continue;
            Debug.Assert(entry->Pins == 0, "leases are disposed before their cache");
            // A block that is still held is leaked rather than pulled from under its holder.
            if (entry->Pins == 0) _buffers.Give(entry->SizeClass, entry->Memory);
        }
        _buffers.Dispose();
        _ghost.Dispose();
        for (var i = 0; i < _chunksMax; i++) NativeMemory.AlignedFree(_chunks[i]);
        NativeMemory.Free(_chunks);
        NativeMemory.Free(_buckets);
        _buckets = null;
    }
}
