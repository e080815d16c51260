using Aevum.Core.Batches;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Trees;

/// <summary>How one tree behaves. What all trees of a process share is in <see cref="StorageOptions"/>.</summary>
public sealed record TreeOptions
{
    public static TreeOptions Default { get; } = new();

    public ITreePolicy Policy { get; init; } = new UniformTreePolicy();

    public BatchLimits Limits { get; init; } = BatchLimits.Default;

    /// <summary>Bytes of memory at which a memtable is frozen and flushed, or when twice as much was written to it (versions that nobody can ask for
    /// leave their memory to new ones). Larger: fewer, larger flushes and less rewriting; 16 MiB to 256 MiB.</summary>
    public long MemtableBytes { get; init; } = 64L << 20;

    /// <summary>Frozen memtables waiting for their flush at which writers wait. Memory in memtables stays below (this + 1) x MemtableBytes.</summary>
    public int FrozenStop { get; init; } = 2;

    public CompactionOptions Compaction { get; init; } = new();

    /// <summary>Uncompressed bytes of a data block.</summary>
    public int BlockBytes { get; init; } = 4 << 10;

    /// <summary>Bits of filter for each key; 10 give about one false positive in a hundred.</summary>
    public int FilterBitsPerKey { get; init; } = 10;

    /// <summary>True: uncompressed tables are read where the operating system maps them, not through the block cache.</summary>
    public bool MapTables { get; init; }

    /// <summary>When acknowledged batches must survive a power cut; used when the tree keeps its own log.</summary>
    public SyncPolicy Sync { get; init; } = SyncPolicy.Os;

    /// <summary>Size that the segments of the tree's own log grow to.</summary>
    public int LogSegmentBytes { get; init; } = 16 << 20;

    /// <summary>A tree without a log of its own keeps what was flushed, and the position up to which; its owner replays the rest
    /// through <see cref="Tree.Apply"/>.</summary>
    public bool OwnLog { get; init; } = true;

    /// <summary>Called on a background thread, under no lock, before a flush counts; if it throws, the flush is tried again later. For an owner of
    /// several trees on one log, who must not find a table with what the log has lost.</summary>
    public Action? BeforeFlushCounts { get; init; }

    /// <summary>True: no compaction starts before <see cref="Tree.ReleaseCompactions"/>. For an owner who learns the policy from the tree.</summary>
    public bool HoldCompactions { get; init; }

    /// <summary>Log bytes above which the tree flushes although its memtable is not full, so that opening stays quick.</summary>
    public long LogBytesMax { get; init; } = 512L << 20;

    /// <summary>Size at which the manifest is replaced by one that starts with the whole state (or at four times that state, if that is more).</summary>
    public long ManifestBytesMax { get; init; } = 4L << 20;

    /// <summary>Property collectors for every table that is written.</summary>
    public IReadOnlyList<Func<IPropertyCollector>> Collectors { get; init; } = [];
}
