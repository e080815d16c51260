// Keyspace: single keys of one keyspace: put, get, delete, compare and set, count, expire. Scans are in Keyspace.Scans, the past in
// Keyspace.History.
//
// A put or get in steady state allocates nothing: keys are put together on the stack, the session keeps a batch for the next call.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.KeyValue;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>A named set of keys. May be used from several threads.</summary>
public sealed partial class Keyspace
{
    readonly Session _session;
    readonly KeyspaceId _id;
    CatalogSnapshot? _seen;
    KeyspaceEntry? _entry;

    internal Keyspace(Session session, KeyspaceId id)
    {
        _session = session;
        _id = id;
    }

    /// <summary>Its name now.</summary>
    public string Name => Entry.Name;

    /// <summary>Its options now.</summary>
    public KeyspaceOptions Options => Entry.Options;

    /// <summary>What its rows are.</summary>
    public KeyspaceKind Kind => Entry.Kind;

    internal KeyspaceId Id => _id;

    // Looked up anew when the catalog has changed.
    KeyspaceEntry Entry
    {
        get
        {
            var catalog = _session.Catalog;
            if (ReferenceEquals(catalog, _seen) && _entry is { } known) return known;
            return Refresh(catalog);
        }
    }

    KeyspaceEntry Refresh(CatalogSnapshot catalog)
    {
        var entry = catalog.FindKeyspace(_id) ?? 
            throw new AevumException(ErrorCode.NotFound, $"keyspace {_id} was {(_session.Moment is null ? "dropped" : "not there at that moment")}");
        _entry = entry;
        _seen = catalog;
        return entry;
    }

    internal int KeyBytesMax => _session.Database.Options.Limits.KeyBytesMax;

    IShard ShardOf(ReadOnlySpan<byte> fullKey) => _session.Database.Shards.ShardOf(fullKey);

    internal SystemTime ExpiryFor(TimeSpan? timeToLive)
    {
        var lives = timeToLive ?? Entry.Options.DefaultTimeToLive;
        return lives is { } span ? ExpiryAfter(span) : SystemTime.None;
    }

    internal SystemTime ExpiryAfter(TimeSpan span)
    {
        if (span <= TimeSpan.Zero) Throw.Invalid($"a time to live is above zero, not {span}");
        var now = _session.Database.Shards.Clock.Now.Microseconds;
        return SystemTime.FromMicroseconds(Math.Min(now + (ulong)span.TotalMicroseconds, SystemTime.MicrosecondsMax));
    }

    // ------------------------------------------------------------------------------------------------ writing

    /// <summary>Gives a key a value.</summary>
    /// <param name="timeToLive">How long it counts as there; null: the keyspace's default, or for ever.</param>
    /// <returns>The commit's system time: the value's version.</returns>
    /// <exception cref="AevumException">ReadOnly, DiskFull, LimitExceeded, NotFound (the keyspace was dropped), Closed, OutcomeUnknown.</exception>
    [SkipLocalsInit]
    public SystemTime Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, TimeSpan? timeToLive = null)
    {
        _session.RequireWritable();
        var expiry = ExpiryFor(timeToLive);
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var batch = _session.RentBatch();
        batch.Put(full.Bytes, value, expiry);
        return Commit(batch, full.Bytes);
    }

    /// <summary>Deletes a key.</summary>
    /// <returns>True if it held a value.</returns>
    [SkipLocalsInit]
    public bool Delete(ReadOnlySpan<byte> key)
    {
        _session.RequireWritable();
        _ = Entry;
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var batch = _session.RentBatch();
        batch.Delete(full.Bytes, Precondition.Present);
        return TryCommit(batch, full.Bytes, out _);
    }

    /// <summary>Folds an operand into a key with the keyspace's merge operator.</summary>
    /// <exception cref="AevumException">InvalidArgument: the keyspace has no merge operator.</exception>
    [SkipLocalsInit]
    public SystemTime Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        _session.RequireWritable();
        _ = Entry;
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var batch = _session.RentBatch();
        batch.Merge(full.Bytes, operand);
        return Commit(batch, full.Bytes);
    }

    /// <summary>Adds to the number that a key holds as decimal text; an absent key counts as 0.</summary>
    /// <returns>The sum.</returns>
    /// <exception cref="AevumException">InvalidArgument: the value is no number of 64 bits, or the sum would be none.</exception>
    [SkipLocalsInit]
    public long Increment(ReadOnlySpan<byte> key, long delta = 1)
    {
        _session.RequireWritable();
        _ = Entry;
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        Span<byte> argument = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(argument, delta);
        return Call(Model.KeyValue.Increment.Instance, full.Bytes, argument);
    }

    /// <summary>Puts a value if the key still has the version that was read.</summary>
    /// <param name="expected">The version last seen; <see cref="SystemTime.None"/>: the key must hold nothing.</param>
    /// <param name="version">The new version; or, if the answer is no, the one that stands there (None: nothing does).</param>
    [SkipLocalsInit]
    public bool TryPut(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expected, out SystemTime version, TimeSpan? timeToLive = null)
    {
        _session.RequireWritable();
        var expiry = ExpiryFor(timeToLive);
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var batch = _session.RentBatch();
        batch.Put(full.Bytes, value, Precondition.AtVersion(expected), expiry);
        return TryCommit(batch, full.Bytes, out version);
    }

    /// <summary>Puts a value if the key holds none.</summary>
    public bool TryAdd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, TimeSpan? timeToLive = null) =>
        TryPut(key, value, SystemTime.None, out _, timeToLive);

    /// <summary>Deletes a key if it still has the version that was read.</summary>
    [SkipLocalsInit]
    public bool TryDelete(ReadOnlySpan<byte> key, SystemTime expected)
    {
        _session.RequireWritable();
        _ = Entry;
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var batch = _session.RentBatch();
        batch.Delete(full.Bytes, Precondition.AtVersion(expected));
        return TryCommit(batch, full.Bytes, out _);
    }

    /// <summary>Gives a key so long to live from now on.</summary>
    /// <returns>False if it holds nothing.</returns>
    public bool Expire(ReadOnlySpan<byte> key, TimeSpan timeToLive) => SetExpiry(key, ExpiryAfter(timeToLive));

    /// <summary>Lets a key live for ever.</summary>
    /// <returns>False if it holds nothing.</returns>
    public bool Persist(ReadOnlySpan<byte> key) => SetExpiry(key, SystemTime.None);

    [SkipLocalsInit]
    bool SetExpiry(ReadOnlySpan<byte> key, SystemTime expiry)
    {
        _session.RequireWritable();
        _ = Entry;
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        Span<byte> argument = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(argument, expiry.Value);
        return Call(Model.KeyValue.SetExpiry.Instance, full.Bytes, argument) != 0;
    }

    SystemTime Commit(StepBatch batch, ReadOnlySpan<byte> fullKey)
    {
        ShardOf(fullKey).Commit(batch);
        var time = batch.Time;
        _session.ReturnBatch(batch);
        return time;
    }

    bool TryCommit(StepBatch batch, ReadOnlySpan<byte> fullKey, out SystemTime version)
    {
        ShardOf(fullKey).Commit(batch);
        var isDone = batch.Status != CommitStatus.Refused;
        version = isDone ? batch.Time : batch.ResultOf(0).Version;
        _session.ReturnBatch(batch);
        return isDone;
    }

    long Call(IProcedure procedure, ReadOnlySpan<byte> fullKey, ReadOnlySpan<byte> argument)
    {
        var batch = _session.RentBatch();
        batch.Call(procedure, fullKey, argument);
        ShardOf(fullKey).Commit(batch);
        var result = batch.ResultOf(0);
        _session.ReturnBatch(batch);
        if (result.Status == StepStatus.Failed) throw new AevumException(result.Code, result.Message ?? "the step failed");
        return result.Number;
    }

    // ------------------------------------------------------------------------------------------------ reading

    /// <summary>The value of a key, as an array of its own; null if it holds none.</summary>
    /// <param name="asOf">The moment to read at; null: the session's.</param>
    /// <exception cref="HistoryUnavailableException">The moment lies below the history floor.</exception>
    [SkipLocalsInit]
    public byte[]? Get(ReadOnlySpan<byte> key, SystemTime? asOf = null)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        return ShardOf(full.Bytes).Read(full.Bytes, _session.ViewAt(asOf), out _);
    }

    /// <summary>Copies the value of a key into the caller's buffer.</summary>
    /// <param name="length">The value's length, also where the buffer is too short for it; -1 if the key holds none.</param>
    /// <returns>True if the value was copied whole.</returns>
    [SkipLocalsInit]
    public bool TryGet(ReadOnlySpan<byte> key, Span<byte> target, out int length, SystemTime? asOf = null)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var info = ShardOf(full.Bytes).Read(full.Bytes, _session.ViewAt(asOf), target);
        length = info.Found ? info.Length : -1;
        return info.Found && length <= target.Length;
    }

    /// <summary>The same, and the version for <see cref="TryPut"/>.</summary>
    [SkipLocalsInit]
    public bool TryGet(ReadOnlySpan<byte> key, Span<byte> target, out int length, out SystemTime version, SystemTime? asOf = null)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var info = ShardOf(full.Bytes).Read(full.Bytes, _session.ViewAt(asOf), target);
        length = info.Found ? info.Length : -1;
        version = info.Found ? info.Version : SystemTime.None;
        return info.Found && length <= target.Length;
    }

    /// <summary>The value of a key and its version, for <see cref="TryPut"/>; null if it holds none.</summary>
    [SkipLocalsInit]
    public VersionedValue? GetVersioned(ReadOnlySpan<byte> key, SystemTime? asOf = null)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var value = ShardOf(full.Bytes).Read(full.Bytes, _session.ViewAt(asOf), out var info);
        return value is null ? null : new VersionedValue(value, info.Version, info.Expiry);
    }

    /// <summary>The values of several keys at one moment; null for those that hold none.</summary>
    public byte[]?[] GetMany(IReadOnlyList<byte[]> keys, SystemTime? asOf = null)
    {
        RequireReadable();
        return ManyReader.Read(_session.Database.Router, _id, keys, _session.ViewAt(asOf), KeyBytesMax);
    }

    /// <summary>Whether a key holds a value.</summary>
    [SkipLocalsInit]
    public bool Exists(ReadOnlySpan<byte> key, SystemTime? asOf = null)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        return ShardOf(full.Bytes).Read(full.Bytes, _session.ViewAt(asOf), []).Found;
    }

    /// <summary>How long a key has to live.</summary>
    /// <returns>Null: it holds nothing. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</returns>
    [SkipLocalsInit]
    public TimeSpan? TimeToLive(ReadOnlySpan<byte> key)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var info = ShardOf(full.Bytes).Read(full.Bytes, _session.View, []);
        if (!info.Found) return null;
        if (info.Expiry == SystemTime.None) return Timeout.InfiniteTimeSpan;
        var now = (_session.Moment ?? _session.Database.Shards.Clock.Now).Microseconds;
        return TimeSpan.FromMicroseconds(info.Expiry.Microseconds > now ? info.Expiry.Microseconds - now : 0);
    }

    void RequireReadable()
    {
        _session.RequireOpen();
        _ = Entry;
    }
}
