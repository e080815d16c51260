// IAppliedStream: what was applied, batch by batch, for whoever follows: segments of an index, watches, blocking commands, change feeds, standby
// replicas. One shard's, or those of all shards a range touches, merged.
//
//   Subscribe ─> [SnapshotRow]* SnapshotEnd ─> Committed, Committed, ...          with StreamStart.Snapshot
//   Subscribe ─> Committed, Committed, ...                                        with StreamStart.Now, StreamStart.After(token)
//
// Promised:
//   (1) of each shard, every batch that touches the range, once, in log order, and only what reads of the present may see already;
//   (2) snapshot and stream fit: the rows are the range as of the moment named at SnapshotEnd, and what follows is exactly what came after;
//   (3) the token names everything given so far, batches that did not touch the range included: whoever keeps it and resumes with it misses
//       nothing and gets nothing twice;
//   (4) what cannot be given any more is an error, never a gap: Lagging (a subscriber that lives), Compacted (one that resumes);
//   (5) across shards: a batch is given before one of a later time, unless it came to light after that one was given. The parts of one commit over
//       several shards are batches of the same time, one a shard.
//
// Nothing expires in a stream: a put carries its expiry, and whoever follows holds it against the clock, as reads do.

using System.Buffers;
using Aevum.Core.Errors;

namespace Aevum.Model.Access;

public interface IAppliedStream
{
    /// <summary>Follows a range of keys.</summary>
    /// <exception cref="AevumException">Compacted: a position of the token was let go of; the message names the first one left. InvalidArgument: a
    /// position lies behind the end or holds another batch (a restored or truncated log), or the token lacks a shard of the range.
    /// Closed.</exception>
    ISubscription Subscribe(StreamRange range, StreamStart start);
}

/// <summary>Where a subscription begins.</summary>
/// <param name="Kind">What is given first.</param>
/// <param name="Token">Of <see cref="StreamStartKind.After"/>.</param>
public readonly record struct StreamStart(StreamStartKind Kind, StreamToken? Token = null)
{
    /// <summary>With every key and value of the range as of now; then what comes after.</summary>
    public static StreamStart Snapshot => new(StreamStartKind.Snapshot);

    /// <summary>With what comes after now: whatever a read that begins after the call does not see yet.</summary>
    public static StreamStart Now => new(StreamStartKind.Now);

    /// <summary>Behind the batches that a token names.</summary>
    public static StreamStart After(StreamToken token) => new(StreamStartKind.After, token);
}

public enum StreamStartKind : byte
{
    Snapshot = 0,
    Now = 1,
    After = 2,
}

/// <summary>One follower's place in the stream. One thread at a time; only <see cref="IDisposable.Dispose"/> may come from another.</summary>
public interface ISubscription : IDisposable
{
    StreamRange Range { get; }

    /// <summary>True until the end of the snapshot was given. Meanwhile history is held back for it.</summary>
    bool IsInSnapshot { get; }

    /// <summary>The next batch, if one is at hand.</summary>
    /// <param name="batch">Valid until the next call.</param>
    /// <returns>False if there is none now, or none was found yet in a stretch that does not touch the range: ask <see cref="Wait"/> either
    /// way.</returns>
    /// <exception cref="AevumException">Lagging: the next position was let go of; the message names the first one left. Closed.</exception>
    bool TryNext(out AppliedBatch batch);

    /// <summary>Returns when it is worth asking <see cref="TryNext"/>: mostly with a batch at hand, sometimes with one that does not touch the
    /// range.</summary>
    /// <param name="timeout">Null: no limit.</param>
    /// <returns>False if the time passed first.</returns>
    /// <exception cref="AevumException">Closed: the shards, the scheduler or this subscription.</exception>
    bool Wait(TimeSpan? timeout = null);

    /// <summary>The same without holding a thread.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the subscription can be used on.</exception>
    ValueTask WaitAsync(CancellationToken cancellation = default);

    /// <summary>What was given so far, and what of the range there was to give before the next batch: to resume with. Allocates.</summary>
    /// <exception cref="AevumException">InvalidArgument: the snapshot is not complete; who stops now must begin again.</exception>
    StreamToken Token { get; }

    /// <summary>Batches, touching the range or not, between the last one given and the end of the shards' streams.</summary>
    long Behind { get; }

    /// <summary>The value that a key held right behind the batch given last: what its merges made of it.</summary>
    /// <param name="key">A key of the range.</param>
    /// <param name="exists">Whether it held one.</param>
    /// <returns>False if nobody can tell any more: the key was written again since, and its keyspace keeps no history that far. In a subscriber
    /// that keeps up that is rare; who must know in any case folds the operands.</returns>
    bool TryReadBehind(ReadOnlySpan<byte> key, IBufferWriter<byte> value, out bool exists);
}
