// IShard: the seam between what is to be done and where: a range of the key order and its history, here or on another machine.
//
// Writing goes through batches of steps, which the shard's sequencer puts in order and decides. Reading goes past the sequencer, at a view.
// All keys are whole keys (KeyLayout).
//
// Always true: what Commit has answered is seen by every later read of the present, by whomever; a batch is seen whole or not at all.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.Access;

public interface IShard : IAppliedStream
{
    /// <summary>Names the shard in its database; never used again.</summary>
    uint Id { get; }

    /// <summary>Decides a batch and returns when that may be told: <see cref="StepBatch.Status"/> and the steps' results stand in the batch.</summary>
    /// <exception cref="AevumException">OutcomeUnknown: the log stopped after it had taken the batch. Else nothing was done: DiskFull, Closed,
    /// LimitExceeded, ClockJump, InvalidArgument (a merge without an operator).</exception>
    void Commit(StepBatch batch);

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    /// <exception cref="AevumException">Also Cancelled: before it began, and nothing was done. OutcomeUnknown: the caller left while it was decided
    /// and not yet acknowledged.</exception>
    ValueTask CommitAsync(StepBatch batch, CancellationToken cancellation = default);

    /// <summary>Decides a batch, and does not wait until that may be told: its status and results stand in it, for nobody's eyes before
    /// <see cref="EndCommit"/>, which may be called for the last of several.</summary>
    /// <exception cref="AevumException">As of <see cref="Commit"/>.</exception>
    PendingCommit BeginCommit(StepBatch batch);

    /// <summary>Returns when a batch, and all that were begun before it, may be told of.</summary>
    /// <exception cref="AevumException">OutcomeUnknown: the log stopped after it had taken the batch.</exception>
    void EndCommit(PendingCommit commit);

    /// <summary>Decides several batches in order, each on its own, and tells of them together: one wait for all.</summary>
    /// <remarks>Where one is refused with an exception, those before it stand; the exception names how many.</remarks>
    void CommitGroup(ReadOnlySpan<StepBatch> batches);

    /// <summary>Reads a value into the caller's buffer.</summary>
    /// <param name="target">If it is too short, nothing is copied; <see cref="ValueInfo.Length"/> tells what is needed.</param>
    /// <exception cref="HistoryUnavailableException">The view lies below the keyspace's history floor.</exception>
    ValueInfo Read(ReadOnlySpan<byte> key, ReadView view, Span<byte> target);

    /// <summary>Reads a value into an array of its own; null if there is none.</summary>
    byte[]? Read(ReadOnlySpan<byte> key, ReadView view, out ValueInfo info);

    /// <summary>Reads several keys at one moment.</summary>
    /// <param name="values">As many as keys: the value, or null.</param>
    void ReadMany(ReadOnlySpan<ReadOnlyMemory<byte>> keys, ReadView view, Span<byte[]?> values);

    /// <summary>The newest version that reads of the present see. It rises with every commit that comes to light: reads between two looks that find it the
    /// same saw one state.</summary>
    SystemTime Shown { get; }

    /// <summary>What reads of the present see now, held so that it can be read until it is disposed. Waits for nobody.</summary>
    IHeldMoment HoldShown();

    /// <summary>A hint: these keys will be read or written next. What memory holds of them is asked for together, so that the accesses themselves need
    /// not wait for it one after the other.</summary>
    void Prefetch(PackedKeys keys);

    /// <summary>A cursor over the keys of [start, end) that hold a value in the view.</summary>
    /// <param name="end">Null: to the end of the shard.</param>
    IShardCursor OpenCursor(byte[] start, byte[]? end, ReadView view);

    /// <summary>Every version of a key that may be asked about, newest first.</summary>
    IReadOnlyList<ValueVersion> VersionsOf(ReadOnlySpan<byte> key);

    /// <summary>How the last write before a time left a key, shown or not, as far as that is still known.</summary>
    /// <param name="expiry">Of what the key held then; None: it held nothing, or for ever.</param>
    /// <returns>False: it is not known.</returns>
    bool TryFindLeft(ReadOnlySpan<byte> key, SystemTime before, out SystemTime expiry);

    /// <summary>The time below which reads of the key's keyspace are refused.</summary>
    SystemTime HistoryFloorOf(ReadOnlySpan<byte> key);
}

/// <summary>A batch that is decided and may not be told of yet.</summary>
/// <param name="Address">Where the shard's log ends behind it; 0: there is nothing to wait for.</param>
/// <param name="Time">Its system time.</param>
public readonly record struct PendingCommit(ulong Address, ulong Time)
{
    /// <summary>True: it may be told of.</summary>
    public bool IsDone => Address == 0;
}

/// <summary>Walks keys in order, in both directions. Sees the shard as it was when it was opened; holds memory and files until disposed.</summary>
public interface IShardCursor : IDisposable
{
    bool Valid { get; }

    /// <summary>Valid until the next move, as <see cref="Value"/>.</summary>
    ReadOnlySpan<byte> Key { get; }

    ReadOnlySpan<byte> Value { get; }

    SystemTime Version { get; }

    SystemTime Expiry { get; }

    void SeekToFirst();

    void SeekToLast();

    /// <summary>To the first key at or after.</summary>
    void Seek(ReadOnlySpan<byte> key);

    /// <summary>To the last key at or before.</summary>
    void SeekForPrev(ReadOnlySpan<byte> key);

    void Next();

    void Prev();
}

/// <summary>Which shard a key lives in. Keys of one locality live in one.</summary>
public interface IShardRouter : IAppliedStream
{
    IReadOnlyList<IShard> Shards { get; }

    IShard ShardOf(ReadOnlySpan<byte> key);

    /// <summary>The shards that [start, end) touches, in key order, each with the part of the range it holds.</summary>
    IEnumerable<(IShard Shard, byte[] Start, byte[]? End)> ShardsOf(byte[] start, byte[]? end);

    /// <summary>Commits a batch for each of several shards at one system time: all of them or, if a step of one is not done, none.</summary>
    /// <param name="parts">Each shard once.</param>
    void CommitJointly(IReadOnlyList<(IShard Shard, StepBatch Part)> parts);

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    /// <exception cref="AevumException">As of <see cref="IShard.CommitAsync"/>.</exception>
    ValueTask CommitJointlyAsync(IReadOnlyList<(IShard Shard, StepBatch Part)> parts, CancellationToken cancellation = default);

    /// <summary>A moment that can be read, on every shard alike, until it is disposed.</summary>
    IHeldMoment HoldNow();
}

/// <summary>Keeps the history floors of all shards at or below its moment.</summary>
public interface IHeldMoment : IDisposable
{
    SystemTime At { get; }
}
