// SimulatedTime: a clock that stands still until it is told to jump to the next timer, and a TimeProvider over it.

using System.Globalization;

namespace Aevum.Core.Scheduling;

sealed class SimulatedTime(SimulatedScheduler scheduler, DateTimeOffset start) : TimeProvider
{
    // By time, then by age: equal times must not depend on how the heap happens to lie.
    readonly PriorityQueue<Timer, (TimeSpan Due, long Age)> _timers = new();
    long _age;
    bool _closed;

    /// <summary>Since the world began.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The same as text, in seconds.</summary>
    public string Elapsed => Now.TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public override DateTimeOffset GetUtcNow() => start + Now;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new ProvidedTimer(this, scheduler, callback, state, dueTime, period);

    public Timer Add(TimeSpan after, WakePromise promise) =>
        Add(after, () => promise.Complete(false), () => promise.IsCompleted, promise.Cancel);

    public Timer Add(TimeSpan after, Action fire) => Add(after, fire, null, null);

    Timer Add(TimeSpan after, Action fire, Func<bool>? isVoid, Action? cancel)
    {
        var due = after > TimeSpan.MaxValue - Now ? TimeSpan.MaxValue : Now + after;
        var timer = new Timer(fire, isVoid, cancel);
        if (!_closed) _timers.Enqueue(timer, (due, _age++));
        else cancel?.Invoke();
        return timer;
    }

    /// <summary>Moves to the earliest timer that somebody still waits for, and fires all of its time.</summary>
    public bool MoveToNextTimer()
    {
        var fired = false;
        while (_timers.TryPeek(out var timer, out var key))
        {
            // A timer that nobody waits for any more must not move time.
            if (timer.IsVoid)
            {
                _timers.Dequeue();
                continue;
            }
            if (fired && key.Due > Now) break;
            Now = key.Due;
            _timers.Dequeue();
            fired = true;
            timer.Fire();
        }
        return fired;
    }

    public void Clear() => _timers.Clear();

    /// <summary>Cancels all promises, now and later.</summary>
    public void Close()
    {
        _closed = true;
        while (_timers.TryDequeue(out var timer, out _))
            if (!timer.IsVoid) timer.Close();
    }

    public sealed class Timer(Action fire, Func<bool>? isVoid, Action? close)
    {
        bool _cancelled;

        public bool IsVoid => _cancelled || (isVoid is not null && isVoid());

        public void Fire() => fire();

        public void Cancel() => _cancelled = true;

        public void Close() => close?.Invoke();
    }

    /// <summary>For base-library code that takes a TimeProvider. The callback is a step of the world like any other.</summary>
    sealed class ProvidedTimer : ITimer
    {
        readonly SimulatedTime _time;
        readonly SimulatedContext _context;
        readonly SendOrPostCallback _callback;
        readonly object? _state;
        Timer? _timer;

        public ProvidedTimer(SimulatedTime time, SimulatedScheduler scheduler, TimerCallback callback, object? state, TimeSpan due,
            TimeSpan period)
        {
            _time = time;
            _context = new SimulatedContext(scheduler, "a timer of the time provider");
            _callback = x => callback(x);
            _state = state;
            Change(due, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _timer?.Cancel();
            _timer = dueTime < TimeSpan.Zero ? null : _time.Add(dueTime, () => Fire(period));
            return true;
        }

        void Fire(TimeSpan period)
        {
            // Again before the callback, which may change or dispose of it.
            _timer = period > TimeSpan.Zero ? _time.Add(period, () => Fire(period)) : null;
            _context.Post(_callback, _state);
        }

        public void Dispose() => _timer?.Cancel();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
