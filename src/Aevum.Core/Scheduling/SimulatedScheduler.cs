// SimulatedScheduler: a whole world of bodies, callers and time on one seed. The same seed gives the same run, step for step.
//
// At any moment exactly one thing runs. Everything that could run is in one list: bodies just started, continuations of awaits, callers
// whose signal was raised. The next one is picked by the seeded random; what was picked runs until it awaits, waits or ends. Time is
// virtual: it stands still while anything can run and then jumps to the next timer.
//
// Who drives: the thread that made the scheduler (a test). It starts bodies, then calls something that waits (Signal.WaitUntil,
// BackgroundTask.Wait, RunUntilIdle, RunFor, Dispose), and the world runs meanwhile. Bodies may call what waits, too: a blocked caller
// keeps its thread, and another thread goes on with the world (SimulatedPump). Threads are only stacks here; they never run at the same
// time.
//
// Always true:
//   (1) the order depends on the seed and on what the bodies do, on nothing else: TraceHash of two runs is equal, or something in them
//       looked at real time, real randomness or an address;
//   (2) a wait without a timeout that nothing can end any more returns false (Signal) or throws (BackgroundTask.Wait) instead of hanging;
//   (3) a continuation that comes from outside of the world (a thread pool that somebody let in) is refused with an exception.
//
// Whoever holds a lock while waiting deadlocks this world for real, as it would the threads of production.
// Not here: files and networks that fail (FaultyFileSystem); they are driven by seeds of their own, best drawn by CreateRandom.

using System.Diagnostics;
using Aevum.Core.Errors;

namespace Aevum.Core.Scheduling;

public sealed record SimulationOptions
{
    /// <summary>Keep a line per step (memory grows with the run). The hash is kept always.</summary>
    public bool KeepTrace { get; init; }

    /// <summary>When the world begins.</summary>
    public DateTimeOffset Start { get; init; } = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A run of more steps than this is taken for one that makes no progress (a body that yields for ever) and fails.</summary>
    public long StepsMax { get; init; } = 100_000_000;
}

public sealed class SimulatedScheduler : IScheduler
{
    readonly SimulationOptions _options;
    readonly SimulatedTime _time;
    readonly SimulatedPump _pump;
    readonly SeededRandom _order;
    readonly List<Runnable> _runnable = [];
    readonly List<SimulatedBody> _bodies = [];
    readonly List<SimulatedSignal> _signalsWithWaiters = [];
    readonly List<string> _trace = [];
    readonly SimulatedSignal _bodyEnded;
    ulong _hash = 0xCBF29CE484222325;
    long _steps;
    long _stepsMax;
    int _generation;
    bool _disposed;

    public SimulatedScheduler(ulong seed, SimulationOptions? options = null)
    {
        Seed = seed;
        _options = options ?? new SimulationOptions();
        _stepsMax = _options.StepsMax;
        _order = RandomStreams.Create(seed, "order of steps");
        _time = new SimulatedTime(this, _options.Start);
        _pump = new SimulatedPump(this);
        _bodyEnded = new SimulatedSignal(this, "the end of a body");
    }

    public ulong Seed { get; }

    public TimeProvider Time => _time;

    /// <summary>Steps taken so far.</summary>
    public long Steps => _steps;

    /// <summary>A number that two runs share only if they took the same steps in the same order at the same times.</summary>
    public ulong TraceHash => _hash;

    /// <summary>A line per step, if <see cref="SimulationOptions.KeepTrace"/> is set.</summary>
    public IReadOnlyList<string> Trace => _trace;

    /// <summary>Bodies that did not end though they were asked to when the scheduler was disposed.</summary>
    public IReadOnlyList<string> AbandonedBodies { get; private set; } = [];

    internal bool IsClosing { get; private set; }

    internal SimulatedTime Clock => _time;

    internal SimulatedPump Pump => _pump;

    internal int Generation => _generation;

    public SeededRandom CreateRandom(string name) => RandomStreams.Create(Seed, name);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body)
    {
        _pump.RequireInside();
        if (IsClosing) Throw.Closed("the scheduler");
        var task = new SimulatedBody(this, name, body);
        _bodies.Add(task);
        var context = new SimulatedContext(this, name);
        context.Post(static state => ((SimulatedBody)state!).Run(), task);
        return task;
    }

    public SchedulerYield Yield() => SynchronizationContext.Current is SimulatedContext context && context.Owner == this
        ? new SchedulerYield(context.PostContinuation)
        : default;

    public Task Delay(TimeSpan time, CancellationToken cancellation = default)
    {
        _pump.RequireInside();
        if (cancellation.IsCancellationRequested) return Task.FromCanceled(cancellation);
        if (time <= TimeSpan.Zero) return Task.CompletedTask;
        var delay = new WakePromise();
        if (IsClosing) delay.Cancel();
        else _time.Add(time, delay);
        if (cancellation.CanBeCanceled) delay.CancelWith(cancellation);
        return delay.Task;
    }

    public Signal CreateSignal(string name) => new SimulatedSignal(this, name);

    /// <summary>Runs the world until nothing can run at the present time. Time does not move.</summary>
    public void RunUntilIdle() => _pump.WaitForIdle();

    /// <summary>Runs the world until the given time has passed in it.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = _time.Now + time;
        CreateSignal("the end of RunFor").WaitUntil(() => _time.Now >= end, time);
    }

    /// <summary>The process dies: of all that was started nothing goes on, but for the waits of blocked callers, which throw
    /// OperationCanceledException so that their threads come free. Time and randomness go on, for the next process. Only the driver may
    /// call.</summary>
    public void Crash()
    {
        _generation++;
        _runnable.Clear();
        _time.Clear();
        foreach (var signal in _signalsWithWaiters) signal.Forget();
        _signalsWithWaiters.Clear();
        _bodies.Clear();
        _pump.Unwind();
        Note("crash");
    }

    /// <summary>Adds something worth knowing to the trace and its hash.</summary>
    public void Note(string text)
    {
        _hash = RandomStreams.Hash(_hash, text);
        if (_options.KeepTrace) _trace.Add($"{_time.Elapsed} {text}");
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        IsClosing = true;
        // Tokens first: a body whose delay is cancelled must see that it was asked to end, or that would count as its failure.
        foreach (var body in _bodies.ToArray()) body.Cancel();
        _time.Close();
        RaiseAll();
        _stepsMax = _steps + _options.StepsMax;
        try
        {
            _pump.WaitForIdle();
        }
        catch (InvalidOperationException failure)
        {
            Note(failure.Message);      // a body that yields for ever is among the abandoned
        }
        AbandonedBodies = [.. _bodies.Select(body => body.Name)];
        _pump.Stop();
    }

    internal void Enqueue(Runnable runnable)
    {
        _pump.RequireInside();
        if (runnable.Context is not null && runnable.Context.Generation != _generation) return;   // of a process that has died
        _runnable.Add(runnable);
    }

    /// <summary>A body whose process has died may still unwind, but not wait again.</summary>
    internal void RequireLiving()
    {
        if (SynchronizationContext.Current is SimulatedContext context && context.Owner == this && context.Generation != _generation)
            throw new OperationCanceledException("the simulated process has died");
    }

    internal void HasWaiters(SimulatedSignal signal, bool any)
    {
        if (!any) _signalsWithWaiters.Remove(signal);
        else if (!_signalsWithWaiters.Contains(signal)) _signalsWithWaiters.Add(signal);
    }

    internal void RaiseAll()
    {
        foreach (var signal in _signalsWithWaiters.ToArray()) signal.Raise();
    }

    /// <summary>Takes the next step out of the list; false if nothing can run at the present time.</summary>
    internal bool TryPick(out Runnable runnable)
    {
        runnable = default;
        if (_runnable.Count == 0) return false;
        if (++_steps > _stepsMax)
            throw new InvalidOperationException(
                $"the simulation took more than {_options.StepsMax} steps: is there a body that yields for ever?");
        var count = _runnable.Count;
        var picked = count == 1 ? 0 : _order.Next(count);
        runnable = _runnable[picked];
        _runnable[picked] = _runnable[^1];
        _runnable.RemoveAt(count - 1);
        _hash = (_hash ^ (ulong)_time.Now.Ticks ^ ((ulong)picked << 48) ^ ((ulong)count << 32)) * 0x100000001B3;
        _hash = RandomStreams.Hash(_hash, runnable.Name);
        if (_options.KeepTrace) _trace.Add($"{_time.Elapsed} {picked + 1}/{count} {runnable.Name}");
        return true;
    }

    sealed class SimulatedBody(SimulatedScheduler scheduler, string name, Func<CancellationToken, Task> body) : ScheduledBody(name, body)
    {
        public override void Wait()
        {
            if (!scheduler._bodyEnded.WaitUntil(() => IsCompleted))
            {
                var signals = string.Join(", ", scheduler._signalsWithWaiters);
                throw new InvalidOperationException($"nothing can run any more but the body '{Name}' has not ended; waited for: {signals}");
            }
        }

        protected override void OnCancelled() => scheduler.RaiseAll();

        protected override void OnEnded()
        {
            scheduler._bodies.Remove(this);
            scheduler._bodyEnded.Raise();
        }
    }
}

/// <summary>Something that could be next: a continuation of a body (or a timer's callback), or a blocked caller who wants to look
/// again.</summary>
readonly record struct Runnable(string Name, SendOrPostCallback? Callback, object? State, SimulatedContext? Context, BlockedCaller? Caller);

/// <summary>What the compiler's awaits post to: one for each body, so that a trace can say whose turn it is.</summary>
sealed class SimulatedContext : SynchronizationContext
{
    readonly string _name;

    public SimulatedContext(SimulatedScheduler owner, string name)
    {
        Owner = owner;
        Generation = owner.Generation;
        _name = name;
        PostContinuation = continuation => Post(static state => ((Action)state!)(), continuation);
    }

    public SimulatedScheduler Owner { get; }

    public int Generation { get; }

    public Action<Action> PostContinuation { get; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        Debug.Assert(d is not null, "a continuation is something to run");
        Owner.Enqueue(new Runnable(_name, d, state, this, null));
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("nobody waits for a continuation by Send");

    public override SynchronizationContext CreateCopy() => this;
}
