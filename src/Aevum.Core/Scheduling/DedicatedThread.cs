namespace Aevum.Core.Scheduling;

/// <summary>A thread for one thing that blocks in the operating system and is no body: a loop of the network. For Core alone; everything else is
/// a body (<see cref="IScheduler.Start"/>).</summary>
sealed class DedicatedThread
{
    readonly Thread _thread;

    /// <summary>Starts it. An exception that leaves <paramref name="run"/> ends the process.</summary>
    public DedicatedThread(string name, Action run)
    {
        _thread = new Thread(() => run()) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    /// <summary>Waits until it has ended.</summary>
    public void Join() => _thread.Join();
}
