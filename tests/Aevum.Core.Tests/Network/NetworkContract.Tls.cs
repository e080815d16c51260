// NetworkContract, TLS: the other side is .NET's SslStream as a client, over whatever the network under test connects with.

using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Network;

namespace Aevum.Core.Tests.Network;

public abstract partial class NetworkContract
{
    static readonly Lazy<X509Certificate2> FirstCertificate = new(() => CreateCertificate("first"));
    static readonly Lazy<X509Certificate2> SecondCertificate = new(() => CreateCertificate("second"));

    static X509Certificate2 CreateCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    static SslServerAuthenticationOptions With(X509Certificate2 certificate) =>
        new() { ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true) };

    static ListenOptions Tls(ListenOptions? options = null) => (options ?? new ListenOptions()) with { Tls = () => With(FirstCertificate.Value) };

    static SslStream Secure(IPeer peer, X509Certificate2? own = null)
    {
        var stream = new SslStream(new PeerStream(peer), leaveInnerStreamOpen: false,
            (_, certificate, _, _) => certificate?.Subject is "CN=first" or "CN=second");
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "test",
            ClientCertificates = own is null ? null : [own],
        });
        return stream;
    }

    static void SayGoodbye(SslStream stream) => stream.ShutdownAsync().Wait();

    static string ReadText(Stream stream, int bytes)
    {
        var target = new byte[bytes];
        return Encoding.Latin1.GetString(target, 0, stream.ReadAtLeast(target, bytes, throwOnEndOfStream: false));
    }

    static void Echo(Stream stream, string line)
    {
        stream.Write(Encoding.Latin1.GetBytes(line + "\n"));
        Assert.Equal(line + "!\n", ReadText(stream, line.Length + 2));
    }

    [Fact]
    public void Encrypted_requests_are_answered()
    {
        using var listener = Listen(TestHandler.Echo, Tls());
        using var client = Secure(Connect(listener));
        using var other = Secure(Connect(listener));
        for (var i = 0; i < 20; i++)
        {
            Echo(client, $"hello {i}");
            Echo(other, new string('x', i * 997));
        }
        Assert.Equal("CN=first", client.RemoteCertificate!.Subject);
        Assert.Null(Handler().Channel.RemoteCertificate);
    }

    [Fact]
    public void Encrypted_pipelines_and_long_requests_and_replies_arrive_whole()
    {
        using var listener = Listen(TestHandler.Echo, Tls());
        using var client = Secure(Connect(listener));
        var text = string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")) + new string('x', 150_000) + "\n";
        // Less than what may be on its way in both directions together, or two that only write would wait for each other.
        for (var i = 0; i < 3; i++)
        {
            client.Write(Encoding.Latin1.GetBytes(text));
            var expected = text.Replace("\n", "!\n");
            Assert.Equal(expected, ReadText(client, expected.Length));
        }
    }

    [Fact]
    public void Blocks_filled_elsewhere_are_encrypted_in_their_place()
    {
        using var listener = Listen(InBlocks, Tls());
        using var client = Secure(Connect(listener));
        client.Write(Encoding.Latin1.GetBytes("7\n400000\n1\n"));
        var expected = InBlocksReply(7) + InBlocksReply(400_000) + InBlocksReply(1);
        Assert.Equal(expected, ReadText(client, expected.Length));
    }

    [Fact]
    public void Encrypted_bytes_may_be_split_anywhere()
    {
        using var listener = Listen(TestHandler.Echo, Tls());
        using var slow = new DrippingPeer(Connect(listener));
        using var client = Secure(slow);
        Echo(client, "one byte at a time, from the first of the handshake");
    }

    [Fact]
    public void Who_never_reads_is_held_back_when_encrypted_too()
    {
        const int replyBytes = 50_000, requests = 200;
        long pendingMost = 0;
        var options = Tls(new ListenOptions { PendingPause = 256 << 10 });
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(new string(line[0], replyBytes - 1) + "\n");
            pendingMost = Math.Max(pendingMost, handler.Channel.Pending);
            handler.Stop = handler.Channel.IsFull;
        }), options);
        using var client = Secure(Connect(listener));
        client.Write(Encoding.Latin1.GetBytes(string.Concat(Enumerable.Range(0, requests).Select(i => (char)('a' + (i % 26)) + "\n"))));
        for (var i = 0; i < requests; i++)
            Assert.Equal(new string((char)('a' + (i % 26)), replyBytes - 1) + "\n", ReadText(client, replyBytes));
        Assert.InRange(pendingMost, replyBytes, options.PendingPause + replyBytes);
    }

    [Fact]
    public void Certificates_are_asked_for_each_connection()
    {
        var certificate = FirstCertificate.Value;
        using var listener = Listen(TestHandler.Echo, new ListenOptions { Tls = () => With(Volatile.Read(ref certificate)) });
        using var before = Secure(Connect(listener));
        Echo(before, "x");
        Volatile.Write(ref certificate, SecondCertificate.Value);
        using var after = Secure(Connect(listener));
        Echo(after, "y");
        Echo(before, "z");
        Assert.Equal("CN=first", before.RemoteCertificate!.Subject);
        Assert.Equal("CN=second", after.RemoteCertificate!.Subject);
    }

    [Fact]
    public void The_other_sides_certificate_is_known_if_it_was_asked_for()
    {
        using var listener = Listen(TestHandler.Echo, new ListenOptions
        {
            Tls = () =>
            {
                var options = With(FirstCertificate.Value);
                options.ClientCertificateRequired = true;
                options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=second";
                return options;
            },
        });
        using var client = Secure(Connect(listener), SecondCertificate.Value);
        Echo(client, "x");
        Assert.Equal("CN=second", Handler().Channel.RemoteCertificate?.Subject);
        var wrong = Connect(listener);
        Assert.ThrowsAny<Exception>(() =>
        {
            using var refused = Secure(wrong, FirstCertificate.Value);
            Echo(refused, "x");
        });
        WaitUntil(() => !_failures.IsEmpty);
        Assert.IsType<AuthenticationException>(_failures.First());
        Assert.Single(_handlers);
    }

    [Fact]
    public void Who_speaks_no_TLS_is_turned_away_and_no_handler_hears_of_it()
    {
        using var listener = Listen(TestHandler.Echo, Tls(new ListenOptions { CloseMax = TimeSpan.FromMilliseconds(20) }));
        var peer = Connect(listener);
        peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + new string('x', 1000));
        peer.IsCutOff();
        var silent = Connect(listener);
        silent.EndSending();
        silent.IsCutOff();
        var gone = Connect(listener);
        gone.Abort();
        WaitUntil(() => listener.Connections == 0);
        Assert.Empty(_handlers);
        Assert.NotEmpty(_failures);
        using var good = Secure(Connect(listener));
        Echo(good, "others live");
    }

    [Fact]
    public void Who_does_not_finish_its_handshake_is_cut_off()
    {
        using var listener = Listen(TestHandler.Echo, Tls(new ListenOptions { HandshakeMax = TimeSpan.FromMilliseconds(20) }));
        var peer = Connect(listener);
        peer.Send("\x16\x03\x01");
        peer.IsCutOff();
        WaitUntil(() => listener.Connections == 0);
        Assert.Empty(_handlers);
    }

    [Fact]
    public void Certificates_that_cannot_be_had_end_the_connection_and_are_reported()
    {
        using var listener = Listen(TestHandler.Echo, new ListenOptions { Tls = () => throw new InvalidOperationException("no certificate") });
        Assert.ThrowsAny<Exception>(() => Secure(Connect(listener)));
        WaitUntil(() => !_failures.IsEmpty);
        Assert.Equal("no certificate", _failures.First().Message);
    }

    [Fact]
    public void Closing_an_encrypted_connection_sends_what_waits_and_says_goodbye()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(new string('y', 500_000));
            handler.Channel.Close();
        }), Tls());
        using var client = Secure(Connect(listener));
        client.Write("give\n"u8);
        Assert.Equal(new string('y', 500_000), ReadText(client, 500_000));
        Assert.Equal(0, client.Read(new byte[1]));
        client.Dispose();
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
    }

    [Fact]
    public void A_goodbye_of_the_other_side_ends_its_direction()
    {
        using var listener = Listen(TestHandler.Echo, Tls());
        using var client = Secure(Connect(listener));
        client.Write("a\nb\n"u8);
        SayGoodbye(client);
        Assert.Equal("a!\nb!\n", ReadText(client, 100));
        WaitUntil(() => Handler().Closed == 1);
        Assert.Equal(1, Handler().InputEnded);
    }

    [Fact]
    public void An_encrypted_connection_may_be_aborted_from_inside_and_outside()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Channel.Abort();
            handler.Write("never seen");
        }), Tls());
        using var inside = Secure(Connect(listener));
        inside.Write("x\ny\n"u8);
        Assert.ThrowsAny<IOException>(() => Assert.Equal(1, inside.Read(new byte[1])));
        var peer = Connect(listener);
        using var outside = Secure(peer);
        Handler(1);
        peer.Abort();
        WaitUntil(() => listener.Connections == 0);
    }

    [Fact]
    public void A_protocol_may_begin_in_the_clear_and_go_over_to_TLS()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            if (line == "secure")
            {
                handler.Write("yes\n");
                handler.Channel.Encrypt(() => With(FirstCertificate.Value));
                handler.Stop = true;
                return;
            }
            handler.Write(line + "!\n");
        }));
        var peer = Connect(listener);
        peer.Echo("in the clear");
        peer.Send("secure\n");
        Assert.Equal("yes\n", peer.ReceiveText(4));
        using var client = Secure(peer);
        Echo(client, "in secret");
        // What somebody in between appended to the clear part must not count as said in secret.
        var attacked = Connect(listener);
        attacked.Send("secure\ninjected\n");
        Assert.True(attacked.IsCutOff());
        WaitUntil(() => Handler(1).Closed == 1);
    }

    /// <summary>Sends byte by byte.</summary>
    sealed class DrippingPeer(IPeer peer) : IPeer
    {
        public void Send(ReadOnlySpan<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++) peer.Send(bytes.Slice(i, 1));
        }

        public int Receive(Span<byte> target) => peer.Receive(target[..Math.Min(target.Length, 1)]);

        public void EndSending() => peer.EndSending();

        public void Abort() => peer.Abort();

        public void Dispose() => peer.Dispose();
    }
}
