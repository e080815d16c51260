using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

/// <summary>A loop that sleeps on its queue: .NET's sockets tell of readiness by posting to it.</summary>
sealed class SocketLoop : EventLoop
{
    readonly DedicatedThread _thread;

    public SocketLoop(LoopNetwork network, TimeProvider time, NetworkOptions options, string name) : base(network, time, options) =>
        _thread = new DedicatedThread(name, Run);

    public override bool IsCurrent => _thread.IsCurrent;

    public override void Join() => _thread.Join();

    protected override void WakeLocked(object gate) => Monitor.Pulse(gate);

    protected override void Release() { }

    void Run()
    {
        while (!IsStopping)
        {
            var sleep = BeginSleep();
            if (sleep != TimeSpan.Zero) SleepOnGate(sleep);
            EndSleep();
            BeginTurn();
            EndTurn();
        }
        End();
    }
}
