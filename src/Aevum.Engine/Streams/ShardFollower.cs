// ShardFollower: one subscription's place in one shard's stream. It reads the log a chunk at a time and never keeps a segment in between.
//
//   given  <=  scanned  <=  shown  <=  appended
//
// What has been shown to readers is bounded by the shard's visible time, which rises from batch to batch; a batch in the log above it (under
// `always`: appended, perhaps applied, not yet durable) is left for the next look.
//
// Always true: between two calls no segment is pinned; what is in the chunk lies between given and scanned.

using Aevum.Core.Batches;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Log;

namespace Aevum.Engine.Streams;

sealed class ShardFollower : IDisposable
{
    /// <summary>Bytes of log looked through at a time, where they do not touch the range: a few milliseconds at most.</summary>
    const int ScanBytesMax = 1 << 20;

    readonly LocalShard _shard;
    readonly StreamRange _range;
    readonly LogStream _stream;
    readonly LogReader _reader;
    readonly BatchChunk _chunk;
    StreamPosition _given;
    StreamPosition _scanned;
    SystemTime _looked = SystemTime.None;   // what was shown when nothing shown was left to read
    SystemTime _scannedTime;                // of the batch that was scanned last

    /// <param name="range">What of the shard is wanted.</param>
    public ShardFollower(LocalShard shard, StreamRange range, StreamPosition after)
    {
        _shard = shard;
        _range = range;
        _stream = shard.LogStream;
        _chunk = new BatchChunk(range);
        _given = _scanned = after;
        _reader = _stream.OpenReader(after.Position + 1);
    }

    public LocalShard Shard => _shard;

    public StreamRange Range => _range;

    /// <summary>A batch is at hand.</summary>
    public bool HasNext => !_chunk.IsEmpty;

    public SystemTime NextTime => _chunk.NextTime;

    /// <summary>Batches have been shown that were not looked at yet.</summary>
    public bool HasUnread => _shard.Tree.VisibleTime > _looked;

    /// <summary>True if everything of the range that was shown at a moment has been given.</summary>
    public bool Covers(SystemTime shown) => HasNext ? NextTime > shown : _looked >= shown || _scannedTime >= shown;

    /// <summary>Everything of the range up to here was given.</summary>
    public StreamPosition Given => _chunk.IsEmpty ? _scanned : _given;

    public long Behind => (long)Math.Max(_stream.LastPosition, Given.Position) - (long)Given.Position;

    public AppliedBatch Take() => _chunk.Take(out _given);

    /// <summary>Reads on, if nothing is at hand: until a chunk is full, nothing shown is left, or a good stretch was looked through.</summary>
    /// <exception cref="AevumException">Lagging: the next position was let go of.</exception>
    public void Fill()
    {
        if (!_chunk.IsEmpty) return;
        var shown = _shard.Tree.VisibleTime;   // before the log: what is shown later may be met, and is left
        if (shown <= _looked) return;
        _chunk.Clear();
        _given = _scanned;
        try
        {
            long scannedBytes = 0;
            while (!_chunk.IsFull && scannedBytes < ScanBytesMax)
            {
                if (!TryReadShown(shown))
                {
                    _looked = shown;
                    return;
                }
                scannedBytes += _reader.Payload.Length;
                _chunk.Add(_scanned, _reader.Payload);
            }
        }
        catch (AevumException released) when (released.Code == ErrorCode.Compacted)
        {
            if (_chunk.IsEmpty)
                throw new AevumException(
                    ErrorCode.Lagging,
                    $"the subscriber stands before position {_scanned.Position + 1} of shard {_shard.Id}, which was let go of: " +
                    $"the first one left is {_stream.FirstPosition}", released);
        }
        finally
        {
            _reader.Park();
        }
    }

    /// <summary>Passes over every batch up to a moment that is over. Of no use once something was given.</summary>
    public void SkipThrough(SystemTime moment)
    {
        try
        {
            while (TryReadShown(moment)) { }
            _given = _scanned;
        }
        finally
        {
            _reader.Park();
        }
    }

    // A batch above the bound is left where it is.
    bool TryReadShown(SystemTime shown)
    {
        if (!_reader.MoveNext()) return false;
        Invariant.Require(_reader.Position == _scanned.Position + 1, "positions of a stream are dense");
        var time = new BatchReader(_reader.Payload).SystemTime;
        if (time > shown)
        {
            _reader.Seek(_reader.Position);
            return false;
        }
        _scannedTime = time;
        _scanned = new(_shard.Id, _reader.Position, _reader.Epoch);
        return true;
    }

    public void Dispose() => _reader.Dispose();
}
