// CommitLog: one log (what the field calls a write-ahead log): a directory of segments, with the records of many streams in the order in
// which they were appended.
//
// An append writes its record into the current segment's mapped pages and publishes it; from then on it survives the death of the
// process. It allocates nothing, asks no clock and takes one lock. Surviving the loss of power is WaitDurable's affair.
//
//   this file                 opening, appending, closing
//   CommitLog.Durability      syncs, marks, policies
//   CommitLog.Streams         truncation, release, reading
//   CommitLog.Segments        change of segment, pages touched ahead, freed segments, the background body
//   CommitLog.Files           the next segment made, spares, files recycled
//
// Two locks, always taken in this order; none is held while waiting for a background body:
//   _makerGate    segment files are made, renamed, deleted
//   _gate         everything in memory: the tail, the streams, the list of segments
// Beside them the turn (CommitLog.Durability): one sync at a time, and none while a file goes. It is waited for without any lock.
//
// Always true:
//   (1) a record is published before any number that speaks of it moves (the tail, the stream's last position);
//   (2) what is refused (no space, wrong position, a closed log) has changed nothing;
//   (3) after a failed sync or publish nothing is appended and nothing becomes durable any more (_failure);
//   (4) an opened log goes on in a new segment with a new epoch: no unfinished tail is ever written behind.
//
// Not here: who may open the directory (the database's lock), what payloads mean. Bytes: docs/formats/log.md.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog : IDisposable
{
    /// <summary>Longest payload of one record, in bytes.</summary>
    public const int PayloadBytesMax = RecordFormat.PayloadBytesMax;

    /// <summary>Most bytes of one group append, the records' headers included.</summary>
    public const long GroupBytesMax = 1L << 30;

    readonly IFileSystem _files;
    readonly IScheduler _scheduler;
    readonly string _directory;
    readonly LogOptions _options;
    readonly ulong _boot;

    readonly object _makerGate = new();
    readonly object _gate = new();

    readonly Dictionary<uint, LogStream> _streams = [];
    readonly List<LogSegment> _segments = [];   // dense by number; the last one is current if it was made by this process

    LogSegment? _current;
    IAppendRegion? _region;    // of the current segment
    uint _tail;                // where the next record begins
    uint _epochLow;
    uint _salt;
    uint _number;
    long _softEnd;             // an append that ends beyond goes the slow way; 0 sends every append there
    ulong _appended;           // address behind the last record; read without the gate
    long _appendedRecords;
    long _writtenBytes;
    Exception? _failure;
    bool _closed;              // nothing more is appended
    bool _filesAreClosed;      // a segment is closed when its last pin goes

    CommitLog(IFileSystem files, IScheduler scheduler, string directory, LogOptions options, RecoveredLog recovered)
    {
        _files = files;
        _scheduler = scheduler;
        _directory = directory;
        _options = options;
        _boot = SegmentHeader.BootOf(files.BootId);
        _turnEnded = scheduler.CreateSignal("the end of a log sync");
        _segments.AddRange(recovered.Segments);
        foreach (var (id, index) in recovered.Streams) _streams[id] = new LogStream(this, id, index);
        Recovery = recovered.Report;
        _appended = recovered.Report.End.Value;
        _durable = recovered.Report.LastMark.Value;
        _discarded = recovered.Discarded;
        _lastRemoval = recovered.LastRemoval.Value;
        // Upwards from there.
        _epoch = recovered.EpochMax != 0 ? recovered.EpochMax : scheduler.CreateRandom("log epochs").NextUInt64() >> 1;
        _nextCapacity = options.FirstSegmentBytes;
    }

    /// <summary>Reads what is there and opens it for appending. Writes nothing before the first append.</summary>
    /// <exception cref="AevumException">Corruption: the message names file and offset. InvalidArgument: options without
    /// meaning.</exception>
    public static CommitLog Open(IFileSystem files, IScheduler scheduler, string directory, LogOptions options)
    {
        CheckOptions(options);
        var recovered = LogRecovery.Run(files, directory, options);
        var log = new CommitLog(files, scheduler, directory, options, recovered);
        log.DeleteOldSpares();
        return log;
    }

    static void CheckOptions(LogOptions options)
    {
        if (options.SegmentBytes < 64 << 10 || options.SegmentBytes % 4096 != 0 || options.SegmentBytes > 1 << 30)
            Throw.Invalid($"a log segment has 64 KiB to 1 GiB in steps of 4 KiB, not {options.SegmentBytes} bytes");
        if (options.FirstSegmentBytes < 4096 || options.FirstSegmentBytes % 4096 != 0 || options.FirstSegmentBytes > options.SegmentBytes)
            Throw.Invalid($"the first log segment has 4 KiB up to the size of others in steps of 4 KiB, not {options.FirstSegmentBytes}");
        if (options.SpareSegments is < 1 or > 8) Throw.Invalid($"a log keeps 1 to 8 spare segments, not {options.SpareSegments}");
    }

    /// <summary>What the open found.</summary>
    public LogRecoveryReport Recovery { get; }

    public SyncPolicy Sync => _options.Sync;

    /// <summary>Behind the last record appended.</summary>
    public LogAddress Appended => new(Volatile.Read(ref _appended));

    /// <summary>Why the log stopped; null while it works.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Appends a record to a stream.</summary>
    /// <param name="stream">A stream of this log.</param>
    /// <param name="position">The stream's last position + 1; anything else is refused, so that a lost or doubled record shows at
    /// once.</param>
    /// <param name="payload">Borrowed until the return. At most <see cref="PayloadBytesMax"/>.</param>
    /// <returns>The address behind the record, for <see cref="WaitDurable"/> or <see cref="WaitAcknowledged"/>.</returns>
    /// <exception cref="AevumException">DiskFull: nothing was written, and a later attempt may succeed. Closed: the log stopped.
    /// LimitExceeded, InvalidArgument.</exception>
    public LogAddress Append(LogStream stream, ulong position, ReadOnlySpan<byte> payload) => Append(stream, position, default, payload);

    /// <summary>The same with a payload in two parts, which are stored one behind the other.</summary>
    public LogAddress Append(LogStream stream, ulong position, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var length = (long)head.Length + body.Length;
        if (length > PayloadBytesMax) Throw.Limit("the length of a log record's payload", length, PayloadBytesMax);
        var size = (int)RecordFormat.SizeOf(length);
        lock (_gate)
        {
            if (stream.Log == this && stream.NextPosition == position && _tail + (long)size <= _softEnd)
                return AppendLocked(stream, position, head, body, size);
        }
        return AppendSlowly(stream, position, head, body, size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    LogAddress AppendLocked(LogStream stream, ulong position, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, int size)
    {
        var offset = _tail;
        RecordFormat.Write(_region!.GetSpan(offset, size), _salt, _epochLow, offset, RecordKind.Data, stream.Id, position, head, body);
        PublishLocked(offset, offset + (uint)size);
        NoteDataLocked(stream, position, offset);
        return new LogAddress(_appended);
    }

    void NoteDataLocked(LogStream stream, ulong position, uint offset)
    {
        stream.Index.Append(new LogAddress(_number, offset));
        stream.NextPosition = position + 1;
        _appendedRecords++;
    }

    // The tail moves only when the bytes are safe from the death of the process.
    void PublishLocked(uint start, uint end)
    {
        try
        {
            _region!.Publish(start, end);
        }
        catch (Exception failure)
        {
            // What reached the file is unknown, so this place can neither be used nor skipped.
            FailLocked(failure);
            Throw.Closed(Name, failure);
        }
        _tail = end;
        _current!.End = end;
        _writtenBytes += end - start;
        Volatile.Write(ref _appended, new LogAddress(_number, end).Value);
    }

    LogAddress AppendSlowly(LogStream stream, ulong position, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, int size)
    {
        while (true)
        {
            LogAddress? done = null;
            lock (_gate)
            {
                CheckUsableLocked(stream);
                if (position != stream.Index.Last + 1) WrongPosition(stream, stream.Index.Last + 1, position);
                if (TryMakeRoomLocked(size + NewsSize(stream)))
                {
                    WriteNewsLocked(stream);
                    done = AppendLocked(stream, position, head, body, size);
                    UpdateSoftEndLocked();
                }
            }
            if (done is null) MakeNextFor(size);
            RunAfterAppend();
            if (done is { } address) return address;
        }
    }

    /// <summary>Appends several records, of one or many streams, in the given order and as one publish. All are accepted or none; but the
    /// death of the process in the middle may keep a first part of them.</summary>
    /// <returns>The address behind the last one.</returns>
    public LogAddress Append(ReadOnlySpan<LogEntry> entries)
    {
        if (entries.Length == 0) return Appended;
        while (true)
        {
            LogAddress? done = null;
            long size;
            lock (_gate)
            {
                size = CheckGroupLocked(entries);
                if (TryMakeRoomLocked(size))
                {
                    WriteGroupLocked(entries);
                    done = new LogAddress(_appended);
                    UpdateSoftEndLocked();
                }
            }
            if (done is null) MakeNextFor(size);
            RunAfterAppend();
            if (done is { } address) return address;
        }
    }

    // Looks at every entry before any is written. Returns the bytes they take at most.
    long CheckGroupLocked(ReadOnlySpan<LogEntry> entries)
    {
        long size = RecordFormat.SmallRecordBytes;   // a mark
        foreach (ref readonly var entry in entries)
        {
            CheckUsableLocked(entry.Stream);
            entry.Stream.GroupPosition = 0;
        }
        foreach (ref readonly var entry in entries)
        {
            var stream = entry.Stream;
            if (stream.GroupPosition == 0)
            {
                stream.GroupPosition = stream.Index.Last + 1;
                if (stream.BoundsAreNews) size += RecordFormat.SmallRecordBytes;
            }
            if (entry.Truncates)
            {
                if (entry.Position < stream.Index.First || entry.Position > stream.GroupPosition)
                    WrongPosition(stream, stream.GroupPosition, entry.Position);
                stream.GroupPosition = entry.Position;
                size += RecordFormat.HeaderBytes;
                continue;
            }
            if (entry.Position != stream.GroupPosition) WrongPosition(stream, stream.GroupPosition, entry.Position);
            var length = (long)entry.Head.Length + entry.Body.Length;
            if (length > PayloadBytesMax) Throw.Limit("the length of a log record's payload", length, PayloadBytesMax);
            size += RecordFormat.SizeOf(length);
            stream.GroupPosition++;
        }
        if (size > GroupBytesMax) Throw.Limit("the size of a group of log records", size, GroupBytesMax);
        return size;
    }

    void WriteGroupLocked(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            WriteNewsLocked(entry.Stream);
            entry.Stream.GroupPosition = entry.Stream.Index.Last + 1;
        }
        var start = _tail;
        var at = start;
        foreach (ref readonly var entry in entries)
        {
            var stream = entry.Stream;
            if (entry.Truncates && entry.Position == stream.GroupPosition) continue;   // nothing to remove
            at = entry.Truncates
                ? StoreLocked(at, RecordKind.Truncate, stream.Id, entry.Position, default, default)
                : StoreLocked(at, RecordKind.Data, stream.Id, entry.Position, entry.Head.Span, entry.Body.Span);
            stream.GroupPosition = entry.Truncates ? entry.Position : entry.Position + 1;
        }
        if (at == start) return;   // truncations of nothing
        PublishLocked(start, at);
        at = start;
        foreach (ref readonly var entry in entries)
        {
            if (entry.Truncates)
            {
                if (entry.Position > entry.Stream.Index.Last) continue;
                NoteTruncationLocked(entry.Stream, entry.Position);
                at += RecordFormat.HeaderBytes;
                continue;
            }
            NoteDataLocked(entry.Stream, entry.Position, at);
            at += (uint)RecordFormat.SizeOf((long)entry.Head.Length + entry.Body.Length);
        }
    }

    // Writes a record that nobody sees yet: its bytes are published by the caller. Returns the offset behind it.
    uint StoreLocked(uint offset, RecordKind kind, uint stream, ulong position, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var size = (int)RecordFormat.SizeOf((long)head.Length + body.Length);
        RecordFormat.Write(_region!.GetSpan(offset, size), _salt, _epochLow, offset, kind, stream, position, head, body);
        return offset + (uint)size;
    }

    void CheckUsableLocked(LogStream stream)
    {
        if (_failure is not null || _closed) Throw.Closed(Name, _failure);
        if (stream.Log != this || stream.IsDropped) Throw.Invalid($"stream {stream.Id} is none of {Name}, or was dropped");
    }

    string Name => $"the log {_directory}";

    static void WrongPosition(LogStream stream, ulong expected, ulong actual) =>
        Throw.Invalid($"stream {stream.Id} goes on at position {expected}, not at {actual}");

    void FailLocked(Exception failure)
    {
        _failure ??= failure;
        _softEnd = 0;
    }

    /// <summary>Syncs what was appended, leaves a mark, closes the files. A reader that stands on a record may
    /// look at it until it moves.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _softEnd = 0;
        }
        StopBackground();
        try
        {
            SyncTo(Appended);
        }
        catch (AevumException)
        {
            // A log that cannot be synced says so to whoever waits for it; here nobody does, and Failure tells.
        }
        lock (_makerGate)
        {
            lock (_gate)
            {
                WriteClosingNewsLocked();
                _filesAreClosed = true;
                foreach (var segment in _segments)
                    if (segment.Pins == 0) segment.Dispose();
                _current = null;
                _region = null;
            }
            CloseSpares();
        }
    }
}
