// CommitLog, segments: the life of a log segment while the log is open, and the body that works ahead.
//
//   next                 made, named, empty: what an append may go on in          -> current   [RotateLocked]
//   current              records are appended                                     -> sealed    [RotateLocked]
//   sealed               holds records that some stream needs                     -> freed     [FreeLocked]
//   freed                no stream needs it                                       -> gone or a spare [CommitLog.Files, RecycleFreed]
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
    // Small segments are prepared in small steps, for logs that hardly write; others by whole large pages.
    const int PrepareStepMax = 2 * NativePages.LargePageBytes;
    const int PrepareStepMin = 64 << 10;
    const int LargeStepsFrom = 4 * NativePages.LargePageBytes;
    const int PrepareLeadMax = 512 << 10;

    readonly Queue<LogSegment> _freed = [];         // under _gate
    LogSegment? _next;                              // under _gate
    int _segmentsMade;                              // under _gate
    long _maintainAt;                               // a tail beyond this offset wants maintenance; under _gate
    bool _maintenanceWanted;                        // under _gate
    bool _maintenanceRuns;                          // under _gate
    bool _pinnedNews;                               // OldestPinned is to be raised; under _gate
    ulong _lastRemoval;                             // behind the last truncation or drop; under _gate
    bool _recyclingStopped;                         // a freed segment's name could not be taken away durably; under _gate
    LogStream? _oldestPin;                          // who pinned the oldest segment when last looked; under _gate
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
        var to = Math.Min(segment.Capacity, RoundUp(end, segment.Capacity < LargeStepsFrom ? PrepareStepMin : NativePages.LargePageBytes));
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
        if (_current.PreparedTo < _current.Capacity) due = _current.PreparedTo - PrepareLead(_current);
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

    static long PrepareStep(LogSegment segment) => segment.Capacity < LargeStepsFrom
        ? Math.Max(segment.Capacity / 16, PrepareStepMin)
        : Math.Clamp(RoundUp(segment.Capacity / 16, NativePages.LargePageBytes), NativePages.LargePageBytes, PrepareStepMax);

    // How far before the end of what is prepared the next step begins: enough for a thread to wake up.
    static long PrepareLead(LogSegment segment) => Math.Min(PrepareStep(segment) / 2, PrepareLeadMax);

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
        // The background body is behind, or has nothing to do yet. What was freed is the first source of space. Before the gate: it waits.
        RecycleAllFreed();
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

    void RecycleAllFreed()
    {
        try
        {
            while (RecycleFreed()) { }
        }
        catch (AevumException)
        {
            // Then there is less space than there could be. Whether that matters shows when some is asked for.
        }
    }

    /// <summary>Returns when nothing is being prepared ahead: no segment made, no page touched, no file recycled. More appends start more.</summary>
    public void WaitIdle()
    {
        for (BackgroundTask? waited = null; ;)
        {
            BackgroundTask? running;
            lock (_gate) running = _maintenanceRuns && !_closed ? _maintenance : null;
            if (running is null || running == waited) return;   // the next one, if any, is being started by an appender who runs beside
            running.Wait();
            waited = running;
        }
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
        long from = 0, to = 0;
        var recycle = false;
        var makeNext = false;
        var makeSpare = false;
        lock (_gate)
        {
            if (_current is { } current && current.PreparedTo < current.Capacity
                && _tail >= current.PreparedTo - PrepareLead(current))
            {
                prepare = current;
                prepare.Pins++;
                from = current.PreparedTo;
                to = Math.Min(current.Capacity, from + PrepareStep(current));
            }
            // Before new files are made: on a full disk the old ones are where they come from.
            else if (FreedCanGoLocked())
            {
                recycle = true;
            }
            else if (WantsFilesLocked(_tail))
            {
                makeNext = _next is null;
                makeSpare = !makeNext;
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
        return makeSpare ? AddSpare() : recycle && RecycleFreed();
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
}
