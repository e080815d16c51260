// RespWorld: the Redis door over a database in memory, on virtual time, without a network: a client's channel is a list of bytes, a turn is a call.
//
//   Ask("SET k v")      one request of the first client, words apart by blanks ("..." quotes), and its reply as text (Told)

using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp;

namespace Aevum.Server.Tests.Resp;

sealed class RespWorld : IDisposable
{
    readonly List<TestLoop> _loops = [];

    public RespWorld(DatabaseOptions? options = null)
    {
        Looks = new ClockLooks(Scheduler);
        Database = Database.OpenInMemory((options ?? new DatabaseOptions()) with { Scheduler = Looks });
        Server = new RespServer(Database, Looks, RespOptions.Default with { PasswordIterations = 10 });
        Loop = AddLoop();
        First = Connect();
        Scheduler.RunFor(TimeSpan.FromMicroseconds(1));   // what the database does first by itself
    }

    public SimulatedScheduler Scheduler { get; } = new(1);

    /// <summary>Where something can be done between two steps of a request.</summary>
    public ClockLooks Looks { get; }

    public Database Database { get; }

    public RespServer Server { get; }

    public TestLoop Loop { get; }

    public TestChannel First { get; }

    /// <summary>Batches committed so far.</summary>
    public ulong Position => ((Engine.Shards.LocalShard)Database.Router.Shards[0]).Position;

    /// <summary>One more loop; the world runs them all.</summary>
    public TestLoop AddLoop()
    {
        var loop = new TestLoop { IsCurrent = _loops.Count == 0 };
        _loops.Add(loop);
        return loop;
    }

    public TestChannel Connect(TestLoop loop) => new(this, loop);

    public TestChannel Connect() => new(this, Loop);

    /// <summary>One request of the first client, and what it was answered.</summary>
    public string Ask(string request) => First.Ask(request);

    /// <summary>The same for a request whose words are given.</summary>
    public string Ask(params string[] words) => First.Ask(words);

    /// <summary>Runs what was posted and what workers do, until nothing is left.</summary>
    public void Settle()
    {
        do
        {
            foreach (var loop in _loops)
            {
                loop.RunPosted();
                loop.EndTurn();
            }
            Scheduler.RunUntilIdle();
        }
        while (_loops.Exists(l => l.HasPosted));
    }

    /// <summary>Lets time pass, for timers too.</summary>
    public void Pass(TimeSpan time)
    {
        Scheduler.RunFor(time);
        foreach (var loop in _loops) loop.Pass(time);
        Settle();
    }

    public void Dispose()
    {
        Server.Dispose();
        Database.Dispose();
        Scheduler.Dispose();
    }
}

sealed class TestLoop : ILoop
{
    readonly Queue<Action> _posted = [];
    readonly List<(TimeSpan At, Action Action, Timer Timer)> _timers = [];
    TimeSpan _now;

    public event Action? TurnEnding;

    /// <summary>False: others post to it, as from another thread.</summary>
    public bool IsCurrent { get; init; } = true;

    public bool HasPosted => _posted.Count > 0;

    public void Post(Action action)
    {
        lock (_posted) _posted.Enqueue(action);
    }

    public IDisposable After(TimeSpan time, Action action)
    {
        var timer = new Timer();
        _timers.Add((_now + time, action, timer));
        return timer;
    }

    public void RunPosted()
    {
        while (_posted.TryDequeue(out var action)) action();
    }

    public void EndTurn() => TurnEnding?.Invoke();

    public void Pass(TimeSpan time)
    {
        _now += time;
        foreach (var due in _timers.Where(t => t.At <= _now).OrderBy(t => t.At).ToArray())
        {
            _timers.Remove(due);
            if (!due.Timer.IsDisposed) due.Action();
        }
    }

    sealed class Timer : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}

sealed class TestChannel : IChannel
{
    readonly RespWorld _world;
    readonly RespClient _client;
    readonly ArrayBufferWriter<byte> _sent = new();
    byte[] _unread = [];
    bool _paused;

    public TestChannel(RespWorld world, TestLoop loop)
        : this(world, world.Server, loop)
    {
    }

    /// <summary>To another server in the same world.</summary>
    public TestChannel(RespWorld world, RespServer server, TestLoop loop)
    {
        _world = world;
        Loop = loop;
        _client = server.EngineOf(loop).Accept(this)!;
    }

    public ILoop Loop { get; }

    public RespClient Client => _client;

    public IPEndPoint Remote { get; } = new(IPAddress.Loopback, 50_000);

    public IPEndPoint Local { get; } = new(IPAddress.Loopback, 6379);

    public long Pending => ExtraPending + _sent.WrittenCount;

    /// <summary>Bytes that the other side is slow to take.</summary>
    public long ExtraPending { get; set; }

    public bool IsFull => false;

    public long PendingMax { get; set; }

    public X509Certificate? RemoteCertificate => null;

    public bool IsClosed { get; private set; }

    public Span<byte> GetSpan(int bytes) => _sent.GetSpan(bytes);

    public void Advance(int bytes) => _sent.Advance(bytes);

    public void Expect(long bytes) { }

    public void Encrypt(Func<SslServerAuthenticationOptions> options) => throw new NotSupportedException();

    public void Pause() => _paused = true;

    public void Resume()
    {
        _paused = false;
        Loop.Post(Hand);
    }

    public void Close() => IsClosed = true;

    public void Abort() => IsClosed = true;

    void Hand()
    {
        if (_paused || _unread.Length == 0) return;
        var taken = _client.OnReceived(_unread);
        _unread = _unread[taken..];
    }

    /// <summary>Hands bytes over, without ending the turn.</summary>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        _unread = [.. _unread, .. bytes];
        Hand();
    }

    /// <summary>What has been sent since it was asked last.</summary>
    public byte[] Take()
    {
        _world.Settle();
        var sent = _sent.WrittenSpan.ToArray();
        _sent.ResetWrittenCount();
        return sent;
    }

    /// <summary>What has been sent so far; nothing is settled for it, and nothing forgotten.</summary>
    public byte[] Sent => _sent.WrittenSpan.ToArray();

    /// <summary>Forgets what has been sent, without looking at it.</summary>
    public void Drop() => _sent.ResetWrittenCount();

    public string Ask(string request)
    {
        Receive(Encoding.Latin1.GetBytes(request + "\r\n"));
        return ReplyText.Of(Take());
    }

    public string Ask(params string[] words)
    {
        Receive(Request(words));
        return ReplyText.Of(Take());
    }

    public static byte[] Request(params string[] words) =>
        Encoding.Latin1.GetBytes($"*{words.Length}\r\n{string.Concat(words.Select(w => $"${w.Length}\r\n{w}\r\n"))}");

    /// <summary>The client goes away.</summary>
    public void Leave()
    {
        IsClosed = true;
        _client.OnClosed();
    }
}
