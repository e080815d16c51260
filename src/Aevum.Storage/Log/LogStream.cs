// LogStream: one stream of a log, as its owner sees it. Positions are dense from 1.
//
// Who may call what: appends, truncations and releases of one stream come from one owner at a time; readers may be many, on any thread.
//
// Not here: the log's bytes and locks (CommitLog), walking them (LogReader).

using System.Buffers;

namespace Aevum.Storage.Log;

/// <summary>Receives one record. The payload is borrowed until the method returns.</summary>
public delegate void LogRecordAction(ulong position, ReadOnlySpan<byte> payload);

public sealed class LogStream
{
    internal LogStream(CommitLog log, uint id, StreamIndex index)
    {
        Log = log;
        Id = id;
        Index = index;
        NextPosition = index.Last + 1;
    }

    public CommitLog Log { get; }

    public uint Id { get; }

    internal StreamIndex Index { get; }

    /// <summary>The position an append may take without ado; 0 if something must be said or refused first. Under the log's gate.</summary>
    internal ulong NextPosition { get; set; }

    /// <summary>True if the log does not know the stream's bounds yet. Under the log's gate.</summary>
    internal bool BoundsAreNews { get; set; }

    internal bool IsDropped { get; set; }

    /// <summary>Changes when a suffix is removed, so that readers look again where they are. Under the log's gate, read anywhere.</summary>
    internal int Truncations;

    // Scratch of a group append: the position expected next. Under the log's gate.
    internal ulong GroupPosition;

    /// <summary>The first position that can be read; <see cref="LastPosition"/> + 1 if there is none.</summary>
    public ulong FirstPosition => Log.Look(this).First;

    /// <summary>The last position appended; what was released counts, what was truncated does not. 0 for a new stream.</summary>
    public ulong LastPosition => Log.Look(this).Last;

    /// <summary>Lets go of every position up to this one, inclusive; segments that no stream needs any more are recycled. Beyond
    /// <see cref="LastPosition"/> the stream goes on from there: the next append is at <paramref name="upTo"/> + 1.</summary>
    /// <remarks>Written down with the stream's next append or at the close of the log: after a crash a release may have to be repeated,
    /// so owners release at open what their own records say.</remarks>
    public void Release(ulong upTo) => Log.Release(this, upTo);

    /// <summary>The stream's first position in the last segments of the log that together have this many bytes or, by the last of them, more: what
    /// lies before may be released by an owner who keeps that much log.</summary>
    public ulong FirstPositionInLast(long bytes) => Log.FirstPositionInLast(this, bytes);

    /// <summary>Removes the records from <paramref name="position"/> on; the next append takes that position. A record of its own, durable
    /// like one.</summary>
    /// <exception cref="Core.Errors.AevumException">InvalidArgument: the position lies outside of what the stream holds.</exception>
    public LogAddress TruncateSuffix(ulong position) => Log.TruncateSuffix(this, position);

    /// <summary>Opens a reader that stands before <paramref name="from"/>.</summary>
    public LogReader OpenReader(ulong from) => new(this, from);

    /// <summary>Calls <paramref name="action"/> with each record from <paramref name="from"/> to the present end.</summary>
    /// <returns>How many records there were.</returns>
    /// <exception cref="Core.Errors.AevumException">Compacted: <paramref name="from"/> was released.</exception>
    public long Replay(ulong from, LogRecordAction action)
    {
        using var reader = OpenReader(from);
        long count = 0;
        for (; reader.MoveNext(); count++) action(reader.Position, reader.Payload);
        return count;
    }

    /// <summary>Copies one record's payload.</summary>
    /// <returns>False if the position lies behind the end.</returns>
    /// <exception cref="Core.Errors.AevumException">Compacted: the position was released.</exception>
    public bool TryRead(ulong position, IBufferWriter<byte> target)
    {
        using var reader = OpenReader(position);
        if (!reader.MoveNext()) return false;
        target.Write(reader.Payload);
        return true;
    }
}
