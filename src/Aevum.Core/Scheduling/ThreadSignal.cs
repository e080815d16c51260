// ThreadSignal: a monitor for threads and a list of promises for bodies, under one count of raises.
//
// Nobody misses a raise: a waiter notes the count (or enrols its promise) before it evaluates its condition, so a raise that comes
// after the evaluation finds it. Conditions are evaluated outside of every lock of this file: they may take the caller's.

using System.Diagnostics;

namespace Aevum.Core.Scheduling;

sealed class ThreadSignal(ThreadScheduler scheduler, string name) : Signal
{
    readonly object _gate = new();
    readonly List<WakePromise> _bodies = [];
    long _raises;
    int _threads;

    public override void Raise()
    {
        WakePromise[] bodies;
        lock (_gate)
        {
            _raises++;
            if (_threads > 0) Monitor.PulseAll(_gate);
            if (_bodies.Count == 0) return;
            bodies = [.. _bodies];
        }
        foreach (var body in bodies) body.Complete(true);
    }

    public override bool WaitUntil(Func<bool> condition, TimeSpan? timeout = null)
    {
        if (condition()) return true;
        var time = scheduler.Time;
        var start = time.GetTimestamp();
        Enrol(1, null);
        try
        {
            while (true)
            {
                long seen;
                lock (_gate) seen = _raises;
                if (condition()) return true;
                if (scheduler.IsClosing) return false;
                lock (_gate)
                {
                    while (_raises == seen)
                    {
                        if (timeout is not { } limit)
                        {
                            Monitor.Wait(_gate);
                            continue;
                        }
                        var left = limit - time.GetElapsedTime(start);
                        if (left <= TimeSpan.Zero) break;
                        Monitor.Wait(_gate, ThreadTimers.RoundUp(left));
                    }
                    if (_raises != seen) continue;
                }
                return condition();   // the time has passed: one last look
            }
        }
        finally
        {
            Enrol(-1, null);
        }
    }

    public override async Task<bool> WaitUntilAsync(Func<bool> condition, TimeSpan? timeout = null)
    {
        var time = scheduler.Time;
        var start = time.GetTimestamp();
        while (true)
        {
            var wake = new WakePromise();
            Enrol(0, wake);
            try
            {
                if (condition()) return true;
                if (scheduler.IsClosing) return false;
                if (timeout is { } limit)
                {
                    var left = limit - time.GetElapsedTime(start);
                    if (left <= TimeSpan.Zero || !scheduler.Timers.Add(left, wake)) return false;
                }
                await wake.Task;
            }
            catch (OperationCanceledException)
            {
                // The timers were closed: go round once more and find out.
            }
            finally
            {
                wake.Complete(false);   // so that a timer finds it done
                Withdraw(wake);
            }
        }
    }

    void Enrol(int threads, WakePromise? body)
    {
        bool first, last;
        lock (_gate)
        {
            var before = _threads + _bodies.Count;
            _threads += threads;
            if (body is not null) _bodies.Add(body);
            first = before == 0;
            last = _threads + _bodies.Count == 0;
            // Under the gate, or enrolling and withdrawing could reach the scheduler in the wrong order.
            if (first || last) scheduler.HasWaiters(this, !last);
        }
    }

    void Withdraw(WakePromise body)
    {
        lock (_gate)
        {
            var removed = _bodies.Remove(body);
            Debug.Assert(removed, "each wait withdraws what it enrolled");
            if (_threads + _bodies.Count == 0) scheduler.HasWaiters(this, false);
        }
    }

    public override string ToString() => name;
}
