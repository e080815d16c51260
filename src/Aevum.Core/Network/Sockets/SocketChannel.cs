// SocketChannel: a connection by .NET's Socket, for systems without epoll.
//
// Readiness to read is a receive of zero bytes: it completes when there is something, holds no buffer meanwhile, and posts to the loop,
// which then receives without waiting. It is asked for anew after each receive, so who does not want to read does not ask.
//
// Readiness to write cannot be asked for. What a send did not take is copied in pieces and sent in the background, one piece at a time; a
// piece counts as waiting until it has gone.
//
// Weaker than by epoll: while nobody reads, the end of the other side is seen only when no bytes wait in front of it.

using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Aevum.Core.Network;

#pragma warning disable CA1001 // End is how a channel is disposed of
sealed unsafe class SocketChannel : StreamChannel
{
    const int PieceMax = 64 << 10;

    readonly Socket _socket;
    readonly IPEndPoint _local;
    readonly SocketAsyncEventArgs _reading = new();
    readonly Action _onReadable;
    SocketAsyncEventArgs? _writing;
    byte[]? _piece;
    bool _wantsReading = true, _isAsked, _isSending, _failed;

    public SocketChannel(SocketLoop loop, SocketListener listener, Socket socket, IPEndPoint remote, IPEndPoint local)
        : base(loop, listener, remote)
    {
        _socket = socket;
        _local = local;
        _onReadable = OnAskAnswered;
        _reading.SetBuffer([], 0, 0);
        _reading.Completed += (_, _) => Loop.Post(_onReadable);
        Ask();
    }

    public override IPEndPoint Local => _local;

    void Ask()
    {
        if (_isAsked || !_wantsReading || IsReleased) return;
        _isAsked = true;
        try
        {
            if (!_socket.ReceiveAsync(_reading)) Loop.Post(_onReadable);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Loop.Post(_onReadable);     // the receive there finds out what is wrong
        }
    }

    void OnAskAnswered()
    {
        _isAsked = false;
        if (IsReleased) return;
        if (WantsInput || !EndsHere()) OnReadable();
        Ask();
    }

    // Nobody reads: is it the end that waits?
    bool EndsHere()
    {
        Span<byte> one = stackalloc byte[1];
        try
        {
            if (_socket.Receive(one, SocketFlags.Peek, out var error) != 0 && error is SocketError.Success) return false;
            if (error is SocketError.WouldBlock) return false;
            if (error is not SocketError.Success)
            {
                End(reset: false);
                return true;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            End(reset: false);
            return true;
        }
        if (!IsInputEndKnown) OnInputEndKnown();
        _wantsReading = false;
        return true;
    }

    protected override int Receive(Span<byte> target)
    {
        try
        {
            var received = _socket.Receive(target, SocketFlags.None, out var error);
            return error switch
            {
                SocketError.Success => received,
                SocketError.WouldBlock => WouldBlock,
                _ => Broken,
            };
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return Broken;
        }
    }

    protected override bool Send(ref ChannelOutput output)
    {
        if (_failed) return false;
        if (_isSending) return true;
        while (output.Length > 0)
        {
            var chunk = output.First;
            var bytes = new ReadOnlySpan<byte>(Chunk.Bytes(chunk) + chunk->Start, chunk->End - chunk->Start);
            try
            {
                var sent = _socket.Send(bytes, SocketFlags.None, out var error);
                if (error is SocketError.WouldBlock) return SendPiece(bytes[..Math.Min(bytes.Length, PieceMax)]);
                if (error is not SocketError.Success) return false;
                output.Consume(sent, Loop.Chunks);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
        return true;
    }

    bool SendPiece(ReadOnlySpan<byte> bytes)
    {
        if (_writing is null)
        {
            _writing = new SocketAsyncEventArgs();
            _writing.Completed += (_, _) => Loop.Post(OnPieceSent);
        }
        _piece ??= ArrayPool<byte>.Shared.Rent(PieceMax);
        bytes.CopyTo(_piece);
        _writing.SetBuffer(_piece, 0, bytes.Length);
        _isSending = true;
        if (!_socket.SendAsync(_writing)) Loop.Post(OnPieceSent);
        return true;
    }

    void OnPieceSent()
    {
        _isSending = false;
        if (IsReleased)
        {
            FreePiece();
            return;
        }
        if (_writing!.SocketError is not SocketError.Success) _failed = true;
        else Sent(_writing.BytesTransferred);
        QueueFlush();
    }

    void FreePiece()
    {
        if (_piece is not null) ArrayPool<byte>.Shared.Return(_piece);
        _piece = null;
        _writing?.Dispose();
    }

    protected override void SetReading(bool reading)
    {
        _wantsReading = reading;
        Ask();
    }

    protected override void SetWriting(bool writing)
    {
        if (writing || _isSending || _piece is null) return;
        ArrayPool<byte>.Shared.Return(_piece);
        _piece = null;
    }

    protected override void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Broken already; the receive that follows says so.
        }
    }

    protected override void ReleaseTransport(bool reset)
    {
        if (reset) _socket.Close(0);
        else _socket.Dispose();
        _reading.Dispose();
        if (!_isSending) FreePiece();
    }
}
