// INetwork: the one place where connections are accepted, read and written; protocols stand on top and know no sockets.
//
//   a turn     everything that came in on the ready connections of a loop is handed to their handlers; then the loop asks whoever wants to end the
//              turn (ILoop.TurnEnding), and then each connection that has something to say sends it, once
//
// So a burst of requests on many connections is one turn: what they write can be committed together, and each connection costs one send.
// A loop is one thread, and all that belongs to it is called on that thread only: handlers need no locks. Others come in through Post.
//
// Always true: a handler is told of each byte once and in order, of the end once, and of nothing after it; what was sent is on the wire in the
// order of Send, or the connection ends.

using System.Net;

namespace Aevum.Core.Network;

public interface INetwork
{
    /// <summary>Listens, and hands connections to loops in turn.</summary>
    /// <param name="endpoint">Port 0: any that is free.</param>
    /// <param name="accept">Makes the handler of a connection; called on the loop that it belongs to from then on. Null: not wanted, it is closed.</param>
    /// <exception cref="Errors.AevumException">InputOutput: the address is in use, or not of this machine.</exception>
    IListener Listen(IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options);
}

public interface IListener : IDisposable
{
    /// <summary>Where it listens, the port known.</summary>
    IPEndPoint Endpoint { get; }

    /// <summary>Connections open now.</summary>
    int Connections { get; }
}

/// <summary>A thread that serves connections.</summary>
public interface ILoop
{
    /// <summary>Runs an action on the loop, soon; in the order of the calls. Any thread.</summary>
    void Post(Action action);

    /// <summary>Runs an action on the loop after some time, unless what is returned was disposed before. On the loop only.</summary>
    IDisposable After(TimeSpan time, Action action);

    /// <summary>Raised on the loop when all handlers of a turn have been told, before anything is sent.</summary>
    event Action? TurnEnding;
}

/// <summary>One connection, as its protocol sees it. On its loop only, unless it says otherwise.</summary>
public interface IChannel
{
    ILoop Loop { get; }

    IPEndPoint Remote { get; }

    IPEndPoint Local { get; }

    /// <summary>Room for what will be sent, at the end of what waits already; then <see cref="Advance"/>.</summary>
    /// <param name="bytes">At least so much.</param>
    Span<byte> GetSpan(int bytes);

    /// <summary>So many bytes of the room were filled: they are sent at the end of the turn.</summary>
    void Advance(int bytes);

    /// <summary>Bytes that wait to be sent.</summary>
    long Pending { get; }

    /// <summary>Hands nothing more to the handler until <see cref="Resume"/>; what the other side sends stays in the kernel.</summary>
    void Pause();

    /// <summary>Hands over what was kept back, in this turn or the next, and reads on.</summary>
    void Resume();

    /// <summary>Ends the connection when what waits has been sent, at most a moment later.</summary>
    void Close();

    /// <summary>Ends the connection now.</summary>
    void Abort();
}

/// <summary>What a protocol does with a connection.</summary>
public interface IChannelHandler
{
    /// <summary>Takes what has come in.</summary>
    /// <param name="bytes">Valid during the call. Begins with what was not taken before.</param>
    /// <returns>Bytes taken, as far as whole requests go; the rest is kept and handed over again when there is more, or after a Resume.</returns>
    int OnReceived(ReadOnlySpan<byte> bytes);

    /// <summary>The connection has ended; nothing can be sent any more.</summary>
    void OnClosed();
}

public sealed record ListenOptions
{
    /// <summary>Further connections are handed to <see cref="Refuse"/> and closed.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>What is sent to a connection that is one too many.</summary>
    public byte[] Refuse { get; init; } = [];

    /// <summary>Bytes that wait to be sent above which nothing more is read from a connection until they are gone.</summary>
    public long PendingPause { get; init; } = 256 << 10;

    /// <summary>Bytes that wait to be sent above which a connection is ended.</summary>
    public long PendingMax { get; init; } = 64 << 20;

    /// <summary>Bytes of one request that is not whole yet above which a connection is ended.</summary>
    public long RequestMax { get; init; } = 1L << 30;

    /// <summary>Bytes taken from one connection in a turn, so that none starves the others.</summary>
    public int TurnBytes { get; init; } = 64 << 10;

    /// <summary>Encrypts; null: in the clear. Asked for each connection, so that certificates can change.</summary>
    public Func<System.Net.Security.SslServerAuthenticationOptions>? Tls { get; init; }
}
