// INetwork: the one place where connections are accepted, read and written; protocols stand on top and know no sockets.
//
//   a turn     everything that came in on the ready connections of a loop is handed to their handlers; then the loop asks whoever wants to end the
//              turn (ILoop.TurnEnding), and then each connection that has something to say sends it, once
//
// So a burst of requests on many connections is one turn: what they write can be committed together, and each connection costs one send.
// A loop is one thread, and all that belongs to it is called on that thread only: handlers need no locks. Others come in through Post.
//
// The other side may end its direction and still wait for answers: what came before its end is handled and answered, then the connection is
// closed. A handler that is paused meanwhile (a slow command) is told at once (OnInputEnded) and keeps the connection until it resumes.
//
// Always true: a handler is told of each byte once and in order, of the end once, and of nothing after it; what was sent is on the wire in
// the order of Send, or the connection ends.

using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Aevum.Core.Network;

/// <remarks>Disposing ends all connections, their handlers being told, and then the loops. Not on a loop.</remarks>
public interface INetwork : IDisposable
{
    /// <summary>The threads that serve connections; a connection stays on the one it was given to.</summary>
    IReadOnlyList<ILoop> Loops { get; }

    /// <summary>Listens, and hands connections to loops in turn.</summary>
    /// <param name="endpoint">Port 0: any that is free.</param>
    /// <param name="accept">Makes the handler of a connection; called on the loop that it belongs to from then on. Null: not wanted, it is
    /// closed.</param>
    /// <exception cref="Errors.AevumException">InputOutput: the address is in use, or not of this machine.</exception>
    IListener Listen(IPEndPoint endpoint, Func<IChannel, IChannelHandler?> accept, ListenOptions options);
}

/// <remarks>Disposing frees the port before it returns (on a loop: soon after). Connections that are open stay.</remarks>
public interface IListener : IDisposable
{
    /// <summary>Where it listens, the port known.</summary>
    IPEndPoint Endpoint { get; }

    /// <summary>Connections open now.</summary>
    int Connections { get; }

    /// <summary>Those of <see cref="Connections"/> that are closed and have been sent everything: only the other side has not ended its
    /// direction yet.</summary>
    int Lingering { get; }

    /// <summary>Connections sent away so far because there were <see cref="ListenOptions.ConnectionsMax"/>.</summary>
    long Refused { get; }
}

/// <summary>A thread that serves connections.</summary>
public interface ILoop
{
    /// <summary>Runs an action on the loop, soon; in the order of the calls. Any thread. Dropped when the network has been
    /// disposed.</summary>
    void Post(Action action);

    /// <summary>Runs an action on the loop after some time, unless what is returned was disposed before. On the loop only.</summary>
    IDisposable After(TimeSpan time, Action action);

    /// <summary>Raised on the loop when all handlers of a turn have been told, before anything is sent.</summary>
    event Action? TurnEnding;

    /// <summary>Whether the caller runs on this loop.</summary>
    bool IsCurrent { get; }
}

/// <summary>One connection, as its protocol sees it. On its loop only, unless it says otherwise.</summary>
public interface IChannel
{
    ILoop Loop { get; }

    IPEndPoint Remote { get; }

    IPEndPoint Local { get; }

    /// <summary>Room for what will be sent, at the end of what waits already; then <see cref="Advance"/>. Valid until the next call on this
    /// channel. When the connection has ended: room that leads nowhere.</summary>
    /// <param name="bytes">At least so much.</param>
    Span<byte> GetSpan(int bytes);

    /// <summary>So many bytes of the room were filled: they are sent at the end of the turn.</summary>
    void Advance(int bytes);

    /// <summary>Sends blocks that were filled elsewhere, behind what waits already. They are the channel's from now on.</summary>
    void Append(OutputBlocks blocks)
    {
        using (blocks) blocks.CopyTo(this);
    }

    /// <summary>Bytes that wait to be sent.</summary>
    long Pending { get; }

    /// <summary>More waits than <see cref="ListenOptions.PendingPause"/>. A handler of many requests with long replies looks at it between
    /// two of them and returns what it has taken; it is called again, without a Resume, when all has been sent.</summary>
    bool IsFull { get; }

    /// <summary>Bytes that wait to be sent above which this connection is ended; at first <see cref="ListenOptions.PendingMax"/>.</summary>
    long PendingMax { get; set; }

    /// <summary>What is not taken is a request of so many bytes in all: the handler is not called again before they are there, and room is
    /// made at once. Good for one call; a Resume undoes it.</summary>
    void Expect(long bytes);

    /// <summary>Hands nothing more to the handler until <see cref="Resume"/>; what the other side sends stays in the kernel.</summary>
    void Pause();

    /// <summary>Hands over what was kept back, in the next turn, and reads on. Without a Pause before: what was not taken is handed over
    /// again in the next turn (a handler that has done enough for this one).</summary>
    void Resume();

    /// <summary>Goes over to TLS, as protocols do that begin in the clear. What waits is sent in the clear before; what came in and is not
    /// taken ends the connection, for nobody vouches for it. The handler is not called until both sides agree.</summary>
    void Encrypt(Func<SslServerAuthenticationOptions> options);

    /// <summary>What the other side has shown of itself, if it was asked to and TLS is on.</summary>
    X509Certificate? RemoteCertificate { get; }

    /// <summary>Ends the connection when what waits has been sent, at most <see cref="ListenOptions.CloseMax"/> later. Nothing more is
    /// handed to the handler but the end.</summary>
    void Close();

    /// <summary>Ends the connection now.</summary>
    void Abort();
}

/// <summary>What a protocol does with a connection.</summary>
public interface IChannelHandler
{
    /// <summary>Takes what has come in.</summary>
    /// <param name="bytes">Valid during the call. Begins with what was not taken before.</param>
    /// <returns>Bytes taken, as far as whole requests go; the rest is kept and handed over again when there is more, or after a
    /// Resume.</returns>
    int OnReceived(ReadOnlySpan<byte> bytes);

    /// <summary>The other side will send nothing more. Told once at most, even while paused, then perhaps before its last bytes are handed
    /// over. The connection ends when they have been and all is sent, unless it is paused, or is paused here; then after the
    /// Resume.</summary>
    void OnInputEnded() { }

    /// <summary>The connection has ended, whoever ended it; nothing can be sent any more. Told once, at the end of a turn.</summary>
    void OnClosed();
}

public sealed record ListenOptions
{
    /// <summary>Connections open at a time. Further ones are sent <see cref="Refuse"/> and closed.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>What is sent to a connection that is one too many. With TLS: nothing.</summary>
    public byte[] Refuse { get; init; } = [];

    /// <summary>Bytes that wait to be sent above which nothing more is read from a connection until they are gone.</summary>
    public long PendingPause { get; init; } = 256 << 10;

    /// <summary>Bytes that wait to be sent above which a connection is ended.</summary>
    public long PendingMax { get; init; } = 64 << 20;

    /// <summary>Bytes of one request that is not whole yet above which a connection is ended.</summary>
    public long RequestMax { get; init; } = 1L << 30;

    /// <summary>Bytes taken from one connection in a turn, so that none starves the others.</summary>
    public int TurnBytes { get; init; } = 64 << 10;

    /// <summary>How long a closed connection may take to fetch what waits for it, and to end its own side.</summary>
    public TimeSpan CloseMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Encrypts; null: in the clear. Asked for each connection, so that certificates can change. Called on a thread for
    /// handshakes. Give a ServerCertificateContext that is kept: without one each handshake builds the chain anew.</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>How long two sides may take to agree on TLS.</summary>
    public TimeSpan HandshakeMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections that the system has accepted and no loop has taken yet.</summary>
    public int Backlog { get; init; } = 1024;
}
