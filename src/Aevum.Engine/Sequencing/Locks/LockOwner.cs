// LockOwner: a transaction as the lock table knows it. It is at once the head of the list of what it holds and its own place in a queue,
// for it waits for one lock at a time; so neither holding nor waiting needs an object besides.
//
//   Idle     -> Waiting   [LockLedger.Request]                          in the queue of one key
//   Waiting  -> Granted   [LockLedger.Promote]                          holds the lock; its caller has not woken yet
//   Waiting  -> Wounded   [LockLedger.Wound]                            out of the queue; its caller will find WoundCode
//   Waiting  -> Idle      [LockLedger.Withdraw]                         its caller gave up: time-out, cancellation, closing
//   Granted, Wounded -> Idle  [LockTable, by the caller who waited]     only that caller, so that it cannot miss what happened
//
// A wound stays after the wait has ended: whoever has one takes no new lock before it has given some back (a victim of a circle: rolled
// back, whole or to a savepoint; one that was wounded from outside: ended). Without this a victim could ask again, and again, for what it
// was just refused, while those it was refused for still wait for it.
//
// Always true: a waiting owner is in exactly one queue; everything but Id and StartOrder is guarded by the table's gate, and what is read
// without it (state and wound) is read volatile.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Engine.Sequencing.Locks;

/// <summary>How many locks and upgrades a transaction has taken so far: what a savepoint remembers.</summary>
public readonly record struct LockMark(int Value);

enum WaitState
{
    Idle = 0,
    Waiting = 1,
    Granted = 2,
    Wounded = 3,
}

/// <summary>A transaction that takes locks. One caller at a time may use it; any thread may wound it.</summary>
public sealed class LockOwner
{
    int _state;
    int _wound;

    // Made at the first wait; most transactions never do.
    internal Signal? Signal;
    internal Func<bool>? WaitIsOver;
    internal CancellationToken Cancellation;

    // What it holds, newest first, and which of that it upgraded, newest first. Ordinals count both.
    internal LockHold? NewestHold;
    internal LockHold? NewestUpgrade;
    internal int Ordinals;
    internal int HeldCount;

    // Its place in a queue.
    internal LockEntry? WaitingAt;
    internal LockOwner? PriorWaiter;
    internal LockOwner? NextWaiter;
    internal LockMode WaitMode;
    internal LockHold? Upgrading;      // the Shared hold that it waits to make Exclusive
    internal long WaitStart;

    internal string WoundMessage = "";

    // Of the latest search for circles (DeadlockSearch).
    internal long ReachedStamp;
    internal long PassedStamp;
    internal LockOwner? ReachedFrom;

    internal LockOwner(LockTable? table, ulong id, ulong startOrder)
    {
        Table = table;
        Id = id;
        StartOrder = startOrder;
    }

    /// <summary>Names the transaction in messages and descriptions.</summary>
    public ulong Id { get; }

    /// <summary>When the transaction began, as a number: of a circle the one with the greatest gives way. A transaction that is tried
    /// again keeps its old one, or it might give way for ever.</summary>
    public ulong StartOrder { get; }

    /// <summary>It was chosen to give way in a circle and has given nothing back since.</summary>
    public bool IsVictim => WoundCode == ErrorCode.Deadlock;

    /// <summary>It stands in a queue.</summary>
    public bool IsWaiting => State == WaitState.Waiting;

    /// <summary>What a savepoint remembers; see <see cref="LockTable.ReleaseSince"/>. For the owner's own caller.</summary>
    public LockMark Mark => new(Ordinals);

    /// <summary>Keys it holds. For the owner's own caller.</summary>
    public int LockCount => HeldCount;

    internal LockTable? Table { get; }

    internal WaitState State
    {
        get => (WaitState)Volatile.Read(ref _state);
        set => Volatile.Write(ref _state, (int)value);
    }

    /// <summary>Why it takes no locks; Unknown if it does.</summary>
    internal ErrorCode WoundCode
    {
        get => (ErrorCode)Volatile.Read(ref _wound);
        set => Volatile.Write(ref _wound, (int)value);
    }

    internal bool IsUpgrading => Upgrading is not null;

    internal bool IsYoungerThan(LockOwner other) => StartOrder != other.StartOrder ? StartOrder > other.StartOrder : Id > other.Id;

    public override string ToString() => $"transaction {Id}";
}
