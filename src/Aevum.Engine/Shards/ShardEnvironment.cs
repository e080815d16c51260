// ShardEnvironment: what the shards of one database share: the clock and its ceiling, the keyspaces' policies, who wants to hear of commits.
//
// Who waits for commits adds itself as a listener first and looks second; a commit comes to light first and asks for listeners second. With a full
// fence in between on either side one of the two sees the other, so no wake-up is lost; and where nobody listens, a commit pays for the fence.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;

namespace Aevum.Engine.Shards;

sealed class ShardEnvironment
{
    internal static readonly byte[] CeilingKey = KeyLayout.Make(SystemKeyspaces.Clock, "ceiling"u8);

    readonly Lock _ceilingGate = new();
    readonly SeededRandom _ids;
    readonly HashSet<IClosing> _toClose = [];
    SystemTime _sureCeiling;        // with `always`: durable in the log; else not used. Only rises
    LogAddress _ceilingAddress;     // behind the newest ceiling; under the gate
    int _listeners;
    int _renewing;
    int _showing;      // commits over several shards that are coming to light
    volatile bool _closed;

    public ShardEnvironment(EngineOptions options, IScheduler scheduler, HybridClock clock, EnginePolicy policy)
    {
        Options = options;
        Scheduler = scheduler;
        Clock = clock;
        Policy = policy;
        Shown = scheduler.CreateSignal("commits");
        Pauses = scheduler.CreateSignal("pauses");
        _ids = scheduler.CreateRandom("transaction ids " + clock.Latest);
    }

    public EngineOptions Options { get; }

    public IScheduler Scheduler { get; }

    public HybridClock Clock { get; }

    public EnginePolicy Policy { get; }

    /// <summary>The shard that keeps the ceiling.</summary>
    public LocalShard? CeilingShard { get; set; }

    /// <summary>Never raised: to wait for nothing but time.</summary>
    public Signal Pauses { get; }

    /// <summary>Raised when commits come to light, while somebody listens.</summary>
    public Signal Shown { get; }

    /// <summary>Makes room above a ceiling that somebody ran into, unless that has happened by now. Never under a shard's gate.</summary>
    public void RaiseCeiling(SystemTime reached)
    {
        while (true)
        {
            lock (_ceilingGate)
                if (Clock.Ceiling > reached || CeilingShard!.TryWriteCeiling(CeilingKey)) return;
            CeilingShard.WaitForRoom();
        }
    }

    /// <summary>A moment that is read must lie below a ceiling that stands in the log (and is durable, where commits wait for that): or another
    /// life, on a wall clock that went back, could still stamp below it, and the answer would change.</summary>
    /// <remarks>Where nothing can be written any more (a full disk, a log that stopped), reads go on without.</remarks>
    public void RaiseCeilingForRead(SystemTime moment, CommitLog log)
    {
        if (moment <= Clock.Ceiling && (log.Sync.Kind != SyncKind.Always || moment <= _sureCeiling)) return;
        try
        {
            if (moment > Clock.Ceiling) RaiseCeiling(new(moment.Value - 1));
            if (log.Sync.Kind != SyncKind.Always) return;
            LogAddress address;
            SystemTime ceiling;
            lock (_ceilingGate) (address, ceiling) = (_ceilingAddress, Clock.Ceiling);
            log.WaitDurable(address);
            lock (_ceilingGate)
                if (ceiling > _sureCeiling) _sureCeiling = ceiling;
        }
        catch (AevumException)
        {
        }
    }

    /// <summary>Takes the ceiling down to the present, at a close: else times would run ahead of the wall clock after the next open.</summary>
    public void LowerCeiling()
    {
        try
        {
            lock (_ceilingGate) CeilingShard!.TryLowerCeiling(CeilingKey);
        }
        catch (AevumException)
        {
            // No space, or a log that stopped: the next life begins at the ceiling.
        }
    }

    /// <summary>Called when a ceiling was written, by who holds the gate of ceilings.</summary>
    public void NoteCeiling(LogAddress address) => _ceilingAddress = address;

    /// <summary>Called by a shard when commits of it have come to light; may hold the shard's gate.</summary>
    public void OnShown()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _listeners) > 0) Shown.Raise();
        if (Clock.CeilingNeedsRenewal && Interlocked.Exchange(ref _renewing, 1) == 0) StartRenewal();
    }

    /// <summary>An id that no other transaction of this database has, in all likelihood.</summary>
    public void FillTransactionId(Span<byte> id)
    {
        lock (_ids) _ids.Fill(id);
    }

    public void AddListener() => Interlocked.Increment(ref _listeners);

    public void RemoveListener() => Interlocked.Decrement(ref _listeners);

    // Ahead of need, so that no commit waits for it.
    void StartRenewal()
    {
        try
        {
            Scheduler.Start("clock ceiling", WorkClass.Urgent, _ =>
            {
                try
                {
                    RaiseCeiling(Clock.Ceiling);
                }
                catch (AevumException)
                {
                    // No space, or a log that stopped: the next commit that needs the room hears of it.
                }
                Volatile.Write(ref _renewing, 0);
                return Task.CompletedTask;
            });
        }
        catch (AevumException closing) when (closing.Code == ErrorCode.Closed)
        {
        }
    }

    /// <summary>Brings a commit over several shards to light as one: a read of the present that begins meanwhile waits until all of them show it. Else
    /// who saw it on one shard might not yet see it on the next.</summary>
    /// <param name="show">Quick, and waits for nobody.</param>
    public void ShowTogether(Action show)
    {
        Interlocked.Increment(ref _showing);
        try
        {
            show();
        }
        finally
        {
            Interlocked.Decrement(ref _showing);
        }
    }

    /// <summary>Asked before each read of the present.</summary>
    public void WaitForShowing()
    {
        if (Volatile.Read(ref _showing) == 0) return;
        var spin = default(SpinWait);
        while (Volatile.Read(ref _showing) != 0) spin.SpinOnce();
    }

    public bool IsClosed => _closed;

    /// <summary>Has something told when the shards close, unless it is forgotten before.</summary>
    /// <exception cref="AevumException">Closed: they have.</exception>
    public void Register(IClosing closing)
    {
        lock (_toClose)
        {
            if (_closed) Throw.Closed("the database");
            _toClose.Add(closing);
        }
    }

    public void Forget(IClosing closing)
    {
        lock (_toClose) _toClose.Remove(closing);
    }

    /// <summary>The shards are about to close: whoever reads from them lets go, whoever waits for commits gives up.</summary>
    public void Close()
    {
        IClosing[] all;
        lock (_toClose)
        {
            _closed = true;
            all = [.. _toClose];
            _toClose.Clear();
        }
        foreach (var closing in all) closing.OnClosing();
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _listeners) > 0) Shown.Raise();
    }

    /// <summary>Ends when the log acknowledges an address, or with why it does not.</summary>
    /// <param name="whenAcknowledged">Run in any case, also if the caller has left meanwhile.</param>
    /// <exception cref="AevumException">OutcomeUnknown: the caller left, or the log stopped.</exception>
    public async ValueTask WhenAcknowledged(CommitLog log, LogAddress address, Action whenAcknowledged, CancellationToken cancellation)
    {
        var wait = Scheduler.Start("acknowledge", WorkClass.Urgent, _ =>
        {
            log.WaitAcknowledged(address);
            whenAcknowledged();
            return Task.CompletedTask;
        });
        try
        {
            await End(wait).WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            throw new AevumException(ErrorCode.OutcomeUnknown, "the caller left before the batch was acknowledged: it may be committed");
        }
        if (wait.Failure is { } failure) throw LocalShard.Unknown(failure);

        // Ends in the caller's context, and who waits for it goes on there: a body of the scheduler stays on the scheduler.
        static async Task End(BackgroundTask task) => await task.WaitAsync();
    }
}

/// <summary>Holds files or memory of the shards and must let go before they close.</summary>
interface IClosing
{
    /// <summary>Called once, on the closing thread, under no lock.</summary>
    void OnClosing();
}
