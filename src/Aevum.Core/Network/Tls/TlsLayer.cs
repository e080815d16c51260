// TlsLayer: TLS between a channel and its handler, by .NET's SslStream over a stream that never leaves the loop (TlsPipe).
//
//   NotBegun     -> Handshaking  [Begin]         nothing is computed before the other side has spoken
//   Handshaking  -> Established  [OnStep]        what came in goes to a thread for handshakes, one step at a time; what it answers comes back
//   Handshaking  -> Failed       [OnStep]        what it answers (an alert) is sent, then the connection is closed
//   Established                                  everything on the loop: Feed deciphers and hands over, Encipher at the end of the turn
//
// While a step is computed the channel does not read (IsBusy), so at any moment either the thread or the loop touches the SslStream.
//
// An idle connection holds no buffers of TLS: it waits in a read of zero bytes, for which SslStream keeps none.
// The protocol (RFC 8446) is .NET's and the system's. Not here: which certificates (ListenOptions.Tls).

using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Aevum.Core.Network;

sealed class TlsLayer : IDisposable
{
    enum State
    {
        NotBegun,
        Handshaking,
        Established,
        Failed,
    }

    readonly StreamChannel _channel;
    readonly Func<SslServerAuthenticationOptions> _options;
    readonly TlsPipe _pipe;
    readonly SslStream _ssl;
    ChannelOutput _plain;
    List<byte>? _answer;        // what a step of the handshake wrote
    Task? _handshake;
    State _state;
    bool _goodbyeSaid, _disposed;

    public TlsLayer(StreamChannel channel, Func<SslServerAuthenticationOptions> options)
    {
        _channel = channel;
        _options = options;
        _pipe = new TlsPipe(OnCiphertext);
        _ssl = new SslStream(_pipe);
    }

    public bool HasBegun => _state != State.NotBegun;

    public bool IsEstablished => _state == State.Established;

    /// <summary>A step is computed elsewhere: nothing may be fed.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>Bytes that wait to be enciphered.</summary>
    public long Plain => _plain.Length;

    public X509Certificate? RemoteCertificate => IsEstablished && !_disposed ? _ssl.RemoteCertificate : null;

    public void Begin() => _state = State.Handshaking;

    /// <summary>Ciphertext that came in.</summary>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        if (_state == State.Established)
        {
            _pipe.Feed(bytes);
        }
        else if (_state == State.Handshaking)
        {
            IsBusy = true;
            var copy = bytes.ToArray();
            _channel.Loop.Network.Handshakes.Run(() => Step(copy));
        }
    }

    // On the thread for handshakes.
    void Step(byte[] bytes)
    {
        Exception? failure = null;
        _answer = [];
        try
        {
            _pipe.Feed(bytes);
            _handshake ??= _ssl.AuthenticateAsServerAsync(_options());
            if (_handshake.IsCompleted) _handshake.GetAwaiter().GetResult();
            else if (!_pipe.IsWaiting) throw new InvalidOperationException("a handshake went on elsewhere");
        }
#pragma warning disable CA1031 // whatever a handshake or its certificate throws ends this connection, and is reported
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }
        _channel.Loop.Post(() => OnStep(failure));
    }

    void OnStep(Exception? failure)
    {
        IsBusy = false;
        var answer = _answer!.ToArray();
        _answer = null;
        if (_disposed)
        {
            _ssl.Dispose();
            return;
        }
        if (answer.Length > 0) _channel.WriteRaw(answer);
        if (failure is not null)
        {
            _state = State.Failed;
            _channel.Loop.Report(failure);
            _channel.Close();
        }
        else if (_handshake!.IsCompleted)
        {
            _state = State.Established;
            _channel.OnHandshakeDone();
            if (!_disposed) _ = DecipherAsync();
        }
        _channel.OnHandshakeStep();
    }

    void OnCiphertext(ReadOnlySpan<byte> bytes)
    {
        if (_answer is { } answer) answer.AddRange(bytes);
        else _channel.WriteRaw(bytes);
    }

    // Runs on the loop: it is continued by Feed, and only there.
    async Task DecipherAsync()
    {
        try
        {
            var buffer = _channel.Loop.PlainBuffer;
            while (!_disposed)
            {
#pragma warning disable CA2022 // nothing is read here: it waits until there is something
                await _ssl.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2022
                if (_disposed) return;
                var received = await _ssl.ReadAsync(buffer);
                if (_disposed) return;
                if (!_channel.Loop.IsCurrent) throw new InvalidOperationException("TLS went on outside of its loop");
                if (received == 0)
                {
                    _channel.OnReceivedEnd();
                    return;
                }
                _channel.OnPlain(buffer.AsSpan(0, received));
            }
        }
#pragma warning disable CA1031 // whatever goes wrong with the records of a connection ends it
        catch (Exception)
#pragma warning restore CA1031
        {
            if (_channel.Loop.IsCurrent) _channel.End(reset: true);
            else _channel.Loop.Post(() => _channel.End(reset: true));
        }
    }

    public Span<byte> GetSpan(int bytes) => _plain.GetSpan(bytes, _channel.Loop.Chunks);

    public bool CanAdvance(int bytes) => _plain.CanAdvance(bytes);

    public void Advance(int bytes) => _plain.Advance(bytes);

    /// <summary>Hands what was written to the channel as ciphertext.</summary>
    /// <returns>False if that failed.</returns>
    public unsafe bool Encipher()
    {
        if (_state != State.Established || _disposed) return true;
        try
        {
            while (_plain.Length > 0)
            {
                var chunk = _plain.First;
                var length = chunk->End - chunk->Start;
                var write = _ssl.WriteAsync(_channel.Loop.View.Of(Chunk.Bytes(chunk) + chunk->Start, length));
                if (!write.IsCompleted) return false;
                write.GetAwaiter().GetResult();
                _plain.Consume(length, _channel.Loop.Chunks);
            }
            _plain.Clear(_channel.Loop.Chunks);
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Tells the other side, once, that nothing more will come.</summary>
    /// <returns>True if something was written to the channel.</returns>
    public bool SayGoodbye()
    {
        if (_state != State.Established || _goodbyeSaid || _disposed) return false;
        _goodbyeSaid = true;
        try
        {
            return _ssl.ShutdownAsync().IsCompletedSuccessfully;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _plain.Clear(_channel.Loop.Chunks);
        if (IsBusy) return;         // its step disposes of it
        _pipe.End();
        _ssl.Dispose();
    }
}
