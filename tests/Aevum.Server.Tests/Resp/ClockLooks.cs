// ClockLooks: a scheduler that is another one, and does something when its clock is looked at for the n-th time. A request looks at the clock between its
// reads, so what others do there comes between them: which is how two loops may meet, once for each n.

using Aevum.Core.Scheduling;

namespace Aevum.Server.Tests.Resp;

sealed class ClockLooks : IScheduler
{
    readonly IScheduler _inner;
    Action? _action;
    int _left;

    public ClockLooks(IScheduler inner)
    {
        _inner = inner;
        Time = new LookedAt(this);
    }

    public TimeProvider Time { get; }

    /// <summary>Does something at the n-th look from now on, once.</summary>
    /// <param name="look">From 1.</param>
    public void DoAt(int look, Action action) => (_left, _action) = (look, action);

    /// <summary>Does it no more.</summary>
    /// <returns>True: it was done.</returns>
    public bool End()
    {
        var wasDone = _action is null;
        _action = null;
        return wasDone;
    }

    void Look()
    {
        if (_action is not { } action || --_left > 0) return;
        _action = null;
        action();
    }

    public SeededRandom CreateRandom(string name) => _inner.CreateRandom(name);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body) => _inner.Start(name, workClass, body);

    public SchedulerYield Yield() => _inner.Yield();

    public Task Delay(TimeSpan time, CancellationToken cancellation = default) => _inner.Delay(time, cancellation);

    public Signal CreateSignal(string name) => _inner.CreateSignal(name);

    public void Dispose() => _inner.Dispose();

    sealed class LookedAt(ClockLooks looks) : TimeProvider
    {
        TimeProvider Inner => looks._inner.Time;

        public override long TimestampFrequency => Inner.TimestampFrequency;

        public override long GetTimestamp()
        {
            looks.Look();
            return Inner.GetTimestamp();
        }

        public override DateTimeOffset GetUtcNow() => Inner.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Inner.CreateTimer(callback, state, dueTime, period);
    }
}
