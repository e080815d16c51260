// SimulatedSignal: who waits, as promises (bodies) and as blocked callers. Raising makes them runnable; the seed says who looks first.

namespace Aevum.Core.Scheduling;

sealed class SimulatedSignal(SimulatedScheduler scheduler, string name) : Signal
{
    readonly List<WakePromise> _bodies = [];
    readonly List<BlockedCaller> _callers = [];

    public override void Raise()
    {
        scheduler.Pump.RequireInside();
        foreach (var body in _bodies.ToArray()) body.Complete(true);
        foreach (var caller in _callers) MakeRunnable(caller);
    }

    void MakeRunnable(BlockedCaller caller)
    {
        if (caller.IsRunnable) return;
        caller.IsRunnable = true;
        scheduler.Enqueue(new Runnable(caller.Name, null, null, null, caller));
    }

    public override bool WaitUntil(Func<bool> condition, TimeSpan? timeout = null)
    {
        scheduler.Pump.RequireInside();
        scheduler.RequireLiving();
        if (condition()) return true;
        if (scheduler.IsClosing || timeout <= TimeSpan.Zero) return false;
        var caller = new BlockedCaller($"waiter for {name}", () => condition() || scheduler.IsClosing);
        var timer = timeout is { } limit ? scheduler.Clock.Add(limit, () => TimeOut(caller)) : null;
        _callers.Add(caller);
        scheduler.HasWaiters(this, true);
        try
        {
            // A closing scheduler wakes everybody, to give up.
            return scheduler.Pump.Block(caller) && (!scheduler.IsClosing || condition());
        }
        finally
        {
            timer?.Cancel();
            _callers.Remove(caller);
            if (_callers.Count + _bodies.Count == 0) scheduler.HasWaiters(this, false);
        }
    }

    void TimeOut(BlockedCaller caller)
    {
        if (!_callers.Contains(caller)) return;
        caller.TimedOut = true;
        MakeRunnable(caller);
    }

    public override async Task<bool> WaitUntilAsync(Func<bool> condition, TimeSpan? timeout = null)
    {
        scheduler.Pump.RequireInside();
        var end = timeout is { } limit ? scheduler.Clock.Now + limit : TimeSpan.MaxValue;
        while (true)
        {
            if (condition()) return true;
            if (scheduler.IsClosing || scheduler.Clock.Now >= end) return false;
            var wake = new WakePromise();
            _bodies.Add(wake);
            scheduler.HasWaiters(this, true);
            var timer = timeout is null ? null : scheduler.Clock.Add(end - scheduler.Clock.Now, wake);
            try
            {
                await wake.Task;
            }
            catch (OperationCanceledException)
            {
                // The timers were closed: go round once more and find out.
            }
            timer?.Cancel();
            _bodies.Remove(wake);
            if (_callers.Count + _bodies.Count == 0) scheduler.HasWaiters(this, false);
        }
    }

    /// <summary>The process that waited has died.</summary>
    public void Forget()
    {
        _bodies.Clear();
        _callers.Clear();
    }

    public override string ToString() => name;
}
