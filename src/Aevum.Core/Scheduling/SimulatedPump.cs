// SimulatedPump: lets callers block in a world where only one thing runs at a time.
//
// One baton: whoever has it runs, all other threads sleep. A caller that must wait is put on a list and gives the baton to a pump thread,
// which takes the steps of the world one after the other. When a step finds a caller's condition true, the pump gives the baton to that
// caller and sleeps until it is needed again. A body that blocks sleeps on the pump thread it was running on, and another pump goes on.
// So the order in which callers come back is the world's, and not that of a stack of nested waits.
//
//   root (the test)       has the baton at first, and whenever it is not waiting
//   pump threads          made when needed, mostly one: as many as bodies are blocked at a time, and one more
//
// When nothing can run at the present time: a root that waits for that gets the baton; else time moves to the next timer; else nothing will
// ever happen, and the caller who came last is told so (its wait returns false).

using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Aevum.Core.Scheduling;

/// <summary>A thread that sleeps in a wait.</summary>
sealed class BlockedCaller(string name, Func<bool>? condition)
{
    /// <summary>Null: it waits for the world to be idle.</summary>
    public Func<bool>? Condition => condition;

    public string Name => name;

    public SemaphoreSlim Baton { get; } = new(0);

    /// <summary>It is among the runnable already, so another raise adds nothing.</summary>
    public bool IsRunnable { get; set; }

    public bool TimedOut { get; set; }

    public bool Result { get; set; }

    /// <summary>What its wait shall throw.</summary>
    public Exception? Failure { get; set; }
}

sealed class SimulatedPump(SimulatedScheduler scheduler)
{
    readonly List<BlockedCaller> _blocked = [];
    readonly Stack<SemaphoreSlim> _idlePumps = [];
    readonly List<Thread> _threads = [];
    BlockedCaller? _root;       // set while the root waits, which is when pumps run
    int _runningThread;         // whose turn it is while the root waits
    bool _stopped;

    /// <summary>Only who has the baton may touch the world.</summary>
    public void RequireInside()
    {
        if (_root is not null && Environment.CurrentManagedThreadId != _runningThread)
            throw new InvalidOperationException(
                "the simulation was touched by a thread from outside: an await without its context, a thread pool, or a second caller");
    }

    public void WaitForIdle() => Block(new BlockedCaller("idle", null));

    /// <summary>Sleeps until the condition was found true, the caller timed out, or nothing can ever make it true.</summary>
    public bool Block(BlockedCaller caller)
    {
        RequireInside();
        var isRoot = _root is null;
        if (caller.Condition is null && !isRoot)
            throw new InvalidOperationException("only the driver of a simulation runs it until it is idle");
        if (isRoot) _root = caller;
        _blocked.Add(caller);
        WakePump();
        caller.Baton.Wait();
        Debug.Assert(!_blocked.Contains(caller), "who was resumed is no longer waiting");
        if (isRoot) _root = null;
        else _runningThread = Environment.CurrentManagedThreadId;
        caller.Baton.Dispose();
        if (caller.Failure is { } failure) ExceptionDispatchInfo.Throw(failure);
        return caller.Result;
    }

    /// <summary>Every caller that waits is one of a process that has died: their waits throw, one after the other, so that their threads
    /// come free. Called by the driver.</summary>
    public void Unwind()
    {
        if (_root is not null) throw new InvalidOperationException("only the driver of a simulation ends its process");
        foreach (var caller in _blocked)
        {
            caller.Failure = new OperationCanceledException("the simulated process has died");
            scheduler.Enqueue(new Runnable(caller.Name, null, null, null, caller));
        }
        WaitForIdle();
    }

    public void Stop()
    {
        _stopped = true;
        foreach (var pump in _idlePumps) pump.Release();
        if (_blocked.Count > 0) return;     // their threads sleep on as background threads
        foreach (var thread in _threads) thread.Join();
    }

    void WakePump()
    {
        if (_idlePumps.TryPop(out var pump))
        {
            pump.Release();
            return;
        }
        pump = new SemaphoreSlim(1);
        var thread = new Thread(() => RunPump(pump)) { IsBackground = true, Name = $"simulation-{_threads.Count + 1}" };
        _threads.Add(thread);
        thread.Start();
    }

    void RunPump(SemaphoreSlim baton)
    {
        baton.Wait();
        while (!_stopped)
        {
            _runningThread = Environment.CurrentManagedThreadId;
            if (Step() is not { } resumed) continue;
            _blocked.Remove(resumed);
            // First idle, then the baton: who gets it may need a pump at once.
            _idlePumps.Push(baton);
            resumed.Baton.Release();
            baton.Wait();
        }
    }

    /// <summary>One step of the world. Returns the caller who goes on, if the step says so.</summary>
    BlockedCaller? Step()
    {
        try
        {
            if (!scheduler.TryPick(out var runnable)) return NothingToRun();
            if (runnable.Caller is { } caller) return Look(caller);
            SynchronizationContext.SetSynchronizationContext(runnable.Context);
            runnable.Callback!(runnable.State);
            return null;
        }
#pragma warning disable CA1031 // bodies keep their own failures; whatever comes here is the world's, and the driver must hear of it
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _root!.Failure = new InvalidOperationException($"the simulation failed: {failure.Message}", failure);
            return _root;
        }
    }

    BlockedCaller? NothingToRun()
    {
        if (_root!.Condition is null) return _root;
        if (scheduler.Clock.MoveToNextTimer()) return null;
        var last = _blocked[^1];
        last.Result = false;
        return last;
    }

    static BlockedCaller? Look(BlockedCaller caller)
    {
        caller.IsRunnable = false;
        if (caller.Failure is not null) return caller;
        try
        {
            caller.Result = caller.Condition!();
        }
#pragma warning disable CA1031 // the condition is the caller's code: what it throws belongs to the caller
        catch (Exception failure)
#pragma warning restore CA1031
        {
            caller.Failure = failure;
            return caller;
        }
        return caller.Result || caller.TimedOut ? caller : null;
    }
}
