// Floors: below which system time a tree no longer answers, per keyspace, and which snapshots hold that back.
//
//   effective floor = min( floor the policy wants, oldest open snapshot, newest visible time )   and never below the recorded floor
//   recorded floor  = what a job worked with and the manifest keeps: versions superseded below it may be gone
//
// Always true: an effective floor never falls (a snapshot is only opened at or above it), so what was refused once stays refused, before and
// after compaction alike.

using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Storage.Trees;

sealed class Floors(ITreePolicy policy, IReadOnlyDictionary<ulong, ulong> recorded)
{
    readonly Lock _gate = new();
    readonly SortedDictionary<ulong, int> _snapshots = [];
    Dictionary<ulong, ulong> _recorded = new(recorded);
    ulong _oldestSnapshot = ulong.MaxValue;
    ulong _fixed;        // of keyspaces without history: what memtables have forgotten
    ulong _appliedTime;
    ulong _visibleTime = SystemTime.Max.Value;

    /// <summary>The greatest time applied. Only rises.</summary>
    public ulong AppliedTime => Volatile.Read(ref _appliedTime);

    /// <summary>The greatest time that reads of the present see: the owner's bound, or all that is applied.</summary>
    public ulong NewestVisible => Math.Min(Volatile.Read(ref _appliedTime), Volatile.Read(ref _visibleTime));

    /// <summary>A read point's time as a bound for a read that lasts: what is applied meanwhile stays out of sight.</summary>
    public SystemTime Bound(SystemTime at) => at == SystemTime.Max ? new(NewestVisible) : new(Math.Min(at.Value, AppliedTime));

    /// <summary>What the owner lets be seen; the greatest time for everything.</summary>
    public ulong VisibleTime
    {
        get => Volatile.Read(ref _visibleTime);
        set => Volatile.Write(ref _visibleTime, value);
    }

    /// <summary>Called by the single writer.</summary>
    public void RaiseAppliedTime(ulong time)
    {
        if (time > _appliedTime) Volatile.Write(ref _appliedTime, time);
    }

    /// <summary>The keyspace that a key belongs to, as the policy counts them.</summary>
    public ulong KeyspaceOf(ReadOnlySpan<byte> key)
    {
        if (policy.KeyspacePrefixBytes == 0) return 0;
        if (key.Length >= sizeof(ulong)) return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(key);
        ulong prefix = 0;
        for (var i = 0; i < key.Length; i++) prefix |= (ulong)key[i] << (8 * (7 - i));
        return prefix;
    }

    /// <summary>The floor now.</summary>
    public ulong EffectiveFloor(ulong keyspace)
    {
        var wanted = policy.HistoryFloorOf(keyspace).Value;
        var floor = Math.Min(Math.Min(wanted, Volatile.Read(ref _oldestSnapshot)), NewestVisible);
        if (wanted == SystemTime.Max.Value) floor = Math.Max(floor, Volatile.Read(ref _fixed));
        return Volatile.Read(ref _recorded).TryGetValue(keyspace, out var kept) ? Math.Max(kept, floor) : floor;
    }

    /// <exception cref="HistoryUnavailableException">The time lies below the floor.</exception>
    public void Require(ulong keyspace, SystemTime at)
    {
        var floor = EffectiveFloor(keyspace);
        if (at.Value < floor) throw new HistoryUnavailableException(at, new SystemTime(floor));
    }

    /// <summary>The same for every keyspace above <paramref name="first"/> and below <paramref name="last"/> that a job has worked on: of
    /// these something may be gone without leaving a key to tell by.</summary>
    public void RequireBetween(ulong first, ulong last, SystemTime at)
    {
        foreach (var keyspace in Volatile.Read(ref _recorded).Keys)
            if (keyspace > first && keyspace < last) Require(keyspace, at);
    }

    /// <summary>Fixes a floor for a job: from here on it is recorded, in memory at once, in the manifest with the job's edit.</summary>
    public ulong Record(ulong keyspace)
    {
        lock (_gate)
        {
            var floor = EffectiveFloor(keyspace);
            // A floor of 0 counts too: LowestRecorded must know of every keyspace that has tables.
            if (!_recorded.TryGetValue(keyspace, out var before) || floor > before)
                Volatile.Write(ref _recorded, new(_recorded) { [keyspace] = floor });
            return floor;
        }
    }

    /// <summary>Fixes the floor of all keyspaces that keep no history: reads that begin from here on are refused below it, for as long as the tree is open
    /// and after, since it is at most the newest visible time.</summary>
    public ulong FixWithoutHistory()
    {
        lock (_gate)
        {
            var floor = Math.Min(_oldestSnapshot, NewestVisible);
            if (floor > _fixed) Volatile.Write(ref _fixed, floor);
            return floor;
        }
    }

    /// <summary>True if the key's keyspace keeps no history.</summary>
    public bool KeepsNoHistory(ReadOnlySpan<byte> key) => policy.HistoryFloorOf(KeyspaceOf(key)) == SystemTime.Max;

    /// <summary>The lowest floor of all keyspaces that have one recorded; 0 if none has.</summary>
    public ulong LowestRecorded()
    {
        var recorded = Volatile.Read(ref _recorded);
        return recorded.Count == 0 ? 0 : recorded.Values.Min();
    }

    /// <summary>Holds every floor at or below a time: the given one, or the newest visible one, which it returns.</summary>
    public SystemTime OpenSnapshot(SystemTime? moment = null)
    {
        // Under the gate, so that no job records a floor between reading the time and entering it.
        lock (_gate)
        {
            var at = moment?.Value ?? NewestVisible;
            _snapshots[at] = _snapshots.GetValueOrDefault(at) + 1;
            _oldestSnapshot = _snapshots.Keys.First();
            return new(at);
        }
    }

    public void CloseSnapshot(SystemTime at)
    {
        lock (_gate)
        {
            if (--_snapshots[at.Value] == 0) _snapshots.Remove(at.Value);
            _oldestSnapshot = _snapshots.Count == 0 ? ulong.MaxValue : _snapshots.Keys.First();
        }
    }
}
