using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Trees;

/// <summary>What all trees of a process share.</summary>
public sealed record StorageOptions
{
    public required IFileSystem Files { get; init; }

    public required IScheduler Scheduler { get; init; }

    /// <summary>Hard limit of the block cache, its own bookkeeping included.</summary>
    public long BlockCacheBytes { get; init; } = 256L << 20;

    /// <summary>Table files held open at once; more are closed and opened again as needed.</summary>
    public int OpenTablesMax { get; init; } = 1000;

    /// <summary>Bytes that the filters and indexes of open tables may take.</summary>
    public long OpenTableBytesMax { get; init; } = 1L << 30;

    /// <summary>Memory of all memtables together at which the writing tree freezes its own early.</summary>
    public long MemtableBudgetBytes { get; init; } = MemtableBudgetDefault;

    public const long MemtableBudgetDefault = 1L << 30;

    /// <summary>Free memtable memory kept for the next memtables.</summary>
    public long RetainedArenaBytes { get; init; } = 128L << 20;

    /// <summary>Bytes a second that compaction may read and write; 0: no bound.</summary>
    public long CompactionBytesPerSecond { get; init; }
}
