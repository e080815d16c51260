// RespServer: what all loops of the protocol share: the database, the commands, who is there, who waits, what is heard.

using System.Collections.Concurrent;
using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Resp;

sealed class RespServer : IDisposable
{
    /// <summary>The version of Redis whose behaviour clients may expect.</summary>
    public const string CompatibleVersion = "7.0.15";

    readonly IScheduler _scheduler;
    readonly ConcurrentDictionary<ILoop, RespEngine> _engines = new();
    readonly ConcurrentBag<ReplyWriter> _replies = [];
    readonly List<IListener> _listeners = [];
    readonly Session _session;
    long _clients;
    long _chances;

    /// <param name="database">Outlives the server.</param>
    /// <param name="scheduler">Runs what would hold a loop up.</param>
    public RespServer(Database database, IScheduler scheduler, RespOptions? options = null)
    {
        Options = options ?? RespOptions.Default;
        Database = database;
        _scheduler = scheduler;
        _session = database.OpenSession();
        Databases = new RespDatabases(_session, Options.Databases);
        Settings = new RespSettings(Options) { NotifiedChanged = Interest.SetNotified };
        Surroundings = new DataSurroundings(Interest, Settings);
        Waiters = new KeyWaiters(Interest);
        Signals = new KeySignals(this);
        Commands = new CommandTable(AllCommands.Make(this), Surroundings);
        Statistics = new RespStatistics(scheduler.Time, () => Refused);
        foreach (var command in Commands.Flat) Statistics.Register(command);
        Settings.SlowMicroseconds.Changed = () => Statistics.SlowMicroseconds = Settings.SlowMicroseconds.Value;
        Settings.SlowLogLength.Changed = () => Statistics.SlowLog.LengthMax = (int)Math.Min(Settings.SlowLogLength.Value, int.MaxValue);
        Settings.LatencyMilliseconds.Changed = () => Statistics.LatencyMilliseconds = Settings.LatencyMilliseconds.Value;
    }

    public RespOptions Options { get; }

    public Database Database { get; }

    public RespDatabases Databases { get; }

    public CommandTable Commands { get; }

    public KeyWaiters Waiters { get; }

    /// <summary>What CONFIG sets.</summary>
    public RespSettings Settings { get; }

    public DataSurroundings Surroundings { get; }

    public IScheduler Scheduler => _scheduler;

    /// <summary>Whether expiry is told by itself (DEBUG SET-ACTIVE-EXPIRE).</summary>
    public bool TellsExpiry { get; set; } = true;

    /// <summary>Counts anew what INFO tells.</summary>
    public void ResetStatistics()
    {
        Statistics.Reset();
    }

    /// <summary>Who wants to hear what happens to keys.</summary>
    public SignalInterest Interest { get; } = new();

    public KeySignals Signals { get; }

    public RespStatistics Statistics { get; }

    /// <summary>The engines of all loops that have had a client.</summary>
    public IEnumerable<RespEngine> Engines => _engines.Values;

    // Listeners that are closed count on.
    long Refused
    {
        get
        {
            lock (_listeners) return _listeners.Sum(l => l.Refused);
        }
    }

    /// <summary>A stream of random numbers for one loop.</summary>
    public SeededRandom NewChances() => _scheduler.CreateRandom($"resp {Interlocked.Increment(ref _chances)}");

    public long NextClientId() => Interlocked.Increment(ref _clients);

    /// <summary>Takes clients at an address.</summary>
    public IListener Listen(INetwork network, IPEndPoint endpoint, ListenOptions? options = null)
    {
        var listener = network.Listen(endpoint, channel => EngineOf(channel.Loop).Accept(channel), options ?? new ListenOptions
        {
            ConnectionsMax = Options.ClientsMax,
            Refuse = "-ERR max number of clients reached\r\n"u8.ToArray(),
        });
        lock (_listeners) _listeners.Add(listener);
        return listener;
    }

    public RespEngine EngineOf(ILoop loop) => _engines.GetOrAdd(loop, static (l, server) => new RespEngine(server, l), this);

    /// <summary>Runs something on a worker.</summary>
    public void RunBeside(string name, Action action) => _scheduler.Start(name, WorkClass.Urgent, _ =>
    {
        action();
        return Task.CompletedTask;
    });

    public ReplyWriter RentReply()
    {
        if (!_replies.TryTake(out var reply)) reply = new ReplyWriter();
        reply.Clear();
        return reply;
    }

    public void ReturnReply(ReplyWriter reply) => _replies.Add(reply);

    public void Dispose()
    {
        lock (_listeners)
            foreach (var listener in _listeners) listener.Dispose();
        _session.Dispose();
    }
}
