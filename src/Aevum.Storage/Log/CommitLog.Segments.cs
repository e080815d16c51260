// CommitLog, segments: where the next one comes from and where old ones go.
//
//   spare file           allocated, no name that recovery looks at: new, or a segment that nobody needed any more
//   next segment         a spare with a durable header and its final, durable name: what an append may go on in
//   current, sealed      holds records
//   freed                no stream needs it; handled strictly oldest first, each step durable before the next, or a power cut could
//                        leave a hole in the numbers
//
// A background body (MaintainAsync) touches pages ahead of the tail, makes the next segment, recycles freed ones. It is only ever a
// convenience: an appender that finds something missing does it itself. The body never suspends while it holds a lock.
//
// Always true: no byte is stored beyond what Prepare has touched without an error (LogSegment.PreparedTo): storing into a page that the
// disk has no room for would end the process.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog
{
    const int PageBytes = 4096;
    const int PrepareStepMax = 4 << 20;
    const int PrepareStepMin = 64 << 10;

    readonly List<string> _discarded;               // segments behind the recovered end, ascending; gone before the first new one
    readonly Queue<LogSegment> _freed = [];         // under _gate
    readonly List<(IAppendRegion Region, string Path)> _spares = [];   // of full size; under _makerGate
    LogSegment? _next;                              // under _gate
    ulong _epoch;                                   // the greatest given out; under _makerGate
    long _spareNumber;                              // under _makerGate
    long _nextCapacity;                             // of the next ordinary segment; under _makerGate
    int _segmentsMade;                              // under _gate
    long _maintainAt;                               // a tail beyond this offset wants maintenance; under _gate
    bool _maintenanceWanted;                        // under _gate
    bool _maintenanceRuns;                          // under _gate
    bool _pinnedNews;                               // OldestPinned is to be raised; under _gate
    ulong _lastRemoval;                             // behind the last truncation or drop; under _gate
    bool _recyclingStopped;                         // a freed segment's name could not be taken away durably; under _gate
    LogStream? _oldestPin;                          // who pinned the oldest segment when last looked; under _gate
    int _spareCount;                                // as _spares.Count, readable without the maker's gate
    BackgroundTask? _maintenance;

    // ------------------------------------------------------------------------------------------------ under _gate

    // True if the current segment can now take that many bytes of records. Touches pages; moves on to the next segment if that one can.
    bool TryMakeRoomLocked(long bytes)
    {
        if (_current is null || _tail + bytes > _current.RecordsEndMax)
        {
            if (_next is null || SegmentHeader.Bytes + BoundsBytesLocked() + bytes > _next.RecordsEndMax) return false;
            RotateLocked();
        }
        PrepareLocked(_current!, _tail + bytes);
        return true;
    }

    static void PrepareLocked(LogSegment segment, long end)
    {
        if (end <= segment.PreparedTo) return;
        var to = Math.Min(segment.Capacity, RoundUp(end, PrepareStepMin));
        segment.Region!.Prepare(segment.PreparedTo, to);
        segment.PreparedTo = to;
    }

    long BoundsBytesLocked() => (long)_streams.Count * RecordFormat.SmallRecordBytes;

    // Seals the current segment and begins the next one with the bounds of every stream.
    void RotateLocked()
    {
        var next = _next!;
        // Whatever may be refused comes first: after the seal there is no way back.
        PrepareLocked(next, SegmentHeader.Bytes + BoundsBytesLocked());
        if (_current is not null)
        {
            PrepareLocked(_current, _tail + RecordFormat.SmallRecordBytes);
            WriteSmallLocked(RecordKind.Seal, 0, 0, next.Header.Epoch);
        }
        _current = next;
        _next = null;
        _segments.Add(next);
        _segmentsMade++;
        _region = next.Region;
        _number = next.Number;
        _salt = next.Salt;
        _epochLow = (uint)next.Header.Epoch;
        _tail = SegmentHeader.Bytes;
        foreach (var stream in _streams.Values)
            if (stream.Index.Last > 0) WriteBoundsLocked(stream);
        FreeLocked();
        _pinnedNews = _options.TotalBytesMax > 0 && TotalBytesLocked() > _options.TotalBytesMax;
    }

    // An append that ends at or before _softEnd needs nothing but storing. Called whenever something it depends on has changed.
    void UpdateSoftEndLocked()
    {
        if (_current is null || _failure is not null || _closed || _durable > _marked || WantsSyncTimerLocked)
        {
            _softEnd = 0;
            return;
        }
        _maintainAt = _maintenanceRuns ? long.MaxValue : MaintenanceDueLocked();
        _softEnd = Math.Min(Math.Min(_current.RecordsEndMax, _current.PreparedTo), _maintainAt);
    }

    // The tail at which the background body should look again; now, if it is behind.
    long MaintenanceDueLocked()
    {
        if (_current is null) return long.MaxValue;
        var due = long.MaxValue;
        if (_current.PreparedTo < _current.Capacity) due = _current.PreparedTo - (PrepareStep(_current) / 2);
        if (WantsFilesLocked(long.MaxValue)) due = Math.Min(due, WantsFilesLocked(_tail) ? 0 : _current.Capacity / 2);
        return due;
    }

    // The first segment of a log that hardly writes is left alone until it is half full; a log that got beyond it will go on.
    bool WantsFilesLocked(long tail)
    {
        if (_current is null || (_segmentsMade <= 1 && tail < _current.Capacity / 2)) return false;
        if (_next is null) return true;
        return _current.Capacity == _options.SegmentBytes && tail >= _current.Capacity / 2
            && Volatile.Read(ref _spareCount) + 1 < _options.SpareSegments;
    }

    static long PrepareStep(LogSegment segment) => Math.Clamp(segment.Capacity / 8, PrepareStepMin, PrepareStepMax);

    // Takes the segments that no stream needs off the list, oldest first. The last one stays: it knows where every stream stands.
    // A segment's name goes only when every truncation and drop so far is durable. Else a power cut could bring back the removed
    // suffix of a stream while what came before it is gone, and a release in terms of the new suffix would not fit the old one.
    void FreeLocked()
    {
        if (_segments.Count <= 1) return;
        // Streams are many and releases frequent: mostly the one that pinned the oldest segment still does.
        if (_oldestPin is not null && !_oldestPin.IsDropped && Pins(_oldestPin, _segments[0])) return;
        _oldestPin = null;
        var needed = _segments[^1].Number;
        foreach (var stream in _streams.Values)
        {
            if (stream.Index.OldestNeeded is not { } address || address.Segment >= needed) continue;
            needed = address.Segment;
            _oldestPin = stream;
            if (needed == _segments[0].Number) return;
        }
        while (_segments[0].Number < needed)
        {
            _segments[0].GoesAfter = _lastRemoval;
            _freed.Enqueue(_segments[0]);
            _segments.RemoveAt(0);
            _maintenanceWanted = true;
        }
    }

    static bool Pins(LogStream stream, LogSegment segment) =>
        stream.Index.OldestNeeded is { } address && address.Segment == segment.Number;

    // ------------------------------------------------------------------------------------------------ under no lock

    // What an append, a release or an unpin leaves to be done once it holds no lock.
    void RunAfterAppend()
    {
        LogStream? pin = null;
        var startMaintenance = false;
        bool startSync;
        lock (_gate)
        {
            if (_pinnedNews)
            {
                _pinnedNews = false;
                pin = OldestPinLocked();
            }
            var due = _tail >= MaintenanceDueLocked() || (_maintenanceWanted && FreedCanGoLocked());
            if (due && !_maintenanceRuns && !_closed && _failure is null) startMaintenance = _maintenanceRuns = true;
            startSync = WantsSyncTimerLocked;
            UpdateSoftEndLocked();
        }
        if (startMaintenance) _maintenance = TryStart("log maintenance", MaintainAsync);
        if (startSync) StartSync();
        if (pin is not null) OldestPinned?.Invoke(pin);
    }

    // A scheduler that is closing takes no more bodies. The append that wanted one has succeeded all the same, and what is not done in the
    // background is done by appenders and by Dispose.
    BackgroundTask? TryStart(string name, Func<CancellationToken, Task> body)
    {
        try
        {
            return _scheduler.Start(name, WorkClass.Urgent, body);
        }
        catch (AevumException closing) when (closing.Code == ErrorCode.Closed)
        {
            return null;
        }
    }

    bool FreedCanGoLocked() => !_recyclingStopped && _freed.TryPeek(out var segment) && segment.Pins == 0;

    // Makes a segment into which this many bytes of records fit, unless there is one by now.
    void MakeNextFor(long bytes)
    {
        lock (_makerGate)
        {
            long needed;
            LogSegment? tooSmall;
            lock (_gate)
            {
                if (_failure is not null || _closed) Throw.Closed(Name, _failure);
                // Twice the bounds: streams may be opened before the segment is used.
                needed = SegmentHeader.Bytes + (2 * BoundsBytesLocked()) + bytes + (4 * RecordFormat.SmallRecordBytes);
                if (_next is not null && needed <= _next.RecordsEndMax) return;
                tooSmall = _next;
                _next = null;
            }
            if (tooSmall is not null)
            {
                try
                {
                    Recycle(tooSmall);
                }
                finally
                {
                    tooSmall.Dispose();
                }
            }
            MakeNext(needed);
        }
    }

    /// <summary>Makes the file that the first append needs, so that this append need not.</summary>
    public void MakeReady()
    {
        lock (_gate)
        {
            if (_current is not null || _next is not null) return;
        }
        MakeNextFor(0);
    }

    void StopBackground()
    {
        // Cancelled, then awaited without a lock: a body may want one to end.
        _syncTask?.Cancel();
        _syncTask?.Wait();
        _maintenance?.Cancel();
        _maintenance?.Wait();
    }

    async Task MaintainAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var again = false;
            var refused = false;
            try
            {
                again = MaintainOnce();
            }
            catch (AevumException)
            {
                // No space, or the disk said no. Nothing depends on this body: the next appender that runs into the same hears it.
                refused = true;
            }
            lock (_gate)
            {
                if (!again || _closed || _failure is not null)
                {
                    _maintenanceRuns = false;
                    // Refused work would be due at once and start over with each append; so it waits for the next time something is short.
                    if (!refused) UpdateSoftEndLocked();
                    return;
                }
            }
            await _scheduler.Yield();
        }
        lock (_gate) _maintenanceRuns = false;
    }

    // One step of at most a few milliseconds. Returns false if there was nothing to do.
    bool MaintainOnce()
    {
        LogSegment? prepare = null;
        LogSegment? freed = null;
        long from = 0, to = 0;
        var makeNext = false;
        var makeSpare = false;
        lock (_gate)
        {
            if (_current is { } current && current.PreparedTo < current.Capacity && _tail >= current.PreparedTo - (PrepareStep(current) / 2))
            {
                prepare = current;
                prepare.Pins++;
                from = current.PreparedTo;
                to = Math.Min(current.Capacity, from + PrepareStep(current));
            }
            else if (WantsFilesLocked(_tail))
            {
                makeNext = _next is null;
                makeSpare = !makeNext;
            }
            else if (FreedCanGoLocked())
            {
                freed = _freed.Peek();
            }
            else
            {
                _maintenanceWanted = false;
            }
        }
        if (prepare is not null) return PrepareAhead(prepare, from, to);
        if (makeNext)
        {
            MakeNextFor(0);
            return true;
        }
        if (makeSpare) return AddSpare();
        return freed is not null && RecycleFreed();
    }

    bool PrepareAhead(LogSegment segment, long from, long to)
    {
        try
        {
            segment.Region!.Prepare(from, to);
        }
        finally
        {
            lock (_gate)
            {
                segment.Pins--;
                if (_filesAreClosed && segment.Pins == 0) segment.Dispose();
            }
        }
        lock (_gate)
        {
            // An appender may have gone further meanwhile.
            if (segment.PreparedTo < to) segment.PreparedTo = to;
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------------ under _makerGate

    void MakeNext(long needed)
    {
        var ordinary = Math.Max(_nextCapacity, RoundUp(Math.Min(needed, _options.SegmentBytes), PageBytes));
        var capacity = needed <= ordinary ? ordinary : RoundUp(needed, PageBytes);
        if (capacity > int.MaxValue) Throw.Limit("the size of a log segment", capacity, int.MaxValue);
        ClearTheWay();

        var (region, path) = TakeSpare(capacity) ?? CreateSpare(capacity);
        LogSegment segment;
        try
        {
            SegmentHeader header;
            lock (_gate)
            {
                var last = _segments.Count > 0 ? _segments[^1] : null;
                if (last?.Number == uint.MaxValue) Throw.Limit("the number of a log segment", 1L << 32, uint.MaxValue);
                header = new SegmentHeader
                {
                    Number = last is null ? 1 : last.Number + 1,
                    Epoch = ++_epoch,
                    DatabaseId = _options.DatabaseId,
                    Timeline = _options.Timeline,
                    Boot = _boot,
                    PreviousEpoch = last?.Header.Epoch ?? 0,
                    // A segment found by recovery has no seal: this header ends it.
                    PreviousEnd = last is null || last == _current ? 0 : last.End,
                    Capacity = region.Capacity,
                };
            }
            var prepared = Math.Min(region.Capacity, PrepareStepMin);
            region.Prepare(0, prepared);
            header.Write(region.GetSpan(0, SegmentHeader.Bytes));
            region.Publish(0, SegmentHeader.Bytes);
            region.SyncRange(0, SegmentHeader.Bytes);
            var target = LogFiles.SegmentPath(_directory, header.Number);
            _files.Rename(path, target);
            path = target;
            _files.SyncDirectory(_directory);
            segment = new LogSegment(header, target, region) { PreparedTo = prepared };
        }
        catch
        {
            region.Dispose();
            TryDelete(path);
            throw;
        }
        if (capacity == _nextCapacity) _nextCapacity = Math.Min(_options.SegmentBytes, 2 * _nextCapacity);
        lock (_gate) _next = segment;
    }

    // Before the first segment of this open: the directory exists, and nothing stands where it will. From the highest number down, each
    // step durable, so that no power cut leaves a hole; the lowest is replaced by the rename.
    void ClearTheWay()
    {
        if (_segmentsMade > 0) return;
        _files.CreateDirectory(_directory);
        // Also if it was there: whoever made it may have died before this.
        _files.SyncDirectory(FilePaths.DirectoryOf(_directory));
        while (_discarded.Count > 1)
        {
            _files.Delete(_discarded[^1]);
            _files.SyncDirectory(_directory);
            _discarded.RemoveAt(_discarded.Count - 1);
        }
    }

    (IAppendRegion Region, string Path)? TakeSpare(long capacity)
    {
        var i = _spares.FindIndex(spare => spare.Region.Capacity == capacity);
        if (i < 0) return null;
        var taken = _spares[i];
        _spares.RemoveAt(i);
        _spareCount = _spares.Count;
        return taken;
    }

    (IAppendRegion Region, string Path) CreateSpare(long capacity)
    {
        var path = LogFiles.SparePath(_directory, ++_spareNumber);
        try
        {
            return (_files.CreateRegion(path, capacity), path);
        }
        catch
        {
            TryDelete(path);
            throw;
        }
    }

    bool AddSpare()
    {
        lock (_makerGate)
        {
            lock (_gate)
                if (_closed || _failure is not null) return false;
            if (_spares.Count + 1 >= _options.SpareSegments) return false;
            KeepSpare(CreateSpare(_options.SegmentBytes));
            return true;
        }
    }

    void KeepSpare((IAppendRegion Region, string Path) spare)
    {
        _spares.Add(spare);
        _spareCount = _spares.Count;
    }

    bool RecycleFreed()
    {
        ulong goesAfter;
        lock (_gate)
        {
            if (_closed || !FreedCanGoLocked()) return false;
            goesAfter = _freed.Peek().GoesAfter;
        }
        // Only logs with truncations pay for this, and those are synced anyway (Raft's).
        if (goesAfter > Volatile.Read(ref _durable)) SyncTo(new LogAddress(goesAfter));

        // No sync meanwhile: until the name is gone for good, the file is one that a mark would have to speak of.
        lock (_makerGate)
        lock (_syncGate)
        {
            LogSegment segment;
            lock (_gate)
            {
                if (_closed || !FreedCanGoLocked()) return false;
                segment = _freed.Peek();
            }
            try
            {
                Recycle(segment);
            }
            catch (AevumException)
            {
                // Which names a power cut would leave is now unknown, and younger segments must not go first. Disk space is the price.
                lock (_gate) _recyclingStopped = true;
                throw;
            }
            lock (_gate) _freed.Dequeue();
            return true;
        }
    }

    // Takes a segment's name away, durably, and keeps its file for later if it is of use.
    void Recycle(LogSegment segment)
    {
        if (segment.Region is not null && segment.Capacity == _options.SegmentBytes && _spares.Count < _options.SpareSegments)
        {
            // Durable before the file is written to again: else a power cut could bring the name back with a strange content.
            var path = LogFiles.SparePath(_directory, ++_spareNumber);
            _files.Rename(segment.Path, path);
            _files.SyncDirectory(_directory);
            KeepSpare((segment.TakeRegion()!, path));
        }
        else
        {
            _files.Delete(segment.Path);
            _files.SyncDirectory(_directory);
            segment.Dispose();
        }
    }

    void CloseSpares()
    {
        foreach (var (region, path) in _spares)
        {
            region.Dispose();
            TryDelete(path);
        }
        _spares.Clear();
        _spareCount = 0;
        LogSegment[] unneeded;
        lock (_gate)
        {
            unneeded = _next is null ? [.. _freed] : [.. _freed, _next];
            _next = null;
            _freed.Clear();
        }
        // Freed segments keep their names, the next one too: whoever opens the log finds out again that they hold nothing needed.
        foreach (var segment in unneeded)
            if (segment.Pins == 0) segment.Dispose();
    }

    // Spares of a process that did not close its log. Their content means nothing.
    void DeleteOldSpares()
    {
        if (!_files.DirectoryExists(_directory)) return;
        foreach (var name in _files.ListFiles(_directory))
            if (LogFiles.IsSpare(name)) TryDelete(FilePaths.Combine(_directory, name));
    }

    void TryDelete(string path)
    {
        try
        {
            _files.Delete(path);
        }
        catch (AevumException)
        {
            // A file nobody reads stays behind until the next open tries again.
        }
    }

    static long RoundUp(long value, long step) => (value + step - 1) / step * step;
}
