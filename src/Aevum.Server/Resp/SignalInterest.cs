// SignalInterest: whether anybody wants to hear what happens to keys. Nearly always nobody does, and then a write costs no copy of its key.
//
// Asked where a command runs, in the sequencer, not where its request came in: who waits registers first and looks once more through the
// sequencer after that, so a write that still saw no interest was decided before that look, and is seen by it.
//
// Always true: interest that was taken is seen by every command that is decided afterwards.

using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp;

sealed class SignalInterest
{
    // Not letters of notify-keyspace-events: somebody waits for a key to get something; somebody waits who wants to know of everything.
    const int WaitersBit = 1 << 30;
    const int LossBit = 1 << 29;

    readonly Lock _gate = new();
    int _mask;
    int _trackers;
    volatile bool _expiries;
    NotificationClass _notified;

    /// <summary>The interest of one that wants to hear everything.</summary>
    public static SignalInterest InEverything { get; } = new() { _mask = -1 };

    /// <summary>True if a signal of a class has somebody to be told to.</summary>
    /// <param name="isReady">The signal is one that waiters go on by.</param>
    public bool Wants(NotificationClass kind, bool isReady) =>
        (Volatile.Read(ref _mask) & ((int)kind | LossBit | (isReady ? WaitersBit : 0))) != 0;

    /// <summary>Somebody waits for a key, or nobody does any more.</summary>
    /// <param name="forLoss">Somebody wants to know of whatever happens to a key, not only that it gets something.</param>
    public void SetWaiters(bool any, bool forLoss = false)
    {
        var waiters = (any ? WaitersBit : 0) | (forLoss ? LossBit : 0);
        lock (_gate) Volatile.Write(ref _mask, (_mask & ~(WaitersBit | LossBit)) | waiters);
    }

    /// <summary>Which classes are published as notifications.</summary>
    public void SetNotified(NotificationClass classes)
    {
        lock (_gate)
        {
            _notified = classes;
            Compute();
        }
    }

    /// <summary>A client that keeps copies has come (+1) or gone (-1).</summary>
    public void AddTrackers(int count)
    {
        lock (_gate)
        {
            _trackers += count;
            Compute();
        }
    }

    /// <summary>True while expiry is to be told.</summary>
    public bool HearsExpiries => _expiries;

    /// <summary>Expiry is to be told: every change may change one.</summary>
    public void SetExpiries(bool any)
    {
        lock (_gate)
        {
            _expiries = any;
            Compute();
        }
    }

    // Without K and E nothing is published whatever classes there are. Trackers hear of every change, not of misses.
    void Compute()
    {
        var classes = (_notified & (NotificationClass.Keyspace | NotificationClass.Keyevent)) != 0 ? _notified : NotificationClass.None;
        if (_trackers > 0 || _expiries) classes |= NotificationClass.All | NotificationClass.New;
        Volatile.Write(ref _mask, (_mask & (WaitersBit | LossBit)) | (int)classes);
    }
}
