// DatabaseCounters: what dashboards and alarms are made of. Those of the shards summed up, in words that need no knowledge of how they work.

namespace Aevum.Model.Access;

/// <summary>The tables of one level, all shards together.</summary>
/// <param name="History">True: of versions that later ones have replaced.</param>
/// <param name="Level">0 to 6.</param>
/// <param name="Tables">How many files.</param>
/// <param name="Bytes">Their length.</param>
/// <param name="Versions">Versions and range deletes in them.</param>
public sealed record LevelCounters(bool History, int Level, int Tables, long Bytes, long Versions);

/// <summary>An open database in numbers, for those who watch it: cheap to ask for, no file is read. What counts up does so since the database was
/// opened, if it does not say otherwise. Each number is exact on its own; together they are no snapshot of one moment.</summary>
public sealed record DatabaseCounters
{
    /// <summary>Batches committed since the database was made, all shards together.</summary>
    public ulong Commits { get; init; }

    /// <summary>Bytes of the log's files.</summary>
    public long LogBytes { get; init; }

    /// <summary>Bytes written to the log.</summary>
    public long LogWrittenBytes { get; init; }

    /// <summary>Syncs of the log.</summary>
    public long LogSyncs { get; init; }

    /// <summary>Memory of what is not in tables yet.</summary>
    public long MemtableBytes { get; init; }

    /// <summary>Versions and range deletes in it.</summary>
    public long MemtableVersions { get; init; }

    /// <summary>Times that memory was written to tables.</summary>
    public long Flushes { get; init; }

    /// <summary>Bytes of the tables that this made.</summary>
    public long FlushBytes { get; init; }

    /// <summary>Times that tables were merged.</summary>
    public long Compactions { get; init; }

    /// <summary>Bytes of tables read for it.</summary>
    public long CompactionReadBytes { get; init; }

    /// <summary>Bytes of the tables that it made.</summary>
    public long CompactionWrittenBytes { get; init; }

    /// <summary>Tables that changed their level without being read.</summary>
    public long CompactionMoves { get; init; }

    /// <summary>Versions that no history keeps any more, dropped while merging.</summary>
    public long DroppedVersions { get; init; }

    /// <summary>Writes that were slowed down because flushes or compactions were behind.</summary>
    public long WriteSlowdowns { get; init; }

    /// <summary>Writes that had to wait until they had caught up.</summary>
    public long WriteStops { get; init; }

    /// <summary>How long writes of both kinds have waited, together.</summary>
    public TimeSpan WriteWaits { get; init; }

    /// <summary>Blocks of tables that were found in the cache.</summary>
    public long CacheHits { get; init; }

    /// <summary>Blocks that were read from their tables.</summary>
    public long CacheMisses { get; init; }

    /// <summary>Blocks that made room for others.</summary>
    public long CacheEvictions { get; init; }

    /// <summary>Blocks in the cache.</summary>
    public long CacheBlocks { get; init; }

    /// <summary>Memory that they take, bookkeeping included.</summary>
    public long CacheBytes { get; init; }

    /// <summary>What it may take at most.</summary>
    public long CacheBytesMax { get; init; }

    /// <summary>Levels that hold tables.</summary>
    public IReadOnlyList<LevelCounters> Levels { get; init; } = [];
}
