// CommitLog, files: segment files made, named, recycled, closed. Everything here runs under _makerGate (or takes it) and leaves, after every single
// step, a directory that an open understands.
//
//   new       spare-n.tmp: allocated ─> header stored and synced ─> renamed to number.log ─> directory synced ─> the next segment
//   recycled  number.log of a freed segment ─> renamed to spare-n.tmp ─> directory synced ─> a spare, or deleted
//
// Always true:
//   (1) a name number.log is durable only over a durable header: a bad header is damage, never a job half done;
//   (2) names go oldest first, each durably before the next: no power cut leaves a hole between numbers.

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog
{
    const int PageBytes = 4096;

    // All under _makerGate.
    readonly List<string> _discarded;   // segments behind the recovered end, ascending; gone before the first new one
    readonly List<(IAppendRegion Region, string Path)> _spares = [];   // of full size
    int _spareCount;                    // as _spares.Count; read anywhere
    ulong _epoch;                       // the greatest given out
    long _spareNumber;
    long _nextCapacity;                 // of the next ordinary segment

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
            var prepared = Math.Min(region.Capacity, region.Capacity < LargeStepsFrom ? PrepareStepMin : NativePages.LargePageBytes);
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
        catch (AevumException full) when (full.Code == ErrorCode.DiskFull && _spares.Count > 0)
        {
            // Files of another size are kept for later: what is needed now has their room.
            TryDelete(path);
            DeleteSpares();
            return CreateSpare(capacity);
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
        TakeTurn(AnyAddress);
        try
        {
            lock (_makerGate)
            {
                LogSegment segment;
                lock (_gate)
                {
                    if (_closed || !FreedCanGoLocked()) return false;
                    segment = _freed.Peek();
                }
                Recycle(segment);
                lock (_gate) _freed.Dequeue();
                return true;
            }
        }
        catch (AevumException)
        {
            // Which names a power cut would leave is now unknown, and younger segments must not go first. Disk space is the price.
            lock (_gate) _recyclingStopped = true;
            throw;
        }
        finally
        {
            EndTurn();
        }
    }

    // Takes a segment's name away, durably, and keeps its file for later if it is of use.
    void Recycle(LogSegment segment)
    {
        if (segment.Region is not null && segment.Capacity == _options.SegmentBytes && HasRoomForSpare())
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

    // A log may take up TotalBytesMax in any case, so what it took up once it keeps: new pages cost ten times what pages do that are there.
    bool HasRoomForSpare()
    {
        if (_spares.Count < _options.SpareSegments) return true;
        lock (_gate) return TotalBytesLocked() + ((_spares.Count + 1L) * _options.SegmentBytes) <= _options.TotalBytesMax;
    }

    /// <summary>Gives back the space of files that are kept for later. The log makes new ones when it needs them.</summary>
    public void DropSpares() => TryDropSpares();

    /// <inheritdoc cref="DropSpares"/>
    /// <returns>False: there are none.</returns>
    public bool TryDropSpares()
    {
        lock (_makerGate)
        {
            if (_spares.Count == 0) return false;
            DeleteSpares();
            return true;
        }
    }

    void DeleteSpares()
    {
        foreach (var (region, path) in _spares)
        {
            region.Dispose();
            TryDelete(path);
        }
        _spares.Clear();
        _spareCount = 0;
    }

    void CloseSpares()
    {
        DeleteSpares();
        LogSegment[] freed;
        LogSegment? next;
        lock (_gate)
        {
            freed = [.. _freed];
            _freed.Clear();
            next = _next;
            _next = null;
        }
        // Freed segments keep their names: whoever opens the log finds out again that they hold nothing needed.
        foreach (var segment in freed)
            if (segment.Pins == 0) segment.Dispose();
        if (next is null) return;
        next.Dispose();
        TryDelete(next.Path);
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
