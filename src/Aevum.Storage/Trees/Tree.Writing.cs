// Tree, writing: a batch goes to the log, then to the active memtable, and is acknowledged as the log's policy says.
//
//   os, every:n, interval   log, memtable, acknowledge: one lock, no system call
//   always                  log; wait until durable, sharing the sync; memtable: nobody reads what a power cut could still take back
//
// When the memtable is full it is frozen and a new one begins. When flushes or compactions fall behind, writers are slowed down, then
// stopped, until there is room; when the disk is full they are refused with that error instead.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Log;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Trees;

/// <summary>Whether writers may go on.</summary>
public enum WritePressure
{
    None = 0,

    /// <summary>Each write waits a little.</summary>
    Slowdown = 1,

    /// <summary>Writes wait until there is room.</summary>
    Stop = 2,
}

public sealed partial class Tree
{
    const long EarlyFreezeBytesMin = 4L << 20;
    const int LogPerMemtable = 2;

    // Under slowdown a writer pauses once for so many bytes: about 60 MiB/s are left to it.
    const long SlowdownBytes = 64 << 10;
    static readonly TimeSpan SlowdownWait = TimeSpan.FromMilliseconds(1);

    readonly Queue<(LogAddress Address, WriteBatch Batch, ulong Position)> _pending = [];
    readonly WriteBatch _single;
    MemtableHandle _active;
    MemtableHandle[] _frozen = [];   // newest first
    MemtableHandle? _remembered;     // flushed, and kept for lookups
    ulong _lastPosition;             // of the log; what is applied may lag behind it while a sync is awaited
    volatile WritePressure _pressure;
    long _slowdownBytes;             // written since the last pause

    /// <summary>Whether flushes and compactions keep up.</summary>
    public WritePressure Pressure => _frozen.Length >= _options.FrozenStop ? WritePressure.Stop : _pressure;

    /// <summary>Applies a batch at its <see cref="WriteBatch.SystemTime"/> and returns once it is acknowledged under the sync policy.</summary>
    /// <remarks>Times must rise for each key; nothing checks that they do. The batch must not change until this returns.</remarks>
    /// <exception cref="AevumException">DiskFull, LimitExceeded, InvalidArgument, or Closed after an earlier failure of the log.</exception>
    public void Write(WriteBatch batch)
    {
        if (_log is null) Throw.Invalid("this tree keeps no log of its own: use Apply");
        if (batch.Count == 0) return;
        Check(batch);
        LogAddress address;
        while (true)
        {
            WaitForRoom(batch.Encoded.Length);
            lock (_gate)
            {
                if (!TryMakeRoomLocked()) continue;
                address = AppendLocked(batch, batch.Encoded);
            }
            break;
        }
        Acknowledge(address);
    }

    /// <summary>Writes one value; the same as a batch of one put.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime time, SystemTime expiry = default) =>
        WriteSingle(EffectKind.Put, key, value, time, expiry);

    /// <summary>Deletes one key; the same as a batch of one delete.</summary>
    public void Delete(ReadOnlySpan<byte> key, SystemTime time) => WriteSingle(EffectKind.Delete, key, default, time, default);

    /// <summary>Applies a batch that stands at a position of its owner's log; the tree keeps no log of its own.</summary>
    /// <returns>False if the batch is in the tree already.</returns>
    public bool Apply(ReadOnlySpan<byte> encodedBatch, ulong position)
    {
        if (_log is not null) Throw.Invalid("this tree keeps a log of its own: use Write");
        var time = CheckEncoded(encodedBatch);
        while (true)
        {
            WaitForRoom(encodedBatch.Length);
            lock (_gate)
            {
                if (position <= _lastPosition) return false;
                if (!TryMakeRoomLocked()) continue;
                _lastPosition = position;
                ApplyLocked(encodedBatch, time, position);
                _statistics.AddWrite(encodedBatch.Length, logged: false);
                return true;
            }
        }
    }

    /// <summary>Waits until a batch of so many bytes can be applied. For an owner of a log, who holds no lock meanwhile that whoever makes room
    /// may want, and then asks <see cref="TryReserve"/>.</summary>
    /// <exception cref="AevumException">Why there will be no room: a flush or compaction that fails, a closed tree.</exception>
    public void WaitForRoom()
    {
        while (true)
        {
            WaitForRoom(0);
            lock (_gate)
                if (TryMakeRoomLocked()) return;
        }
    }

    /// <summary>Makes room for a batch of so many bytes, without waiting, and lets the owner of a log append it before:
    /// <see cref="ApplyReserved"/> then refuses nothing. For a single writer.</summary>
    /// <returns>False if he has to wait (<see cref="WaitForRoom()"/>), because flushes or compactions are behind.</returns>
    /// <exception cref="AevumException">As of <see cref="WaitForRoom()"/>.</exception>
    public bool TryReserve(int bytes)
    {
        if (_pressure == WritePressure.Slowdown && _frozen.Length < _options.FrozenStop)
        {
            // What was written so far counts, not this batch: however large it is, it pauses once.
            if (Volatile.Read(ref _slowdownBytes) >= SlowdownBytes) return false;
            Interlocked.Add(ref _slowdownBytes, bytes);
        }
        lock (_gate) return TryMakeRoomLocked();
    }

    /// <summary>Applies a batch that was checked and for which <see cref="TryReserve"/> has made room.</summary>
    /// <param name="encodedBatch">Its merges are known to have an operator.</param>
    /// <param name="position">Above every position before.</param>
    public void ApplyReserved(ReadOnlySpan<byte> encodedBatch, ulong position)
    {
        var time = BatchReader.TimeOf(encodedBatch);
        lock (_gate)
        {
            _lastPosition = position;
            ApplyLocked(encodedBatch, time, position);
            _statistics.AddWrite(encodedBatch.Length, logged: false);
        }
    }

    /// <summary>Begins a flush of what was applied so far, and does not wait for it.</summary>
    public void RequestFlush()
    {
        lock (_gate)
            if (!_closed && _frozen.Length < _options.FrozenStop) FreezeLocked();
    }

    void WriteSingle(EffectKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime time, SystemTime expiry)
    {
        if (_log is null) Throw.Invalid("this tree keeps no log of its own: use Apply");
        if (time == SystemTime.None || time >= SystemTime.Max) Throw.Invalid($"a batch needs a system time, not {time}");
        LogAddress address;
        while (true)
        {
            WaitForRoom(key.Length + value.Length);
            lock (_gate)
            {
                if (!TryMakeRoomLocked()) continue;
                // The shared batch may not wait in the queue for a sync: the next writer would overwrite it.
                var batch = _log.Sync.Kind == SyncKind.Always ? new WriteBatch(_options.Limits, 64 + key.Length + value.Length) : _single;
                batch.Clear();
                if (kind == EffectKind.Put) batch.Put(key, value, expiry);
                else batch.Delete(key);
                batch.SystemTime = time;
                address = AppendLocked(batch, batch.Encoded);
            }
            break;
        }
        Acknowledge(address);
    }

    LogAddress AppendLocked(WriteBatch batch, ReadOnlySpan<byte> encoded)
    {
        var position = _lastPosition + 1;
        var address = _log!.Append(_stream!, position, encoded);   // refuses without a trace, or is in
        _lastPosition = position;
        _statistics.AddWrite(encoded.Length, logged: true);
        if (_log.Sync.Kind == SyncKind.Always) _pending.Enqueue((address, batch, position));
        else ApplyLocked(encoded, batch.SystemTime.Value, position);
        return address;
    }

    void Acknowledge(LogAddress address)
    {
        if (_log!.Sync.Kind == SyncKind.Os) return;
        _log.WaitAcknowledged(address);
        if (_log.Sync.Kind != SyncKind.Always) return;

        // Whoever comes first applies for all that the same sync made durable, in order.
        lock (_gate)
        {
            var durable = _log.Durable;
            while (_pending.TryPeek(out var next) && next.Address <= durable)
            {
                _pending.Dequeue();
                ApplyLocked(next.Batch.Encoded, next.Batch.SystemTime.Value, next.Position);
            }
        }
    }

    void ApplyLocked(ReadOnlySpan<byte> encoded, ulong time, ulong position)
    {
        _active.Table.ApplyBatch(encoded);
        _active.LastPosition = position;
        _floors.RaiseAppliedTime(time);
        if (_active.Table.Reuse.IsDue) ReuseLocked();
    }

    // A round ends when everybody has left who read before it began; if somebody has not, it is asked again after the next batch.
    void ReuseLocked()
    {
        var reuse = _active.Table.Reuse;
        if (!reuse.IsUnderWay)
        {
            reuse.BeginRound(_floors.FixWithoutHistory());
            PublishStateLocked();
        }
        else if (_active.IsShownByOneState)
        {
            reuse.EndRound();
        }
    }

    void Check(WriteBatch batch)
    {
        if (batch.SystemTime == SystemTime.None || batch.SystemTime >= SystemTime.Max) Throw.Invalid($"a batch needs a system time, not {batch.SystemTime}");
        if (batch.HasMerges) CheckEncoded(batch.Encoded);
    }

    ulong CheckEncoded(ReadOnlySpan<byte> encoded)
    {
        var reader = new BatchReader(encoded);
        if (reader.SystemTime == SystemTime.None || reader.SystemTime >= SystemTime.Max) Throw.Invalid($"a batch needs a system time, not {reader.SystemTime}");
        while (reader.TryRead(out var effect))
            if (effect.Kind == EffectKind.Merge && _options.Policy.MergeOperatorOf(_floors.KeyspaceOf(effect.Key)) is null)
                Throw.Invalid("a merge was written to a keyspace that has no merge operator");
        return reader.SystemTime.Value;
    }

    // Outside of the gate: this is where writers wait.
    void WaitForRoom(int bytes)
    {
        if (_pressure == WritePressure.None && _frozen.Length < _options.FrozenStop) return;
        if (_pressure == WritePressure.Slowdown && _frozen.Length < _options.FrozenStop)
        {
            if (Interlocked.Add(ref _slowdownBytes, bytes) < SlowdownBytes) return;
            Interlocked.Exchange(ref _slowdownBytes, 0);
            var slowed = _environment.Scheduler.Time.GetTimestamp();
            _signal.WaitUntil(() => _closed || Pressure == WritePressure.None, SlowdownWait);
            _statistics.AddSlowdown(_environment.Scheduler.Time.GetElapsedTime(slowed));
            return;
        }
        if (HasRoom()) return;
        _statistics.AddStop();   // before the wait: who looks meanwhile sees why nothing goes on
        var stopped = _environment.Scheduler.Time.GetTimestamp();
        _signal.WaitUntil(HasRoom);
        _statistics.AddWait(_environment.Scheduler.Time.GetElapsedTime(stopped));
    }

    // Why what a writer waits for does not come; null if it is on its way. A compaction that fails is no reason to refuse a write that waits
    // for a flush.
    Exception? Obstacle =>
        _pressure == WritePressure.Stop ? _compactionFailure : _frozen.Length >= _options.FrozenStop ? _flushFailure : null;

    bool HasRoom() => _closed || Obstacle is not null ||
        (_pressure != WritePressure.Stop && (_frozen.Length < _options.FrozenStop || !IsFull(_active.Table)));

    // By itself; or because opening would have to read too much log, though little of it stays in memory; or, from some size on, because the memtables of
    // all trees together are beyond their budget. (Divided, not multiplied: who only reads never freezes, and says so with the largest number.)
    bool IsFull(Memtable active) => active.AllocatedBytes >= _options.MemtableBytes || active.AppliedBytes / LogPerMemtable >= _options.MemtableBytes ||
        (_environment.Arenas.OutstandingBytes > _environment.Options.MemtableBudgetBytes && active.AllocatedBytes > EarlyFreezeBytesMin);

    bool TryMakeRoomLocked()
    {
        if (_closed) Throw.Closed(_directory);
        if (_pressure != WritePressure.Stop && !IsFull(_active.Table)) return true;
        if (_frozen.Length < _options.FrozenStop && _pressure != WritePressure.Stop)
        {
            FreezeLocked();
            return true;
        }
        // No room, and nobody making any: say why instead of waiting for ever.
        if (Obstacle is { } failure)
        {
            var code = (failure as AevumException)?.Code ?? ErrorCode.InputOutput;
            var what = _pressure == WritePressure.Stop ? "compaction" : "flush";
            throw new AevumException(code, $"writes to {_directory} wait for a {what} that fails: {failure.Message}", failure);
        }
        return false;
    }

    // Pending batches stay pending: they will be applied to the new memtable, whose positions they follow on.
    void FreezeLocked()
    {
        if (_active.Table.IsEmpty) return;
        _frozen = [_active, .. _frozen];
        _active = new MemtableHandle(NewMemtable(_active.Table.PlaceSlotsForNext)) { LastPosition = _active.LastPosition };
        PublishStateLocked();
        StartFlushLocked();
    }

    Memtable NewMemtable(int placeSlots = 0) => new(_environment.Arenas, MemtableOptions.Default with
    {
        Forgets = _floors.KeepsNoHistory,
        PlaceSlots = placeSlots,
        ReuseRoundBytes = (int)Math.Min(MemtableOptions.Default.ReuseRoundBytes, _options.MemtableBytes / 64),
    });

    void PublishStateLocked()
    {
        var before = _state;
        Volatile.Write(ref _state, new ReadState(_active, _frozen, _remembered, _version));
        before.Release();
    }
}
