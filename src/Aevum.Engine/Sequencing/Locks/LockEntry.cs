// LockEntry: a key that somebody holds: its bytes, who holds it, who waits for it. LockHold: one owner's lock on one key.
//
// Both are recycled by LockLedger and linked into each other, so that taking and giving back a lock touches no collection:
//
//   LockEntry.FirstHold ─> LockHold <─> LockHold           holders of the key, in no order that matters
//   LockOwner.NewestHold ─> LockHold ─> OlderOfOwner       locks of the owner, newest first
//   LockEntry.FirstWaiter ─> LockOwner <─> LockOwner       the queue; upgrades stand before all others
//
// Always true: HoldCount > 0 (an entry that nobody holds is recycled); IsExclusive only with one hold, and then that is Exclusive.

namespace Aevum.Engine.Sequencing.Locks;

sealed class LockEntry
{
    byte[] _key = [];
    int _keyLength;

    // Of LockIndex. Left also links the entries that wait to be used again.
    internal ulong Hash;
    internal uint Priority;
    internal LockEntry? Left;
    internal LockEntry? Right;

    internal LockHold? FirstHold;
    internal int HoldCount;
    internal bool IsExclusive;

    internal LockOwner? FirstWaiter;
    internal LockOwner? LastWaiter;
    internal int WaiterCount;

    // Of the latest search for circles that looked at all holders.
    internal long HoldersStamp;

    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    public int KeyBufferBytes => _key.Length;

    /// <summary>Copies the key; the buffer stays with the entry when it is used again.</summary>
    public void SetKey(ReadOnlySpan<byte> key, ulong hash)
    {
        if (_key.Length < key.Length) _key = new byte[Math.Max(32, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)key.Length))];
        key.CopyTo(_key);
        _keyLength = key.Length;
        Hash = hash;
    }

    public bool IsCompatible(LockMode mode) => HoldCount == 0 || (mode == LockMode.Shared && !IsExclusive);

    /// <summary>Whether the first in the queue may have what it waits for.</summary>
    public bool MayGrant(LockOwner waiter) => waiter.IsUpgrading ? HoldCount == 1 : IsCompatible(waiter.WaitMode);

    /// <summary>Puts an owner into the queue: an upgrade behind other upgrades, everybody else at the end.</summary>
    public void Enqueue(LockOwner waiter)
    {
        var prior = LastWaiter;
        if (waiter.IsUpgrading)
            while (prior is not null && !prior.IsUpgrading) prior = prior.PriorWaiter;
        var next = prior is null ? FirstWaiter : prior.NextWaiter;
        waiter.PriorWaiter = prior;
        waiter.NextWaiter = next;
        if (prior is null) FirstWaiter = waiter;
        else prior.NextWaiter = waiter;
        if (next is null) LastWaiter = waiter;
        else next.PriorWaiter = waiter;
        WaiterCount++;
    }

    public void Dequeue(LockOwner waiter)
    {
        if (waiter.PriorWaiter is { } prior) prior.NextWaiter = waiter.NextWaiter;
        else FirstWaiter = waiter.NextWaiter;
        if (waiter.NextWaiter is { } next) next.PriorWaiter = waiter.PriorWaiter;
        else LastWaiter = waiter.PriorWaiter;
        waiter.PriorWaiter = waiter.NextWaiter = null;
        WaiterCount--;
    }

    public void AddHold(LockHold hold)
    {
        hold.Entry = this;
        hold.PriorOfEntry = null;
        hold.NextOfEntry = FirstHold;
        if (FirstHold is { } first) first.PriorOfEntry = hold;
        FirstHold = hold;
        HoldCount++;
        IsExclusive = hold.Mode == LockMode.Exclusive;
    }

    public void RemoveHold(LockHold hold)
    {
        if (hold.PriorOfEntry is { } prior) prior.NextOfEntry = hold.NextOfEntry;
        else FirstHold = hold.NextOfEntry;
        if (hold.NextOfEntry is { } next) next.PriorOfEntry = hold.PriorOfEntry;
        HoldCount--;
        IsExclusive = false;
    }

    /// <summary>The owner's lock on this key, or null. Walks the shorter of the two lists it would be in.</summary>
    public LockHold? FindHold(LockOwner owner)
    {
        if (owner.HeldCount < HoldCount)
        {
            for (var hold = owner.NewestHold; hold is not null; hold = hold.OlderOfOwner)
                if (hold.Entry == this) return hold;
            return null;
        }
        for (var hold = FirstHold; hold is not null; hold = hold.NextOfEntry)
            if (hold.Owner == owner) return hold;
        return null;
    }
}

sealed class LockHold
{
    public const int NotUpgraded = -1;

    internal LockOwner Owner = null!;
    internal LockEntry Entry = null!;
    internal LockMode Mode;

    // The owner's count of locks and upgrades when it took this one, and when it made it Exclusive.
    internal int Ordinal;
    internal int UpgradeOrdinal;

    internal LockHold? PriorOfEntry;
    internal LockHold? NextOfEntry;

    // Also links the holds that wait to be used again.
    internal LockHold? OlderOfOwner;
    internal LockHold? OlderUpgrade;
}
