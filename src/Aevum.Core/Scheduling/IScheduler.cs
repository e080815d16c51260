// IScheduler: the one home of threads, timers and waiting.
//
// Every background activity of the database is an asynchronous body started here; every continuation of it runs here. In production
// (ThreadScheduler) bodies run on a small set of dedicated threads; in simulation (SimulatedScheduler) one seeded thread on virtual
// time picks which runnable continuation goes next, so that a failure replays from its seed.
//
// Always true:
//   (1) a body awaits only what this scheduler hands out (Yield, Delay, a Signal, another BackgroundTask): no continuation reaches
//       the thread pool;
//   (2) nobody waits (Signal.WaitUntil) while holding a lock that a background body may want;
//   (3) cancelling a body makes every waiting condition be looked at again: a condition may speak of the token;
//   (4) disposing asks every body to end, ends every delay (as cancelled) and every wait whose condition does not hold (with false), waits
//       until the last body has ended, and starts no more (Closed).

namespace Aevum.Core.Scheduling;

/// <summary>What waits for what when threads are short: lower goes first.</summary>
public enum WorkClass
{
    /// <summary>Somebody is waiting for it: log segments, sync timers.</summary>
    Urgent = 0,

    /// <summary>Writers will wait for it soon: flushes.</summary>
    Flush = 1,

    /// <summary>Compaction, deletion of files, statistics.</summary>
    Background = 2,

    /// <summary>Indexes that follow what was written: on a thread that compactions never take, so that neither waits for the other.</summary>
    Index = 3,
}

public interface IScheduler : IDisposable
{
    /// <summary>Wall and monotonic time of this world. In simulation it moves only when nothing can run.</summary>
    TimeProvider Time { get; }

    /// <summary>A stream of random numbers of its own, told apart by name; the same seed and name give the same numbers.</summary>
    SeededRandom CreateRandom(string name);

    /// <summary>Queues a body. <paramref name="name"/> appears in traces.</summary>
    BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body);

    /// <summary>A place where others may run. Bodies that compute for long pass one at least every few milliseconds.</summary>
    SchedulerYield Yield();

    /// <summary>Completes after the given time on this scheduler's clock; cancelled by the token, or when the scheduler closes.</summary>
    Task Delay(TimeSpan time, CancellationToken cancellation = default);

    /// <summary>Something that callers and bodies can wait for.</summary>
    Signal CreateSignal(string name);
}

/// <summary>A condition variable that both threads and bodies can wait on. State it speaks of is kept and guarded by the caller.</summary>
public abstract class Signal
{
    /// <summary>Wakes all that wait, so that they look at their conditions again.</summary>
    public abstract void Raise();

    /// <summary>Blocks the calling thread until <paramref name="condition"/> holds; in simulation runs other work meanwhile.
    /// The condition is evaluated outside of the caller's locks and may take them.</summary>
    /// <returns>False if <paramref name="timeout"/> passed first, if the scheduler is closing (or, in simulation, if nothing is left that
    /// could make it true).</returns>
    public abstract bool WaitUntil(Func<bool> condition, TimeSpan? timeout = null);

    /// <summary>The same for a background body.</summary>
    public abstract Task<bool> WaitUntilAsync(Func<bool> condition, TimeSpan? timeout = null);
}

/// <summary>A body that was started: to wait for, or to ask to stop.</summary>
public abstract class BackgroundTask
{
    public abstract string Name { get; }

    public abstract bool IsCompleted { get; }

    /// <summary>What the body threw, if it ended so. An OperationCanceledException after <see cref="Cancel"/> is no failure.</summary>
    public abstract Exception? Failure { get; }

    /// <summary>Asks the body to end; it sees its cancellation token cancelled.</summary>
    public abstract void Cancel();

    /// <summary>Blocks until the body has ended; in simulation runs other work meanwhile. Does not throw what the body threw.</summary>
    public abstract void Wait();

    /// <summary>The same for a background body.</summary>
    public abstract Task WaitAsync();
}
