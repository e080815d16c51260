// LockTable: the locks of interactive transactions, in memory, for one database: all its local shards share it, so a circle of waiting
// transactions is seen wherever its keys lie.
//
// Locks are manners, not correctness: they let writers of one key wait for each other instead of failing at commit. What a transaction
// read is guarded by preconditions at its commit, so nothing breaks when locks are lost (a new leader starts with an empty table). Ranges
// are guarded by preconditions alone; there are no range locks.
//
//   Acquire ─> gate { LockLedger.Request } ─> granted: no object was made, nobody was woken
//                                          └> waiting: the owner's own Signal, until granted, wounded, time out, cancelled, closed
//   Release ─> gate { LockLedger.Release: hands over to the next in the queue } ─> their signals, those alone
//
// One gate guards all of it. It is held for some tens of nanoseconds at a time, for longer by three: a wait that begins walks who waits for
// whom (DeadlockSearch), a description copies what it shows, and the index now and then doubles. Giving back goes in portions.
//
// A wait ends by the first of these to come: granted (also if time has just run out or the token was just cancelled: the lock is there, the
// caller finds out about the token by itself), wounded (Deadlock, or what Wound was told), cancelled, timed out, closed. In each case but the
// first the owner's other locks stay as they are; rolling back is the caller's to do.
//
// Always true: (1) no wait outlives its caller: whatever ends the wait takes the owner out of the queue; (2) nobody is woken, and no code of
// others runs, under the gate; (3) no circle of waits outlasts the request that closed it.
//
// Not here: what a circle through other waits is (a client that waits for another client): time-outs end it. Who locks what, and when:
// Engine/Transactions.

using System.Diagnostics.CodeAnalysis;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Engine.Sequencing.Locks;

public sealed record LockTableOptions
{
    public static LockTableOptions Default { get; } = new();

    /// <summary>Most locks in the table, those being waited for included. A lock on a key of up to 32 bytes takes some 250 bytes.</summary>
    public long LocksMax { get; init; } = 1_000_000;

    /// <summary>Most locks of one transaction.</summary>
    public int LocksPerOwnerMax { get; init; } = 200_000;

    /// <summary>Longest key, in bytes.</summary>
    public int KeyBytesMax { get; init; } = BatchLimits.Default.KeyBytesMax;
}

public sealed class LockTable : IDisposable
{
    // Locks given back under one hold of the gate.
    const int ReleasePortion = 256;

    readonly IScheduler _scheduler;
    readonly LockTableOptions _options;
    readonly LockLedger _ledger;
    readonly Lock _gate = new();
    bool _isClosed;

    long _waits;
    long _timeouts;
    long _cancellations;
    TimeSpan _waited;

    /// <param name="scheduler">Its time measures waits, its signals end them.</param>
    /// <param name="options">Null for <see cref="LockTableOptions.Default"/>.</param>
    public LockTable(IScheduler scheduler, LockTableOptions? options = null)
    {
        _scheduler = scheduler;
        _options = options ?? LockTableOptions.Default;
        if (_options.LocksMax < 1 || _options.LocksPerOwnerMax < 1) Throw.Invalid("a lock table that takes no locks has no use");
        _ledger = new LockLedger(scheduler.CreateRandom("lock table"), _options.LocksMax, _options.LocksPerOwnerMax);
    }

    /// <summary>Makes a transaction known. It costs nothing here until it takes a lock.</summary>
    /// <param name="id">Names it in messages and descriptions.</param>
    /// <param name="startOrder">Greater is younger, and the youngest of a circle gives way (of equal ones the greater id). A transaction
    /// that is tried again keeps its first one.</param>
    public LockOwner CreateOwner(ulong id, ulong startOrder) => new(this, id, startOrder);

    /// <summary>Takes a lock, or waits for it on the calling thread. Taking what is held already, or less, changes nothing; Exclusive on a
    /// key held Shared is an upgrade, and waits before all others.</summary>
    /// <param name="key">The whole key; copied.</param>
    /// <param name="timeout">Zero: not at all (as <see cref="TryAcquire"/>, but throws); Timeout.InfiniteTimeSpan: as long as it
    /// takes.</param>
    /// <exception cref="AevumException">Deadlock: the owner gave way and must give back before it takes more. LockTimeout. Cancelled.
    /// LimitExceeded (locks of the owner, of the table, length of the key). Closed. InvalidArgument: the owner waits already, or belongs to
    /// another table. In each case the lock was not taken.</exception>
    public void Acquire(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode, TimeSpan timeout, CancellationToken cancellation = default)
    {
        if (Begin(owner, key, mode, timeout, cancellation)) return;
        var registration = WakeOnCancellation(owner);
        try
        {
            owner.Signal!.WaitUntil(owner.WaitIsOver!, Limit(timeout));
        }
        catch
        {
            Abandon(owner);
            throw;
        }
        finally
        {
            registration.Unregister();
        }
        Finish(owner, timeout);
    }

    /// <summary>The same without holding the calling thread. For bodies of the scheduler and what they call.</summary>
    public ValueTask AcquireAsync(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode, TimeSpan timeout,
        CancellationToken cancellation = default)
    {
        try
        {
            if (Begin(owner, key, mode, timeout, cancellation)) return default;
        }
        catch (AevumException failure)
        {
            return ValueTask.FromException(failure);
        }
        return new ValueTask(WaitAsync(owner, timeout));
    }

    /// <summary>Takes a lock if that is possible without waiting.</summary>
    /// <returns>False if others hold it or wait for it; then nothing has changed.</returns>
    /// <exception cref="AevumException">As <see cref="Acquire"/>, but for LockTimeout and Cancelled by a token.</exception>
    public bool TryAcquire(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode)
    {
        var verdict = Ask(owner, key, mode, mayWait: false, default);
        if (verdict is LockVerdict.Granted or LockVerdict.Busy) return verdict == LockVerdict.Granted;
        ThrowRefused(verdict, owner, key, mode);
        return false;
    }

    /// <summary>Gives back everything: at the end of a transaction, or when it is rolled back whole.</summary>
    /// <exception cref="AevumException">InvalidArgument: the owner waits. Wound it first, and let its caller come back.</exception>
    public void ReleaseAll(LockOwner owner) => ReleaseSince(owner, default);

    /// <summary>Gives back what was taken since the savepoint: locks are released, and upgrades go back to Shared.</summary>
    /// <param name="mark">What <see cref="LockOwner.Mark"/> was at the savepoint.</param>
    /// <exception cref="AevumException">InvalidArgument: the owner waits, or never came as far as the mark.</exception>
    public void ReleaseSince(LockOwner owner, LockMark mark)
    {
        RequireMine(owner);
        if (mark.Value < 0 || mark.Value > owner.Ordinals)
            Throw.Invalid($"{owner} has taken {owner.Ordinals} locks and upgrades and cannot go back to {mark.Value}");
        bool isDone;
        do
        {
            var wakes = default(WakeList);
            lock (_gate)
            {
                RequireIdle(owner);
                isDone = _ledger.Release(owner, mark, ReleasePortion, ref wakes);
                if (isDone && owner.IsVictim) owner.WoundCode = ErrorCode.Unknown;
            }
            wakes.Raise();
        }
        while (!isDone);
    }

    /// <summary>Ends the owner's wait, if it waits, and lets it take no lock any more. What it holds it holds until its own caller gives it
    /// back. Any thread may call: it is how a transaction is ended from outside.</summary>
    /// <param name="code">What its caller is told, now or when it asks next.</param>
    public void Wound(LockOwner owner, ErrorCode code, string message)
    {
        RequireMine(owner);
        if (code == ErrorCode.Unknown) Throw.Invalid("a wound needs a reason that its owner can be told");
        var wakes = default(WakeList);
        lock (_gate) _ledger.Wound(owner, code, message, ref wakes);
        wakes.Raise();
    }

    /// <summary>How the owner holds a key; null if it does not.</summary>
    public LockMode? ModeOf(LockOwner owner, ReadOnlySpan<byte> key)
    {
        lock (_gate) return _ledger.Find(key)?.FindHold(owner)?.Mode;
    }

    public LockStatistics Statistics
    {
        get
        {
            lock (_gate)
                return new(_ledger.Held, _ledger.Keys, _ledger.Waiting, _waits, _ledger.Deadlocks, _timeouts, _cancellations, _waited);
        }
    }

    /// <summary>Who holds what and who waits for it, in the order of the keys; keys that somebody waits for are shown before others are.</summary>
    /// <param name="keysMax">More are left out.</param>
    public IReadOnlyList<LockedKey> Describe(int keysMax = 1000)
    {
        lock (_gate) return LockedKey.Describe(_ledger.Entries, keysMax, _scheduler.Time);
    }

    /// <summary>Ends all waits with Closed and takes no more locks. Giving back goes on.</summary>
    public void Dispose()
    {
        var wakes = default(WakeList);
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            List<LockOwner> waiting = [];
            foreach (var entry in _ledger.Entries)
                for (var waiter = entry.FirstWaiter; waiter is not null; waiter = waiter.NextWaiter) waiting.Add(waiter);
            // One that the withdrawal of another lets in keeps its lock: it is no waiter any more.
            foreach (var waiter in waiting)
                if (waiter.IsWaiting) _ledger.Wound(waiter, ErrorCode.Closed, $"{waiter} waited for a lock when the lock table was closed", ref wakes);
        }
        wakes.Raise();
    }

    // True if the lock is held; false if the owner waits.
    bool Begin(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode, TimeSpan timeout, CancellationToken cancellation)
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan) Throw.Invalid($"a wait of {timeout} has no meaning");
        if (cancellation.IsCancellationRequested) ThrowCancelled(owner);
        var verdict = Ask(owner, key, mode, timeout != TimeSpan.Zero, cancellation);
        if (verdict is not (LockVerdict.Granted or LockVerdict.Waiting)) ThrowRefused(verdict, owner, key, mode);
        return verdict == LockVerdict.Granted;
    }

    LockVerdict Ask(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode, bool mayWait, CancellationToken cancellation)
    {
        RequireMine(owner);
        if (mode is not (LockMode.Shared or LockMode.Exclusive)) Throw.Invalid($"there is no lock mode {(int)mode}");
        if (key.Length > _options.KeyBytesMax) Throw.Limit("the length of a key to be locked", key.Length, _options.KeyBytesMax);
        var wakes = default(WakeList);
        LockVerdict verdict;
        lock (_gate)
        {
            if (_isClosed) Throw.Closed("the lock table");
            RequireIdle(owner);
            verdict = _ledger.Request(owner, key, mode, mayWait, ref wakes);
            if (verdict == LockVerdict.Waiting) PrepareToWait(owner, cancellation);
        }
        wakes.Raise();
        return verdict;
    }

    // Under the gate: from its end on somebody may want to wake the owner.
    void PrepareToWait(LockOwner owner, CancellationToken cancellation)
    {
        _waits++;
        owner.WaitStart = _scheduler.Time.GetTimestamp();
        owner.Cancellation = cancellation;
        owner.Signal ??= _scheduler.CreateSignal($"lock of {owner}");
        owner.WaitIsOver ??= () => owner.State != WaitState.Waiting || owner.Cancellation.IsCancellationRequested;
    }

    // Unregistering does not wait for a callback that runs: one that comes late raises a signal that nobody waits for, or looks in vain at.
    static CancellationTokenRegistration WakeOnCancellation(LockOwner owner) =>
        owner.Cancellation.UnsafeRegister(static state => ((LockOwner)state!).Signal!.Raise(), owner);

    async Task WaitAsync(LockOwner owner, TimeSpan timeout)
    {
        var registration = WakeOnCancellation(owner);
        try
        {
            await owner.Signal!.WaitUntilAsync(owner.WaitIsOver!, Limit(timeout));
        }
        catch
        {
            Abandon(owner);
            throw;
        }
        finally
        {
            registration.Unregister();
        }
        Finish(owner, timeout);
    }

    static TimeSpan? Limit(TimeSpan timeout) => timeout == Timeout.InfiniteTimeSpan ? null : timeout;

    // By the caller who waited, however its wait ended.
    void Finish(LockOwner owner, TimeSpan timeout)
    {
        var wakes = default(WakeList);
        var code = ErrorCode.Unknown;
        var message = "";
        lock (_gate)
        {
            var waited = _scheduler.Time.GetElapsedTime(owner.WaitStart);
            _waited += waited;
            if (owner.State == WaitState.Wounded)
            {
                (code, message) = (owner.WoundCode, owner.WoundMessage);
            }
            else if (owner.State == WaitState.Waiting)
            {
                code = WhyGivenUp(owner, timeout, waited);
                message = LockMessages.GaveUp(owner, code, waited);
                _ledger.Withdraw(owner, ref wakes);
            }
            owner.State = WaitState.Idle;
            owner.Cancellation = default;
        }
        wakes.Raise();
        if (code != ErrorCode.Unknown) throw new AevumException(code, message);
    }

    ErrorCode WhyGivenUp(LockOwner owner, TimeSpan timeout, TimeSpan waited)
    {
        if (owner.Cancellation.IsCancellationRequested)
        {
            _cancellations++;
            return ErrorCode.Cancelled;
        }
        // A signal gives up early only where the scheduler closes (or, in simulation, where nothing can run any more).
        if (timeout == Timeout.InfiniteTimeSpan || waited < timeout) return ErrorCode.Closed;
        _timeouts++;
        return ErrorCode.LockTimeout;
    }

    // The wait itself failed (a simulated process that died): the owner must not stay in the queue.
    void Abandon(LockOwner owner)
    {
        var wakes = default(WakeList);
        lock (_gate)
        {
            if (owner.State == WaitState.Waiting) _ledger.Withdraw(owner, ref wakes);
            owner.State = WaitState.Idle;
            owner.Cancellation = default;
        }
        wakes.Raise();
    }

    void RequireMine(LockOwner owner)
    {
        if (owner.Table != this) Throw.Invalid($"{owner} belongs to another lock table");
    }

    static void RequireIdle(LockOwner owner)
    {
        if (owner.State != WaitState.Idle) Throw.Invalid($"{owner} waits for a lock: it has one caller at a time");
    }

    [DoesNotReturn]
    static void ThrowCancelled(LockOwner owner) => throw new AevumException(ErrorCode.Cancelled, $"{owner} was cancelled before it asked for a lock");

    [DoesNotReturn]
    void ThrowRefused(LockVerdict verdict, LockOwner owner, ReadOnlySpan<byte> key, LockMode mode)
    {
        switch (verdict)
        {
            case LockVerdict.OwnerLimit:
                Throw.Limit($"the number of locks of {owner}", owner.HeldCount + 1L, _options.LocksPerOwnerMax);
                break;
            case LockVerdict.TableLimit:
                Throw.Limit("the number of locks of all transactions", _options.LocksMax + 1, _options.LocksMax);
                break;
            case LockVerdict.Busy:
                string message;
                lock (_gate)
                {
                    _timeouts++;
                    message = LockMessages.Busy(owner, _ledger.Find(key), key, mode);
                }
                throw new AevumException(ErrorCode.LockTimeout, message);
        }
        lock (_gate) throw new AevumException(owner.WoundCode, owner.WoundMessage);
    }
}
