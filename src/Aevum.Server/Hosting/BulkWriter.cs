// BulkWriter: commands of Redis' protocol run on a database without a connection, thousands at a time: for whoever fills one.
//
// The requests go the way of a client's pipeline (RespEngine): so what is written is what a client would have written. Only for requests whose reply
// is one line (SET, HSET, SADD, ZADD, RPUSH ...); what answers an error ends it.

using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp;

namespace Aevum.Server.Hosting;

/// <remarks>One thread. Nothing else may serve the same database meanwhile.</remarks>
public sealed class BulkWriter : IDisposable
{
    const int FullBytes = 256 << 10;

    readonly ThreadScheduler _scheduler = new();
    readonly RespServer _server;
    readonly OwnLoop _loop = new();
    readonly OwnChannel _channel;
    readonly IChannelHandler _client;
    readonly ArrayBufferWriter<byte> _requests = new(2 * FullBytes);

    public BulkWriter(Database database)
    {
        _server = new RespServer(database, _scheduler);
        _channel = new OwnChannel(_loop);
        _client = _server.EngineOf(_loop).Accept(_channel) ?? throw new AevumException(ErrorCode.Closed, "the door takes no client");
    }

    /// <summary>Requests written so far.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a request; what has been added is committed now and then.</summary>
    /// <param name="words">The command and its arguments.</param>
    /// <exception cref="AevumException">InvalidArgument: one of the requests before was answered with an error.</exception>
    public void Add(params ReadOnlySpan<string> words)
    {
        WriteHeader('*', words.Length);
        foreach (var word in words)
        {
            WriteHeader('$', Encoding.UTF8.GetByteCount(word));
            Encoding.UTF8.GetBytes(word, _requests);
            _requests.Write("\r\n"u8);
        }
        Count++;
        if (_requests.WrittenCount >= FullBytes) Commit();
    }

    /// <summary>Commits what has been added.</summary>
    public void Commit()
    {
        var requests = _requests.WrittenSpan;
        while (!requests.IsEmpty)
        {
            var taken = _client.OnReceived(requests);
            requests = requests[taken..];
            _loop.EndTurn();
            if (taken == 0) Throw.Invalid("a request has to wait, which none may here");
        }
        _requests.ResetWrittenCount();
        var replies = Encoding.UTF8.GetString(_channel.Sent);
        _channel.Forget();
        foreach (var line in replies.AsSpan().EnumerateLines())
            if (line.StartsWith('-')) Throw.Invalid(line[1..].ToString());
    }

    public void Dispose()
    {
        _client.OnClosed();
        _server.Dispose();
        _scheduler.Dispose();
    }

    void WriteHeader(char kind, int number)
    {
        var target = _requests.GetSpan(16);
        target[0] = (byte)kind;
        number.TryFormat(target[1..], out var written, provider: CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(target[(1 + written)..]);
        _requests.Advance(written + 3);
    }

    // A loop that turns when it is told to, on the thread that tells it.
    sealed class OwnLoop : ILoop
    {
        readonly Queue<Action> _posted = [];

        public event Action? TurnEnding;

        public bool IsCurrent => true;

        public void Post(Action action)
        {
            lock (_posted) _posted.Enqueue(action);
        }

        // Nothing here waits.
        public IDisposable After(TimeSpan time, Action action) => new CancellationTokenSource();

        public void EndTurn()
        {
            TurnEnding?.Invoke();
            while (true)
            {
                Action? action;
                lock (_posted)
                    if (!_posted.TryDequeue(out action)) return;
                action();
            }
        }
    }

    sealed class OwnChannel(ILoop loop) : IChannel
    {
        readonly ArrayBufferWriter<byte> _sent = new();

        public ILoop Loop => loop;

        public IPEndPoint Remote { get; } = new(IPAddress.Loopback, 0);

        public IPEndPoint Local { get; } = new(IPAddress.Loopback, 0);

        public long Pending => _sent.WrittenCount;

        public bool IsFull => false;

        public long PendingMax { get; set; } = long.MaxValue;

        public X509Certificate? RemoteCertificate => null;

        public ReadOnlySpan<byte> Sent => _sent.WrittenSpan;

        public void Forget() => _sent.ResetWrittenCount();

        public Span<byte> GetSpan(int bytes) => _sent.GetSpan(bytes);

        public void Advance(int bytes) => _sent.Advance(bytes);

        public void Expect(long bytes) { }

        public void Pause() { }

        public void Resume() { }

        public void Encrypt(Func<SslServerAuthenticationOptions> options) => throw new NotSupportedException("there is no connection");

        public void Close() { }

        public void Abort() { }
    }
}
