// EpollNetwork: connections on Linux, by epoll. A listener is one more descriptor of a loop, which accepts and deals the connections out to
// all.
//
// When the process has no descriptor left, a connection would stay in the system's queue and the loop would be told of it again and again.
// So a descriptor is kept in reserve: it is closed, the connection accepted and closed at once, and the reserve made anew. If even that
// does not work, the listener looks away for a moment.

using System.Net;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

sealed class EpollNetwork : LoopNetwork
{
    public EpollNetwork(IScheduler scheduler, NetworkOptions options) : base(options)
    {
        if (!IsAvailable) Throw.Invalid("this system has no epoll; use sockets");
        Start(i => new EpollLoop(this, scheduler.Time, options, $"{options.Name}-{i + 1}"));
    }

    public static bool IsAvailable => SocketCalls.IsAvailable;

    protected override LoopListener CreateListener(
        EventLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options) =>
        EpollListener.Create((EpollLoop)loop, endpoint, accept, options);

    protected override TlsHandshakes CreateHandshakes(NetworkOptions options) => new HandshakeThread(options.Name + "-tls");
}

sealed class EpollListener : LoopListener, IReady
{
    // Accepted in a turn, so that a rush does not hold up those who are served.
    const int AcceptMax = 64;

    static readonly TimeSpan LookAway = TimeSpan.FromMilliseconds(100);

    readonly EpollLoop _loop;
    readonly int _descriptor;
    ulong? _data;
    int _reserve;

    EpollListener(EpollLoop loop, int descriptor, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
        : base(loop, accept, options)
    {
        _loop = loop;
        _descriptor = descriptor;
        _reserve = SocketCalls.CreateReserve();
        Endpoint = SocketCalls.LocalAddress(descriptor) ?? endpoint;
    }

    public override IPEndPoint Endpoint { get; }

    public static EpollListener Create(EpollLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
    {
        var descriptor = SocketCalls.Listen(endpoint, options.Backlog, out var error);
        if (descriptor < 0) throw new AevumException(ErrorCode.InputOutput, $"cannot listen on {endpoint}: {SocketCalls.Describe(error)}");
        var listener = new EpollListener(loop, descriptor, endpoint, accept, options);
        // What connects meanwhile waits in the backlog.
        if (!loop.TryPost(listener.Open)) listener.Close();
        return listener;
    }

    void Open()
    {
        if (IsClosed) return;
        _loop.Add(this);
        _data = _loop.Register(this, _descriptor, SocketCalls.In);
        if (_data is null) _loop.After(LookAway, Open);
    }

    public void OnReady(uint events)
    {
        for (var i = 0; i < AcceptMax; i++)
        {
            var descriptor = SocketCalls.Accept(_descriptor, out var remote);
            if (descriptor >= 0)
            {
                Deal(loop => EpollChannel.Create((EpollLoop)loop, this, descriptor, remote!), () => SocketCalls.Close(descriptor));
                continue;
            }
            switch (SocketCalls.Error)
            {
                case SocketCalls.WouldBlock:
                    return;
                case SocketCalls.TooManyFiles or SocketCalls.TooManyFilesInSystem:
                    if (GiveUpOne()) break;
                    return;
                case SocketCalls.NoMemory or SocketCalls.NoBuffers:
                    LookAwayForAMoment();
                    return;
                default:
                    break;      // this one is gone already (ECONNABORTED and its like); there may be others
            }
        }
    }

    /// <returns>False if there is nothing to be accepted, or nothing to be done about it now.</returns>
    bool GiveUpOne()
    {
        if (_reserve >= 0)
        {
            SocketCalls.Close(_reserve);
            var descriptor = SocketCalls.Accept(_descriptor, out _);
            var error = descriptor < 0 ? SocketCalls.Error : 0;
            if (descriptor >= 0) SocketCalls.Close(descriptor);
            _reserve = SocketCalls.CreateReserve();
            if (descriptor >= 0) return true;
            // Linux looks for a descriptor before it looks for a connection: the last one may have been turned away already.
            if (error == SocketCalls.WouldBlock) return false;
        }
        LookAwayForAMoment();
        return false;
    }

    void LookAwayForAMoment()
    {
        if (_data is not { } data) return;
        _loop.Change(_descriptor, 0, data);
        _loop.After(LookAway, () =>
        {
            if (IsClosed) return;
            if (_reserve < 0) _reserve = SocketCalls.CreateReserve();
            _loop.Change(_descriptor, SocketCalls.In, data);
        });
    }

    protected override void Close()
    {
        if (_data is { } data) _loop.Unregister(_descriptor, data);
        SocketCalls.Close(_descriptor);
        if (_reserve >= 0) SocketCalls.Close(_reserve);
    }
}
