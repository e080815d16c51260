// LogSegment: one file of the log while the log is open.
//
//   made by this process      a region: written, read back, synced, in the end recycled
//   found by recovery         a readable file: read; opened as a region only to sync it or to take it over
//
//   Prepared -> Current   [CommitLog.Rotate]      Current: records are appended
//   Current  -> Sealed    [CommitLog.Rotate]      Sealed: End is final
//   Sealed   -> Freed     [CommitLog.Free]        Freed: no stream needs it; once nobody reads it its file goes
//
// Pins (readers, a sync) are counted under the log's gate: the file is not closed under anybody's span.

using Aevum.Core.Files;

namespace Aevum.Storage.Log;

sealed class LogSegment : IDisposable
{
    uint _end;

    public LogSegment(SegmentHeader header, string path, IAppendRegion region)
    {
        Header = header;
        Path = path;
        Region = region;
        Capacity = region.Capacity;
        Salt = RecordFormat.Salt(header.Epoch);
        _end = SyncedTo = SegmentHeader.Bytes;
    }

    public LogSegment(SegmentHeader header, string path, IReadableFile file, uint end, uint syncedTo)
    {
        Header = header;
        Path = path;
        File = file;
        Capacity = file.Length;
        Salt = RecordFormat.Salt(header.Epoch);
        _end = end;
        SyncedTo = syncedTo;
    }

    public SegmentHeader Header { get; }

    public uint Number => Header.Number;

    public string Path { get; }

    public long Capacity { get; }

    /// <summary>What CRCs begin from, before the offset is mixed in.</summary>
    public uint Salt { get; }

    public IAppendRegion? Region { get; private set; }

    public IReadableFile? File { get; private set; }

    /// <summary>How far pages were touched ahead of the records.</summary>
    public long PreparedTo { get; set; }

    /// <summary>Behind the last record.</summary>
    public uint End
    {
        get => Volatile.Read(ref _end);
        set => Volatile.Write(ref _end, value);
    }

    /// <summary>What survives the loss of power. Belongs to whoever has the log's turn to sync.</summary>
    public uint SyncedTo { get; set; }

    /// <summary>Of a freed segment: what must be durable before its name goes (CommitLog.FreeLocked). Guarded by the log's gate.</summary>
    public ulong GoesAfter { get; set; }

    /// <summary>Who uses the bytes at present. Guarded by the log's gate.</summary>
    public int Pins { get; set; }

    /// <summary>Where records end at the latest: a seal always fits behind.</summary>
    public long RecordsEndMax => Capacity - RecordFormat.SmallRecordBytes;

    public SegmentView CreateView() => Region is not null ? new SegmentView(Region) : new SegmentView(File!);

    /// <summary>On return everything before <paramref name="end"/> survives the loss of power.</summary>
    public void Sync(IFileSystem files, uint end)
    {
        if (Region is not null)
        {
            // Not the whole region: of a recycled one the rest is dirty with old records that nobody needs on the disk.
            Region.SyncRange(SyncedTo, end);
            return;
        }
        // Another process wrote it. If a sync of that process failed, the kernel may call pages clean that are not on the disk, and a sync
        // would pass over them; so they are touched once more, which makes them dirty again.
        using var region = files.OpenRegion(Path);
        region.Prepare(SyncedTo, end);
        region.Publish(SyncedTo, end);
        region.SyncRange(SyncedTo, end);
    }

    /// <summary>Hands over the region, if there is one; the segment has none afterwards.</summary>
    public IAppendRegion? TakeRegion()
    {
        var region = Region;
        Region = null;
        return region;
    }

    public void Dispose()
    {
        Region?.Dispose();
        File?.Dispose();
        Region = null;
        File = null;
    }
}
