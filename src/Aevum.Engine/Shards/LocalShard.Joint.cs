// LocalShard, joint: its part in a commit over several shards (Transactions/JointCommit). The gate is held by the caller in all but the last two.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShard
{
    internal object Gate => _gate;

    /// <summary>The effects of the part decided last.</summary>
    internal WriteBatch DecidedJoint => _effects;

    internal void RequireUsableJoint() => RequireUsableLocked();

    /// <summary>Decides a part into <see cref="DecidedJoint"/>; nothing is written.</summary>
    /// <returns>-1, or the step that was not done of a part that wants all or nothing.</returns>
    internal int DecideJoint(StepBatch part, SystemTime time)
    {
        part.BeginResults();
        _effects.Clear();
        if (part.IsPlain)
        {
            _effects.Load(part.Effects.Encoded);
            if (_effects.HasMerges) RequireOperators(_effects);
        }
        else if (_decider.Decide(part, time) is >= 0 and var failed)
        {
            return failed;
        }
        RequireKeyspaces(_effects);
        if (part.Note is { } note && _effects.Count > 0) AddRows(_effects, part, note, time);
        _effects.SystemTime = time;
        return -1;
    }

    internal bool TryReserveJoint(int bytes) => _tree.TryReserve(bytes);

    /// <summary>The log entry of the batch that stands <paramref name="ahead"/> places behind the last one.</summary>
    internal LogEntry EntryJoint(ulong ahead, byte[] encoded) => LogEntry.Data(_stream, _position + ahead, encoded);

    /// <summary>Writes the batch of the only participant that has effects.</summary>
    /// <returns>False: there is no room at present.</returns>
    internal bool TryWriteJoint(byte[] encoded, SystemTime time)
    {
        if (!TryWriteLocked(encoded, time.Value)) return false;
        if (!_waitsForSync) ShowLocked();
        return true;
    }

    /// <summary>Applies batches that are in the log, and for which there is room.</summary>
    internal void ApplyJoint(IReadOnlyList<(byte[] Encoded, SystemTime Time)> batches)
    {
        foreach (var (encoded, time) in batches) ApplyLocked(encoded, ++_position, time.Value);
    }

    /// <summary>Brings to light what was applied, unless it has to be durable first.</summary>
    internal void ShowJoint()
    {
        if (!_waitsForSync) ShowLocked();
    }

    internal void WaitJoint(LogAddress address)
    {
        try
        {
            _log.WaitAcknowledged(address);
        }
        catch (AevumException stopped)
        {
            throw Unknown(stopped);
        }
    }

    internal void AcknowledgeJoint(LogAddress address, SystemTime time) => Acknowledge(address, time.Value);

    internal bool IsAcknowledgedJoint(LogAddress address) => IsAcknowledged(address);

    /// <summary>Writes what is left to do of a commit that a crash cut short.</summary>
    /// <param name="time">The commit's; null: any.</param>
    internal void WriteRecovered(WriteBatch batch, SystemTime? time)
    {
        lock (_gate)
        {
            var at = time?.Value ?? Math.Max(_lastTime, _clock.Latest.Value) + 1;
            batch.SystemTime = new SystemTime(at);
            while (!TryWriteLocked(batch.Encoded, at)) _tree.WaitForRoom();   // nobody else is there yet
            _clock.Observe(new SystemTime(at));
            ShowLocked();
        }
    }

    internal List<(byte[] Key, byte[] Value)> RowsJoint(KeyspaceId keyspace)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace);
        var rows = new List<(byte[], byte[])>();
        using var iterator = _tree.Iterate(new IterateOptions { Start = start, End = end, Point = ReadPoint.Applied });
        for (iterator.SeekToFirst(); iterator.Valid; iterator.Next()) rows.Add((iterator.Key.ToArray(), iterator.Value.ToArray()));
        return rows;
    }
}
