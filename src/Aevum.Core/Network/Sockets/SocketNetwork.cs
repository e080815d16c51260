// SocketNetwork: connections on every system, by .NET's sockets. The turns are the same as by epoll; the thread pool only carries news of
// readiness to the loops and runs nothing of ours.

using System.Net;
using System.Net.Sockets;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

sealed class SocketNetwork : LoopNetwork
{
    public SocketNetwork(IScheduler scheduler, NetworkOptions options) : base(options) =>
        Start(i => new SocketLoop(this, scheduler.Time, options, $"{options.Name}-{i + 1}"));

    protected override LoopListener CreateListener(
        EventLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options) =>
        new SocketListener((SocketLoop)loop, endpoint, accept, options);

    protected override TlsHandshakes CreateHandshakes(NetworkOptions options) => new HandshakeThread(options.Name + "-tls");
}

#pragma warning disable CA1001 // Close is called once, by Dispose or by the end of the loop
sealed class SocketListener : LoopListener
{
    static readonly TimeSpan LookAway = TimeSpan.FromMilliseconds(100);

    readonly SocketLoop _loop;
    readonly Socket _socket;
    readonly SocketAsyncEventArgs _accepting = new();

    public SocketListener(SocketLoop loop, IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options)
        : base(loop, accept, options)
    {
        _loop = loop;
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // No ReuseAddress: .NET sets it by itself where it means that old connections do not hold the port; asked for, it would let two
            // listen.
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6) _socket.DualMode = false;
            _socket.Bind(endpoint);
            _socket.Listen(options.Backlog);
            Endpoint = (IPEndPoint)_socket.LocalEndPoint!;
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            _accepting.Dispose();
            throw new AevumException(ErrorCode.InputOutput, $"cannot listen on {endpoint}: {e.Message}", e);
        }
        _accepting.Completed += (_, _) => _loop.Post(OnAccepted);
        if (!_loop.TryPost(Open)) Close();
    }

    public override IPEndPoint Endpoint { get; }

    void Open()
    {
        if (IsClosed) return;
        _loop.Add(this);
        Next();
    }

    void Next()
    {
        if (IsClosed) return;
        _accepting.AcceptSocket = null;
        try
        {
            if (!_socket.AcceptAsync(_accepting)) _loop.Post(OnAccepted);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _loop.After(LookAway, Next);
        }
    }

    void OnAccepted()
    {
        if (IsClosed)
        {
            _accepting.AcceptSocket?.Dispose();
            return;
        }
        if (_accepting.SocketError is SocketError.Success)
        {
            Serve(_accepting.AcceptSocket!);
            Next();
        }
        else if (_accepting.SocketError is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            Next();     // this one is gone already
        }
        else
        {
            // No descriptors or no memory: what connects waits in the backlog.
            _loop.After(LookAway, Next);
        }
    }

    void Serve(Socket socket)
    {
        // Descriptors get the least number that is free, so the number tells how many there are.
        if (socket.SafeHandle.DangerousGetHandle() >= DescriptorLimit.OfConnections)
        {
            socket.Dispose();
            return;
        }
        try
        {
            socket.Blocking = false;
            socket.NoDelay = true;
            var remote = (IPEndPoint)socket.RemoteEndPoint!;
            var local = (IPEndPoint)socket.LocalEndPoint!;
            Deal(loop => new SocketChannel((SocketLoop)loop, this, socket, remote, local), socket.Dispose);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            socket.Dispose();       // gone already
        }
    }

    protected override void Close()
    {
        _socket.Dispose();
        _accepting.Dispose();
    }
}
