// StreamChannel: one connection, the same on every system. How bytes are received and sent is told by those who inherit.
//
// In:     receive into the loop's read buffer -> the handler takes whole requests -> the rest is copied to the connection (ChannelInput)
//         a rest larger than the headroom of the read buffer: receive behind it, in the connection's own memory
// Out:    the handler writes into chunks of the loop -> at the end of the turn they are sent, as far as the system takes them -> the rest waits
//         for the system to say that there is room
// TLS:    the same on both sides of TlsLayer: ciphertext | TlsLayer | plaintext
//
//   Open       -> Closing     [Close, or the other side has ended and everything is answered]   nothing is handed over; what waits is sent
//   Closing    -> Lingering   [flushed]          handler told; our direction is ended, what still comes in is thrown away: closing a socket
//                                                with bytes in it would make the system throw away our last reply
//   Lingering  -> Released    [the other side ended its direction, or CloseMax passed]
//   any        -> Released    [Abort, a broken connection, a limit]                              handler told at the end of the turn
//
// A channel hands over while it is not paused by its handler, not full (PendingPause), and open. What stops it does not call the system:
// only when something comes in that nobody wants is the system asked to be silent. A slow command between two requests costs no call.

using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Aevum.Core.Errors;

namespace Aevum.Core.Network;

#pragma warning disable CA1001 // End is how a channel is disposed of
abstract unsafe class StreamChannel : IChannel
{
    /// <summary>What <see cref="Receive"/> and Send answer when there is nothing to do now.</summary>
    protected const int WouldBlock = -1;

    /// <summary>What they answer when the connection is broken.</summary>
    protected const int Broken = -2;

    readonly LoopListener _listener;
    IChannelHandler? _handler;
    IDisposable? _deadline;
    ChannelInput _input;
    ChannelOutput _output;      // as it goes over the wire
    TlsLayer? _tls;
    long _expected;
    bool _offering, _waitsForFlush, _waitsForWake;
    bool _paused, _full, _inputEnded, _inputEndTold, _closing, _lingering, _released, _ended;

    protected StreamChannel(EventLoop loop, LoopListener listener, IPEndPoint remote)
    {
        Loop = loop;
        _listener = listener;
        Remote = remote;
        PendingMax = listener.Options.PendingMax;
    }

    public EventLoop Loop { get; }

    ILoop IChannel.Loop => Loop;

    public IPEndPoint Remote { get; }

    public abstract IPEndPoint Local { get; }

    public long PendingMax { get; set; }

    public long Pending => _output.Length + (_tls?.Plain ?? 0);

    public bool IsFull => Pending > _listener.Options.PendingPause;

    public X509Certificate? RemoteCertificate => _tls?.RemoteCertificate;

    protected ListenOptions Options => _listener.Options;

    protected bool IsReleased => _released;

    /// <summary>Everything that the other side will ever send was received.</summary>
    protected bool IsInputEnded => _inputEnded;

    /// <summary>That the other side has ended its direction is known.</summary>
    protected bool IsInputEndKnown => _inputEndTold || _inputEnded;

    /// <summary>Whether bytes that come in now have somewhere to go.</summary>
    protected bool WantsInput => _lingering || (MayOffer && !_inputEnded && _tls is not { IsBusy: true });

    bool MayOffer => !_paused && !_full && !_closing && !_ended;

    // What the systems do.

    /// <returns>Bytes received, 0 at the end of the other side, WouldBlock or Broken.</returns>
    protected abstract int Receive(Span<byte> target);

    /// <summary>Sends what it can.</summary>
    /// <returns>False if the connection is broken.</returns>
    protected abstract bool Send(ref ChannelOutput output);

    /// <summary>Has <see cref="OnReadable"/> called from now on, or no longer.</summary>
    protected abstract void SetReading(bool reading);

    /// <summary>Has <see cref="OnWritable"/> called when there is room for what waits, or no longer.</summary>
    protected abstract void SetWriting(bool writing);

    protected abstract void EndSending();

    /// <summary>Frees what belongs to the system.</summary>
    /// <param name="reset">The other side shall see that it was cut off.</param>
    protected abstract void ReleaseTransport(bool reset);

    // The beginning.

    /// <summary>Serves the connection; called once, on its loop.</summary>
    /// <param name="admitted">False: it is one too many.</param>
    public void Open(bool admitted)
    {
        Loop.Add(this);
        if (!admitted)
        {
            if (Options.Tls is null && Options.Refuse.Length > 0) Write(Options.Refuse);
            SetReading(true);
            Close();
        }
        else if (Options.Tls is { } tls)
        {
            BeginTls(tls);
        }
        else
        {
            GiveHandler();
        }
    }

    public void Encrypt(Func<SslServerAuthenticationOptions> options)
    {
        if (_tls is not null) Throw.Invalid("the connection is encrypted already");
        if (_closing || _ended) return;
        BeginTls(options);
    }

    void BeginTls(Func<SslServerAuthenticationOptions> options)
    {
        _tls = new TlsLayer(this, options);
        SetDeadline(Options.HandshakeMax);
        if (!_offering) BeginHandshake();
    }

    void BeginHandshake()
    {
        if (_input.Length > 0)
        {
            // Sent before the two sides agreed, so perhaps by somebody in between.
            End(reset: true);
            return;
        }
        _tls!.Begin();
        SetReading(true);
    }

    /// <summary>A step of the handshake was computed.</summary>
    public void OnHandshakeStep()
    {
        if (!_ended && WantsInput) SetReading(true);
    }

    /// <summary>The two sides agree on TLS.</summary>
    public void OnHandshakeDone()
    {
        if (_ended || _closing) return;
        SetDeadline(null);
        if (_handler is null) GiveHandler();
        QueueFlush();
    }

    void GiveHandler()
    {
        try
        {
            _handler = _listener.Accept(this);
        }
        catch (Exception failure) when (Told(failure))
        {
            End(reset: true);
            return;
        }
        if (_handler is null) Close();
        SetReading(true);
    }

    // In.

    /// <summary>The system says that something came in.</summary>
    public void OnReadable()
    {
        if (_released) return;
        if (_lingering) ThrowAway();
        else if (WantsInput) ReceiveOnce();
        else SetReading(false);
    }

    /// <summary>The system says that the other side has ended its direction, though nobody reads.</summary>
    protected void OnInputEndKnown()
    {
        if (!_ended && !_closing) TellInputEnded();
        _inputEndTold = true;
    }

    void ReceiveOnce()
    {
        var turnBytes = Math.Clamp(Options.TurnBytes, 1, EventLoop.ReceiveMax);
        int received;
        if (_tls is null && _input.Length > EventLoop.Headroom)
        {
            var room = _input.GetRoom(turnBytes, _expected);
            received = Receive(room[..turnBytes]);
            if (received > 0)
            {
                _input.Advance(received);
                if (_input.Length >= _expected) OfferInput();
            }
        }
        else
        {
            var buffer = Loop.ReadBuffer;
            received = Receive(new Span<byte>(buffer, turnBytes));
            if (received > 0)
            {
                var bytes = new ReadOnlySpan<byte>(buffer, received);
                if (_tls is null) Arrived(bytes, inReadBuffer: true);
                else _tls.Feed(bytes);
            }
        }
        if (received == 0) OnReceivedEnd();
        else if (received == Broken) End(reset: false);
        else if (received > 0) AfterOffer();
    }

    /// <summary>Deciphered bytes.</summary>
    public void OnPlain(ReadOnlySpan<byte> bytes)
    {
        if (_ended || _closing) return;
        Arrived(bytes, inReadBuffer: false);
        AfterOffer();
    }

    void Arrived(ReadOnlySpan<byte> bytes, bool inReadBuffer)
    {
        if (!MayOffer || _waitsForWake || _input.Length + bytes.Length < _expected)
        {
            _input.Append(bytes);
            return;
        }
        if (_input.Length == 0)
        {
            var taken = Offer(bytes);
            if (!_ended) _input.Append(bytes[taken..]);
            return;
        }
        if (!inReadBuffer || _input.Length > EventLoop.Headroom)
        {
            _input.Append(bytes);
            OfferInput();
            return;
        }
        // Both in one piece, in front of the read buffer.
        var kept = _input.Length;
        var start = Loop.ReadBuffer - kept;
        _input.Span.CopyTo(new Span<byte>(start, kept));
        var whole = new ReadOnlySpan<byte>(start, kept + bytes.Length);
        var count = Offer(whole);
        if (_ended) return;
        if (count < kept)
        {
            if (count > 0) _input.Take(count);
            _input.Append(bytes);
        }
        else
        {
            _input.Take(kept);
            _input.Append(whole[count..]);
        }
    }

    void OfferInput()
    {
        var taken = Offer(_input.Span);
        if (!_ended && taken > 0) _input.Take(taken);
    }

    int Offer(ReadOnlySpan<byte> bytes)
    {
        _expected = 0;
        _offering = true;
        try
        {
            var taken = _handler!.OnReceived(bytes);
            if ((uint)taken <= (uint)bytes.Length) return taken;
            throw new InvalidOperationException($"a handler says that it took {taken} of {bytes.Length} bytes");
        }
        catch (Exception failure) when (Told(failure))
        {
            End(reset: true);
            return bytes.Length;
        }
        finally
        {
            _offering = false;
            if (_ended) _input.Free();
        }
    }

    // A handler's exception ends its connection, whether or not somebody wants to know of it.
    bool Told(Exception failure)
    {
        Loop.Report(failure);
        return true;
    }

    void AfterOffer()
    {
        if (_ended) return;
        if (_tls is { HasBegun: false }) BeginHandshake();
        if (_input.Length > Options.RequestMax)
        {
            End(reset: true);
            return;
        }
        if (IsFull) BecomeFull();
        EndIfAnswered();
    }

    void BecomeFull()
    {
        _full = true;
        QueueFlush();
    }

    /// <summary>Everything that came in was handed over, and the other side sends nothing more.</summary>
    public void OnReceivedEnd()
    {
        if (_ended || _inputEnded) return;
        if (_tls is { IsEstablished: false })
        {
            End(reset: false);
            return;
        }
        _inputEnded = true;
        if (!_closing) TellInputEnded();
        EndIfAnswered();
    }

    void TellInputEnded()
    {
        if (_inputEndTold || _handler is null) return;
        _inputEndTold = true;
        try
        {
            _handler.OnInputEnded();
        }
        catch (Exception failure) when (Told(failure))
        {
            End(reset: true);
        }
    }

    void EndIfAnswered()
    {
        if (_inputEnded && MayOffer && !_waitsForWake) Close();
    }

    void ThrowAway()
    {
        var received = Receive(new Span<byte>(Loop.ReadBuffer, EventLoop.ReceiveMax));
        if (received is 0 or Broken) End(reset: false);
    }

    public void Expect(long bytes) => _expected = bytes;

    public void Pause() => _paused = true;

    public void Resume()
    {
        if (_ended || _closing) return;
        _paused = false;
        _expected = 0;
        QueueWake();
    }

    void QueueWake()
    {
        if (_waitsForWake) return;
        _waitsForWake = true;
        Loop.QueueWake(this);
    }

    public void OnWoken()
    {
        _waitsForWake = false;
        if (!MayOffer) return;
        if (_input.Length > 0)
        {
            OfferInput();
            AfterOffer();
        }
        else
        {
            EndIfAnswered();
        }
        if (!_released && WantsInput) SetReading(true);
    }

    // Out.

    public Span<byte> GetSpan(int bytes)
    {
        if (bytes < 0) Throw.Invalid("the room asked for is negative");
        if (_ended || _lingering) return Loop.Nowhere(bytes);
        QueueFlush();
        return _tls is { HasBegun: true } tls ? tls.GetSpan(bytes) : _output.GetSpan(bytes, Loop.Chunks);
    }

    public void Advance(int bytes)
    {
        if (_ended || _lingering) return;
        if (_tls is { HasBegun: true } tls)
        {
            if (!tls.CanAdvance(bytes)) Throw.Invalid($"cannot advance by {bytes} bytes: there was no such room");
            tls.Advance(bytes);
            return;
        }
        if (!_output.CanAdvance(bytes)) Throw.Invalid($"cannot advance by {bytes} bytes: there was no such room");
        _output.Advance(bytes);
    }

    public void Append(OutputBlocks blocks)
    {
        using (blocks)
        {
            if (_ended || _lingering) return;
            QueueFlush();
            if (_tls is { HasBegun: true }) blocks.CopyTo(this);
            else _output.Append(blocks, Loop.Chunks);
        }
    }

    void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>Ciphertext, from <see cref="TlsLayer"/>.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        if (_ended || _lingering) return;
        _output.Append(bytes, Loop.Chunks);
        QueueFlush();
    }

    public void QueueFlush()
    {
        if (_waitsForFlush || _ended) return;
        _waitsForFlush = true;
        Loop.QueueFlush(this);
    }

    /// <summary>So many bytes of what waits were sent in the background.</summary>
    protected void Sent(int bytes) => _output.Consume(bytes, Loop.Chunks);

    /// <summary>The system says that there is room.</summary>
    public void OnWritable() => QueueFlush();

    /// <summary>Sends what waits; once a turn, at its end.</summary>
    public void Flush()
    {
        _waitsForFlush = false;
        if (_ended || _lingering) return;
        if (_tls is not null && !_tls.Encipher())
        {
            End(reset: true);
            return;
        }
        if (_output.Length == 0)
        {
            _output.Clear(Loop.Chunks);     // room that was asked for and not used
        }
        else if (!Send(ref _output))
        {
            End(reset: false);
            return;
        }
        SetWriting(_output.Length > 0);
        var pending = Pending;
        if (pending > PendingMax)
        {
            End(reset: true);
        }
        else if (pending > Options.PendingPause)
        {
            _full = true;
        }
        else if (pending == 0)
        {
            if (_closing) FinishClosing();
            if (!_full) return;
            _full = false;
            QueueWake();
        }
    }

    // The end.

    public void Close()
    {
        if (_closing || _ended) return;
        _closing = true;
        SetDeadline(Options.CloseMax);
        QueueFlush();
    }

    public void Abort() => End(reset: true);

    void FinishClosing()
    {
        if (_tls is { } tls && tls.SayGoodbye())
        {
            // The goodbye itself has to be sent; the next flush comes back here.
            if (_output.Length > 0)
            {
                QueueFlush();
                return;
            }
        }
        if (_inputEnded || Loop.Lingering >= EventLoop.LingeringMax)
        {
            End(reset: false);
            return;
        }
        EndSending();
        _lingering = true;
        Loop.Lingering++;
        _listener.BeginLingering();
        _input.Free();
        Loop.QueueEnded(this);
        SetReading(true);
    }

    /// <summary>The loop ends. Who has been sent everything keeps it: a reset could take back what the other side has not read yet.</summary>
    public void EndWithLoop() => End(reset: !_lingering);

    /// <summary>Ends the connection now. On the loop.</summary>
    public void End(bool reset)
    {
        if (_released) return;
        _released = true;
        SetDeadline(null);
        if (_lingering)
        {
            Loop.Lingering--;
            _listener.EndLingering();
        }
        else
        {
            Loop.QueueEnded(this);
        }
        _ended = true;
        ReleaseTransport(reset);
        _output.Clear(Loop.Chunks);
        _tls?.Dispose();
        if (!_offering) _input.Free();      // else when the handler no longer looks at it
        Loop.Remove(this);
        _listener.Leave();
    }

    /// <summary>Tells the handler of the end; queued once.</summary>
    public void TellClosed()
    {
        var handler = _handler;
        _handler = null;
        if (handler is null) return;
        try
        {
            handler.OnClosed();
        }
        catch (Exception failure) when (Told(failure))
        {
            // There is nothing left to end.
        }
    }

    void SetDeadline(TimeSpan? time)
    {
        _deadline?.Dispose();
        _deadline = time is { } after ? Loop.After(after, () => End(reset: true)) : null;
    }
}
