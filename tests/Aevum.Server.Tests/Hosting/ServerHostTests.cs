// The host in this process, over real sockets: what clients are told while the database is opened, who may come, certificates that change.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Server.Hosting;
using Aevum.Testing;

namespace Aevum.Server.Tests.Hosting;

public sealed class ServerHostTests
{
    static readonly IPEndPoint s_any = new(IPAddress.Loopback, 0);

    [Fact]
    public void While_the_database_is_opened_clients_are_told_so_and_then_served()
    {
        using var gate = new ManualResetEventSlim();
        using var host = ServerHost.Start(new ServerOptions
        {
            Directory = "d",
            Database = new DatabaseOptions { Files = new SlowFiles(gate) },
            Resp = [s_any],
            Http = [s_any],
        });
        using var client = new Client(host.RespEndpoints[0]);
        using var http = new HttpClient();
        var ready = $"http://{host.HttpEndpoints[0]}/readyz";
        using (var not = http.Send(new HttpRequestMessage(HttpMethod.Get, ready))) Assert.Equal(HttpStatusCode.ServiceUnavailable, not.StatusCode);
        const string loading = "-LOADING Aevum is loading the dataset in memory\r\n";
        Assert.Equal(loading, client.Ask("PING"));
        Assert.Equal(loading, client.Ask("GET a"));
        Assert.Equal("-ERR DB index is out of range\r\n", client.Ask("SELECT 99"));
        Assert.Equal("+OK\r\n", client.Ask("SELECT 3"));
        Assert.Equal("+OK\r\n", client.Ask("CLIENT SETNAME early"));
        Assert.Equal("$5\r\nearly\r\n", client.Ask("CLIENT GETNAME"));
        Assert.Contains("\r\nloading:1\r\n", client.Ask("INFO"));
        Assert.Equal("+OK\r\n" + loading + loading, client.Ask("SELECT 4\r\nSET a 1\r\nFLUSHALL"));
        using (var rude = new Client(host.RespEndpoints[0])) Assert.StartsWith("-ERR Protocol error: ", rude.Ask("*1\r\n#1"));
        using (var polite = new Client(host.RespEndpoints[0]))
        {
            Assert.Equal("+OK\r\n", polite.Ask("QUIT"));
            Assert.Equal("", polite.ReadToEnd());
        }
        // What needs to be known of the client waits, and is then done.
        using Client listening = new(host.RespEndpoints[0]), setting = new(host.RespEndpoints[0]), executing = new(host.RespEndpoints[0]);
        listening.Send("SUBSCRIBE news");
        setting.Send("CONFIG SET timeout 77\r\nPUBLISH nobody hello");
        Assert.Equal("+OK\r\n+QUEUED\r\n+QUEUED\r\n", executing.Ask("MULTI\r\nSELECT 5\r\nCLIENT GETNAME", 3));
        executing.Send("EXEC\r\nPING");
        // A long request is not taken in; it waits and is then done.
        using var waiting = new Client(host.RespEndpoints[0]);
        var value = new string('x', 300_000);
        waiting.Send($"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$300000\r\n{value}");

        gate.Set();
        Assert.True(host.WaitUntilOpen());
        using (var now = http.Send(new HttpRequestMessage(HttpMethod.Get, ready))) Assert.Equal(HttpStatusCode.OK, now.StatusCode);
        Assert.Equal("+PONG\r\n", client.Ask("PING"));
        Assert.Equal("$-1\r\n", client.Ask("GET a"));
        Assert.Equal("+OK\r\n", client.Ask("SET a 2"));
        using var other = new Client(host.RespEndpoints[0]);
        Assert.Equal("$-1\r\n", other.Ask("GET a"));
        Assert.Equal("+OK\r\n", other.Ask("SELECT 4"));
        Assert.Equal("$1\r\n2\r\n", other.Ask("GET a"));
        Assert.Equal("+OK\r\n", waiting.Receive());
        Assert.Equal("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n", listening.ReceiveUntil(":1\r\n"));
        Assert.Equal("+OK\r\n:0\r\n", setting.ReceiveUntil(":0\r\n"));
        Assert.Equal("*2\r\n+OK\r\n$-1\r\n+PONG\r\n", executing.ReceiveUntil("PONG\r\n"));
        Assert.Equal(":1\r\n", client.Ask("PUBLISH news it"));
        Assert.Contains("\r\n77\r\n", client.Ask("CONFIG GET timeout"));
        Assert.Contains(" db=5 ", executing.Ask("CLIENT INFO"));
    }

    [Fact]
    public void Who_shows_who_he_is_before_the_database_is_open_waits_and_is_known_then()
    {
        using var gate = new ManualResetEventSlim();
        using var host = ServerHost.Start(new ServerOptions
        {
            Directory = "d",
            Database = new DatabaseOptions { Files = new SlowFiles(gate) },
            Resp = [s_any],
            Password = "secret",
        });
        var address = host.RespEndpoints[0];
        using Client plain = new(address), known = new(address), wrong = new(address), greeted = new(address), third = new(address);
        // That a password is asked for is known at once.
        foreach (var request in (string[])["CLIENT ID", "GET a", "INFO", "SELECT 1", "MULTI", "CONFIG GET *", "SUBSCRIBE x"])
            Assert.Equal("-NOAUTH Authentication required.\r\n", plain.Ask(request));
        Assert.StartsWith("-NOAUTH HELLO must be called", third.Ask("HELLO 3 SETNAME third"));
        Assert.StartsWith("-NOPROTO ", plain.Ask("HELLO 4"));
        Assert.StartsWith("-ERR Syntax error in HELLO option", plain.Ask("HELLO 2 NAME x"));
        Assert.Equal("+RESET\r\n", plain.Ask("RESET"));
        Assert.StartsWith("-ERR wrong number", plain.Ask("AUTH"));
        known.Send("RESET\r\nAUTH secret\r\nCLIENT SETNAME early\r\nSET a 1\r\nCLIENT GETNAME");
        Assert.Equal("+RESET\r\n", known.Receive());          // the first; the others wait, in their order
        wrong.Send("AUTH default other\r\nGET a");
        greeted.Send("HELLO 3 AUTH default secret SETNAME g\r\nCLIENT GETNAME");

        gate.Set();
        Assert.True(host.WaitUntilOpen());
        Assert.Equal("+OK\r\n+OK\r\n+OK\r\n$5\r\nearly\r\n", known.ReceiveUntil("early\r\n"));
        Assert.StartsWith("-WRONGPASS ", wrong.ReceiveUntil("required.\r\n"));
        Assert.EndsWith("$1\r\ng\r\n", greeted.ReceiveUntil("$1\r\ng\r\n"));
        Assert.Equal("-NOAUTH Authentication required.\r\n", third.Ask("GET a"));
        Assert.Equal("+OK\r\n", third.Ask("AUTH secret"));
        Assert.Equal("$-1\r\n", third.Ask("GET b"));   // nothing was agreed on
        Assert.NotEqual(known.Ask("CLIENT ID"), third.Ask("CLIENT ID"));
    }

    static void AskForPassword(ServerOptions options)
    {
        using var host = ServerHost.Start(options);
        Assert.True(host.WaitUntilOpen());
        using var client = new Client(host.RespEndpoints[0]);
        Assert.Equal("+OK\r\n", client.Ask("ACL SETUSER default >hush"));
    }

    [Fact]
    public void Where_only_the_database_knows_that_a_password_is_asked_for_nobody_is_let_in_before_it_is_open()
    {
        var files = new MemoryFileSystem();
        var options = new ServerOptions { Directory = "d", Database = new DatabaseOptions { Files = files }, Resp = [s_any] };
        AskForPassword(options);
        using var gate = new ManualResetEventSlim();
        using var open = ServerHost.Start(options with { Database = new DatabaseOptions { Files = new SlowFiles(gate, files) } });
        using Client third = new(open.RespEndpoints[0]), executing = new(open.RespEndpoints[0]), listening = new(open.RespEndpoints[0]);
        var greeting = third.Ask("HELLO 3 SETNAME third");   // which tells what every server of this kind tells
        Assert.StartsWith("%7\r\n", greeting);
        Assert.Contains("$2\r\nid\r\n:", greeting);
        Assert.Equal("$5\r\nthird\r\n", third.Ask("CLIENT GETNAME"));
        Assert.Equal("+OK\r\n+QUEUED\r\n", executing.Ask("MULTI\r\nCONFIG SET timeout 77", 2));
        executing.Send("EXEC");
        listening.Send("PSUBSCRIBE *");
        gate.Set();
        Assert.True(open.WaitUntilOpen());
        Assert.StartsWith("-NOAUTH ", executing.Receive());
        Assert.StartsWith("-NOAUTH ", listening.Receive());
        Assert.Equal("-NOAUTH Authentication required.\r\n", third.Ask("GET a"));
        Assert.Equal("+OK\r\n", third.Ask("AUTH hush"));
        Assert.Equal("_\r\n", third.Ask("GET b"));   // RESP3, as was agreed
        Assert.Contains("\r\n0\r\n", third.Ask("CONFIG GET timeout"));
    }

    [Fact]
    public void What_opening_throws_is_told_and_the_host_ends()
    {
        var files = new MemoryFileSystem();
        using var first = Database.Open("d", new DatabaseOptions { Files = files, Endpoint = "elsewhere" });
        using var host = ServerHost.Start(new ServerOptions { Directory = "d", Database = new DatabaseOptions { Files = files }, Resp = [s_any] });
        Assert.Equal("elsewhere", Assert.Throws<LockedException>(() => host.WaitUntilOpen()).Endpoint);
        host.Stop();
    }

    [Fact]
    public void Stopping_while_opening_waits_a_limited_time()
    {
        using var gate = new ManualResetEventSlim();
        var host = ServerHost.Start(new ServerOptions
        {
            Directory = "d",
            Database = new DatabaseOptions { Files = new SlowFiles(gate) },
            Resp = [s_any],
            DrainMax = TimeSpan.Zero,
        });
        var endpoint = host.RespEndpoints[0];
        host.Stop();
        Assert.False(host.WaitUntilOpen());
        Assert.Throws<SocketException>(() => new Client(endpoint).Dispose());
        gate.Set();
    }

    [Fact]
    public void A_port_in_use_is_told()
    {
        using var host = ServerHost.Start(new ServerOptions { Resp = [s_any] });
        var failure = Assert.Throws<AevumException>(() => ServerHost.Start(new ServerOptions { Resp = [host.RespEndpoints[0]] }));
        Assert.Equal(ErrorCode.InputOutput, failure.Code);
        Assert.Contains($"{host.RespEndpoints[0]}", failure.Message);
    }

    [Fact]
    public void Beyond_this_machine_nobody_is_served_who_need_not_say_who_he_is_unless_it_is_meant()
    {
        var everywhere = new ServerOptions { Resp = [new IPEndPoint(IPAddress.Any, 0)] };
        using (var refused = ServerHost.Start(everywhere)) Assert.Contains("--insecure", Assert.Throws<AevumException>(() => refused.WaitUntilOpen()).Message);
        var log = new HeardLog();
        using var host = ServerHost.Start(everywhere with { IsInsecure = true, Log = log });
        Assert.True(host.WaitUntilOpen());
        Assert.True(log.Has("ANYBODY"));

        using var guarded = ServerHost.Start(everywhere with { Password = "sesam \u00f6ffne dich" });
        Assert.True(guarded.WaitUntilOpen());
        using var client = new Client(new IPEndPoint(IPAddress.Loopback, guarded.RespEndpoints[0].Port));
        Assert.StartsWith("-NOAUTH", client.Ask("GET a"));
        Assert.StartsWith("-WRONGPASS", client.Ask("AUTH sesam"));
        Assert.Equal("+OK\r\n", client.Ask("*2\r\n$4\r\nAUTH\r\n$17\r\nsesam \u00f6ffne dich"));
        Assert.Equal("$-1\r\n", client.Ask("GET a"));
    }

    [Fact]
    public void A_database_whose_users_need_passwords_is_served_beyond_this_machine()
    {
        var files = new MemoryFileSystem();
        var options = new ServerOptions { Directory = "d", Database = new DatabaseOptions { Files = files }, Resp = [s_any] };
        AskForPassword(options);
        using var open = ServerHost.Start(options with { Resp = [new IPEndPoint(IPAddress.Any, 0)] });
        Assert.True(open.WaitUntilOpen());
        using var other = new Client(new IPEndPoint(IPAddress.Loopback, open.RespEndpoints[0].Port));
        Assert.StartsWith("-NOAUTH", other.Ask("GET a"));
        Assert.Equal("+OK\r\n", other.Ask("AUTH default hush"));
    }

    [Fact]
    public void A_certificate_that_changes_is_shown_to_the_next_client_and_a_wrong_one_is_not()
    {
        var files = new MemoryFileSystem();
        var first = Put(files, "first");
        var log = new HeardLog();
        using var host = ServerHost.Start(new ServerOptions
        {
            RespTls = [s_any],
            Files = files,
            Certificate = new CertificateFiles("cert.pem", "key.pem"),
            CertificateLook = TimeSpan.FromMilliseconds(1),
            Log = log,
        });
        Assert.True(host.WaitUntilOpen());
        using var early = new Client(host.RespTlsEndpoints[0], isSecure: true);
        Assert.Equal(first, early.Shown);
        Assert.Equal("+PONG\r\n", early.Ask("PING"));

        var second = Put(files, "second");
        while (new Client(host.RespTlsEndpoints[0], isSecure: true) is var next)
        {
            using (next)
                if (next.Shown == second) break;
        }
        Assert.Equal("+PONG\r\n", early.Ask("PING"));

        Write(files, "cert.pem", "no certificate");
        while (!log.Has("certificate not reloaded")) Thread.Yield();
        using var late = new Client(host.RespTlsEndpoints[0], isSecure: true);
        Assert.Equal(second, late.Shown);
    }

    [Fact]
    public void A_certificate_that_is_none_is_refused_at_the_start()
    {
        var files = new MemoryFileSystem();
        var options = new ServerOptions { RespTls = [s_any], Files = files, Certificate = new CertificateFiles("cert.pem", "key.pem") };
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => ServerHost.Start(options)).Code);
        Put(files, "a");
        var other = new MemoryFileSystem();
        Put(other, "b");
        Write(files, "key.pem", Encoding.ASCII.GetString(other.ReadAllBytes("key.pem")));
        var failure = Assert.Throws<AevumException>(() => ServerHost.Start(options));
        Assert.Equal(ErrorCode.InvalidArgument, failure.Code);
        Assert.Contains("cert.pem", failure.Message);
    }

    [Fact]
    public void An_encrypted_key_is_opened_with_its_password()
    {
        var files = new MemoryFileSystem();
        var shown = Put(files, "a", "open sesame");
        var certificate = new CertificateFiles("cert.pem", "key.pem", "open sesame");
        using var host = ServerHost.Start(new ServerOptions { RespTls = [s_any], Files = files, Certificate = certificate });
        using var client = new Client(host.RespTlsEndpoints[0], isSecure: true);
        Assert.Equal(shown, client.Shown);
        Assert.Throws<AevumException>(() => ServerHost.Start(new ServerOptions
        {
            RespTls = [s_any],
            Files = files,
            Certificate = certificate with { KeyPassword = "shut sesame" },
        }));
    }

    // A certificate that vouches for itself, and its key; returns its thumbprint.
    static string Put(MemoryFileSystem files, string name, string? password = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Write(files, "key.pem", password is null ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        Write(files, "cert.pem", certificate.ExportCertificatePem());
        return certificate.Thumbprint;
    }

    static void Write(MemoryFileSystem files, string path, string text)
    {
        using var target = files.Create(path);
        target.Append(Encoding.ASCII.GetBytes(text));
    }

    // Opens no file before it is told to.
    sealed class SlowFiles(ManualResetEventSlim gate, IFileSystem? files = null) : ForwardingFiles(files ?? new MemoryFileSystem())
    {
        public override bool FileExists(string path)
        {
            gate.Wait();
            return base.FileExists(path);
        }

        public override bool DirectoryExists(string path)
        {
            gate.Wait();
            return base.DirectoryExists(path);
        }
    }

    sealed class Client : IDisposable
    {
        readonly TcpClient _socket = new();
        readonly Stream _stream;

        public Client(IPEndPoint endpoint, bool isSecure = false)
        {
            _socket.Connect(endpoint);
            _socket.ReceiveTimeout = 30_000;
            _stream = _socket.GetStream();
            if (!isSecure) return;
            var secure = new SslStream(_stream, false, (_, certificate, _, _) =>
            {
                Shown = ((X509Certificate2)certificate!).Thumbprint;
                return Shown.Length > 0;   // which one it is, is what the tests ask
            });
            secure.AuthenticateAsClient("localhost");
            _stream = secure;
        }

        public string Shown { get; private set; } = "";

        public void Send(string text) => _stream.Write(Encoding.UTF8.GetBytes(text + "\r\n"));

        public string Ask(string text)
        {
            Send(text);
            return Receive();
        }

        /// <summary>Of so many requests whose replies are a line each.</summary>
        public string Ask(string text, int replies)
        {
            Send(text);
            var all = "";
            while (all.Count(c => c == '\n') < replies) all += Receive();
            return all;
        }

        public string Receive()
        {
            var buffer = new byte[64 << 10];
            return Encoding.ASCII.GetString(buffer, 0, _stream.Read(buffer));
        }

        public string ReceiveUntil(string end)
        {
            var text = new StringBuilder();
            while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
            {
                var piece = Receive();
                Assert.NotEqual("", piece);
                text.Append(piece);
            }
            return text.ToString();
        }

        public string ReadToEnd()
        {
            var text = new StringBuilder();
            while (Receive() is { Length: > 0 } piece) text.Append(piece);
            return text.ToString();
        }

        public void Dispose()
        {
            _stream.Dispose();
            _socket.Dispose();
        }
    }
}
