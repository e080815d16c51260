// LoopTimers: what a loop has to do later. A heap by time; actions of one time run in the order they were asked for.
//
// What was disposed of before its time stays in the heap as an empty shell until its time, or until the heap has doubled and is swept, so
// the heap never holds more than twice what is awaited (or SweepMin). On the loop only.

using Aevum.Core.Errors;

namespace Aevum.Core.Network;

sealed class LoopTimers(TimeProvider time)
{
    const int SweepMin = 64;

    readonly PriorityQueue<Timer, (long Due, long Number)> _due = new();
    long _number;
    int _sweepAt = SweepMin;

    /// <summary>Including those that were disposed of and not swept yet.</summary>
    public int Count => _due.Count;

    public IDisposable Add(TimeSpan after, Action action)
    {
        if (after < TimeSpan.Zero) Throw.Invalid("a timer lies in the past");
        if (_due.Count >= _sweepAt) Sweep();
        var ticks = after.TotalSeconds * time.TimestampFrequency;
        var due = ticks >= long.MaxValue / 2 ? long.MaxValue : time.GetTimestamp() + (long)Math.Ceiling(ticks);
        var timer = new Timer(action);
        _due.Enqueue(timer, (due, _number++));
        return timer;
    }

    /// <summary>How long until the next; null: there is none.</summary>
    public TimeSpan? UntilNext()
    {
        while (_due.TryPeek(out var timer, out var key))
        {
            if (timer.Action is null)
            {
                _due.Dequeue();
                continue;
            }
            var now = time.GetTimestamp();
            return key.Due <= now ? TimeSpan.Zero : time.GetElapsedTime(now, key.Due);
        }
        return null;
    }

    /// <summary>Takes one action whose time had come at <paramref name="now"/>.</summary>
    public Action? TakeDue(long now)
    {
        while (_due.TryPeek(out var timer, out var key) && (key.Due <= now || timer.Action is null))
        {
            _due.Dequeue();
            if (timer.Action is not { } action) continue;
            timer.Action = null;
            return action;
        }
        return null;
    }

    public void Clear() => _due.Clear();

    void Sweep()
    {
        var awaited = new List<(Timer, (long, long))>();
        foreach (var (timer, due) in _due.UnorderedItems)
            if (timer.Action is not null) awaited.Add((timer, due));
        _due.Clear();
        _due.EnqueueRange(awaited);
        _sweepAt = Math.Max(SweepMin, 2 * awaited.Count);
    }

    sealed class Timer(Action action) : IDisposable
    {
        /// <summary>Null: it has run, or was disposed of.</summary>
        public Action? Action { get; set; } = action;

        public void Dispose() => Action = null;
    }
}
