// LockLedger: who holds which key, who waits for it, and what follows when that changes. Data and rules only: nothing here waits, locks or
// looks at a clock, so that its rules can be tested one by one and against a slow model. LockTable guards it and does the waiting.
//
// The rules:
//   (1) Shared goes with Shared, Exclusive with nothing. Who holds a key may ask again: the same or less changes nothing.
//   (2) Who asks first is served first: a request waits if somebody waits already, even if the holders would let it in. So a stream of
//       readers does not starve a writer.
//   (3) An upgrade (Shared to Exclusive) goes before all that do not hold the key: it blocks them anyway until it has ended.
//   (4) A lock is handed over by who gives it back, to the first in the queue and to those after it that go with it. Only they wake.
//   (5) Who begins to wait and closes circles: of each circle found the youngest gives way (DeadlockSearch), until there is none.
//   (6) A wounded owner takes nothing new (LockOwner.cs says until when).
//
// Giving back goes from the newest to the oldest, and in portions, for a transaction may hold very many.
//
// Entries and holds are recycled, up to PoolMax of each and keys of up to PooledKeyBytesMax bytes: beyond that the collector gets them.

using System.Diagnostics;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Engine.Sequencing.Locks;

/// <summary>What became of a request.</summary>
enum LockVerdict
{
    /// <summary>The owner holds the lock.</summary>
    Granted = 0,

    /// <summary>It stands in the queue.</summary>
    Waiting = 1,

    /// <summary>It would have to wait and may not; nothing has changed.</summary>
    Busy = 2,

    /// <summary>It is wounded, from before or as a victim of this request.</summary>
    Wounded = 3,

    /// <summary>It holds as many locks as one owner may; nothing has changed.</summary>
    OwnerLimit = 4,

    /// <summary>The table holds as many locks as it may; nothing has changed.</summary>
    TableLimit = 5,
}

sealed class LockLedger(SeededRandom random, long locksMax, int locksPerOwnerMax)
{
    const int PoolMax = 16 << 10;
    const int PooledKeyBytesMax = 1 << 10;
    const int CircleShownMax = 8;

    readonly LockIndex _index = new(random);
    readonly DeadlockSearch _search = new();
    readonly List<LockOwner> _circle = [];
    LockEntry? _freeEntries;
    LockHold? _freeHolds;
    int _freeEntryCount;
    int _freeHoldCount;

    /// <summary>Locks held: one for each owner and key.</summary>
    public long Held { get; private set; }

    /// <summary>Keys that somebody holds.</summary>
    public int Keys => _index.Count;

    public int Waiting { get; private set; }

    /// <summary>Circles broken, each by one victim.</summary>
    public long Deadlocks { get; private set; }

    public IEnumerable<LockEntry> Entries => _index.Entries;

    public LockEntry? Find(ReadOnlySpan<byte> key) => _index.Find(KeyHash.Compute(key), key);

    /// <summary>Asks for a lock. <paramref name="wakes"/> gets those whose waits ended by it.</summary>
    public LockVerdict Request(LockOwner owner, ReadOnlySpan<byte> key, LockMode mode, bool mayWait, ref WakeList wakes)
    {
        Debug.Assert(owner.State == WaitState.Idle, "an owner asks for one lock at a time");
        if (owner.WoundCode != ErrorCode.Unknown) return LockVerdict.Wounded;
        var hash = KeyHash.Compute(key);
        var entry = _index.Find(hash, key);
        var hold = entry?.FindHold(owner);
        if (hold is not null)
        {
            if (mode == LockMode.Shared || hold.Mode == LockMode.Exclusive) return LockVerdict.Granted;
            if (entry!.HoldCount == 1)
            {
                Upgrade(hold);
                return LockVerdict.Granted;
            }
        }
        else
        {
            // Who waits will hold: it has its place already.
            if (owner.HeldCount >= locksPerOwnerMax) return LockVerdict.OwnerLimit;
            if (Held + Waiting >= locksMax) return LockVerdict.TableLimit;
            if (entry is null || (entry.FirstWaiter is null && entry.IsCompatible(mode)))
            {
                entry ??= AddEntry(key, hash);
                AddHold(owner, entry, mode);
                return LockVerdict.Granted;
            }
        }
        if (!mayWait) return LockVerdict.Busy;
        Enqueue(owner, entry!, mode, hold);
        BreakCircles(owner, ref wakes);
        switch (owner.State)
        {
            case WaitState.Waiting:
                return LockVerdict.Waiting;
            case WaitState.Granted:
                // Its victim stood before it in the same queue.
                owner.State = WaitState.Idle;
                return LockVerdict.Granted;
            default:
                owner.State = WaitState.Idle;
                return LockVerdict.Wounded;
        }
    }

    /// <summary>Its caller waits no longer.</summary>
    public void Withdraw(LockOwner owner, ref WakeList wakes)
    {
        Debug.Assert(owner.State == WaitState.Waiting, "only who waits can give up");
        Leave(owner, WaitState.Idle, ref wakes);
    }

    /// <summary>The owner takes no new locks from now on; if it waits, its wait ends. The first wound counts.</summary>
    public void Wound(LockOwner owner, ErrorCode code, string message, ref WakeList wakes)
    {
        // A victim may go on after rolling back to a savepoint; who is wounded from outside may not, so that wound replaces the other.
        if (owner.WoundCode is ErrorCode.Unknown or ErrorCode.Deadlock)
        {
            owner.WoundMessage = message;
            owner.WoundCode = code;
        }
        if (owner.State != WaitState.Waiting) return;
        Leave(owner, WaitState.Wounded, ref wakes);
        wakes.Add(owner);
    }

    /// <summary>Undoes upgrades and gives back locks that were taken at or after <paramref name="mark"/>, at most
    /// <paramref name="atMost"/> of them.</summary>
    /// <returns>True if none is left.</returns>
    public bool Release(LockOwner owner, LockMark mark, int atMost, ref WakeList wakes)
    {
        Debug.Assert(owner.State == WaitState.Idle, "who waits cannot give back");
        for (; owner.NewestUpgrade is { } upgraded && upgraded.UpgradeOrdinal >= mark.Value; atMost--)
        {
            if (atMost == 0) return false;
            owner.NewestUpgrade = upgraded.OlderUpgrade;
            upgraded.OlderUpgrade = null;
            upgraded.UpgradeOrdinal = LockHold.NotUpgraded;
            upgraded.Mode = LockMode.Shared;
            upgraded.Entry.IsExclusive = false;
            Promote(upgraded.Entry, ref wakes);
        }
        for (; owner.NewestHold is { } hold && hold.Ordinal >= mark.Value; atMost--)
        {
            if (atMost == 0) return false;
            owner.NewestHold = hold.OlderOfOwner;
            var entry = hold.Entry;
            entry.RemoveHold(hold);
            owner.HeldCount--;
            Held--;
            Recycle(hold);
            Promote(entry, ref wakes);
            if (entry.HoldCount == 0) Recycle(entry);
        }
        owner.Ordinals = mark.Value;
        return true;
    }

    /// <summary>One of those that <paramref name="owner"/> waits for, and whether that one holds the key (else it waits before it).</summary>
    public static LockOwner FirstInTheWay(LockOwner owner, out bool holds)
    {
        var entry = owner.WaitingAt!;
        holds = true;
        for (var hold = entry.FirstHold; hold is not null; hold = hold.NextOfEntry)
            if (hold.Owner != owner && (owner.WaitMode == LockMode.Exclusive || hold.Mode == LockMode.Exclusive)) return hold.Owner;
        holds = false;
        var ahead = owner.PriorWaiter;
        while (ahead is { WaitMode: LockMode.Shared }) ahead = ahead.PriorWaiter;
        Debug.Assert(ahead is not null, "who waits has somebody in its way");
        return ahead;
    }

    void Enqueue(LockOwner owner, LockEntry entry, LockMode mode, LockHold? upgrading)
    {
        owner.WaitingAt = entry;
        owner.WaitMode = mode;
        owner.Upgrading = upgrading;
        owner.State = WaitState.Waiting;
        entry.Enqueue(owner);
        Waiting++;
    }

    void Leave(LockOwner owner, WaitState state, ref WakeList wakes)
    {
        var entry = owner.WaitingAt!;
        Dequeue(owner, entry, state);
        Promote(entry, ref wakes);
    }

    void Dequeue(LockOwner owner, LockEntry entry, WaitState state)
    {
        entry.Dequeue(owner);
        owner.WaitingAt = null;
        owner.Upgrading = null;
        owner.State = state;
        Waiting--;
    }

    // Hands the key over to those of the queue's beginning that may have it now.
    void Promote(LockEntry entry, ref WakeList wakes)
    {
        while (entry.FirstWaiter is { } first && entry.MayGrant(first))
        {
            var upgrading = first.Upgrading;
            // The place is left last of all by its state: who reads Granted without the gate must find the lock held.
            if (upgrading is not null) Upgrade(upgrading);
            else AddHold(first, entry, first.WaitMode);
            Dequeue(first, entry, WaitState.Granted);
            wakes.Add(first);
        }
    }

    void BreakCircles(LockOwner start, ref WakeList wakes)
    {
        while (start.State == WaitState.Waiting && _search.TryFind(start, _circle))
        {
            var victim = _circle[0];
            foreach (var owner in _circle)
                if (owner.IsYoungerThan(victim)) victim = owner;
            Deadlocks++;
            Wound(victim, ErrorCode.Deadlock, DescribeCircle(victim), ref wakes);
        }
        _circle.Clear();
    }

    string DescribeCircle(LockOwner victim)
    {
        var text = new StringBuilder();
        text.Append(victim).Append(" gave way as the youngest of ").Append(_circle.Count).Append(" that wait for each other:");
        foreach (var owner in _circle.Take(CircleShownMax))
            text.Append(' ').Append(owner).Append(owner.WaitMode == LockMode.Shared ? " (shared, " : " (exclusive, ")
                .Append(LockedKey.Show(owner.WaitingAt!.Key)).Append(") ->");
        text.Append(_circle.Count > CircleShownMax ? " ..." : $" {_circle[0]}");
        return text.ToString();
    }

    LockEntry AddEntry(ReadOnlySpan<byte> key, ulong hash)
    {
        if (_freeEntries is { } entry)
        {
            _freeEntries = entry.Left;
            entry.Left = null;
            _freeEntryCount--;
        }
        else
        {
            entry = new LockEntry();
        }
        entry.SetKey(key, hash);
        _index.Add(entry);
        return entry;
    }

    void AddHold(LockOwner owner, LockEntry entry, LockMode mode)
    {
        if (_freeHolds is { } hold)
        {
            _freeHolds = hold.OlderOfOwner;
            _freeHoldCount--;
        }
        else
        {
            hold = new LockHold();
        }
        hold.Owner = owner;
        hold.Mode = mode;
        hold.Ordinal = owner.Ordinals++;
        hold.UpgradeOrdinal = LockHold.NotUpgraded;
        hold.OlderOfOwner = owner.NewestHold;
        owner.NewestHold = hold;
        owner.HeldCount++;
        entry.AddHold(hold);
        Held++;
    }

    static void Upgrade(LockHold hold)
    {
        var owner = hold.Owner;
        hold.Mode = LockMode.Exclusive;
        hold.Entry.IsExclusive = true;
        hold.UpgradeOrdinal = owner.Ordinals++;
        hold.OlderUpgrade = owner.NewestUpgrade;
        owner.NewestUpgrade = hold;
    }

    void Recycle(LockHold hold)
    {
        hold.Owner = null!;
        hold.Entry = null!;
        hold.PriorOfEntry = hold.NextOfEntry = hold.OlderOfOwner = hold.OlderUpgrade = null;
        if (_freeHoldCount >= PoolMax) return;
        hold.OlderOfOwner = _freeHolds;
        _freeHolds = hold;
        _freeHoldCount++;
    }

    void Recycle(LockEntry entry)
    {
        Debug.Assert(entry.WaiterCount == 0, "nobody waits for a free key");
        _index.Remove(entry);
        if (_freeEntryCount >= PoolMax || entry.KeyBufferBytes > PooledKeyBytesMax) return;
        entry.Left = _freeEntries;
        _freeEntries = entry;
        _freeEntryCount++;
    }
}
