// Transaction: reads and writes over keys, keyspaces and shards that become one commit.
//
//   reads     its own writes first; else one moment (repeatable read, serializable) or the present (read committed)
//   writes    kept here until the commit; then one batch of steps for each shard, with what must not have changed as preconditions
//
//   isolation         preconditions of the commit
//   read committed    of keys read for update: the version read under the lock
//   repeatable read   of keys written, or read for update: unchanged since the moment (first committer wins)
//   serializable      of keys and ranges read: unchanged since the moment. Without writes: none; it has seen one moment
//
// Correctness is the preconditions' alone; locks (ReadForUpdate, and writes under read committed) only make others wait instead of fail. Writers
// outside of transactions take no locks, and are found by the preconditions.
//
// Always true: nothing is written before the commit; a transaction that ended, whichever way, holds nothing.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Sequencing.Locks;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;

namespace Aevum;

/// <summary>A transaction. One thread at a time; to be committed or disposed.</summary>
public sealed partial class Transaction : IDisposable
{
    sealed record Pending(byte[]? Value, SystemTime Expiry);   // value null: deleted

    /// <summary>What a scan has looked at so far; the end null: to the end of the key order.</summary>
    sealed class ReadRange(byte[] start)
    {
        public byte[] Start { get; } = start;

        public byte[]? End { get; set; } = start;

        public bool IsEmpty => End is not null && KeyComparer.Instance.Compare(Start, End) >= 0;
    }

    readonly Session _session;
    readonly Isolation _isolation;
    readonly HashSet<Collection> _collections = [];   // that vectors were put into
    readonly TimeSpan _lockTimeout;
    readonly IHeldMoment? _moment;
    readonly SortedDictionary<byte[], Pending> _writes = new(KeyComparer.Instance);
    readonly List<(byte[] Key, Pending? Before)> _journal = [];
    readonly List<long> _savepoints = [];   // numbers of those that can be gone back to, ascending
    readonly SortedSet<byte[]> _readKeys = new(KeyComparer.Instance);
    readonly List<ReadRange> _readRanges = [];
    readonly SortedDictionary<byte[], SystemTime> _lockedVersions = new(KeyComparer.Instance);
    LockOwner? _owner;
    long _lastSavepoint;
    long _bytes;

    internal Transaction(Session session, Isolation isolation, TimeSpan lockTimeout)
    {
        if (isolation is < Isolation.ReadCommitted or > Isolation.Serializable) Throw.Invalid($"there is no isolation {(int)isolation}");
        _session = session;
        _isolation = isolation;
        _lockTimeout = lockTimeout;
        Order = session.Database.Shards.NextTransactionOrder();
        if (isolation != Isolation.ReadCommitted) _moment = session.Database.Router.HoldNow();
        IsOpen = true;
    }

    /// <summary>What others may be seen of.</summary>
    public Isolation Isolation => _isolation;

    /// <summary>The moment that reads see; None under read committed.</summary>
    public SystemTime Moment => _moment?.At ?? SystemTime.None;

    /// <summary>False after the commit, a rollback, or an error that ended it.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The commit's system time; None before, or if it wrote nothing.</summary>
    public SystemTime Time { get; private set; }

    /// <summary>Kept beside the commit; null: the session's.</summary>
    public CommitNote? Note { get; set; }

    /// <summary>Its age: of transactions that wait for each other in a circle the youngest gives way.</summary>
    internal ulong Order { get; set; }

    // ------------------------------------------------------------------------------------------------ reading

    /// <summary>The value of a key; null if it holds none.</summary>
    public byte[]? Get(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        var full = Full(keyspace, key);
        if (_writes.TryGetValue(full, out var pending)) return pending.Value is { } own && !HasExpired(pending.Expiry) ? own.ToArray() : null;
        if (_isolation == Isolation.Serializable) NoteRead(full);
        return ShardOf(full).Read(full, View, out _);
    }

    /// <summary>Whether a key holds a value.</summary>
    public bool Exists(Keyspace keyspace, ReadOnlySpan<byte> key) => Get(keyspace, key) is not null;

    /// <summary>Locks a key for writing until the transaction ends, then reads what is committed: nobody else changes it in a transaction
    /// meanwhile.</summary>
    /// <exception cref="AevumException">Deadlock, LockTimeout: the transaction has ended. Conflict: under repeatable read and serializable, the
    /// key was changed since the transaction's moment.</exception>
    public byte[]? GetForUpdate(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        var full = Full(keyspace, key);
        Lock(full);
        if (_writes.TryGetValue(full, out var pending)) return pending.Value?.ToArray();
        var value = ShardOf(full).Read(full, ReadView.Present, out var info);
        if (_moment is null)
        {
            _lockedVersions[full] = info.Found ? info.Version : SystemTime.None;
            return value;
        }
        // Also a key that was deleted since was changed.
        ShardOf(full).Read(full, View, out var atMoment);
        if (info.Found != atMoment.Found || info.Version != atMoment.Version) End(Conflict());
        NoteRead(full);
        return value;
    }

    /// <summary>Keys in order, this transaction's own writes among them.</summary>
    public IEnumerable<Entry> Scan(Keyspace keyspace, ScanOptions? options = null)
    {
        options ??= ScanOptions.All;
        if (options.Descending || options.AsOf is not null) Throw.Invalid("a scan in a transaction ascends and sees the transaction's moment");
        RequireOpen(keyspace);
        var (start, end) = keyspace.RangeOf(options);
        var own = _writes.Where(w => KeyComparer.Instance.Compare(w.Key, start) >= 0 && (end is null || KeyComparer.Instance.Compare(w.Key, end) < 0)).ToList();
        using var cursor = new Cursor(_session.Database.Router, start, end, View, descending: false);
        var next = 0;
        var hasStored = cursor.MoveNext();
        // Noted while it is walked, as the commit may come in the middle of it: what was seen up to there must not change, be it keys or gaps.
        var seen = new ReadRange(start);
        if (_isolation == Isolation.Serializable) _readRanges.Add(seen);
        while (hasStored || next < own.Count)
        {
            var order = !hasStored ? 1 : next == own.Count ? -1 : cursor.Key.SequenceCompareTo(KeyLayout.UserKeyOf(own[next].Key));
            Entry? entry;
            if (order < 0)
            {
                entry = new Entry(cursor.Key.ToArray(), cursor.Value.ToArray(), cursor.Version, cursor.Expiry);
                seen.End = [.. KeyLayout.Make(keyspace.Id, cursor.Key), 0];
            }
            else
            {
                var (key, pending) = own[next++];
                entry = pending.Value is { } value && !HasExpired(pending.Expiry)
                    ? new Entry(KeyLayout.UserKeyOf(key).ToArray(), value.ToArray(), SystemTime.None, pending.Expiry)
                    : null;
                seen.End = [.. key, 0];
            }
            if (order <= 0) hasStored = cursor.MoveNext();
            if (entry is not null) yield return entry;
        }
        seen.End = end;
    }

    // ------------------------------------------------------------------------------------------------ writing

    /// <summary>Gives a key a value at the commit.</summary>
    public void Put(Keyspace keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, TimeSpan? timeToLive = null)
    {
        var full = Full(keyspace, key);
        var limits = _session.Database.Options.Limits;
        if (value.Length > limits.ValueBytesMax) Throw.Limit("the value's length", value.Length, limits.ValueBytesMax);
        Write(full, new Pending(value.ToArray(), keyspace.ExpiryFor(timeToLive)));
    }

    /// <summary>Deletes a key at the commit.</summary>
    public void Delete(Keyspace keyspace, ReadOnlySpan<byte> key) => Write(Full(keyspace, key), new Pending(null, default));

    /// <summary>Reads a number, adds to it and puts it back.</summary>
    /// <returns>The sum.</returns>
    /// <exception cref="AevumException">InvalidArgument: the value is no number of 64 bits, or the sum would be none.</exception>
    public long Increment(Keyspace keyspace, ReadOnlySpan<byte> key, long delta = 1)
    {
        var text = _isolation == Isolation.ReadCommitted ? GetForUpdate(keyspace, key) : Get(keyspace, key);
        long before = 0;
        if (text is not null && !Model.KeyValue.Increment.TryParse(text, out before)) Throw.Invalid("the value is not an integer or out of range");
        var sum = unchecked(before + delta);
        if (((before ^ sum) & (delta ^ sum)) < 0) Throw.Invalid("the sum would not fit into 64 bits");
        Put(keyspace, key, System.Text.Encoding.ASCII.GetBytes(sum.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        return sum;
    }

    /// <summary>The vector of a key; null if it has none.</summary>
    public float[]? Get(Collection collection, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(collection);
        return Get(collection.Rows, key) is { } row ? VectorElements.ToFloats(collection.Options, VectorRow.Read(row, collection.Options)) : null;
    }

    /// <summary>Gives a key a vector at the commit.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <exception cref="AevumException">InvalidArgument: not a vector of the collection.</exception>
    public void Put(Collection collection, ReadOnlySpan<byte> key, ReadOnlySpan<float> vector)
    {
        ArgumentNullException.ThrowIfNull(collection);
        Put(collection.Rows, key, collection.RowOf(vector));
        _collections.Add(collection);
    }

    /// <summary>Deletes a key of a collection at the commit.</summary>
    public void Delete(Collection collection, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(collection);
        Delete(collection.Rows, key);
    }

    void Write(byte[] full, Pending pending)
    {
        _session.Database.RequireWritable();
        var bytes = _bytes + full.Length + (pending.Value?.Length ?? 0);
        var limits = _session.Database.Options.Limits;
        if (bytes > limits.BatchBytesMax && _writes.Count > 0) Throw.Limit("the transaction's size", bytes, limits.BatchBytesMax);
        if (_isolation == Isolation.ReadCommitted) Lock(full);
        _bytes = bytes;
        _journal.Add((full, _writes.GetValueOrDefault(full)));
        _writes[full] = pending;
    }

    // ------------------------------------------------------------------------------------------------ savepoints

    /// <summary>A place to go back to.</summary>
    public Savepoint SetSavepoint()
    {
        RequireOpen(null);
        _savepoints.Add(++_lastSavepoint);
        return new Savepoint(this, _lastSavepoint, _journal.Count, _owner?.Mark);
    }

    /// <summary>Takes back what was written since, and the locks taken since. Later savepoints are void. What was read stays read.</summary>
    public void RollbackTo(Savepoint savepoint)
    {
        RequireOpen(null);
        // By its number: the journal may have grown again beyond a savepoint that is void.
        var at = savepoint.Owner == this ? _savepoints.BinarySearch(savepoint.Number) : -1;
        if (at < 0) Throw.Invalid("the savepoint is not of this transaction, or void");
        _savepoints.RemoveRange(at + 1, _savepoints.Count - at - 1);
        while (_journal.Count > savepoint.JournalLength)
        {
            var (key, before) = _journal[^1];
            _journal.RemoveAt(_journal.Count - 1);
            _bytes -= key.Length + (_writes[key].Value?.Length ?? 0);
            if (before is null) _writes.Remove(key);
            else _writes[key] = before;
        }
        if (_owner is null) return;
        var locks = _session.Database.Shards.Locks;
        if (savepoint.LockMark is { } mark) locks.ReleaseSince(_owner, mark);
        else locks.ReleaseAll(_owner);
        if (_isolation == Isolation.ReadCommitted)
            foreach (var key in _lockedVersions.Keys.Where(k => locks.ModeOf(_owner, k) is null).ToList()) _lockedVersions.Remove(key);
    }

    // ------------------------------------------------------------------------------------------------ ending

    /// <summary>Makes everything written so true at one instant.</summary>
    /// <returns>The commit's system time; None if nothing was written.</returns>
    /// <exception cref="AevumException">Conflict: somebody wrote what this transaction had read or wants to write; nothing was done, and the
    /// whole may be tried again. DiskFull, LimitExceeded, OutcomeUnknown.</exception>
    public SystemTime Commit()
    {
        RequireOpen(null);
        try
        {
            if (_writes.Count > 0)
            {
                var parts = PartsOfWrites();
                _session.Database.Router.CommitJointly(parts);
                Finish(parts);
            }
        }
        finally
        {
            Close();
        }
        return Time;
    }

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    /// <exception cref="AevumException">Also Cancelled: before the commit began, and nothing was done. OutcomeUnknown: it was cancelled while it
    /// was on its way to the disk, and may be done.</exception>
    public async ValueTask<SystemTime> CommitAsync(CancellationToken cancellation = default)
    {
        RequireOpen(null);
        try
        {
            if (_writes.Count > 0)
            {
                var parts = PartsOfWrites();
                await _session.Database.Router.CommitJointlyAsync(parts, cancellation);
                Finish(parts);
            }
        }
        finally
        {
            Close();
        }
        return Time;
    }

    // What was written, and what must hold for it.
    (IShard Shard, StepBatch Part)[] PartsOfWrites()
    {
        _session.RequireWritable();
        foreach (var collection in _collections) collection.Index?.WaitForRoom();
        var parts = new Dictionary<IShard, StepBatch>();
        StepBatch PartOf(byte[] full)
        {
            var shard = ShardOf(full);
            if (parts.TryGetValue(shard, out var part)) return part;
            return parts[shard] = new StepBatch(_session.Database.Options.Limits)
            {
                Note = Note ?? _session.Note,
                Namespace = _session.Default.Id.Namespace,
            };
        }

        var at = Moment;
        // Under repeatable read only what was read for update is noted, under read committed nothing.
        foreach (var key in _readKeys) PartOf(key).Check(key, Precondition.UnchangedSince(at));
        foreach (var range in _readRanges.Where(r => !r.IsEmpty))
            foreach (var (_, partStart, partEnd) in _session.Database.Router.ShardsOf(range.Start, range.End))
                PartOf(partStart).CheckUnchanged(partStart, partEnd ?? LastKey, at);
        foreach (var (key, version) in _lockedVersions) PartOf(key).Check(key, Precondition.AtVersion(version));
        foreach (var (key, pending) in _writes)
        {
            var condition = _isolation == Isolation.RepeatableRead ? Precondition.UnchangedSince(at) : Precondition.None;
            if (pending.Value is { } value) PartOf(key).Put(key, value, condition, pending.Expiry);
            else PartOf(key).Delete(key, condition);
        }
        if (parts.Count > 1 && parts.Values.First().Note?.IdempotencyKey is not null)
            Throw.Invalid("a transaction with an idempotency key reads and writes one shard");
        return [.. parts.Select(p => (p.Key, p.Value))];
    }

    void Finish((IShard Shard, StepBatch Part)[] parts)
    {
        foreach (var (_, part) in parts)
        {
            if (part.Status == CommitStatus.Refused) throw Conflict();
            if (part.Time > Time) Time = part.Time;
        }
    }

    // Behind every key of a namespace that can be: ids end before.
    static readonly byte[] LastKey = [.. Enumerable.Repeat((byte)0xFF, KeyspaceId.PrefixBytes + 1)];

    /// <summary>Gives everything up.</summary>
    public void Rollback()
    {
        RequireOpen(null);
        Close();
    }

    /// <summary>Gives everything up, unless it was committed.</summary>
    public void Dispose() => Close();

    void Close()
    {
        if (!IsOpen) return;
        IsOpen = false;
        if (_owner is not null) _session.Database.Shards.Locks.ReleaseAll(_owner);
        _moment?.Dispose();
    }

    // ------------------------------------------------------------------------------------------------ small things

    ReadView View => _moment is { } moment ? ReadView.AsOf(moment.At) : ReadView.Present;

    IShard ShardOf(ReadOnlySpan<byte> full) => _session.Database.Shards.ShardOf(full);

    // Of its own writes: the moment is that of the reads.
    bool HasExpired(SystemTime expiry) => expiry != SystemTime.None && expiry <= (_moment?.At ?? _session.Database.Now);

    void NoteRead(byte[] full) => _readKeys.Add(full);

    void Lock(byte[] full)
    {
        var locks = _session.Database.Shards.Locks;
        _owner ??= locks.CreateOwner(_session.Database.Shards.NextTransactionOrder(), Order);
        try
        {
            locks.Acquire(_owner, full, LockMode.Exclusive, _lockTimeout);
        }
        catch (AevumException refusal) when (refusal.Code is ErrorCode.Deadlock or ErrorCode.LockTimeout)
        {
            Close();
            throw;
        }
    }

    void End(AevumException why)
    {
        Close();
        throw why;
    }

    static AevumException Conflict() =>
        new(ErrorCode.Conflict, "another commit changed what this transaction has read or wants to write: nothing was done, try it again");

    byte[] Full(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        RequireOpen(keyspace);
        if (KeyLayout.LengthOf(key.Length) > keyspace.KeyBytesMax)
            Throw.Limit("the key's length", key.Length, keyspace.KeyBytesMax - KeyspaceId.PrefixBytes);
        return KeyLayout.Make(keyspace.Id, key);
    }

    void RequireOpen(Keyspace? keyspace)
    {
        _session.RequireOpen();
        if (!IsOpen) throw new AevumException(ErrorCode.Closed, "the transaction has ended");
        _ = keyspace?.Options;   // refuses one that was dropped
    }
}

/// <summary>A place in a transaction to go back to.</summary>
public readonly struct Savepoint
{
    internal Savepoint(Transaction owner, long number, int journalLength, LockMark? lockMark)
    {
        Owner = owner;
        Number = number;
        JournalLength = journalLength;
        LockMark = lockMark;
    }

    internal Transaction Owner { get; }

    /// <summary>Unique in its transaction, rising.</summary>
    internal long Number { get; }

    internal int JournalLength { get; }

    internal LockMark? LockMark { get; }
}
