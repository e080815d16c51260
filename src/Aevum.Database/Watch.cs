// Watch: hears of every commit that touches a prefix of a keyspace: from now on, from a token, or with what is there first. A thin face over the
// applied stream (Model/Access/IAppliedStream), which promises that nothing is missed and nothing told twice.

using System.Buffers;
using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>Where a watch begins.</summary>
public readonly record struct WatchStart
{
    internal StreamStart Start { get; private init; }

    /// <summary>With commits from now on.</summary>
    public static WatchStart Now => new() { Start = StreamStart.Now };

    /// <summary>With every key and value there is; then what comes after.</summary>
    public static WatchStart Snapshot => new() { Start = StreamStart.Snapshot };

    /// <summary>Behind what was told up to a token, also one of an earlier life of the program.</summary>
    /// <exception cref="AevumException">InvalidArgument: the text is no token.</exception>
    public static WatchStart After(string token) => new() { Start = StreamStart.After(StreamToken.Parse(token)) };
}

/// <summary>What happened to a key.</summary>
public enum WatchChangeKind
{
    Put = 0,
    Deleted = 1,

    /// <summary>All keys from <see cref="WatchChange.Key"/> to <see cref="WatchChange.RangeEnd"/> were deleted.</summary>
    RangeDeleted = 2,

    /// <summary>An operand was merged, and what the key held then is not known any more; <see cref="WatchChange.Value"/> is the operand.</summary>
    Merged = 3,
}

/// <summary>One change of a commit.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Key">As the user gave it; of a range its first key.</param>
/// <param name="Value">Of a put (a merge shows as the value it made); null for deletes.</param>
/// <param name="Expiry">From this time on the value counts as absent; None if it never expires.</param>
/// <param name="RangeEnd">Of a range: the first key not deleted; null: to the end of the keyspace.</param>
public sealed record WatchChange(WatchChangeKind Kind, byte[] Key, byte[]? Value, SystemTime Expiry, byte[]? RangeEnd = null);

/// <summary>What a watch tells.</summary>
/// <param name="Time">Of a commit its system time; of a row of the snapshot the value's version; at the snapshot's end the moment it shows.</param>
/// <param name="Changes">What the commit did in the watched prefix; empty at the end of the snapshot.</param>
/// <param name="Note">Who committed it and why, if that was told.</param>
/// <param name="IsSnapshot">True for a key that was there before.</param>
/// <param name="Token">To go on behind this event, at any later time; null inside a snapshot.</param>
public sealed record WatchEvent(SystemTime Time, IReadOnlyList<WatchChange> Changes, CommitNote? Note, bool IsSnapshot, string? Token)
{
    /// <summary>True once: everything that was there has been told.</summary>
    public bool IsSnapshotEnd => Changes.Count == 0;
}

/// <summary>Hears of commits. One thread at a time; to be disposed.</summary>
public sealed class Watch : IDisposable
{
    readonly ISubscription _subscription;
    readonly KeyspaceId _keyspace;

    internal Watch(ISubscription subscription, KeyspaceId keyspace)
    {
        _subscription = subscription;
        _keyspace = keyspace;
    }

    /// <summary>The next event, if one is at hand.</summary>
    /// <exception cref="AevumException">Lagging: this watch was so far behind that commits are no longer kept for it. Closed.</exception>
    public bool TryNext(out WatchEvent? next)
    {
        next = null;
        if (!_subscription.TryNext(out var batch)) return false;
        var changes = new List<WatchChange>(batch.Count);
        foreach (var effect in batch) changes.Add(ChangeOf(effect));
        next = new WatchEvent(
            batch.Time, changes, batch.ReadNote(), batch.Kind == AppliedKind.SnapshotRow,
            _subscription.IsInSnapshot ? null : _subscription.Token.ToString());
        return true;
    }

    /// <summary>The next event, however long it takes.</summary>
    /// <param name="timeout">Null: no limit.</param>
    /// <returns>Null: the time passed first.</returns>
    /// <exception cref="AevumException">As of <see cref="TryNext"/>.</exception>
    public WatchEvent? Next(TimeSpan? timeout = null)
    {
        while (true)
        {
            if (TryNext(out var next)) return next;
            if (!_subscription.Wait(timeout)) return null;
        }
    }

    /// <summary>Every event from here on, until it is cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    /// <exception cref="AevumException">As of <see cref="TryNext"/>.</exception>
    public async IAsyncEnumerable<WatchEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            while (TryNext(out var next)) yield return next!;
            await _subscription.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    WatchChange ChangeOf(in Effect effect)
    {
        var key = KeyLayout.UserKeyOf(effect.Key).ToArray();
        switch (effect.Kind)
        {
            case EffectKind.Put: return new(WatchChangeKind.Put, key, effect.Value.ToArray(), effect.Expiry);
            case EffectKind.Delete: return new(WatchChangeKind.Deleted, key, null, default);
            case EffectKind.DeleteRange: return new(WatchChangeKind.RangeDeleted, key, null, default, EndOf(effect.Value));
        }
        var made = new ArrayBufferWriter<byte>();
        if (!_subscription.TryReadBehind(effect.Key, made, out var exists)) return new(WatchChangeKind.Merged, key, effect.Value.ToArray(), default);
        return exists ? new(WatchChangeKind.Put, key, made.WrittenSpan.ToArray(), default) : new(WatchChangeKind.Deleted, key, null, default);
    }

    // The end of a whole keyspace lies in the next one.
    byte[]? EndOf(ReadOnlySpan<byte> end) =>
        KeyspaceId.TryRead(end, out var keyspace) && keyspace == _keyspace ? KeyLayout.UserKeyOf(end).ToArray() : null;

    /// <summary>Ends it; a wait that is under way ends with Closed.</summary>
    public void Dispose() => _subscription.Dispose();
}
