// MemoryNetwork: connections inside one process, for tests. On a SimulatedScheduler everything follows from its seed: which turn runs next,
// where the bytes are split, when they arrive. Handlers, turns and channels are the same code as on the real networks.

using System.Net;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

public sealed record MemoryNetworkOptions
{
    /// <summary>Bytes on their way in one direction, at most.</summary>
    public int Window { get; init; } = 64 << 10;

    /// <summary>One read in so many takes fewer bytes than there are. 0: none.</summary>
    public int SplitOneIn { get; init; } = 2;

    /// <summary>What is written travels for a time drawn from zero to this.</summary>
    public TimeSpan DelayMax { get; init; } = TimeSpan.FromMilliseconds(1);
}

public sealed class MemoryNetwork : INetwork
{
    readonly IScheduler _scheduler;
    readonly Core _core;

    public MemoryNetwork(IScheduler scheduler, NetworkOptions? options = null, MemoryNetworkOptions? memory = null)
    {
        _scheduler = scheduler;
        _core = new Core(scheduler, options ?? new NetworkOptions(), memory ?? new MemoryNetworkOptions());
    }

    public IReadOnlyList<ILoop> Loops => _core.Loops;

    public IListener Listen(IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options) =>
        _core.Listen(endpoint, accept, options);

    /// <summary>Connects to what listens in this network.</summary>
    /// <exception cref="AevumException">InputOutput: nobody listens there.</exception>
    public MemoryClient Connect(IPEndPoint endpoint)
    {
        var (toServer, toClient) = (_core.CreatePipe(), _core.CreatePipe());
        var client = new MemoryClient(toServer, toClient, _scheduler.CreateSignal("a client"));
        _core.Connect(endpoint, toServer, toClient);
        return client;
    }

    public void Dispose() => _core.Dispose();

    internal sealed class Core : LoopNetwork
    {
        const int FirstFreePort = 49152;

        readonly IScheduler _scheduler;
        readonly MemoryNetworkOptions _memory;
        readonly SeededRandom _random;
        readonly object _names = new();
        readonly Dictionary<IPEndPoint, MemoryListener> _listeners = [];
        int _nextPort = FirstFreePort;
        int _nextClient = FirstFreePort;

        public Core(IScheduler scheduler, NetworkOptions options, MemoryNetworkOptions memory) : base(options)
        {
            _scheduler = scheduler;
            _memory = memory;
            _random = scheduler.CreateRandom("network");
            Start(i => new MemoryLoop(this, scheduler, options, $"{options.Name}-{i + 1}"));
        }

        public MemoryPipe CreatePipe() => new(_scheduler, _random, _memory);

        public void Connect(IPEndPoint endpoint, MemoryPipe toServer, MemoryPipe toClient)
        {
            lock (_names)
            {
                var remote = new IPEndPoint(IPAddress.Loopback, _nextClient++);
                if (!_listeners.TryGetValue(endpoint, out var listener) || !listener.Connect(toServer, toClient, remote))
                    throw new AevumException(ErrorCode.InputOutput, $"nobody listens on {endpoint}");
            }
        }

        public void Forget(IPEndPoint endpoint, MemoryListener listener)
        {
            lock (_names)
                if (_listeners.TryGetValue(endpoint, out var there) && there == listener) _listeners.Remove(endpoint);
        }

        protected override LoopListener CreateListener(
            EventLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
        {
            lock (_names)
            {
                if (endpoint.Port == 0) endpoint = new IPEndPoint(endpoint.Address, _nextPort++);
                if (_listeners.ContainsKey(endpoint))
                    throw new AevumException(ErrorCode.InputOutput, $"cannot listen on {endpoint}: somebody does already");
                var listener = new MemoryListener(this, (MemoryLoop)loop, endpoint, accept, options);
                _listeners.Add(endpoint, listener);
                loop.TryPost(listener.Open);
                return listener;
            }
        }

        protected override TlsHandshakes CreateHandshakes(NetworkOptions options) => new HandshakeBodies(_scheduler);
    }

    /// <summary>Handshakes as bodies, one after the other.</summary>
    sealed class HandshakeBodies(IScheduler scheduler) : TlsHandshakes
    {
        readonly object _gate = new();
        Task _last = Task.CompletedTask;

        public override void Run(Action action)
        {
            lock (_gate)
            {
                var before = _last;
                var body = scheduler.Start("a handshake", WorkClass.Background, async _ =>
                {
                    await before;
                    MemoryLoop.WithoutContext(action);
                });
                _last = body.WaitAsync();
            }
        }

        public override void Dispose() { }
    }
}

sealed class MemoryListener(
    MemoryNetwork.Core core, MemoryLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
    : LoopListener(loop, accept, options)
{
    public override IPEndPoint Endpoint => endpoint;

    public void Open()
    {
        if (!IsClosed) Loop.Add(this);
    }

    /// <returns>False if the loop has stopped.</returns>
    public bool Connect(MemoryPipe toServer, MemoryPipe toClient, IPEndPoint remote) => Loop.TryPost(() =>
    {
        if (IsClosed) Refuse();
        else Deal(next => new MemoryChannel((MemoryLoop)next, this, toServer, toClient, remote), Refuse);

        void Refuse()
        {
            toServer.Break();
            toClient.Break();
        }
    });

    // Without waiting: the name is free at once, and a simulated loop would not run meanwhile.
#pragma warning disable CA2215 // the base waits for the loop
    public override void Dispose()
#pragma warning restore CA2215
    {
        core.Forget(endpoint, this);
        Loop.TryPost(CloseOnce);
    }

    protected override void Close() { }
}
