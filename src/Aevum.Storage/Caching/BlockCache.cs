// BlockCache: blocks of open tables in native memory, shared by all tables of the process, under one hard limit in bytes.
//
//   TryGet    pins a block that is here                     no lock, one compare-and-swap
//   Rent      memory for a block about to be read           evicts as needed; private memory of the lease if nothing can be evicted
//   Publish   the block was read and verified: now others find it
//
// A block is named by its table's key (a number this cache hands out, so that two files never share one) and its offset there. The hash
// of both picks one of up to 16 shards; the policy lives there (CacheShard: S3-FIFO).
//
// Always true:
//   (1) all memory of the cache, bookkeeping included, stays within the limit, each shard within its equal part;
//   (2) a leased block stays where it is until the lease is disposed, whatever is evicted or erased meanwhile;
//   (3) a hit allocates nothing; neither does a miss once buffers of the sizes in use have been made.
//
// Not here: reading and verifying (BlockSource), open tables (TableCache).

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Caching;

/// <summary>Counts since the cache was made, and sizes now.</summary>
record struct BlockCacheStatistics
{
    public long Hits;
    public long Misses;
    public long Inserts;
    public long Evictions;

    /// <summary>Blocks in the cache.</summary>
    public long Blocks;

    /// <summary>All memory, bookkeeping included; never above the limit.</summary>
    public long Bytes;

    /// <summary>Memory of blocks that are leased.</summary>
    public long PinnedBytes;

    /// <summary>Blocks that were given private memory because the limit left no room.</summary>
    public long Refused;
}

/// <summary>What a reader can tell of a block before it has it: which parts of it to ask for early.</summary>
/// <param name="Length">Bytes that the block takes if it is stored as it is used; 0 to ask for nothing.</param>
/// <param name="IsWide">Whether its columns take more than a few lines.</param>
/// <param name="From">Where the entry sought lies, about: between these two offsets, if they differ.</param>
readonly record struct BlockGuess(long Length, bool IsWide = false, long From = 0, long To = 0);

sealed unsafe class BlockCache : IDisposable
{
    const int ShardsMax = 16;

    // Below this a shard could hold but a few blocks, and chance would decide which shard overflows.
    const long ShardBytesMin = 256 << 10;

    readonly CacheShard[] _shards;
    readonly Counters[] _counters;
    readonly int _shardShift;
    ulong _lastTableKey;
    long _refused;

    // On lines of their own: hits of different shards do not disturb each other.
    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential, Size = 128)]
    struct Counters
    {
        public long Hits;
        public long Misses;
    }

    /// <param name="bytesMax">Hard limit. 0 keeps nothing: every block is private to whoever reads it.</param>
    public BlockCache(long bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesMax);
        BytesMax = bytesMax;
        var shards = 1;
        while (shards < ShardsMax && bytesMax / (shards * 2) >= ShardBytesMin) shards *= 2;
        _shardShift = 64 - System.Numerics.BitOperations.Log2((uint)shards);
        _shards = new CacheShard[shards];
        _counters = new Counters[shards];
        for (var i = 0; i < shards; i++) _shards[i] = new(this, (byte)i, bytesMax / shards);
    }

    public long BytesMax { get; }

    /// <summary>A number under which one table's blocks are kept; never given twice.</summary>
    public ulong NewTableKey() => Interlocked.Increment(ref _lastTableKey);

    internal static ulong HashOf(ulong tableKey, ulong offset)
    {
        var high = Math.BigMul(tableKey ^ 0x9E37_79B9_7F4A_7C15, offset ^ 0xD6E8_FEB8_6659_FD93, out var low);
        var hash = high ^ low;
        return hash ^ (hash >> 32);
    }

    // A shift by 64 would be a shift by 0, so one shard takes its own way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int ShardOf(ulong hash) => _shards.Length == 1 ? 0 : (int)(hash >> _shardShift);

    /// <summary>Puts the block into <paramref name="lease"/> if it is in the cache; what the lease held before is released then.</summary>
    /// <param name="isProbe">A miss is not counted: whoever asks will ask again.</param>
    /// <param name="lengthHint">Bytes of the block as it is stored, if the caller knows them.</param>
    public bool TryGet(ulong tableKey, ulong offset, ref BlockLease lease, bool isProbe = false, long lengthHint = 0)
    {
        var hash = HashOf(tableKey, offset);
        var shard = ShardOf(hash);
        var entry = _shards[shard].TryGet(tableKey, offset, hash, lengthHint);
        if (entry == null)
        {
            if (!isProbe) Interlocked.Increment(ref _counters[shard].Misses);
            return false;
        }
        Interlocked.Increment(ref _counters[shard].Hits);
        lease.Dispose();
        lease.Hold(this, entry);
        return true;
    }

    /// <summary>As <see cref="TryGet"/> by a reference taken earlier (<see cref="ReferenceTo"/>) for the same block. False says only that
    /// the block is not there any more; a miss is not counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFollow(ulong reference, ulong tableKey, ulong offset, ref BlockLease lease, in BlockGuess guess)
    {
        var shard = ShardOf(HashOf(tableKey, offset));
        var entry = _shards[shard].TryFollow(reference, tableKey, offset, guess);
        if (entry == null) return false;
        Interlocked.Increment(ref _counters[shard].Hits);
        lease.Dispose();
        lease.Hold(this, entry);
        return true;
    }

    /// <summary>A short way to a leased block, to be kept beside its name; 0 for a block that is not the cache's. It may be followed for
    /// as long as the cache lives, whatever becomes of the block, but only with the name it was taken under.</summary>
    public ulong ReferenceTo(in BlockLease lease)
    {
        var entry = lease.Entry;
        return entry == null ? 0 : _shards[entry->Shard].ReferenceTo(entry->Number);
    }

    /// <summary>Asks for the memory that <see cref="TryGet"/> will look at. Takes nothing and counts nothing.</summary>
    /// <param name="far">Only for the first of it, the head of the hash chain. Without, that head is read.</param>
    public void PrefetchLookup(ulong tableKey, ulong offset, bool far)
    {
        var hash = HashOf(tableKey, offset);
        _shards[ShardOf(hash)].PrefetchLookup(hash, far);
    }

    /// <summary>Memory of at least <paramref name="length"/> bytes for a block that is about to be read, known only to the lease.</summary>
    public void Rent(ulong tableKey, ulong offset, long length, ref BlockLease lease)
    {
        lease.Dispose();
        var entry = _shards[ShardOf(HashOf(tableKey, offset))].Rent(length);
        if (entry != null)
        {
            lease.Hold(this, entry);
            return;
        }
        Interlocked.Increment(ref _refused);
        lease = BlockLease.Private(length);
    }

    /// <summary>Makes a rented block known under the name it was rented for. If another thread was faster, the lease turns to that one's
    /// block. A block in private memory stays private.</summary>
    public void Publish(ulong tableKey, ulong offset, ref BlockLease lease)
    {
        var entry = lease.Entry;
        if (entry == null) return;
        var hash = HashOf(tableKey, offset);
        System.Diagnostics.Debug.Assert(entry->Shard == ShardOf(hash), "a block is published under the name it was rented for");
        lease.Hold(this, _shards[entry->Shard].Publish(entry, tableKey, offset, hash, (int)lease.Length));
    }

    internal void Unpin(CacheEntry* entry) => _shards[entry->Shard].Unpin(entry);

    /// <summary>Forgets all blocks of a table. Leased ones stay readable for their holders.</summary>
    public void EraseTable(ulong tableKey)
    {
        foreach (var shard in _shards) shard.EraseTable(tableKey);
    }

    public BlockCacheStatistics Statistics
    {
        get
        {
            var statistics = new BlockCacheStatistics { Refused = Volatile.Read(ref _refused) };
            for (var i = 0; i < _shards.Length; i++)
            {
                statistics.Hits += Volatile.Read(ref _counters[i].Hits);
                statistics.Misses += Volatile.Read(ref _counters[i].Misses);
                _shards[i].AddTo(ref statistics);
            }
            return statistics;
        }
    }

    /// <summary>For tests, at a quiet moment: what is wrong inside, if anything.</summary>
    internal string? FindInconsistency() =>
        _shards.Select(shard => shard.FindInconsistency()).FirstOrDefault(problem => problem is not null);

    /// <summary>All leases must have been disposed.</summary>
    public void Dispose()
    {
        foreach (var shard in _shards) shard.Dispose();
    }
}
