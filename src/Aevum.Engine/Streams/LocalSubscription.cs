// LocalSubscription: a subscription to one or several shards of this process.
//
//   Snapshot -> Following   [the end of the rows was given]
//   either   -> Ended       [Dispose, or the shards close]: whatever was held is let go of, every call says Closed
//
// Merging: a batch is given once each follower has its next batch at hand or has read all that was shown when it looked; then the one with the
// least time goes first. So two batches come in the wrong order of time only if the earlier one was shown after the later one was given.
//
// Waiting: the environment's signal is raised at commits while somebody listens. A waiter first says that it listens and then looks, so nothing
// comes to light between the two unheard (ShardEnvironment).
//
// Threads: one consumer. The gate guards what Dispose and closing shards take away from it: log readers, iterators, held history. What has been
// given lies in memory of the subscription, which nobody takes.

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;

namespace Aevum.Engine.Streams;

sealed class LocalSubscription : ISubscription, IClosing
{
    readonly ShardEnvironment _environment;
    readonly ShardFollower[] _followers;
    readonly Lock _gate = new();
    readonly Func<bool> _hasNews;
    SnapshotScan? _scan;
    SystemTime _givenTime;      // of the batch given last
    volatile bool _closed;      // the shards
    volatile bool _disposed;
    int _waits;

    /// <param name="followers">In key order. Owned from here on, as the scan.</param>
    /// <param name="scan">Null: nothing comes before the stream.</param>
    public LocalSubscription(ShardEnvironment environment, StreamRange range, ShardFollower[] followers, SnapshotScan? scan)
    {
        _environment = environment;
        Range = range;
        _followers = followers;
        _scan = scan;
        _hasNews = HasNews;
        environment.Register(this);
    }

    public StreamRange Range { get; }

    public bool IsInSnapshot => _scan is not null;

    public StreamToken Token
    {
        get
        {
            if (IsInSnapshot) Throw.Invalid("a subscription has no token before the end of its snapshot");
            return new StreamToken(_followers.Select(f => f.Given));
        }
    }

    public long Behind
    {
        get
        {
            long behind = 0;
            foreach (var follower in _followers) behind += follower.Behind;
            return behind;
        }
    }

    /// <summary>What the shards show now, one time for each.</summary>
    public void NoteShown(Span<SystemTime> shown)
    {
        _environment.WaitForShowing();
        for (var i = 0; i < _followers.Length; i++) shown[i] = _followers[i].Shard.Tree.VisibleTime;
    }

    /// <summary>True if everything of the range that was shown at some moment (<see cref="NoteShown"/>) has been given.</summary>
    public bool Covers(ReadOnlySpan<SystemTime> shown)
    {
        for (var i = 0; i < _followers.Length; i++)
            if (!_followers[i].Covers(shown[i])) return false;
        return true;
    }

    /// <summary>How many shards the range touches.</summary>
    public int Shards => _followers.Length;

    // ------------------------------------------------------------------------------------------------ giving

    public bool TryNext(out AppliedBatch batch)
    {
        ThrowIfEnded();
        if (_scan is not null) return NextOfSnapshot(out batch);
        ShardFollower? first = null;
        foreach (var follower in _followers)
        {
            if (!follower.HasNext && follower.HasUnread)
            {
                lock (_gate)
                {
                    ThrowIfEnded();
                    follower.Fill();
                }
                if (!follower.HasNext && follower.HasUnread)
                {
                    // A long stretch without anything: its next batch may be the one to come first.
                    batch = default;
                    return false;
                }
            }
            if (follower.HasNext && (first is null || follower.NextTime < first.NextTime)) first = follower;
        }
        if (first is null)
        {
            batch = default;
            return false;
        }
        batch = first.Take();
        _givenTime = batch.Time;
        return true;
    }

    bool NextOfSnapshot(out AppliedBatch batch)
    {
        var scan = _scan!;
        while (!scan.TryTake(out batch))
        {
            lock (_gate)
            {
                ThrowIfEnded();
                if (scan.Fill()) continue;
                scan.Dispose();
                _scan = null;
            }
            _givenTime = scan.Moment;
            batch = new AppliedBatch
            {
                Kind = AppliedKind.SnapshotEnd,
                Shard = _followers.Length == 1 ? _followers[0].Shard.Id : 0,
                Position = _followers.Length == 1 ? _followers[0].Given.Position : 0,
                Time = scan.Moment,
                Range = Range,
            };
            return true;
        }
        _givenTime = scan.Moment;
        return true;
    }

    public bool TryReadBehind(ReadOnlySpan<byte> key, IBufferWriter<byte> value, out bool exists)
    {
        ThrowIfEnded();
        if (!Range.Contains(key)) Throw.Invalid("the key lies outside of the subscription's range");
        exists = false;
        foreach (var follower in _followers)
            if (follower.Range.Contains(key)) return follower.Shard.TryReadBehind(key, _givenTime, value, out exists);
        return false;
    }

    // ------------------------------------------------------------------------------------------------ waiting

    bool HasNews()
    {
        if (_closed || _disposed || IsInSnapshot) return true;
        foreach (var follower in _followers)
            if (follower.HasNext || follower.HasUnread) return true;
        return false;
    }

    public bool Wait(TimeSpan? timeout = null)
    {
        ThrowIfEnded();
        if (HasNews()) return true;
        if (timeout <= TimeSpan.Zero) return false;
        Listen(1);
        bool came;
        try
        {
            came = _environment.Shown.WaitUntil(_hasNews, timeout);
        }
        finally
        {
            Listen(-1);
        }
        ThrowIfEnded();
        if (!came && timeout is null) Throw.Closed("the scheduler");
        return came;
    }

    public ValueTask WaitAsync(CancellationToken cancellation = default)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled(cancellation);
        if (_closed || _disposed || !HasNews()) return WaitForNewsAsync(cancellation);
        return default;
    }

    async ValueTask WaitForNewsAsync(CancellationToken cancellation)
    {
        ThrowIfEnded();
        Listen(1);
        bool came;
        var shown = _environment.Shown;
        var woken = cancellation.CanBeCanceled ? cancellation.UnsafeRegister(static signal => ((Signal)signal!).Raise(), shown) : default;
        try
        {
            came = await shown.WaitUntilAsync(() => HasNews() || cancellation.IsCancellationRequested);
        }
        finally
        {
            woken.Dispose();
            Listen(-1);
        }
        cancellation.ThrowIfCancellationRequested();
        ThrowIfEnded();
        if (!came) Throw.Closed("the scheduler");
    }

    // Before looking, with a full fence: see the essay.
    void Listen(int more)
    {
        Interlocked.Add(ref _waits, more);
        if (more > 0) _environment.AddListener();
        else _environment.RemoveListener();
    }

    // ------------------------------------------------------------------------------------------------ ending

    void ThrowIfEnded()
    {
        if (_disposed) Throw.Closed("the subscription");
        if (_closed) Throw.Closed("the database");
    }

    public void OnClosing()
    {
        lock (_gate)
        {
            _closed = true;
            LetGoLocked();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            if (!_closed) LetGoLocked();
        }
        _environment.Forget(this);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _waits) > 0) _environment.Shown.Raise();
    }

    void LetGoLocked()
    {
        _scan?.Dispose();
        foreach (var follower in _followers) follower.Dispose();
    }
}
