using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

/// <summary>Where handshakes are computed: about a millisecond each, in which a loop would serve hundreds of requests.</summary>
abstract class TlsHandshakes : IDisposable
{
    /// <summary>Runs an action elsewhere, after those that were given before.</summary>
    public abstract void Run(Action action);

    public abstract void Dispose();
}

/// <summary>A thread of the network's own.</summary>
sealed class HandshakeThread : TlsHandshakes
{
    readonly object _gate = new();
    readonly Queue<Action> _actions = new();
    readonly DedicatedThread _thread;
    bool _closed;

    public HandshakeThread(string name) => _thread = new DedicatedThread(name, Work);

    public override void Run(Action action)
    {
        lock (_gate)
        {
            if (_closed) return;
            _actions.Enqueue(action);
            Monitor.Pulse(_gate);
        }
    }

    public override void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
    }

    void Work()
    {
        while (true)
        {
            Action? action;
            lock (_gate)
            {
                while (!_closed && _actions.Count == 0) Monitor.Wait(_gate);
                if (_closed) return;
                action = _actions.Dequeue();
            }
            action();
        }
    }
}
