// CommitLog, streams: what belongs to a stream beside appending to it.

using Aevum.Core.Errors;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog
{
    /// <summary>Highest position a stream may be set to; appends from there on never reach the format's limit of 2^56.</summary>
    public const ulong PositionMax = 1UL << 55;

    /// <summary>The stream of that id, begun at position 1 if the log does not have it. The same object each time.</summary>
    public LogStream OpenStream(uint id)
    {
        lock (_gate)
        {
            if (_failure is not null || _closed) Throw.Closed(Name, _failure);
            if (!_streams.TryGetValue(id, out var stream)) _streams[id] = stream = new LogStream(this, id, new StreamIndex());
            return stream;
        }
    }

    /// <summary>Ids of the streams the log has, in ascending order.</summary>
    public IReadOnlyList<uint> StreamIds
    {
        get
        {
            lock (_gate) return [.. _streams.Keys.Order()];
        }
    }

    /// <summary>The stream that keeps the oldest segment from being freed; null if only the log itself does (the last segment always
    /// stays).</summary>
    public LogStream? PinnedBy
    {
        get
        {
            lock (_gate) return OldestPinLocked();
        }
    }

    /// <summary>Raised with the stream that pins the oldest segment when the live segments exceed <see cref="LogOptions.TotalBytesMax"/>,
    /// at each change of segment while they do. Runs on an appender's thread, outside of the log's locks: take note and return.</summary>
    public event Action<LogStream>? OldestPinned;

    /// <summary>Bytes of the live segments' files.</summary>
    public long TotalBytes
    {
        get
        {
            lock (_gate) return TotalBytesLocked();
        }
    }

    long TotalBytesLocked()
    {
        long bytes = 0;
        foreach (var segment in _segments) bytes += segment.Capacity;
        return bytes;
    }

    LogStream? OldestPinLocked()
    {
        if (_segments.Count == 0) return null;
        foreach (var stream in _streams.Values)
            if (Pins(stream, _segments[0])) return stream;
        return null;
    }

    /// <summary>Forgets a stream: its records are no longer needed, and its id may be opened again, from position 1.</summary>
    public void DropStream(LogStream stream)
    {
        while (true)
        {
            var done = false;
            lock (_gate)
            {
                CheckUsableLocked(stream);
                // A log that holds nothing has nothing to forget on disk either.
                if (_segments.Count == 0 || TryMakeRoomLocked(RecordFormat.HeaderBytes))
                {
                    if (_segments.Count > 0) PublishLocked(_tail, StoreLocked(_tail, RecordKind.Drop, stream.Id, 0, default, default));
                    stream.IsDropped = true;
                    stream.NextPosition = 0;
                    _streams.Remove(stream.Id);
                    _lastRemoval = _appended;
                    FreeLocked();
                    UpdateSoftEndLocked();
                    done = true;
                }
            }
            if (!done) MakeNextFor(RecordFormat.HeaderBytes);
            RunAfterAppend();
            if (done) return;
        }
    }

    internal (ulong First, ulong Last) Look(LogStream stream)
    {
        lock (_gate) return (stream.Index.First, stream.Index.Last);
    }

    internal void Release(LogStream stream, ulong upTo)
    {
        lock (_gate)
        {
            CheckUsableLocked(stream);
            if (upTo > PositionMax) Throw.Limit("a released position", (long)Math.Min(upTo, long.MaxValue), (long)PositionMax);
            if (upTo < stream.Index.First) return;
            stream.Index.Release(upTo + 1);
            stream.BoundsAreNews = true;
            stream.NextPosition = 0;   // the next append goes the slow way, and writes the bounds
            FreeLocked();
        }
        RunAfterAppend();
    }

    internal ulong FirstPositionInLast(LogStream stream, long bytes)
    {
        lock (_gate)
        {
            var oldest = _segments.Count;
            for (; oldest > 0 && bytes > 0; oldest--) bytes -= _segments[oldest - 1].Capacity;
            if (bytes > 0) return stream.Index.First;
            return oldest == _segments.Count ? stream.Index.Last + 1 : stream.Index.FirstAtOrBehind(new LogAddress(_segments[oldest].Number, 0));
        }
    }

    internal LogAddress TruncateSuffix(LogStream stream, ulong position)
    {
        var entry = LogEntry.TruncateSuffix(stream, position);
        return Append(new ReadOnlySpan<LogEntry>(in entry));
    }

    void NoteTruncationLocked(LogStream stream, ulong position)
    {
        stream.Index.Truncate(position);
        stream.NextPosition = position;
        _lastRemoval = _appended;
        Volatile.Write(ref stream.Truncations, stream.Truncations + 1);
        // A run lies where it begins, so the stream may now need less than before, never more.
        FreeLocked();
    }

    /// <summary>Finds the run that holds a position and pins its segment in place of the one given.</summary>
    /// <returns>False if the position lies behind the end.</returns>
    internal bool TryEnterRun(LogStream stream, ulong position, ref LogSegment? segment, out uint offset, out ulong runEnd, out uint limit)
    {
        var moved = false;
        lock (_gate)
        {
            offset = limit = 0;
            runEnd = 0;
            if (_closed) Throw.Closed(Name, _failure);
            if (position < stream.Index.First)
                Compacted(stream, position);
            if (position > stream.Index.Last || stream.IsDropped) return false;
            var (address, _, end) = stream.Index.Locate(position);
            var found = _segments[(int)(address.Segment - _segments[0].Number)];
            if (found != segment)
            {
                found.Pins++;
                if (segment is not null) segment.Pins--;
                segment = found;
                moved = true;
            }
            offset = address.Offset;
            runEnd = end;
            limit = found.End;
        }
        if (moved) RunAfterAppend();   // the segment behind may have waited to be freed
        return true;
    }

    static void Compacted(LogStream stream, ulong position) => throw new AevumException(
        ErrorCode.Compacted, $"position {position} of log stream {stream.Id} was released: the first one left is {stream.Index.First}");

    internal void Unpin(LogSegment segment)
    {
        lock (_gate)
        {
            segment.Pins--;
            if (_filesAreClosed && segment.Pins == 0) segment.Dispose();
        }
        RunAfterAppend();
    }
}
