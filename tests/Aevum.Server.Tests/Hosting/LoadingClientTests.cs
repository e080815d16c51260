using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Network;
using Aevum.Server.Hosting;
using Aevum.Server.Tests.Resp;

namespace Aevum.Server.Tests.Hosting;

/// <summary>A client that shows who it is while a database takes long to open.</summary>
public sealed class LoadingClientTests
{
    [Fact]
    public void Who_has_waited_long_enough_is_told_to_try_again()
    {
        var channel = new Channel();
        var client = new LoadingClient(new RespDoor(DateTimeOffset.UnixEpoch, 16, 10), channel);
        channel.Handler = client;
        const string loading = "-LOADING Aevum is loading the dataset in memory\r\n";
        Assert.Equal("+OK\r\n", channel.Receive("SELECT 1\r\nAUTH a b\r\nPING\r\n"));
        Assert.True(channel.IsPaused);
        channel.TestLoop.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("", channel.Take());
        channel.TestLoop.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(loading + loading, channel.Take());
        Assert.False(channel.IsPaused);
        Assert.Equal("", channel.Receive("HELLO 3 SETNAME x AUTH a b\r\n"));   // each of them waits
        channel.TestLoop.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(loading, channel.Take());
        Assert.Equal("", channel.Receive("AUTH a\r\n"));
        client.OnClosed();
        channel.TestLoop.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal("", channel.Take());
    }

    static Channel Connect(out LoadingClient client)
    {
        var channel = new Channel();
        channel.Handler = client = new LoadingClient(new RespDoor(DateTimeOffset.UnixEpoch, 16, 10), channel);
        return channel;
    }

    [Theory]
    [InlineData("MULTI\r\nEXEC", "+OK\r\n*0\r\n")]
    [InlineData("MULTI\r\nSELECT 1\r\nDISCARD\r\nEXEC", "+OK\r\n+QUEUED\r\n+OK\r\n-ERR EXEC without MULTI\r\n")]
    [InlineData("MULTI\r\nSELECT 1\r\nGET a\r\nTIME\r\nEXEC\r\nEXEC", "+OK\r\n+QUEUED\r\n-L\r\n+QUEUED\r\n"
        + "-EXECABORT Transaction discarded because of previous errors.\r\n-ERR EXEC without MULTI\r\n")]
    [InlineData("MULTI\r\nMULTI\r\nWATCH a\r\nDISCARD\r\nDISCARD", "+OK\r\n-ERR MULTI calls can not be nested\r\n"
        + "-ERR WATCH inside MULTI is not allowed\r\n+OK\r\n-ERR DISCARD without MULTI\r\n")]
    [InlineData("MULTI\r\nECHO\r\nEXEC", "+OK\r\n-ERR wrong number of arguments for 'echo' command\r\n"
        + "-EXECABORT Transaction discarded because of previous errors.\r\n")]
    [InlineData("MULTI\r\nVGET a b\r\nRESET\r\nEXEC", "+OK\r\n-L\r\n+RESET\r\n-ERR EXEC without MULTI\r\n")]
    public void A_transaction_takes_what_redis_does_while_loading(string requests, string replies) =>
        Assert.Equal(replies.Replace("-L\r\n", Encoding.ASCII.GetString(LoadingClient.Refusal)), Connect(out _).Receive(requests + "\r\n"));

    [Fact]
    public void What_redis_does_while_loading_waits_for_a_limited_time()
    {
        var channel = Connect(out _);
        const string loading = "-LOADING Aevum is loading the dataset in memory\r\n";
        Assert.Equal("+OK\r\n+QUEUED\r\n", channel.Receive("MULTI\r\nTIME\r\nEXEC\r\nGET a\r\n"));
        channel.TestLoop.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("", channel.Take());
        channel.TestLoop.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("-EXECABORT Transaction discarded because of: LOADING Aevum is loading the dataset in memory\r\n" + loading, channel.Take());
        Assert.Equal(loading + loading, channel.Receive("CONFIG GET *\r\nSUBSCRIBE a\r\n"));   // it has waited for long
        Assert.Equal("", channel.Receive("AUTH a\r\n"));
        foreach (var request in (string[])["CONFIG GET *", "SUBSCRIBE a", "PUBLISH a b", "MONITOR", "CLIENT LIST", "ACL WHOAMI", "WATCH a", "COMMAND", "TIME"])
            Assert.Equal("", Connect(out _).Receive(request + "\r\n"));
        foreach (var request in (string[])["PING", "GET a", "DBSIZE", "FLUSHALL", "VLIST", "AEVUM.NOTE", "BGSAVE"])
            Assert.Equal(loading, Connect(out _).Receive(request + "\r\n"));
    }

    sealed class Channel : IChannel
    {
        readonly ArrayBufferWriter<byte> _sent = new();
        byte[] _unread = [];

        public TestLoop TestLoop { get; } = new();

        public IChannelHandler Handler { get; set; } = null!;

        public ILoop Loop => TestLoop;

        public IPEndPoint Remote { get; } = new(IPAddress.Loopback, 50_000);

        public IPEndPoint Local { get; } = new(IPAddress.Loopback, 6379);

        public long Pending => 0;

        public bool IsFull => false;

        public long PendingMax { get; set; }

        public X509Certificate? RemoteCertificate => null;

        public bool IsClosed => false;

        public bool IsPaused { get; private set; }

        public Span<byte> GetSpan(int bytes) => _sent.GetSpan(bytes);

        public void Advance(int bytes) => _sent.Advance(bytes);

        public void Expect(long bytes) { }

        public void Encrypt(Func<SslServerAuthenticationOptions> options) => throw new NotSupportedException();

        public void Pause() => IsPaused = true;

        public void Resume()
        {
            IsPaused = false;
            Hand();
        }

        public void Close() { }

        public void Abort() { }

        public string Receive(string text)
        {
            _unread = [.. _unread, .. Encoding.ASCII.GetBytes(text)];
            Hand();
            return Take();
        }

        public string Take()
        {
            var text = Encoding.ASCII.GetString(_sent.WrittenSpan);
            _sent.ResetWrittenCount();
            return text;
        }

        void Hand()
        {
            if (IsPaused || _unread.Length == 0) return;
            _unread = _unread[Handler.OnReceived(_unread)..];
        }
    }
}
