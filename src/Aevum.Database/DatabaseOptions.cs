using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;

namespace Aevum;

/// <summary>How an embedded database is opened.</summary>
public sealed record DatabaseOptions
{
    /// <summary>What is opened where nothing else is said.</summary>
    public static DatabaseOptions Default { get; } = new();

    /// <summary>When an acknowledged commit must survive the loss of power: <c>os</c> (when the operating system gets round to it; it survives the
    /// death of the process at once), <c>always</c> (before it is acknowledged), <c>every:100</c>, <c>50ms</c>.</summary>
    public string Sync { get; init; } = "os";

    /// <summary>True: every write is refused with <see cref="Core.Errors.ErrorCode.ReadOnly"/>, and not a byte of the directory changes: it may
    /// lie on a disk that cannot be written. Several may read so at once, but none beside a process that writes. What the log holds beyond
    /// the tables, at most some hundred megabytes, takes memory.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Where this process takes requests, for whoever finds the directory locked (<see cref="Core.Errors.LockedException"/>); empty:
    /// nowhere.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>Memory for blocks of tables, in bytes.</summary>
    public long CacheBytes { get; init; } = 256L << 20;

    /// <summary>Memory that collects writes before they become a table, in bytes, for each shard.</summary>
    public long MemtableBytes { get; init; } = 64L << 20;

    /// <summary>Largest keys, values and batches.</summary>
    public BatchLimits Limits { get; init; } = BatchLimits.Default;

    /// <summary>Options of the default keyspace of a database that is being made. Its history is kept for ever unless told otherwise.</summary>
    public KeyspaceOptions DefaultKeyspace { get; init; } = new() { History = HistoryPolicy.Forever };

    /// <summary>Merge operators by name, beside the built-in "append" and "add". A keyspace names the one it uses.</summary>
    public IReadOnlyDictionary<string, IMergeOperator> MergeOperators { get; init; } = new Dictionary<string, IMergeOperator>();

    /// <summary>Keys at which the key order of a new database is cut into shards; empty: one shard.</summary>
    public IReadOnlyList<byte[]> ShardBoundaries { get; init; } = [];

    /// <summary>How long the answer to an idempotency key is remembered.</summary>
    public TimeSpan AnswersKeptFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How far the wall clock may step forward while the database is open and still be followed; a machine that sleeps looks like that.
    /// Beyond it writes are refused with ClockJump.</summary>
    public TimeSpan ClockJumpMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Bytes of log kept although the database itself needs them no more: for watches that come back, and for the next backup, whose log goes on
    /// from the last one's only if nothing in between is gone. At least so many, at most some segments more.</summary>
    public long LogBytesKept { get; init; } = 64L << 20;

    /// <summary>Native memory for the indexes of all vector collections, in bytes. Where it does not suffice writes to collections are refused with
    /// LimitExceeded, and searches look at the rows.</summary>
    public long VectorMemoryBytes { get; init; } = long.MaxValue;

    /// <summary>Vectors of a collection that may be written before its index has them; whoever writes more waits. Searches look at each of them.</summary>
    public long VectorTailRows { get; init; } = 8192;

    /// <summary>Vectors of a quantized collection that become codes at once: so many wait for it as whole vectors in memory.</summary>
    public int VectorSealRows { get; init; } = 65_536;

    /// <summary>The file system; null for the machine's.</summary>
    public IFileSystem? Files { get; init; }

    /// <summary>Threads, timers and randomness; null for the machine's.</summary>
    public IScheduler? Scheduler { get; init; }

    /// <summary>Everything that the engine can be told, in place of what is said above; for simulations, whose sizes are tiny.</summary>
    internal EngineOptions? Engine { get; init; }
}
