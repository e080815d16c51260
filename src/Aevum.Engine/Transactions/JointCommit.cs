// JointCommit: one commit over several shards of this process: all of it or none, at one system time, also if the process dies on the way.
//
// The gates of all participants are held, in the order of the shards, so nobody sees a part and nothing is decided meanwhile. What goes to the
// log is two-phase commit written down as one group:
//
//   every participant but the first     intent: the effects, as a row that nobody reads
//   the first, the coordinator          its effects, and the decision with the time                          <- the commit point
//   every participant but the first     its effects, and the intent goes
//   the coordinator                     the decision goes
//
// A group is accepted or refused as a whole; the death of the process, or a power cut, may leave a first part of it. Behind the commit point the
// next open finishes it from the intents; before it, the intents go (Recover). Presumed abort: Mohan, Lindsay, "Efficient commit protocols for
// the tree of processes model of distributed transactions", PODC 1983.
//
// Not here: shards on other machines, whose intents stand while messages travel, and have to be waited for.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;

namespace Aevum.Engine.Transactions;

sealed class JointCommit
{
    readonly ShardEnvironment _environment;
    readonly CommitLog _log;
    readonly (LocalShard Shard, StepBatch Part)[] _parts;
    LogAddress _address;        // what to wait for, once it is done
    LocalShard? _withoutRoom;   // who has to wait for room before it can be tried again; null: the ceiling has to rise

    /// <param name="parts">In the order of the shards, each shard once.</param>
    JointCommit(ShardEnvironment environment, CommitLog log, (LocalShard Shard, StepBatch Part)[] parts)
    {
        _environment = environment;
        _log = log;
        _parts = parts;
    }

    /// <summary>Commits all parts or, if a step of one is not done (and wants all or nothing), none.</summary>
    /// <param name="whenCommitted">Run at once, before anything else is decided on any of the shards; may not fail.</param>
    public static void Run(
        ShardEnvironment environment, CommitLog log, IEnumerable<(LocalShard Shard, StepBatch Part)> parts, Action? whenCommitted = null)
    {
        var commit = Decide(environment, log, parts, whenCommitted);
        commit.Acknowledge();
    }

    /// <summary>The same without holding the caller's thread where a sync is awaited.</summary>
    public static async ValueTask RunAsync(
        ShardEnvironment environment, CommitLog log, IEnumerable<(LocalShard Shard, StepBatch Part)> parts, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) throw LocalShard.Cancelled();
        var commit = Decide(environment, log, parts, null);
        if (commit._parts[0].Shard.IsAcknowledgedJoint(commit._address)) commit.Acknowledge();
        else await environment.WhenAcknowledged(log, commit._address, commit.Acknowledge, cancellation);
    }

    void Acknowledge()
    {
        // The first waits for the log, in which all of it is; then nobody waits any more.
        _parts[0].Shard.WaitJoint(_address);
        _environment.ShowTogether(() =>
        {
            foreach (var (shard, part) in _parts) shard.AcknowledgeJoint(_address, part.Time);
        });
    }

    static JointCommit Decide(
        ShardEnvironment environment, CommitLog log, IEnumerable<(LocalShard Shard, StepBatch Part)> parts, Action? whenCommitted)
    {
        var commit = new JointCommit(environment, log, [.. parts.OrderBy(p => p.Shard.Id)]);
        foreach (var (shard, part) in commit._parts)
        {
            if (part.At != SystemTime.None) Throw.Invalid("a commit at a time of its own touches one shard");
            shard.PrefetchSteps(part);
        }
        while (!commit.TryRun(whenCommitted))
        {
            // Without the gates: whoever makes room, or writes the ceiling, wants them.
            if (commit._withoutRoom is { } full) full.WaitForRoom();
            else environment.RaiseCeiling(environment.Clock.Ceiling);
        }
        return commit;
    }

    bool TryRun(Action? whenCommitted)
    {
        var taken = 0;
        try
        {
            for (; taken < _parts.Length; taken++) Monitor.Enter(_parts[taken].Shard.Gate);
            if (!TryRunLocked()) return false;
            if (_parts[0].Part.Status == CommitStatus.Committed) whenCommitted?.Invoke();
            return true;
        }
        finally
        {
            while (taken > 0) Monitor.Exit(_parts[--taken].Shard.Gate);
        }
    }

    // False if it has to be tried again: nothing was written.
    bool TryRunLocked()
    {
        _withoutRoom = null;
        _address = _log.Appended;
        foreach (var (shard, _) in _parts) shard.RequireUsableJoint();
        // One for each intent, and the commit's own, above them all.
        var times = new SystemTime[_parts.Length];
        for (var i = 0; i < times.Length; i++)
        {
            if (_environment.Clock.TryNext(out times[i], out var refusal)) continue;
            if (refusal == ClockRefusal.CeilingReached) return false;
            _environment.Clock.Next();   // says why
        }
        var time = times[^1];

        var writing = new List<(LocalShard Shard, StepBatch Part, byte[] Effects)>();
        foreach (var (shard, part) in _parts)
        {
            var failed = shard.DecideJoint(part, time);
            if (failed >= 0)
            {
                foreach (var (_, other) in _parts)
                {
                    if (other.Status == CommitStatus.None && !ReferenceEquals(other, part)) other.BeginResults();
                    other.EndResults(CommitStatus.Refused, SystemTime.None, ReferenceEquals(other, part) ? failed : -1);
                }
                return true;
            }
            if (shard.DecidedJoint.Count > 0) writing.Add((shard, part, shard.DecidedJoint.Encoded.ToArray()));
        }
        if (writing.Count == 1)
        {
            if (!writing[0].Shard.TryWriteJoint(writing[0].Effects, time)) return MustWait(writing[0].Shard);
        }
        else if (writing.Count > 1 && !TryWrite(writing, times, time))
        {
            return false;
        }
        foreach (var (_, part) in _parts) part.EndResults(CommitStatus.Committed, writing.Count > 0 ? time : SystemTime.None);
        _address = _log.Appended;
        return true;
    }

    bool MustWait(LocalShard shard)
    {
        _withoutRoom = shard;
        return false;
    }

    bool TryWrite(List<(LocalShard Shard, StepBatch Part, byte[] Effects)> writing, SystemTime[] times, SystemTime time)
    {
        var id = new byte[IntentRows.IdBytes];
        _environment.FillTransactionId(id);
        var coordinator = writing[0];
        var records = writing.ToDictionary(w => w.Shard, _ => new List<(byte[] Encoded, SystemTime Time)>());
        var entries = new List<LogEntry>();
        void Add(LocalShard shard, SystemTime at, byte[]? effects, Action<WriteBatch> more)
        {
            var batch = new WriteBatch(_environment.Options.Limits);
            if (effects is not null) batch.Load(effects);
            more(batch);
            batch.SystemTime = at;
            var encoded = batch.Encoded.ToArray();
            records[shard].Add((encoded, at));
            entries.Add(shard.EntryJoint((ulong)records[shard].Count, encoded));
        }

        for (var i = 1; i < writing.Count; i++)
        {
            var effects = writing[i].Effects;
            Add(writing[i].Shard, times[i - 1], null, b => b.Put(IntentRows.IntentKey(id), IntentRows.EncodeIntent(coordinator.Shard.Id, effects)));
        }
        Add(coordinator.Shard, time, coordinator.Effects, b => b.Put(IntentRows.DecisionKey(id), IntentRows.EncodeDecision(time)));
        for (var i = 1; i < writing.Count; i++)
            Add(writing[i].Shard, time, writing[i].Effects, b => b.Delete(IntentRows.IntentKey(id)));
        Add(coordinator.Shard, new SystemTime(time.Value + 1), null, b => b.Delete(IntentRows.DecisionKey(id)));
        _environment.Clock.Observe(new SystemTime(time.Value + 1));

        foreach (var (shard, list) in records)
            if (!shard.TryReserveJoint(list.Sum(r => r.Encoded.Length))) return MustWait(shard);
        var hadStopped = _log.Failure is not null;
        try
        {
            _log.Append(entries.ToArray());
        }
        catch (AevumException stopped) when (!hadStopped && _log.Failure is not null)
        {
            // It stopped on the way: how much of the group the file holds, the next open finds out.
            throw LocalShard.Unknown(stopped);
        }
        foreach (var (shard, list) in records) shard.ApplyJoint(list);
        _environment.ShowTogether(() =>
        {
            foreach (var shard in records.Keys) shard.ShowJoint();
        });
        return true;
    }

    /// <summary>At an open: finishes commits that passed their commit point, and removes what is left of others.</summary>
    public static void Recover(IReadOnlyList<LocalShard> shards)
    {
        var decided = new Dictionary<(uint, string), SystemTime>();
        foreach (var shard in shards)
            foreach (var (key, value) in shard.RowsJoint(SystemKeyspaces.Decisions))
                decided[(shard.Id, Convert.ToHexString(KeyLayout.UserKeyOf(key)))] = IntentRows.DecodeDecision(value);
        foreach (var shard in shards)
        {
            foreach (var (key, value) in shard.RowsJoint(SystemKeyspaces.Intents))
            {
                var (coordinator, effects) = IntentRows.DecodeIntent(value);
                var batch = new WriteBatch();
                var isCommitted = decided.TryGetValue((coordinator, Convert.ToHexString(KeyLayout.UserKeyOf(key))), out var time);
                if (isCommitted) batch.Load(effects);
                batch.Delete(key);
                shard.WriteRecovered(batch, isCommitted ? time : null);
            }
        }
        // Only now: as long as an intent stands, its decision has to.
        foreach (var shard in shards)
        {
            var batch = new WriteBatch();
            foreach (var (key, _) in shard.RowsJoint(SystemKeyspaces.Decisions)) batch.Delete(key);
            if (batch.Count > 0) shard.WriteRecovered(batch, null);
        }
    }
}
