// LogRecovery: reads a log directory and says what the log holds and where it ends. It writes nothing.
//
// Segments are walked in the order of their numbers. One goes on in the next if it ends in a seal (the next one's epoch is in it), or if
// the next one's header says where a recovery ended it. The first place where neither holds is where the log may end:
//
//   a mark says that everything before a later address was durable        corruption
//   a record of a live epoch follows, written in this boot                corruption: the page cache does not forget while a machine is up
//   a segment follows that a recovery of this boot began                  corruption: that recovery had read everything before it
//   otherwise                                                             the end: what lies behind is cut, and counted
//   bytes
//
// "Follows" is meant widely: any 8-aligned place behind the damage in the same segment, and every later segment. Where the platform
// does not tell one boot from the next, only marks can tell a torn tail from damage.
//
// Always corruption: a header that does not hold (it was durable before the file had its name), a missing segment between others,
// a seal without a successor, a position that does not follow the one before, another database's segment.
//
// Not here: reading records again (LogReader), going on writing (CommitLog, always in a new segment with a new epoch).

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Storage.Log;

/// <summary>What a recovery found, for people and tests.</summary>
public sealed record LogRecoveryReport
{
    public int Segments { get; init; }

    /// <summary>Data records in the recovered part.</summary>
    public long Records { get; init; }

    /// <summary>Bytes of the recovered part, headers of segments included.</summary>
    public long Bytes { get; init; }

    /// <summary>Where the recovered part ends.</summary>
    public LogAddress End { get; init; }

    /// <summary>Up to here everything is known to have been durable.</summary>
    public LogAddress LastMark { get; init; }

    /// <summary>Bytes of unfinished or lost records behind the end that were cut, as far as they can still be counted.</summary>
    public long CutBytes { get; init; }

    /// <summary>The file in which the log ends; empty for an empty log.</summary>
    public string EndFile { get; init; } = "";
}

/// <summary>A log as it stands on disk.</summary>
/// <param name="Segments">Open for reading; they belong to whoever takes them.</param>
/// <param name="Streams">By id.</param>
/// <param name="EpochMax">The greatest epoch of any segment, of those behind the end too.</param>
/// <param name="Discarded">Paths of the segments behind the end, ascending.</param>
/// <param name="LastRemoval">Behind the last truncation or drop of a stream.</param>
/// <param name="Report">For people.</param>
sealed record RecoveredLog(
    List<LogSegment> Segments, Dictionary<uint, StreamIndex> Streams, ulong EpochMax, List<string> Discarded, LogAddress LastRemoval,
    LogRecoveryReport Report);

sealed class LogRecovery
{
    readonly IFileSystem _files;
    readonly ulong _boot;
    readonly List<(SegmentHeader Header, string Path, IReadableFile File)> _found = [];
    readonly Dictionary<uint, StreamIndex> _streams = [];
    LogAddress _lastMark;
    LogAddress _lastRemoval;
    long _records;
    bool _listWasWhole;   // a segment's list of bounds was seen to its end: every stream is known from there on

    LogRecovery(IFileSystem files)
    {
        _files = files;
        _boot = SegmentHeader.BootOf(files.BootId);
    }

    /// <param name="files">Where the directory is.</param>
    /// <param name="directory">The log's directory; need not exist.</param>
    /// <param name="expected">Whose log it must be; null: anybody's.</param>
    /// <exception cref="AevumException">Corruption, UnsupportedFormat, or what the file system reports.</exception>
    public static RecoveredLog Run(IFileSystem files, string directory, LogOptions? expected)
    {
        var recovery = new LogRecovery(files);
        try
        {
            recovery.OpenSegments(directory, expected);
            return recovery.Walk();
        }
        catch
        {
            foreach (var (_, _, file) in recovery._found) file.Dispose();
            throw;
        }
    }

    void OpenSegments(string directory, LogOptions? expected)
    {
        if (!_files.DirectoryExists(directory)) return;
        var numbers = _files.ListFiles(directory).Select(LogFiles.NumberOf).Where(number => number > 0).Order().ToArray();
        Span<byte> bytes = stackalloc byte[SegmentHeader.Bytes];
        foreach (var number in numbers)
        {
            var path = LogFiles.SegmentPath(directory, number);
            if (_found.Count > 0 && number != _found[^1].Header.Number + 1)
            {
                var missing = LogFiles.SegmentPath(directory, _found[^1].Header.Number + 1);
                Throw.Corruption(missing, 0, $"a log segment: the file is missing, and {path} is there");
            }
            var file = _files.OpenRead(path);
            try
            {
                var header = SegmentHeader.Read(bytes[..file.Read(0, bytes)], path);
                CheckHeader(header, path, number, expected);
                _found.Add((header, path, file));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        // Before the first segment of all there were no streams.
        _listWasWhole = numbers.Length > 0 && numbers[0] == 1;
    }

    void CheckHeader(SegmentHeader header, string path, uint number, LogOptions? expected)
    {
        if (header.Number != number) Throw.Corruption(path, 16, $"segment number {number}, not {header.Number}");
        if (expected is not null && header.DatabaseId != expected.DatabaseId)
            Throw.Corruption(path, 32, $"a log of database {expected.DatabaseId}, not of {header.DatabaseId}");
        if (expected is not null && header.Timeline != expected.Timeline)
            Throw.Corruption(path, 48, $"a log of timeline {expected.Timeline}, not of {header.Timeline}");
        if (_found.Count == 0) return;
        var previous = _found[^1];
        if (header.DatabaseId != previous.Header.DatabaseId) Throw.Corruption(path, 32, $"a log of database {previous.Header.DatabaseId}");
        if (header.Timeline != previous.Header.Timeline) Throw.Corruption(path, 48, $"a log of timeline {previous.Header.Timeline}");
        if (header.PreviousEpoch != previous.Header.Epoch)
            Throw.Corruption(path, 64, $"a segment that follows epoch {previous.Header.Epoch:x16}");
        if (header.PreviousEnd != 0 && (header.PreviousEnd < SegmentHeader.Bytes || header.PreviousEnd % RecordFormat.Alignment != 0))
            Throw.Corruption(path, 72, "an offset between records");
    }

    RecoveredLog Walk()
    {
        var segments = new List<LogSegment>();
        long cutBytes = 0;
        var last = -1;
        uint end = 0;
        for (var i = 0; i < _found.Count; i++)
        {
            var (goesOn, at) = WalkSegment(i);
            last = i;
            end = at;
            if (goesOn) continue;
            cutBytes = JudgeEnd(i, at);
            break;
        }

        // A segment that a recovery began and that nothing was ever appended to is begun again, or each open would add one.
        while (last > 0 && end == SegmentHeader.Bytes && _found[last].Header.PreviousEnd != 0) end = EndOf(--last);

        long bytes = 0;
        for (var i = 0; i <= last; i++)
        {
            var (header, path, file) = _found[i];
            var segmentEnd = i == last ? end : EndOf(i);
            var synced = header.Number < _lastMark.Segment ? segmentEnd
                : header.Number == _lastMark.Segment ? Math.Min(segmentEnd, _lastMark.Offset) : SegmentHeader.Bytes;
            segments.Add(new LogSegment(header, path, file, segmentEnd, synced));
            bytes += segmentEnd;
        }
        var epochMax = _found.Count == 0 ? 0 : _found.Max(found => found.Header.Epoch);
        var discarded = new List<string>();
        for (var i = last + 1; i < _found.Count; i++)
        {
            discarded.Add(_found[i].Path);
            _found[i].File.Dispose();
        }
        foreach (var stream in _streams.Values) stream.ReleaseWhatIsNotHeld();
        var report = new LogRecoveryReport
        {
            Segments = segments.Count,
            Records = _records,
            Bytes = bytes,
            End = last < 0 ? LogAddress.None : new LogAddress(_found[last].Header.Number, end),
            LastMark = _lastMark,
            CutBytes = cutBytes,
            EndFile = last < 0 ? "" : _found[last].Path,
        };
        return new RecoveredLog(segments, _streams, epochMax, discarded, _lastRemoval, report);
    }

    readonly List<uint> _ends = [];

    uint EndOf(int index) => _ends[index];

    SegmentScan Scan(int index)
    {
        var (header, path, file) = _found[index];
        var limit = Math.Min(file.Length, header.Capacity);
        if (index + 1 < _found.Count && _found[index + 1].Header.PreviousEnd is not 0 and var end) limit = Math.Min(limit, end);
        return new SegmentScan(path, new SegmentView(file), header.Epoch, limit);
    }

    // Takes over the records of one segment. Goes on: the next segment continues where this one ends.
    (bool GoesOn, uint End) WalkSegment(int index)
    {
        var next = index + 1 < _found.Count ? _found[index + 1].Header : null;
        var scan = Scan(index);
        var number = _found[index].Header.Number;
        while (scan.MoveNext())
        {
            if (scan.Record.Kind != RecordKind.Seal)
            {
                Apply(scan, number);
                continue;
            }
            var path = scan.Path;
            if (next is null)
            {
                var missing = LogFiles.SegmentPath(FilePaths.DirectoryOf(path), number + 1);
                Throw.Corruption(missing, 0, $"the log segment in which {path} goes on: the file is missing");
            }
            if (next.PreviousEnd != 0) Throw.Corruption(_found[index + 1].Path, 72, $"0, since {path} ends in a seal");
            if (next.Epoch != scan.Value) Throw.Corruption(_found[index + 1].Path, 24, $"epoch {scan.Value:x16}, which {path} goes on in");
            _ends.Add(scan.Next);
            return (true, scan.Next);
        }
        _ends.Add(scan.Next);
        return (next is not null && next.PreviousEnd == scan.Next, scan.Next);
    }

    void Apply(SegmentScan scan, uint segment)
    {
        var record = scan.Record;
        var address = new LogAddress(segment, scan.Offset);
        var known = _streams.TryGetValue(record.Stream, out var stream);
        if (record.Kind != RecordKind.Bounds) _listWasWhole = true;
        switch (record.Kind)
        {
            case RecordKind.Data:
                if (!known) _streams[record.Stream] = stream = new StreamIndex();
                if (record.Position != stream!.Last + 1)
                {
                    var expected = $"position {stream.Last + 1} of stream {record.Stream}, not {record.Position}";
                    Throw.Corruption(scan.Path, scan.Offset, expected);
                }
                stream.Append(address);
                _records++;
                break;
            case RecordKind.Mark:
                var mark = new LogAddress(scan.Value);
                if (mark > address) Throw.Corruption(scan.Path, scan.Offset, $"a mark of what lies before it, not of {mark}");
                if (mark > _lastMark) _lastMark = mark;
                break;
            case RecordKind.Truncate:
                if (!known || record.Position < stream!.First || record.Position > stream.Last)
                    Throw.Corruption(scan.Path, scan.Offset, $"a truncation inside of stream {record.Stream}, not at {record.Position}");
                stream.Truncate(record.Position);
                _lastRemoval = new LogAddress(segment, scan.Next);
                break;
            case RecordKind.Bounds:
                ApplyBounds(scan, stream);
                break;
            case RecordKind.Drop:
                _streams.Remove(record.Stream);
                _lastRemoval = new LogAddress(segment, scan.Next);
                break;
        }
    }

    // Bounds may let go of a prefix, may let a stream go on further up (then it holds nothing), and at the start of the first segment they
    // say what the freed segments before it came to. (If a power cut ended that list early, the next segment's list does.)
    void ApplyBounds(SegmentScan scan, StreamIndex? stream)
    {
        var (id, last, first) = (scan.Record.Stream, scan.Record.Position, scan.Value);
        var isNew = stream is null;
        stream ??= new StreamIndex();
        var holds = first >= 1 && first <= last + 1 && last <= CommitLog.PositionMax
            && (first == last + 1 ? last >= stream.Last : last == stream.Last && first >= stream.First || isNew && !_listWasWhole);
        if (!holds)
        {
            var expected = $"bounds of stream {id} that follow from {stream.First} to {stream.Last}, not {first} to {last}";
            Throw.Corruption(scan.Path, scan.Offset, expected);
        }
        if (isNew)
        {
            stream.SetBounds(first, last);
            _streams[id] = stream;
        }
        else
        {
            stream.Release(first);
        }
    }

    // The log does not go on at this place: is that its end? Returns how many bytes of records are lost behind it.
    long JudgeEnd(int index, uint at)
    {
        var path = _found[index].Path;
        long lost = 0;
        var follows = false;
        var lastMark = _lastMark;
        for (var i = index; i < _found.Count; i++)
        {
            var header = _found[i].Header;
            var isLive = _boot != 0 && header.Boot == _boot;
            var scan = Scan(i);
            var start = i == index ? at : SegmentHeader.Bytes;
            var lostHere = i == index ? scan.ClaimedSize(at) : 0;
            // The damaged record itself begins at `at`; in later segments the first one may be whole.
            for (var from = i == index ? at + RecordFormat.Alignment : start; scan.FindNext(from); from = scan.Next)
            {
                lostHere = Math.Max(lostHere, scan.Next - start);
                follows |= isLive;
                if (scan.Record.Kind == RecordKind.Mark && scan.Value > lastMark.Value) lastMark = new LogAddress(scan.Value);
            }
            if (i > index && header.PreviousEnd != 0) follows |= isLive;
            lost += lostHere;
        }
        if (lastMark > new LogAddress(_found[index].Header.Number, at))
            Throw.Corruption(path, at, $"a record, since everything before {lastMark} was durable once");
        if (follows)
            Throw.Corruption(path, at, "a record, since others follow that were written later, and the machine has not restarted since");
        return lost;
    }
}
