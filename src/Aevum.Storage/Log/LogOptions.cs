namespace Aevum.Storage.Log;

public sealed record LogOptions
{
    /// <summary>Whose log this is. A log of another database is refused.</summary>
    public required Guid DatabaseId { get; init; }

    /// <summary>The database's line of descent. A log of another timeline is refused.</summary>
    public required uint Timeline { get; init; }

    public SyncPolicy Sync { get; init; } = SyncPolicy.Os;

    /// <summary>Size in bytes that segments grow to, a multiple of 4096. Larger: fewer file operations; smaller: space comes back
    /// sooner.</summary>
    public int SegmentBytes { get; init; } = 64 << 20;

    /// <summary>Size in bytes of the first segment after an open; each further one is twice as large, up to <see cref="SegmentBytes"/>.
    /// Keeps a database that hardly writes small on disk.</summary>
    public int FirstSegmentBytes { get; init; } = 4 << 20;

    /// <summary>Segments of full size made ready beside the one in use (1 to 8). Each takes <see cref="SegmentBytes"/> of disk. Freed ones are kept beyond
    /// that as long as all together take no more than <see cref="TotalBytesMax"/>.</summary>
    public int SpareSegments { get; init; } = 2;

    /// <summary>Above this many bytes of live segments <see cref="CommitLog.OldestPinned"/> asks whoever pins the oldest to let go. 0:
    /// never.</summary>
    public long TotalBytesMax { get; init; }
}
