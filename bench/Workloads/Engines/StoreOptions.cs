namespace Aevum.Bench.Workloads.Engines;

enum HistoryKind { None, Forever }

enum CompressionKind { None, Lz4 }

/// <summary>How a workload wants its store opened. The same for every engine; what an engine has no word for, it leaves.</summary>
readonly record struct StoreOptions
{
    public StoreOptions() { }

    public HistoryKind History { get; init; } = HistoryKind.None;

    public CompressionKind Compression { get; init; } = CompressionKind.None;

    /// <summary>A memtable is written out when it holds about this much.</summary>
    public long MemtableBytes { get; init; } = 64L << 20;

    public long CacheBytes { get; init; } = 256L << 20;

    public int BackgroundJobs { get; init; } = 2;

    /// <summary>The peer reads its tables through mappings (ours does where the platform can).</summary>
    public bool PeerMapsTables { get; init; }

    /// <summary>More options for the peer, in its own language ("a=b;c=d"), to find out which serve it best.</summary>
    public string PeerOptions { get; init; } = "";

    /// <summary>The peer counts what it writes and prints it at Close. Costs CPU: to check <c>BytesWritten</c>, not to measure.</summary>
    public bool PeerTickers { get; init; }
}
