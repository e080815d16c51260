// LoopNetwork: the loops of a network, who gets the next connection, and the end of it all. Listeners belong to one loop each, which
// accepts.

using System.Net;
using Aevum.Core.Errors;

namespace Aevum.Core.Network;

abstract class LoopNetwork : INetwork
{
    readonly object _gate = new();
    readonly NetworkOptions _options;
    EventLoop[] _loops = [];
    TlsHandshakes? _handshakes;
    uint _nextListener, _nextChannel;
    bool _disposed;

    protected LoopNetwork(NetworkOptions options)
    {
        if (options.Loops < 1) Throw.Invalid($"a network needs at least one loop, not {options.Loops}");
        _options = options;
    }

    public IReadOnlyList<ILoop> Loops => _loops;

    /// <summary>Where handshakes are computed; made at the first.</summary>
    public TlsHandshakes Handshakes
    {
        get
        {
            lock (_gate) return _handshakes ??= CreateHandshakes(_options);
        }
    }

    /// <summary>Called by the constructor of those who inherit.</summary>
    protected void Start(Func<int, EventLoop> create)
    {
        var loops = new List<EventLoop>();
        try
        {
            for (var i = 0; i < _options.Loops; i++) loops.Add(create(i));
        }
        catch
        {
            foreach (var loop in loops) loop.Stop();
            throw;
        }
        _loops = [.. loops];
    }

    public IListener Listen(IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
    {
        lock (_gate)
        {
            if (_disposed) Throw.Closed("the network");
            var loop = _loops[_nextListener++ % _loops.Length];
            return CreateListener(loop, endpoint, accept, options);
        }
    }

    /// <summary>The loop of the next connection.</summary>
    public EventLoop NextLoop() => _loops[Interlocked.Increment(ref _nextChannel) % _loops.Length];

    protected abstract LoopListener CreateListener(
        EventLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options);

    protected abstract TlsHandshakes CreateHandshakes(NetworkOptions options);

    public void Dispose()
    {
        if (Array.Exists(_loops, l => l.IsCurrent)) Throw.Invalid("a loop cannot dispose its own network: it would wait for itself");
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
        }
        foreach (var loop in _loops) loop.Stop();
        foreach (var loop in _loops) loop.Join();
        _handshakes?.Dispose();
    }
}

abstract class LoopListener(EventLoop loop, Func<IChannel, IChannelHandler?> accept, ListenOptions options) : IListener
{
    int _connections, _lingering;
    long _refused;
    bool _closed;

    public abstract IPEndPoint Endpoint { get; }

    public int Connections => Volatile.Read(ref _connections);

    public int Lingering => Volatile.Read(ref _lingering);

    public long Refused => Interlocked.Read(ref _refused);

    public ListenOptions Options => options;

    protected EventLoop Loop => loop;

    protected bool IsClosed => _closed;

    public IChannelHandler? Accept(IChannel channel) => accept(channel);

    /// <summary>A connection more. Each is followed by a <see cref="Leave"/>, whatever the answer.</summary>
    /// <returns>False: it is one too many.</returns>
    protected bool Enter()
    {
        if (Interlocked.Increment(ref _connections) <= options.ConnectionsMax) return true;
        Interlocked.Increment(ref _refused);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _connections);

    public void BeginLingering() => Interlocked.Increment(ref _lingering);

    public void EndLingering() => Interlocked.Decrement(ref _lingering);

    /// <summary>Gives a connection to the next loop.</summary>
    /// <param name="create">Makes its channel, on that loop. Null: it is broken already.</param>
    /// <param name="discard">Called instead when that loop has stopped.</param>
    protected void Deal(Func<EventLoop, StreamChannel?> create, Action discard)
    {
        var admitted = Enter();
        var next = loop.Network.NextLoop();
        if (next == loop) Serve();
        else if (!next.TryPost(Serve)) Discard();

        void Serve()
        {
            if (create(next) is { } channel) channel.Open(admitted);
            else Leave();
        }

        void Discard()
        {
            discard();
            Leave();
        }
    }

    public virtual void Dispose()
    {
        if (loop.IsCurrent)
        {
            CloseOnce();
            return;
        }
        using var closed = new ManualResetEventSlim();
        if (loop.TryPost(() =>
        {
            CloseOnce();
            closed.Set();
        })) closed.Wait();
    }

    /// <summary>On the loop.</summary>
    public void CloseOnce()
    {
        if (_closed) return;
        _closed = true;
        loop.Remove(this);
        Close();
    }

    /// <summary>Frees what belongs to the system. On the loop, once.</summary>
    protected abstract void Close();
}
