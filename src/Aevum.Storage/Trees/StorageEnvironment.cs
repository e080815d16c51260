// StorageEnvironment: what all trees of a process share: the file system, the scheduler, the block cache, memtable memory, the I/O budget, the
// numbering of tables. One process, many trees: an idle tree costs next to nothing, a busy one may use what the others leave.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Compaction;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Trees;

/// <summary>The block cache in numbers; the first three count since it was made.</summary>
/// <param name="Hits">Blocks found in it.</param>
/// <param name="Misses">Blocks read from their tables.</param>
/// <param name="Evictions">Blocks that made room.</param>
/// <param name="Blocks">In it now.</param>
/// <param name="Bytes">Their memory, bookkeeping included.</param>
/// <param name="BytesMax">Its limit.</param>
public readonly record struct CacheCounters(long Hits, long Misses, long Evictions, long Blocks, long Bytes, long BytesMax);

public sealed class StorageEnvironment : IDisposable
{
    ulong _lastTableId;

    public StorageEnvironment(StorageOptions options)
    {
        Options = options;
        Cache = new BlockCache(options.BlockCacheBytes);
        Tables = new TableCache(options.Files, Cache, options.OpenTablesMax, options.OpenTableBytesMax);
        Arenas = new ArenaPool(options.RetainedArenaBytes);
        Budget = new IoBudget(options.Scheduler, options.CompactionBytesPerSecond);
    }

    public StorageOptions Options { get; }

    internal IFileSystem Files => Options.Files;

    internal IScheduler Scheduler => Options.Scheduler;

    internal BlockCache Cache { get; }

    internal TableCache Tables { get; }

    internal ArenaPool Arenas { get; }

    internal IoBudget Budget { get; }

    /// <summary>The block cache in numbers.</summary>
    public CacheCounters CountCache()
    {
        var found = Cache.Statistics;
        return new CacheCounters(found.Hits, found.Misses, found.Evictions, found.Blocks, found.Bytes, Options.BlockCacheBytes);
    }

    /// <summary>A table id that no tree of this process has used.</summary>
    internal ulong NewTableId() => Interlocked.Increment(ref _lastTableId);

    internal ulong LastTableId => Volatile.Read(ref _lastTableId);

    /// <summary>Ids below <paramref name="next"/> are taken: a tree that is being opened gave them out in an earlier life.</summary>
    internal void RaiseTableIds(ulong next)
    {
        var seen = Volatile.Read(ref _lastTableId);
        while (seen + 1 < next)
        {
            var before = Interlocked.CompareExchange(ref _lastTableId, next - 1, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>All trees must be disposed before.</summary>
    public void Dispose()
    {
        Tables.Dispose();
        Cache.Dispose();
        Arenas.Dispose();
    }
}
