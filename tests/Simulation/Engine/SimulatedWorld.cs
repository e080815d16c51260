// SimulatedWorld: what the engine's run puts between the engine and the simulated scheduler and disk:
//
//   the wall clock    can be moved forward and back, and frozen; the monotonic clock goes on
//   log syncs         take a little virtual time, so that other clients come in between

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Simulation.Engine;

sealed class MovableTime(TimeProvider inner) : TimeProvider
{
    DateTimeOffset? _frozenAt;
    TimeSpan _offset;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public bool IsFrozen => _frozenAt is not null;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _frozenAt ?? inner.GetUtcNow() + _offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    public void Move(TimeSpan by) => _offset += by;

    public void Freeze() => _frozenAt = GetUtcNow();

    public void Thaw() => _frozenAt = null;
}

sealed class MovableClockScheduler(SimulatedScheduler inner) : IScheduler
{
    public MovableTime Clock { get; } = new(inner.Time);

    public TimeProvider Time => Clock;

    public SeededRandom CreateRandom(string name) => inner.CreateRandom(name);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body) => inner.Start(name, workClass, body);

    public SchedulerYield Yield() => inner.Yield();

    public Task Delay(TimeSpan time, CancellationToken cancellation = default) => inner.Delay(time, cancellation);

    public Signal CreateSignal(string name) => inner.CreateSignal(name);

    public void Dispose() { }
}

/// <summary>Gives every sync of a log region a duration. Other files stay quick: they are synced under locks, where nobody may wait.</summary>
sealed class SlowLogFiles(FaultyFileSystem inner, Action wait) : ForwardingFiles(inner)
{
    public override IAppendRegion CreateRegion(string path, long capacity) => new Region(base.CreateRegion(path, capacity), wait);

    public override IAppendRegion OpenRegion(string path) => new Region(base.OpenRegion(path), wait);

    sealed class Region(IAppendRegion inner, Action wait) : ForwardingRegion(inner)
    {
        public override void Sync()
        {
            wait();
            base.Sync();
        }

        public override void SyncRange(long start, long end)
        {
            // Not of a segment's header, which is written under the lock of whoever makes segments.
            if (start > 0) wait();
            base.SyncRange(start, end);
        }
    }
}
