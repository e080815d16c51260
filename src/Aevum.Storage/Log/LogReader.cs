// LogReader: walks one stream forward, beside appends. At the end it says no and may be asked again later.
//
// It goes from run to run (StreamIndex): where a run begins it asks the log, under its gate, for the place and the end of the run, and pins
// the segment; inside the run it walks record headers without a lock. Everything below the run's end was published before the log
// told of it, and published bytes never change.
//
// A reader that rests should be parked: it keeps its place, and no segment waits for it to be freed.
//
// A truncation while a reader is inside the removed suffix: what it has handed out was true when it entered the run; from the next move on
// it reads the stream as it is. Every payload's CRC is checked before it is handed out.

using Aevum.Core.Errors;

namespace Aevum.Storage.Log;

public sealed class LogReader : IDisposable
{
    readonly LogStream _stream;
    LogSegment? _segment;
    LogSegment? _viewed;    // the segment of the view; good again whenever the log says that this is where to read on
    SegmentView? _view;
    ulong _next;            // the position MoveNext is to find
    ulong _runEnd;          // the first position behind the run; _next = _runEnd: ask the log
    uint _offset;           // where the record behind the present one begins; 0 after a seek
    uint _limit;            // the segment's end when the run was entered
    int _truncations;
    uint _payloadOffset;
    int _payloadLength;
    bool _disposed;

    internal LogReader(LogStream stream, ulong from)
    {
        _stream = stream;
        _next = _runEnd = Math.Max(1, from);
    }

    /// <summary>Position of the present record.</summary>
    public ulong Position { get; private set; }

    /// <summary>Where the present record begins in the log.</summary>
    public LogAddress Address { get; private set; }

    /// <summary>Epoch of the segment of the present record: with the position it tells the record from every other that ever stood there, unless the
    /// stream's owner truncated it.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>Payload of the present record. Valid until the next move, seek, Park or Dispose.</summary>
    public ReadOnlySpan<byte> Payload => _segment is null ? default : _view!.GetSpan(_payloadOffset, _payloadLength);

    /// <summary>Stands before <paramref name="position"/> again.</summary>
    public void Seek(ulong position)
    {
        _next = _runEnd = Math.Max(1, position);
        Position = 0;
        _payloadLength = 0;
        _offset = 0;
    }

    /// <summary>Lets go of the present record and its segment and keeps the place: the next move goes on from here.</summary>
    public void Park()
    {
        if (_segment is null) return;
        _payloadLength = 0;
        _runEnd = _next;
        _stream.Log.Unpin(_segment);
        _segment = null;
    }

    /// <summary>Moves to the next record.</summary>
    /// <returns>False at the present end of the stream.</returns>
    /// <exception cref="AevumException">Compacted: the record was released. Corruption: its bytes are damaged. Closed.</exception>
    public bool MoveNext()
    {
        if (_disposed) Throw.Closed("the log reader");
        if ((_next == _runEnd || _truncations != Volatile.Read(ref _stream.Truncations)) && !EnterRun()) return false;
        while (true)
        {
            var room = (long)_limit - _offset;
            if (room < RecordFormat.HeaderBytes) Missing(_offset);
            var header = RecordFormat.ReadHeader(_view!.GetSpan(_offset, RecordFormat.HeaderBytes));
            if (!RecordFormat.IsPlausible(header, (uint)_segment!.Header.Epoch, room)) Missing(_offset);
            var offset = _offset;
            _offset += (uint)header.Size;
            if (header.Kind != RecordKind.Data || header.Stream != _stream.Id || header.Position != _next) continue;
            if (!RecordFormat.IsIntact(_view.GetSpan(offset, (int)header.Size), _segment.Salt, offset)) Missing(offset);
            Position = _next++;
            Address = new LogAddress(_segment.Number, offset);
            Epoch = _segment.Header.Epoch;
            _payloadOffset = offset + RecordFormat.HeaderBytes;
            _payloadLength = (int)header.Length;
            return true;
        }
    }

    bool EnterRun()
    {
        var truncations = Volatile.Read(ref _stream.Truncations);
        _runEnd = _next;   // also if what follows throws: then the next move asks again
        if (!_stream.Log.TryEnterRun(_stream, _next, ref _segment, out var offset, out var runEnd, out var limit)) return false;
        (_runEnd, _limit) = (runEnd, limit);
        // Inside the segment it came from, a reader need not walk again from where the run begins.
        _offset = _segment == _viewed && truncations == _truncations ? Math.Max(offset, _offset) : offset;
        _truncations = truncations;
        if (_segment == _viewed) return true;
        _view = _segment!.CreateView();
        _viewed = _segment;
        return true;
    }

    void Missing(uint offset) =>
        Throw.Corruption(_segment!.Path, offset, $"a record on the way to position {_next} of stream {_stream.Id}");

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_segment is not null) _stream.Log.Unpin(_segment);
        _segment = _viewed = null;
        _view = null;
    }
}
