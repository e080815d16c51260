// Peer: the other side of a connection, as a test plays it: over a socket, or in a simulated network.

using System.Net;
using System.Net.Sockets;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Network;

namespace Aevum.Core.Tests.Network;

/// <summary>The other side of a connection, as a test plays it. Everything blocks; a reset is an IOException.</summary>
public interface IPeer : IDisposable
{
    void Send(ReadOnlySpan<byte> bytes);

    /// <returns>0 at the end.</returns>
    int Receive(Span<byte> target);

    void EndSending();

    void Abort();
}

static class PeerExtensions
{
    public static void Send(this IPeer peer, string text) => peer.Send(Encoding.Latin1.GetBytes(text));

    public static string ReceiveText(this IPeer peer, int bytes)
    {
        var target = new byte[bytes];
        var received = 0;
        while (received < bytes)
        {
            var count = peer.Receive(target.AsSpan(received));
            if (count == 0) break;
            received += count;
        }
        return Encoding.Latin1.GetString(target, 0, received);
    }

    public static byte[] ReceiveToEnd(this IPeer peer)
    {
        using var all = new MemoryStream();
        var piece = new byte[64 << 10];
        while (peer.Receive(piece) is > 0 and var count) all.Write(piece, 0, count);
        return all.ToArray();
    }

    public static string ReceiveTextToEnd(this IPeer peer) => Encoding.Latin1.GetString(peer.ReceiveToEnd());

    /// <summary>Sends a line and checks that the echo comes.</summary>
    public static void Echo(this IPeer peer, string line)
    {
        peer.Send(line + "\n");
        Assert.Equal(line + "!\n", peer.ReceiveText(line.Length + 2));
    }

    /// <returns>Whether the connection was reset, else it ended.</returns>
    public static bool IsCutOff(this IPeer peer)
    {
        try
        {
            peer.ReceiveToEnd();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}

sealed class SocketPeer : IPeer
{
    readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 60_000, SendTimeout = 60_000 };

    public SocketPeer(IPEndPoint endpoint) => _socket.Connect(endpoint);

    public void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public int Receive(Span<byte> target)
    {
        try
        {
            return _socket.Receive(target);
        }
        catch (SocketException e) when (e.SocketErrorCode is not SocketError.TimedOut)
        {
            throw new IOException(e.Message, e);
        }
    }

    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    public void Abort() => _socket.Close(0);

    public void Dispose() => _socket.Dispose();
}

sealed class MemoryPeer(MemoryClient client) : IPeer
{
    public void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            client.Send(bytes);
        }
        catch (AevumException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public int Receive(Span<byte> target)
    {
        try
        {
            return client.Receive(target);
        }
        catch (AevumException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public void EndSending() => client.EndSending();

    public void Abort() => client.Abort();

    public void Dispose() => client.Dispose();
}

/// <summary>A peer as a stream, for an SslStream to stand on.</summary>
sealed class PeerStream(IPeer peer) : Stream
{
    public override int Read(byte[] buffer, int offset, int count) => peer.Receive(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => peer.Receive(buffer);

    public override void Write(byte[] buffer, int offset, int count) => peer.Send(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => peer.Send(buffer);

    // On the caller's thread, where the base would take another.
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        peer.Send(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() { }

    protected override void Dispose(bool disposing)
    {
        peer.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
