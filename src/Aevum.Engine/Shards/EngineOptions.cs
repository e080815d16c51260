// EngineOptions: everything that the shards of one process are told when they open, with the defaults of a server of ordinary size. Nothing of it is
// stored: another open may be told otherwise, except where a property says that a new database alone looks at it.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

/// <summary>How the shards of one process behave.</summary>
public sealed record EngineOptions
{
    public static EngineOptions Default { get; } = new();

    public BatchLimits Limits { get; init; } = BatchLimits.Default;

    public HybridClockOptions Clock { get; init; } = HybridClockOptions.Default;

    /// <summary>When acknowledged batches must survive a power cut.</summary>
    public SyncPolicy Sync { get; init; } = SyncPolicy.Os;

    /// <summary>The same by its name: os, always, every:&lt;n&gt;, or an interval such as 100ms.</summary>
    /// <exception cref="Core.Errors.AevumException">InvalidArgument: there is no such policy.</exception>
    public string SyncName
    {
        get => Sync.ToString();
        init => Sync = SyncPolicy.Parse(value);
    }

    /// <summary>True: nothing is merged and nothing forgotten, and memory takes what the log holds. For a file system whose writes go nowhere
    /// (<see cref="Core.Files.OverlayFileSystem"/>).</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The clocks that stamp batches, if not the scheduler's; then nothing is forgotten as time goes by.</summary>
    public RecordedTime? Recorded { get; init; }

    /// <summary>Where the process takes requests, for whoever finds the directory locked; empty: nowhere.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>Hard limit of the cache of table blocks, where the shards make their own.</summary>
    public long BlockCacheBytes { get; init; } = 256L << 20;

    /// <summary>Bytes at which a shard's memtable is flushed.</summary>
    public long MemtableBytes
    {
        get => Tree.MemtableBytes;
        init => Tree = Tree with { MemtableBytes = value };
    }

    /// <summary>How long a repeated idempotency key is answered from memory.</summary>
    public TimeSpan AnswersKeptFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How the tree of a shard behaves; its policy, log and limits are the engine's to set.</summary>
    public TreeOptions Tree { get; init; } = TreeOptions.Default;

    /// <summary>Bytes of log kept for subscribers who are behind or come back, although nothing else needs them: at least so many, at most a
    /// log segment more; and no more than half of <see cref="LogBytesMax"/>. Further back there is <c>Lagging</c> and <c>Compacted</c>.</summary>
    public long FeedLogBytes { get; init; } = 64L << 20;

    /// <summary>Segments of the log grow to this size.</summary>
    public int LogSegmentBytes { get; init; } = 16 << 20;

    /// <summary>Log bytes above which whoever holds the oldest record back is flushed.</summary>
    public long LogBytesMax { get; init; } = 512L << 20;

    /// <summary>Whether indexes of vectors are saved to files; else each open builds them anew.</summary>
    public bool SavesIndexes { get; init; } = true;

    /// <summary>Native memory for indexes of vectors; where it does not suffice, writes to collections are refused.</summary>
    public long VectorMemoryBytes { get; init; } = long.MaxValue;

    /// <summary>Rows of a vector collection that may be written before its index has them; beyond it writers wait. Searches look at each of them.</summary>
    public long VectorTailRows { get; init; } = 8192;

    /// <summary>Vectors of a quantized collection that become codes at once: so many wait for it as whole vectors in memory.</summary>
    public int VectorSealRows { get; init; } = 65_536;

    /// <summary>Options of the default keyspace of a new database.</summary>
    public KeyspaceOptions DefaultKeyspace { get; init; } = KeyspaceOptions.Default;

    /// <summary>Keys at which a new database is cut into shards: n keys make n + 1 shards. Ignored where there is a database already.</summary>
    public IReadOnlyList<byte[]> ShardBoundaries { get; init; } = [];
}
