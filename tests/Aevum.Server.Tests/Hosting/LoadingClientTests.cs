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
