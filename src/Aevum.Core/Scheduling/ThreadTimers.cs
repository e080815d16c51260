// ThreadTimers: one thread that completes promises when their time has come. It runs no work itself.
//
// A promise that was completed otherwise (a signal came before the timeout) stays in the heap; the heap is swept whenever it has doubled,
// so it never holds more than twice what is awaited (or SweepMin), and a sweep costs each addition a constant.

namespace Aevum.Core.Scheduling;

sealed class ThreadTimers(TimeProvider time, string name)
{
    const int SweepMin = 64;

    readonly object _gate = new();
    readonly PriorityQueue<WakePromise, long> _due = new();
    Thread? _thread;
    int _sweepAt = SweepMin;
    bool _closed;

    /// <summary>Completes <paramref name="delay"/> with false after the given time.</summary>
    /// <returns>False if the timers are closed; then the delay is cancelled at once.</returns>
    public bool Add(TimeSpan after, WakePromise delay)
    {
        var ticks = after.TotalSeconds * time.TimestampFrequency;
        var due = ticks >= long.MaxValue / 2 ? long.MaxValue : time.GetTimestamp() + (long)Math.Ceiling(ticks);
        lock (_gate)
        {
            if (!_closed)
            {
                if (_due.Count >= _sweepAt) SweepLocked();
                _due.Enqueue(delay, due);
                if (_thread is null)
                {
                    _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = name };
                    _thread.Start();
                }
                else if (_due.Peek() == delay)
                {
                    Monitor.Pulse(_gate);
                }
                return true;
            }
        }
        delay.Cancel();
        return false;
    }

    /// <summary>Cancels all that waits, now and later.</summary>
    public void Close()
    {
        WakePromise[] left;
        lock (_gate)
        {
            _closed = true;
            left = [.. _due.UnorderedItems.Select(item => item.Element)];
            _due.Clear();
            Monitor.Pulse(_gate);
        }
        foreach (var delay in left) delay.Cancel();
    }

    public int Count
    {
        get
        {
            lock (_gate) return _due.Count;
        }
    }

    public void Join() => _thread?.Join();

    /// <summary>Monitors wait whole milliseconds and cut off the rest; a wait that ends early would spin.</summary>
    public static TimeSpan RoundUp(TimeSpan time) =>
        TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 0, 24 * 3600 * 1000.0));

    void SweepLocked()
    {
        var awaited = _due.UnorderedItems.Where(item => !item.Element.IsCompleted).ToArray();
        _due.Clear();
        _due.EnqueueRange(awaited);
        _sweepAt = Math.Max(SweepMin, 2 * awaited.Length);
    }

    void Run()
    {
        var ready = new List<WakePromise>();
        while (true)
        {
            lock (_gate)
            {
                if (_closed) return;
                while (_due.TryPeek(out var delay, out var due) && (delay.IsCompleted || due <= time.GetTimestamp()))
                    ready.Add(_due.Dequeue());
                if (ready.Count == 0)
                {
                    if (_due.TryPeek(out _, out var next)) Monitor.Wait(_gate, RoundUp(time.GetElapsedTime(time.GetTimestamp(), next)));
                    else Monitor.Wait(_gate);
                }
            }
            foreach (var delay in ready) delay.Complete(false);
            ready.Clear();
        }
    }
}
