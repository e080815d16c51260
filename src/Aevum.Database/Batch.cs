// Batch: steps on keys of several keyspaces that are done at one instant, or not at all.
//
// Steps go to the shard of their key. One shard decides alone; several commit jointly.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.KeyValue;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>Writes to be done together. One thread; used once.</summary>
public sealed class Batch
{
    readonly Session _session;
    readonly Dictionary<IShard, StepBatch> _parts = [];
    readonly List<(IShard Shard, int Step)> _steps = [];
    readonly HashSet<Collection> _collections = [];   // that vectors are put into
    bool _isCommitted;

    internal Batch(Session session) => _session = session;

    /// <summary>Kept beside the commit; null: the session's.</summary>
    public CommitNote? Note { get; set; }

    // The time it must be committed at; None: any.
    internal SystemTime At { get; set; }

    /// <summary>The commit's system time; None before, or if there was nothing to write.</summary>
    public SystemTime Time { get; private set; }

    /// <summary>True if the batch's idempotency key had been used before: nothing was done again, <see cref="Time"/> is that of the first time.</summary>
    public bool IsRepeated { get; private set; }

    /// <summary>How many steps.</summary>
    public int Count => _steps.Count;

    /// <returns>The step's number, as in all methods that add one.</returns>
    public int Put(Keyspace keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, TimeSpan? timeToLive = null)
    {
        var expiry = Of(keyspace).ExpiryFor(timeToLive);
        var full = Full(keyspace, key);
        return Add(full, PartOf(full).Put(full, value, expiry));
    }

    /// <summary>Puts a value that counts as absent from a time on, which may lie in the past; None: never.</summary>
    public int PutUntil(Keyspace keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        var full = Full(Of(keyspace), key);
        return Add(full, PartOf(full).Put(full, value, expiry));
    }

    /// <summary>Puts on condition that the key still has a version; None: that it holds nothing.</summary>
    public int PutAt(Keyspace keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expected, TimeSpan? timeToLive = null)
    {
        var expiry = Of(keyspace).ExpiryFor(timeToLive);
        var full = Full(keyspace, key);
        return Add(full, PartOf(full).Put(full, value, Precondition.AtVersion(expected), expiry));
    }

    public int Delete(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        var full = Full(Of(keyspace), key);
        return Add(full, PartOf(full).Delete(full));
    }

    /// <summary>Gives a key of a collection a vector.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <exception cref="AevumException">InvalidArgument: not a vector of the collection.</exception>
    public int Put(Collection collection, ReadOnlySpan<byte> key, ReadOnlySpan<float> vector)
    {
        ArgumentNullException.ThrowIfNull(collection);
        return PutRow(collection, key, collection.RowOf(vector));
    }

    /// <summary>The same for components in the collection's element type, little endian.</summary>
    public int PutElements(Collection collection, ReadOnlySpan<byte> key, ReadOnlySpan<byte> elements)
    {
        ArgumentNullException.ThrowIfNull(collection);
        return PutRow(collection, key, collection.RowOf(elements));
    }

    int PutRow(Collection collection, ReadOnlySpan<byte> key, byte[] row)
    {
        _collections.Add(collection);
        return Put(collection.Rows, key, row);
    }

    /// <summary>Deletes a key of a collection.</summary>
    public int Delete(Collection collection, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(collection);
        return Delete(collection.Rows, key);
    }

    public int Merge(Keyspace keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        var full = Full(Of(keyspace), key);
        return Add(full, PartOf(full).Merge(full, operand));
    }

    /// <summary>Adds to a number; <see cref="NumberOf"/> tells the sum.</summary>
    public int Increment(Keyspace keyspace, ReadOnlySpan<byte> key, long delta = 1)
    {
        var full = Full(Of(keyspace), key);
        return Add(full, PartOf(full).Call(Model.KeyValue.Increment.Instance, full, BitConverter.GetBytes(delta)));
    }

    /// <summary>Holds the whole batch to a key's version; None: the key must hold nothing.</summary>
    public int Check(Keyspace keyspace, ReadOnlySpan<byte> key, SystemTime expected)
    {
        var full = Full(Of(keyspace), key);
        return Add(full, PartOf(full).Check(full, Precondition.AtVersion(expected)));
    }

    /// <summary>Commits: all steps, at one instant, or none.</summary>
    /// <returns>False if a condition did not hold: nothing was done.</returns>
    /// <exception cref="AevumException">ReadOnly, DiskFull, LimitExceeded, InvalidArgument, OutcomeUnknown.</exception>
    public bool TryCommit()
    {
        var parts = Begin();
        _session.Database.Router.CommitJointly(parts);
        return End();
    }

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    /// <exception cref="AevumException">Also Cancelled: before it began, and nothing was done. OutcomeUnknown: it was cancelled while it was on
    /// its way to the disk, and may be done.</exception>
    public async ValueTask<bool> TryCommitAsync(CancellationToken cancellation = default)
    {
        var parts = Begin();
        await _session.Database.Router.CommitJointlyAsync(parts, cancellation);
        return End();
    }

    (IShard Shard, StepBatch Part)[] Begin()
    {
        if (_isCommitted) Throw.Invalid("a batch is committed once");
        _session.RequireWritable();
        _isCommitted = true;
        foreach (var collection in _collections) collection.Index?.WaitForRoom();
        var note = Note ?? _session.Note;
        if (note?.IdempotencyKey is not null && _parts.Count > 1) Throw.Invalid("a batch with an idempotency key touches one shard");
        foreach (var part in _parts.Values)
        {
            part.Note = note;
            part.At = At;
            part.Namespace = _session.Default.Id.Namespace;
        }
        return [.. _parts.Select(p => (p.Key, p.Value))];
    }

    bool End()
    {
        foreach (var part in _parts.Values)
        {
            if (part.Status == CommitStatus.Refused)
            {
                ThrowIfStepFailed(part);
                return false;
            }
            IsRepeated |= part.Status == CommitStatus.Repeated;
            if (part.Time > Time) Time = part.Time;
        }
        return true;
    }

    /// <summary>Commits, and takes a condition that does not hold as an error.</summary>
    /// <exception cref="AevumException">Conflict: a condition did not hold; and those of <see cref="TryCommit"/>.</exception>
    public SystemTime Commit()
    {
        if (!TryCommit()) throw DidNotHold();
        return Time;
    }

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    /// <exception cref="AevumException">Conflict, and those of <see cref="TryCommitAsync"/>.</exception>
    public async ValueTask<SystemTime> CommitAsync(CancellationToken cancellation = default)
    {
        if (!await TryCommitAsync(cancellation)) throw DidNotHold();
        return Time;
    }

    static AevumException DidNotHold() => new(ErrorCode.Conflict, "a condition of the batch did not hold: nothing was done");

    /// <summary>What a step returned.</summary>
    public long NumberOf(int step) => _parts[_steps[step].Shard].ResultOf(_steps[step].Step).Number;

    static void ThrowIfStepFailed(StepBatch part)
    {
        if (part.FailedStep < 0) return;
        var result = part.ResultOf(part.FailedStep);
        if (result.Status == StepStatus.Failed) throw new AevumException(result.Code, result.Message ?? "a step failed");
    }

    Keyspace Of(Keyspace keyspace)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        if (_isCommitted) Throw.Invalid("the batch has been committed");
        return keyspace;
    }

    static byte[] Full(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        if (KeyLayout.LengthOf(key.Length) > keyspace.KeyBytesMax)
            Throw.Limit("the key's length", key.Length, keyspace.KeyBytesMax - KeyspaceId.PrefixBytes);
        return KeyLayout.Make(keyspace.Id, key);
    }

    StepBatch PartOf(byte[] full)
    {
        var shard = _session.Database.Router.ShardOf(full);
        if (!_parts.TryGetValue(shard, out var part)) _parts[shard] = part = new StepBatch(_session.Database.Options.Limits);
        return part;
    }

    int Add(byte[] full, int step)
    {
        _steps.Add((_session.Database.Router.ShardOf(full), step));
        return _steps.Count - 1;
    }
}
