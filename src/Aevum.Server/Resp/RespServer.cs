// RespServer: what all loops of the protocol share: the database, the commands, who is there, who waits, what is heard.

using System.Collections.Concurrent;
using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.PubSub;
using Aevum.Server.Resp.Settings;
using Aevum.Server.Resp.Tracking;

namespace Aevum.Server.Resp;

sealed class RespServer : IDisposable
{
    /// <summary>The version of Redis whose behaviour clients may expect.</summary>
    public const string CompatibleVersion = "7.0.15";

    readonly IScheduler _scheduler;
    readonly ConcurrentDictionary<ILoop, RespEngine> _engines = new();
    readonly ConcurrentBag<ReplyWriter> _replies = [];
    readonly List<IListener> _listeners = [];
    readonly Lock _expiriesGate = new();
    readonly Session _session;
    volatile bool _tellsExpiry = true;
    long _chances;
    long _refused;
    long _evicted;
    long _lastSaved;
    long _changesSaved;
    int _heldCommits;

    /// <param name="database">Outlives the server.</param>
    /// <param name="scheduler">Runs what would hold a loop up.</param>
    public RespServer(Database database, IScheduler scheduler, RespOptions? options = null)
    {
        Options = options ?? RespOptions.Default;
        Database = database;
        _scheduler = scheduler;
        _session = database.OpenSession();
        Databases = new RespDatabases(_session, Options.Databases);
        Settings = new RespSettings(Options) { NotifiedChanged = NotifiedChanged, OutputLimitsChanged = LimitsChanged };
        Settings.BulkBytesMax.Changed = LimitsChanged;
        Settings.IdleSeconds.Changed = LimitsChanged;
        Settings.ClientBytesMax.Changed = LimitsChanged;
        Settings.Memory.Changed = LimitsChanged;   // of which the one before may be a part
        Tracking = new TrackingTable(this);
        Began = Timestamp;
        _lastSaved = scheduler.Time.GetUtcNow().ToUnixTimeSeconds();
        RunId = string.Concat(Enumerable.Range(0, 3).Select(_ => NewChances().NextUInt64().ToString("x16",
            System.Globalization.CultureInfo.InvariantCulture)))[..40];
        KeyspaceCounts = new Commands.Server.KeyspaceCounts(this);
        Settings.RequirePass.Changed = () => Access!.SetRequiredPass(Settings.RequirePass.Text);
        Pauses = new ClientPauses(this);
        Swaps = new DatabaseSwaps(this);
        Monitors = new Measuring.Monitors(scheduler.Time);
        Settings.TrackedKeysMax.Changed = Tracking.Shrink;
        Expiries = new ExpiryTeller(this);
        Collections = new RespCollections(_session);
        Surroundings = new DataSurroundings(Interest, Settings) { Collections = Collections, Ranks = new(database.Router) };
        Waiters = new KeyWaiters(Interest);
        Signals = new KeySignals(this);
        Commands = new CommandTable(AllCommands.Make(this), Surroundings);
        Statistics = new RespStatistics(scheduler.Time, () => Refused);
        foreach (var command in Commands.Flat) Statistics.Register(command);
        Access = new AccessControl(this);
        Settings.SlowMicroseconds.Changed = () => Statistics.SlowMicroseconds = Settings.SlowMicroseconds.Value;
        Settings.SlowLogLength.Changed = () => Statistics.SlowLog.LengthMax = (int)Math.Min(Settings.SlowLogLength.Value, int.MaxValue);
        Settings.LatencyMilliseconds.Changed = () => Statistics.LatencyMilliseconds = Settings.LatencyMilliseconds.Value;
    }

    public RespOptions Options { get; }

    public Database Database { get; }

    public RespDatabases Databases { get; }

    public RespCollections Collections { get; }

    public CommandTable Commands { get; }

    public KeyWaiters Waiters { get; }

    /// <summary>All clients by their numbers, of all loops.</summary>
    public ConcurrentDictionary<long, RespClient> Clients { get; } = new();

    /// <summary>When the server began.</summary>
    public long Began { get; }

    /// <summary>Drawn for this run: 40 hexadecimal letters.</summary>
    public string RunId { get; }

    /// <summary>When everything in memory was written to tables last, as somebody asked for it; at first when the server began. Unix time.</summary>
    public long LastSaved => Volatile.Read(ref _lastSaved);

    /// <summary>Commands that wrote something since then.</summary>
    public long ChangesSinceSaved => Statistics.Totals(sinceReset: false).Changes - Volatile.Read(ref _changesSaved);

    /// <summary>Writes everything in memory to tables. Not on a loop.</summary>
    public void Save()
    {
        var changes = Statistics.Totals(sinceReset: false).Changes;   // what comes meanwhile may be in them, or not
        Database.Flush();
        Volatile.Write(ref _changesSaved, changes);
        Volatile.Write(ref _lastSaved, _scheduler.Time.GetUtcNow().ToUnixTimeSeconds());
    }

    public Commands.Server.KeyspaceCounts KeyspaceCounts { get; }

    /// <summary>Users and what they may do.</summary>
    public AccessControl Access { get; }

    /// <summary>Who listens to channels.</summary>
    public ChannelHub Channels { get; } = new();

    /// <summary>Clients that keep copies.</summary>
    public TrackingTable Tracking { get; }

    public ClientPauses Pauses { get; }

    public DatabaseSwaps Swaps { get; }

    /// <summary>Who is shown every request.</summary>
    public Measuring.Monitors Monitors { get; }

    public ExpiryTeller Expiries { get; }

    /// <summary>Now, in ticks of the scheduler's clock.</summary>
    public long Timestamp => _scheduler.Time.GetTimestamp();

    /// <summary>One of the engines, always the same; null: there is none yet.</summary>
    public RespEngine? AnyEngine { get; private set; }

    /// <summary>A client that keeps copies has come (+1) or gone (-1).</summary>
    public void TrackersChanged(int count)
    {
        Interest.AddTrackers(count);
        SwitchExpiries();
    }

    void NotifiedChanged(NotificationClass classes)
    {
        Interest.SetNotified(classes);
        SwitchExpiries();
    }

    void SwitchExpiries()
    {
        // Two loops may change something at once: who comes second decides by what then holds.
        using var gate = _expiriesGate.EnterScope();
        var published = (Settings.Notified & (NotificationClass.Keyspace | NotificationClass.Keyevent)) != 0;
        var on = (published && (Settings.Notified & NotificationClass.Expired) != 0) || Tracking.HasClients;
        if (on) Interest.SetExpiries(true);   // before the walk, so that what the walk does not see is told of
        Expiries.Switch(on);
        if (!on) Interest.SetExpiries(false);
    }

    // Limits hold for the clients that are there, too.
    void LimitsChanged()
    {
        foreach (var engine in Engines)
        {
            engine.Loop.Post(() =>
            {
                foreach (var client in engine.Clients.Values) client.ApplyLimits();
                engine.WatchClients();
            });
        }
    }

    /// <summary>What CONFIG sets.</summary>
    public RespSettings Settings { get; }

    public DataSurroundings Surroundings { get; }

    public IScheduler Scheduler => _scheduler;

    /// <summary>Whether expiry is told by itself (DEBUG SET-ACTIVE-EXPIRE).</summary>
    public bool TellsExpiry
    {
        get => _tellsExpiry;
        set
        {
            _tellsExpiry = value;
            Expiries.Wake();
        }
    }

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
            lock (_listeners) return _listeners.Sum(l => l.Refused) + Volatile.Read(ref _refused);
        }
    }

    /// <summary>A client was disconnected for the memory that all of them hold.</summary>
    public void CountEvicted() => Interlocked.Increment(ref _evicted);

    public long Evicted => Volatile.Read(ref _evicted);

    /// <summary>A client was sent away: there are too many.</summary>
    public void CountRefused() => Interlocked.Increment(ref _refused);

    /// <summary>True while replies of any loop wait for the disk.</summary>
    public bool HoldsAny => Volatile.Read(ref _heldCommits) > 0;

    /// <summary>A batch waits for the disk (+1), or does not any more (-1).</summary>
    public void CountHeld(int count) => Interlocked.Add(ref _heldCommits, count);

    /// <summary>A stream of random numbers for one loop.</summary>
    public SeededRandom NewChances() => _scheduler.CreateRandom($"resp {Interlocked.Increment(ref _chances)}");

    /// <summary>The numbers of clients.</summary>
    public ClientNumbers Numbers { get; set; } = new();

    /// <summary>Takes clients at an address.</summary>
    public IListener Listen(INetwork network, IPEndPoint endpoint, ListenOptions? options = null)
    {
        var listener = network.Listen(endpoint, channel => EngineOf(channel.Loop).Accept(channel), options ?? new ListenOptions
        {
            // The engine counts clients itself: how many may come can be set meanwhile.
            ConnectionsMax = int.MaxValue,
            PendingMax = long.MaxValue,
        });
        Adopt(listener);
        return listener;
    }

    /// <summary>Counts, and ends with the server, a listener whose clients come here.</summary>
    public void Adopt(IListener listener)
    {
        lock (_listeners) _listeners.Add(listener);
    }

    public RespEngine EngineOf(ILoop loop)
    {
        var engine = _engines.GetOrAdd(loop, static (l, server) => new RespEngine(server, l), this);
        AnyEngine ??= engine;
        return engine;
    }

    /// <summary>Runs something on a worker.</summary>
    /// <param name="workClass">Slow reads leave a thread to those for whom somebody waits who is quick otherwise.</param>
    public void RunBeside(string name, Action action, WorkClass workClass = WorkClass.Flush) => _scheduler.Start(name, workClass, _ =>
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
        Expiries.Dispose();
        _session.Dispose();
    }
}

/// <summary>Counts clients: each has a number of its own.</summary>
sealed class ClientNumbers
{
    long _last;

    public long Next() => Interlocked.Increment(ref _last);
}
