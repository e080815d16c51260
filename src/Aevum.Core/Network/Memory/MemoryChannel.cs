// MemoryChannel: the served side of a simulated connection. What its pipes tell is posted to the loop, once at a time.

using System.Net;

namespace Aevum.Core.Network;

sealed unsafe class MemoryChannel : StreamChannel
{
    readonly MemoryPipe _in, _out;
    readonly Action _onReadable, _onWritable;
    int _readablePosted, _writablePosted;
    bool _wantsReading = true, _wantsWriting;

    public MemoryChannel(MemoryLoop loop, MemoryListener listener, MemoryPipe @in, MemoryPipe @out, IPEndPoint remote)
        : base(loop, listener, remote)
    {
        (_in, _out) = (@in, @out);
        Local = listener.Endpoint;
        _onReadable = OnInChanged;
        _onWritable = OnOutChanged;
        _in.OnReadable = PostReadable;
        _out.OnWritable = PostWritable;
        PostReadable();
    }

    public override IPEndPoint Local { get; }

    void PostReadable()
    {
        if (Interlocked.Exchange(ref _readablePosted, 1) == 0) Loop.Post(_onReadable);
    }

    void PostWritable()
    {
        if (Volatile.Read(ref _wantsWriting) && Interlocked.Exchange(ref _writablePosted, 1) == 0) Loop.Post(_onWritable);
    }

    void OnInChanged()
    {
        Volatile.Write(ref _readablePosted, 0);
        if (IsReleased) return;
        if (_in.IsBroken)
        {
            End(reset: false);
            return;
        }
        if (_wantsReading && _in.IsReadable) OnReadable();
        if (IsReleased) return;
        if (!_wantsReading && !IsInputEndKnown && _in.IsEndVisible) OnInputEndKnown();
        if (!IsReleased && _wantsReading && _in.IsReadable) PostReadable();
    }

    void OnOutChanged()
    {
        Volatile.Write(ref _writablePosted, 0);
        if (!IsReleased) OnWritable();
    }

    protected override int Receive(Span<byte> target) => _in.Read(target);

    protected override bool Send(ref ChannelOutput output)
    {
        while (output.Length > 0)
        {
            var chunk = output.First;
            var sent = _out.Write(new ReadOnlySpan<byte>(Chunk.Bytes(chunk) + chunk->Start, chunk->End - chunk->Start));
            if (sent < 0) return false;
            if (sent == 0) return true;
            output.Consume(sent, Loop.Chunks);
        }
        return true;
    }

    protected override void SetReading(bool reading)
    {
        _wantsReading = reading;
        PostReadable();
    }

    protected override void SetWriting(bool writing)
    {
        if (_wantsWriting == writing) return;
        Volatile.Write(ref _wantsWriting, writing);
        // There may have been room since the send that failed.
        if (writing) PostWritable();
    }

    protected override void EndSending() => _out.End();

    protected override void ReleaseTransport(bool reset)
    {
        if (reset)
        {
            _in.Break();
            _out.Break();
        }
        else
        {
            // As a socket: what was sent arrives, unless bytes wait that nobody has read.
            _out.End();
            if (_in.IsReadable && !_in.IsEndVisible) _out.Break();
            _in.Break();
        }
    }
}
