// ThreadScheduler: background bodies on a few dedicated threads. What production uses.
//
//   urgent thread        runs Urgent only
//   flush thread         runs Urgent, Flush
//   background threads   run Urgent, Flush, Background (one by default; more for more compactions at a time)
//   index threads        run Urgent, Flush, Index (one unless told otherwise; started when something of the class is)
//   timer thread         runs nothing: makes bodies runnable when their delay or timeout has passed; started at the first use
//
// Each thread takes the most urgent work it may run, in the order it came. So a compaction that computes for seconds, or an fsync that
// hangs, holds up only its own class and those below: the flush thread never touches Background, the urgent thread touches nothing else. Background and
// Index do not wait for each other: none of their threads touches the other's. Bodies of Index compute for long, several beside each other: they yield to
// each other, too.
//
// A body belongs to its class and not to a thread: each await gives the thread back, and the continuation queues up again in its class
// (WorkClassContext). Continuations of one body never overlap unless the body itself starts several things at once.
//
// Disposing: every body is asked to end (its token is cancelled), every wait looks at its condition once more and then gives up with
// false, every delay ends as cancelled; then the threads drain what is queued, and Dispose returns when the last body has ended.
// A body that never ends holds Dispose up for ever; a body therefore looks at its token.
//
// Not here: deciding which work is worth doing (its owners do), simulation (SimulatedScheduler).

using Aevum.Core.Errors;

namespace Aevum.Core.Scheduling;

/// <summary>How many threads, and from which seed random streams come.</summary>
public sealed record ThreadSchedulerOptions
{
    /// <summary>Threads that run Background work. More let more compactions run at a time; each costs a core while it computes.</summary>
    public int BackgroundThreads { get; init; } = 1;

    /// <summary>Threads that run Index work: so many indexes are built at a time.</summary>
    public int IndexThreads { get; init; } = 1;

    /// <summary>Seed of <see cref="IScheduler.CreateRandom"/>; null draws one from the operating system.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Wall and monotonic time. Delays are measured on its monotonic part.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Appears in the names of the threads, before the class.</summary>
    public string Name { get; init; } = "aevum";
}

public sealed class ThreadScheduler : IScheduler
{
    const int ClassCount = 4;

    readonly ulong _seed;
    readonly string _name;
    readonly object _gate = new();
    readonly Queue<WorkItem>[] _queues = new Queue<WorkItem>[ClassCount];
    readonly int[] _waiting = new int[ClassCount];   // counts of _queues, readable without the gate
    readonly WorkClassContext[] _contexts = new WorkClassContext[ClassCount];
    readonly List<Worker> _workers = [];    // the most urgent first
    readonly HashSet<ThreadBody> _tasks = [];
    readonly HashSet<ThreadSignal> _signalsWithWaiters = [];
    readonly ThreadTimers _timers;
    readonly int _indexThreads;
    bool _hasIndexThreads;
    bool _closing;      // no new bodies; waits give up
    bool _stopped;      // the last body has ended; threads leave when the queues are empty

    public ThreadScheduler(ThreadSchedulerOptions? options = null)
    {
        options ??= new ThreadSchedulerOptions();
        if (options.BackgroundThreads < 1)
            Throw.Invalid($"a scheduler needs at least one background thread, not {options.BackgroundThreads}");
        if (options.IndexThreads < 1) Throw.Invalid($"a scheduler needs at least one thread for indexes, not {options.IndexThreads}");
        _indexThreads = options.IndexThreads;
        _seed = options.Seed ?? BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
        _name = options.Name;
        Time = options.Time;
        _timers = new ThreadTimers(Time, _name + "-timers");
        for (var i = 0; i < ClassCount; i++)
        {
            _queues[i] = new Queue<WorkItem>();
            _contexts[i] = new WorkClassContext(this, (WorkClass)i);
        }
        _workers.Add(new Worker(WorkClass.Urgent, _name + "-urgent", RunWorker));
        _workers.Add(new Worker(WorkClass.Flush, _name + "-flush", RunWorker));
        for (var i = 1; i <= options.BackgroundThreads; i++)
            _workers.Add(new Worker(WorkClass.Background, $"{_name}-background-{i}", RunWorker));
        foreach (var worker in _workers) worker.Start();
    }

    public TimeProvider Time { get; }

    public SeededRandom CreateRandom(string name) => RandomStreams.Create(_seed, name);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body)
    {
        var task = new ThreadBody(this, name, body);
        lock (_gate)
        {
            if (_closing) Throw.Closed("the scheduler");
            _tasks.Add(task);
            if (workClass == WorkClass.Index && !_hasIndexThreads) StartIndexThreadsLocked();
            EnqueueLocked(workClass, new WorkItem(static state => ((ThreadBody)state!).Run(), task));
        }
        return task;
    }

    void StartIndexThreadsLocked()
    {
        _hasIndexThreads = true;
        for (var i = 1; i <= _indexThreads; i++)
        {
            var worker = new Worker(WorkClass.Index, $"{_name}-index-{i}", RunWorker);
            _workers.Add(worker);
            worker.Start();
        }
    }

    public SchedulerYield Yield()
    {
        // Read without the gate: a stale answer costs one turn more or less of the caller's loop.
        if (SynchronizationContext.Current is not WorkClassContext context || context.Owner != this) return default;
        var last = context.WorkClass == WorkClass.Index ? WorkClass.Index : context.WorkClass - 1;
        for (var i = WorkClass.Urgent; i <= last; i++)
            if (Takes(context.WorkClass, i) && Volatile.Read(ref _waiting[(int)i]) > 0) return new SchedulerYield(context.PostContinuation);
        return default;
    }

    public Task Delay(TimeSpan time, CancellationToken cancellation = default)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled(cancellation);
        if (time <= TimeSpan.Zero) return Task.CompletedTask;
        var delay = new WakePromise();
        if (_timers.Add(time, delay) && cancellation.CanBeCanceled)
            delay.CancelWith(cancellation);
        return delay.Task;
    }

    public Signal CreateSignal(string name) => new ThreadSignal(this, name);

    public void Dispose()
    {
        if (SynchronizationContext.Current is WorkClassContext context && context.Owner == this)
            Throw.Invalid("a body cannot dispose its own scheduler: it would wait for itself");
        ThreadBody[] tasks;
        lock (_gate)
        {
            if (_closing) return;
            _closing = true;
            tasks = [.. _tasks];
        }
        // Tokens first: a body whose delay is cancelled must see that it was asked to end, or that would count as its failure.
        foreach (var task in tasks) task.Cancel();
        _timers.Close();
        RaiseAll();
        lock (_gate)
        {
            while (_tasks.Count > 0) Monitor.Wait(_gate);
            _stopped = true;
            foreach (var worker in _workers) worker.WakeLocked();
        }
        foreach (var worker in _workers) worker.Dispose();
        _timers.Join();
    }

    internal bool IsClosing => Volatile.Read(ref _closing);

    internal ThreadTimers Timers => _timers;

    internal void HasWaiters(ThreadSignal signal, bool any)
    {
        lock (_gate)
        {
            if (any) _signalsWithWaiters.Add(signal);
            else _signalsWithWaiters.Remove(signal);
        }
    }

    /// <summary>Makes everybody look again: after a cancellation, which conditions may speak of though nobody raises a signal for
    /// it.</summary>
    internal void RaiseAll()
    {
        ThreadSignal[] signals;
        lock (_gate) signals = [.. _signalsWithWaiters];
        foreach (var signal in signals) signal.Raise();
    }

    void Ended(ThreadBody task)
    {
        lock (_gate)
        {
            _tasks.Remove(task);
            if (_closing && _tasks.Count == 0) Monitor.PulseAll(_gate);
        }
    }

    void Enqueue(WorkClass workClass, WorkItem item)
    {
        lock (_gate) EnqueueLocked(workClass, item);
    }

    void EnqueueLocked(WorkClass workClass, WorkItem item)
    {
        _queues[(int)workClass].Enqueue(item);
        Volatile.Write(ref _waiting[(int)workClass], _queues[(int)workClass].Count);
        // The first idle thread that may take it, which is the one that may do least besides. If none is idle, each of them looks into the
        // queues before it idles.
        foreach (var worker in _workers)
        {
            if (!worker.IsIdle || !Takes(worker.Lowest, workClass)) continue;
            worker.WakeLocked();
            break;
        }
    }

    // What a thread runs that is there for a class.
    static bool Takes(WorkClass lowest, WorkClass workClass) =>
        workClass <= lowest && !(lowest == WorkClass.Index && workClass == WorkClass.Background);

    void RunWorker(Worker worker)
    {
        if (worker.Lowest is WorkClass.Background or WorkClass.Index) LowPriority.Take();
        while (TryTake(worker, out var item, out var workClass))
        {
            SynchronizationContext.SetSynchronizationContext(_contexts[(int)workClass]);
            item.Callback(item.State);
        }
    }

    bool TryTake(Worker worker, out WorkItem item, out WorkClass workClass)
    {
        while (true)
        {
            lock (_gate)
            {
                for (workClass = WorkClass.Urgent; workClass <= worker.Lowest; workClass++)
                {
                    if (!Takes(worker.Lowest, workClass) || !_queues[(int)workClass].TryDequeue(out item)) continue;
                    Volatile.Write(ref _waiting[(int)workClass], _queues[(int)workClass].Count);
                    return true;
                }
                item = default;
                if (_stopped) return false;
                worker.IsIdle = true;
            }
            worker.WaitForWork();
        }
    }

    /// <summary>A thread and how it is woken. <see cref="IsIdle"/> is guarded by the gate: true from when it found nothing until it is
    /// woken.</summary>
    sealed class Worker : IDisposable
    {
        readonly SemaphoreSlim _wake = new(0);
        readonly Thread _thread;

        public Worker(WorkClass lowest, string name, Action<Worker> run)
        {
            Lowest = lowest;
            _thread = new Thread(() => run(this)) { IsBackground = true, Name = name };
        }

        /// <summary>The least urgent class it runs.</summary>
        public WorkClass Lowest { get; }

        public bool IsIdle { get; set; }

        public void Start() => _thread.Start();

        public void WakeLocked()
        {
            IsIdle = false;
            _wake.Release();
        }

        public void WaitForWork() => _wake.Wait();

        /// <summary>Waits for the thread, which must have been told to leave.</summary>
        public void Dispose()
        {
            _thread.Join();
            _wake.Dispose();
        }
    }

    readonly record struct WorkItem(SendOrPostCallback Callback, object? State);

    /// <summary>What the compiler's awaits post to: the queue of one class.</summary>
    sealed class WorkClassContext : SynchronizationContext
    {
        public WorkClassContext(ThreadScheduler owner, WorkClass workClass)
        {
            Owner = owner;
            WorkClass = workClass;
            PostContinuation = continuation => Post(static state => ((Action)state!)(), continuation);
        }

        public ThreadScheduler Owner { get; }

        public WorkClass WorkClass { get; }

        public Action<Action> PostContinuation { get; }

        public override void Post(SendOrPostCallback d, object? state) => Owner.Enqueue(WorkClass, new WorkItem(d, state));

        public override void Send(SendOrPostCallback d, object? state) =>
            throw new NotSupportedException("nobody waits for a continuation by Send");

        public override SynchronizationContext CreateCopy() => this;
    }

    sealed class ThreadBody(ThreadScheduler scheduler, string name, Func<CancellationToken, Task> body) : ScheduledBody(name, body)
    {
        public override void Wait() => WaitAsync().Wait();

        protected override void OnCancelled() => scheduler.RaiseAll();

        protected override void OnEnded() => scheduler.Ended(this);
    }
}
