// ShardEnvironment: what the shards of one database share: the clock and its ceiling, the keyspaces' policies, who wants to hear of commits.

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
    int _listeners;
    int _renewing;

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
        lock (_ceilingGate)
            if (Clock.Ceiling <= reached) CeilingShard!.WriteCeiling(CeilingKey);
    }

    /// <summary>Called by a shard when commits of it have come to light; may hold the shard's gate.</summary>
    public void OnShown()
    {
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

    /// <summary>Ends when the log acknowledges an address, or with why it does not.</summary>
    public async Task WhenAcknowledged(CommitLog log, LogAddress address)
    {
        var wait = Scheduler.Start("acknowledge", WorkClass.Urgent, _ =>
        {
            log.WaitAcknowledged(address);
            return Task.CompletedTask;
        });
        await wait.WaitAsync().ConfigureAwait(false);
        if (wait.Failure is { } failure) throw new AevumException((failure as AevumException)?.Code ?? ErrorCode.Closed, failure.Message, failure);
    }
}
