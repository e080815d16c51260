// EpollChannel: a connection by its descriptor, which does not wait. The system is asked to change what it reports only when that differs
// from what it reports already; each change has it look again, and report what is ready by then.
//
// Changes of state are reported, not states (EPOLLET): that spares a look at every socket in the turn after each request. So, always true:
// a channel is in the loop's list of those it comes back to
//   while input is reported, and a receive filled all the room it was given, or the other side's end was reported and not yet received
//   while output waits that the system has not refused

using System.Net;
using System.Runtime.CompilerServices;

namespace Aevum.Core.Network;

sealed unsafe class EpollChannel : StreamChannel, IReady
{
    const int VectorsMax = 64;

    // Of one connection in one turn: others want to be served too while somebody fetches a large answer.
    const int TurnBytesMax = 256 << 10;

    readonly EpollLoop _loop;
    readonly int _descriptor;
    readonly ulong _data;
    readonly IPEndPoint _listening;
    uint _interest = SocketCalls.In | SocketCalls.InputEnd | SocketCalls.Edge;
    bool _wasFilled, _isEndReported;        // there may be more to receive
    bool _isWritable;                       // the system has not refused what waits
    bool _isComeBackTo;

    EpollChannel(EpollLoop loop, EpollListener listener, int descriptor, IPEndPoint remote) : base(loop, listener, remote)
    {
        _loop = loop;
        _descriptor = descriptor;
        _listening = listener.Endpoint;
        if (loop.Register(this, descriptor, _interest) is { } data) _data = data;
        else _descriptor = -1;
    }

    /// <returns>Null if the system refuses; then the descriptor is closed.</returns>
    public static EpollChannel? Create(EpollLoop loop, EpollListener listener, int descriptor, IPEndPoint remote)
    {
        var channel = new EpollChannel(loop, listener, descriptor, remote);
        if (channel._descriptor >= 0) return channel;
        SocketCalls.Close(descriptor);
        return null;
    }

    public override IPEndPoint Local => (IsReleased ? null : SocketCalls.LocalAddress(_descriptor)) ?? _listening;

    public void OnReady(uint events)
    {
        if ((events & SocketCalls.Failed) != 0)
        {
            // Reported whether or not anybody is interested: the connection is gone in both directions.
            if ((events & SocketCalls.In) != 0 && WantsInput) OnReadable();
            End(reset: false);
            return;
        }
        if ((events & SocketCalls.InputEnd) != 0) _isEndReported = true;
        if ((events & SocketCalls.In) != 0) Read();
        else if (_isEndReported && !IsInputEndKnown) OnInputEndKnown();
        if (!IsReleased && (events & SocketCalls.Out) != 0) OnWritable();
    }

    /// <summary>In the turn after one that left something unread.</summary>
    public void ComeBack()
    {
        _isComeBackTo = false;
        if ((_interest & SocketCalls.In) != 0 && (_wasFilled || _isEndReported)) Read();
        if (!IsReleased && _isWritable) OnWritable();
    }

    void Read()
    {
        _wasFilled = false;
        OnReadable();
        if ((_wasFilled || _isEndReported) && (_interest & SocketCalls.In) != 0 && !IsInputEnded) BeComeBackTo();
    }

    void BeComeBackTo()
    {
        if (_isComeBackTo || IsReleased) return;
        _isComeBackTo = true;
        _loop.ComeBackTo(this);
    }

    protected override int Receive(Span<byte> target)
    {
        fixed (byte* bytes = target)
        {
            while (true)
            {
                var received = SocketCalls.Receive(_descriptor, bytes, target.Length);
                if (received >= 0)
                {
                    _wasFilled = received == target.Length;
                    return (int)received;
                }
                var error = SocketCalls.Error;
                if (error == SocketCalls.WouldBlock) return WouldBlock;
                if (error != SocketCalls.Interrupted) return Broken;
            }
        }
    }

    [SkipLocalsInit]
    protected override bool Send(ref ChannelOutput output)
    {
        var vectors = stackalloc SocketCalls.IoVector[VectorsMax];
        var left = (long)TurnBytesMax;
        _isWritable = false;
        while (output.Length > 0 && left > 0)
        {
            long asked = 0;
            var count = 0;
            for (var chunk = output.First; chunk is not null && count < VectorsMax && asked < left; chunk = chunk->Next)
            {
                var length = (int)Math.Min(chunk->End - chunk->Start, left - asked);
                if (length == 0) continue;
                vectors[count].Bytes = Chunk.Bytes(chunk) + chunk->Start;
                vectors[count++].Length = (nuint)length;
                asked += length;
            }
            var sent = count == 1
                ? SocketCalls.Send(_descriptor, vectors->Bytes, (int)asked)
                : SocketCalls.Send(_descriptor, vectors, count);
            if (sent >= 0)
            {
                output.Consume(sent, Loop.Chunks);
                left -= sent;
                if (sent < asked) return true;      // the system's buffer is full
                continue;
            }
            var error = SocketCalls.Error;
            if (error == SocketCalls.WouldBlock) return true;
            if (error != SocketCalls.Interrupted) return false;
        }
        _isWritable = output.Length > 0;
        return true;
    }

    protected override void SetReading(bool reading)
    {
        // Who does not read is still told that the other side has ended.
        SetInterest(reading ? _interest | SocketCalls.In : _interest & ~SocketCalls.In);
    }

    protected override void SetWriting(bool writing)
    {
        if (writing && _isWritable) BeComeBackTo();
        else SetInterest(writing ? _interest | SocketCalls.Out : _interest & ~SocketCalls.Out);
    }

    void SetInterest(uint interest)
    {
        if (interest == _interest || IsReleased) return;
        _interest = interest;
        _loop.Change(_descriptor, interest, _data);
    }

    protected override void EndSending() => SocketCalls.EndSending(_descriptor);

    protected override void ReleaseTransport(bool reset)
    {
        _loop.Unregister(_descriptor, _data);
        if (reset) SocketCalls.Reset(_descriptor);
        else SocketCalls.Close(_descriptor);
    }
}
