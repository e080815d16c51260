using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

/// <summary>A loop that is a body of a scheduler: in simulation its turns are steps of the world.</summary>
sealed class MemoryLoop : EventLoop
{
    readonly IScheduler _scheduler;
    readonly Signal _wake;
    readonly BackgroundTask _body;
    int _thread;

    public MemoryLoop(LoopNetwork network, IScheduler scheduler, NetworkOptions options, string name) : base(network, scheduler.Time, options)
    {
        _scheduler = scheduler;
        _wake = scheduler.CreateSignal(name);
        _body = scheduler.Start(name, WorkClass.Urgent, RunAsync);
    }

    /// <summary>Turns of a body may run on different threads, one after the other.</summary>
    public override bool IsCurrent => Volatile.Read(ref _thread) == Environment.CurrentManagedThreadId;

    public override void Join() => _body.Wait();

    protected override void WakeLocked(object gate) => _wake.Raise();

    protected override void Release() { }

    static TimeSpan? Limit(TimeSpan sleep) => sleep == Timeout.InfiniteTimeSpan ? null : sleep;

    async Task RunAsync(CancellationToken cancellation)
    {
        while (!IsStopping && !cancellation.IsCancellationRequested)
        {
            var sleep = BeginSleep();
            if (sleep == TimeSpan.Zero) await _scheduler.Yield();
            else await _wake.WaitUntilAsync(() => !IsAsleep || cancellation.IsCancellationRequested, Limit(sleep));
            EndSleep();
            Turn(() =>
            {
                BeginTurn();
                EndTurn();
            });
        }
        Turn(End);
    }

    void Turn(Action turn)
    {
        Volatile.Write(ref _thread, Environment.CurrentManagedThreadId);
        WithoutContext(turn);
        Volatile.Write(ref _thread, 0);
    }

    /// <summary>What is continued by a turn continues in it, as on a thread of its own; in a body it would be posted to the scheduler.</summary>
    public static void WithoutContext(Action action)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}
