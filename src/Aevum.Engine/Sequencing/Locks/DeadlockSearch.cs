// DeadlockSearch: finds a circle of transactions that wait for each other, when somebody begins to wait.
//
// Who waits for whom (a waiting owner A, at the key it waits for):
//   (a) A wants Exclusive: every holder but A itself.   A wants Shared: the Exclusive holder, if there is one;
//   (b) everybody before A in the queue whose mode does not go with A's.
// Of (b) only the nearest Exclusive waiter is walked. Those further ahead are reached through it, which waits for them itself. Shared
// waiters are passed over: what one of them waits for, an Exclusive before it or the holder, everybody behind it waits for too, so it
// stands in no circle that would break if it went. (None is the start: who begins to wait is last, or upgrades.)
//
// Only who begins to wait can close a circle: granting and giving back turn no edge toward somebody who waits, and an upgrade that enters
// the queue before others gets its edges together with its wait. So before each search there is no circle, every circle found goes through
// where the search began, and detection is exact: no circle lasts, nobody gives way without one.
//
// The search goes in breadth, so the circle it returns is a shortest one, and costs O(owners + holds + queue places reached): each owner
// is expanded once, each key's holders are walked once (HoldersStamp), each place of a queue is passed over once (PassedStamp).
//
// Not here: who gives way (LockLedger), waits for other things than locks (time-outs end those).

namespace Aevum.Engine.Sequencing.Locks;

sealed class DeadlockSearch
{
    readonly List<LockOwner> _reached = [];
    long _stamp;

    /// <summary>Fills <paramref name="circle"/> with the owners of a shortest circle through <paramref name="start"/>, which comes first;
    /// each waits for the next, the last for the first.</summary>
    public bool TryFind(LockOwner start, List<LockOwner> circle)
    {
        circle.Clear();
        // Nobody waits for who holds nothing: it is at the end of its queue, for only those go ahead who upgrade what they hold.
        if (start.HeldCount == 0) return false;
        _stamp++;
        start.ReachedStamp = _stamp;
        _reached.Add(start);
        var found = false;
        for (var i = 0; i < _reached.Count && !found; i++)
        {
            var at = _reached[i];
            // Who does not wait runs, and gives back in its time.
            if (!at.IsWaiting || !Expand(at, start)) continue;
            found = true;
            for (var owner = at; owner is not null; owner = owner.ReachedFrom) circle.Add(owner);
            circle.Reverse();
        }
        // Else one that lives would keep the one it was reached from alive, and that one the next, long after they have ended.
        foreach (var owner in _reached) owner.ReachedFrom = null;
        _reached.Clear();
        return found;
    }

    // True if one of those that it waits for is the start.
    bool Expand(LockOwner at, LockOwner start)
    {
        var entry = at.WaitingAt!;
        if (at.WaitMode == LockMode.Exclusive)
        {
            if (entry.HoldersStamp != _stamp)
            {
                // An upgrade leaves out its own hold, for which the next one to come here may be waiting.
                if (!at.IsUpgrading) entry.HoldersStamp = _stamp;
                for (var hold = entry.FirstHold; hold is not null; hold = hold.NextOfEntry)
                    if (hold.Owner != at && Reach(hold.Owner, at, start)) return true;
            }
        }
        else if (entry.IsExclusive && Reach(entry.FirstHold!.Owner, at, start))
        {
            return true;
        }
        for (var ahead = at.PriorWaiter; ahead is not null && ahead.PassedStamp != _stamp; ahead = ahead.PriorWaiter)
        {
            if (ahead.WaitMode == LockMode.Exclusive) return Reach(ahead, at, start);
            ahead.PassedStamp = _stamp;
        }
        return false;
    }

    bool Reach(LockOwner owner, LockOwner from, LockOwner start)
    {
        if (owner == start) return true;
        if (owner.ReachedStamp == _stamp) return false;
        owner.ReachedStamp = _stamp;
        owner.ReachedFrom = from;
        _reached.Add(owner);
        return false;
    }
}
