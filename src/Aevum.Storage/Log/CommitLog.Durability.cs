// CommitLog, durability: syncs, the marks they leave, and what each policy asks for.
//
// Group commit needs no timer. Whoever finds its address not durable takes the turn, if nobody has it, and syncs everything appended so far;
// the others wait for its end. Then those who are covered go on, all at once, and one of the rest has the next turn. (A plain lock would
// not do: covered waiters would queue behind the next sync only to find out that they need none.)
//
// A sync covers, in order: every earlier segment not synced yet, then the current one up to the tail it saw. Only then _durable moves, and
// the next append writes a mark that says so (a mark of its own sync would say what is not yet true).

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog
{
    const ulong AnyAddress = ulong.MaxValue;

    readonly List<(LogSegment Segment, uint End)> _syncing = [];   // scratch of SyncInTurn; belongs to whoever has the turn
    readonly Signal _turnEnded;
    bool _turnIsTaken;          // changes under _gate; whoever has the turn may sync, or take files away
    ulong _durable;             // read without a lock; moved by whoever has the turn
    long _durableRecords;
    ulong _marked;              // the last address a mark speaks of
    long _syncs;
    BackgroundTask? _syncTask;  // under _gate
    bool _syncTaskRuns;

    /// <summary>Everything before this address survives the loss of power.</summary>
    public LogAddress Durable => new(Volatile.Read(ref _durable));

    /// <summary>Syncs done since the log was opened: group commit at work shows as fewer syncs than records.</summary>
    public long SyncCount => Volatile.Read(ref _syncs);

    /// <summary>Bytes of records written since the log was opened.</summary>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <summary>Returns once everything before the address survives the loss of power, whatever the policy.</summary>
    /// <exception cref="AevumException">Closed: a sync failed, now or earlier. The cause is inside.</exception>
    public void WaitDurable(LogAddress address)
    {
        if (address.Value > Volatile.Read(ref _durable)) SyncTo(address);
    }

    /// <summary>Returns once a record that ends at the address may be acknowledged under the log's policy: with <c>always</c> when it is
    /// durable, with <c>every:n</c> when at most n records are not; otherwise at once, since an appended record survives the
    /// process.</summary>
    /// <exception cref="AevumException">Closed: a sync failed, now or earlier. The cause is inside.</exception>
    public void WaitAcknowledged(LogAddress address)
    {
        switch (_options.Sync.Kind)
        {
            case SyncKind.Always:
                WaitDurable(address);
                break;
            case SyncKind.Every:
                var atRisk = Volatile.Read(ref _appendedRecords) - Volatile.Read(ref _durableRecords);
                if (atRisk > _options.Sync.Records) WaitDurable(address);
                else if (atRisk > _options.Sync.Records / 2) StartSync();   // early, so that with luck nobody will wait
                break;
        }
    }

    /// <summary>Makes everything appended so far durable.</summary>
    public void SyncNow() => WaitDurable(Appended);

    void SyncTo(LogAddress address)
    {
        if (!TakeTurn(address.Value)) return;
        try
        {
            SyncInTurn();
        }
        finally
        {
            EndTurn();
        }
    }

    // Waits until everything before the address is durable (false) or the turn is the caller's (true).
    bool TakeTurn(ulong address)
    {
        while (true)
        {
            lock (_gate)
            {
                if (address <= _durable) return false;
                if (_failure is not null) Throw.Closed(Name, _failure);
                if (!_turnIsTaken)
                {
                    if (address != AnyAddress && address > _appended)
                        Throw.Invalid($"{Name} ends at {Appended}; nothing at {new LogAddress(address)} can become durable");
                    return _turnIsTaken = true;
                }
            }
            // False only where the scheduler is closing; then the turn may be free all the same.
            if (!_turnEnded.WaitUntil(() => address <= Volatile.Read(ref _durable) || !Volatile.Read(ref _turnIsTaken))
                && Volatile.Read(ref _turnIsTaken))
                Throw.Closed("the scheduler");
        }
    }

    void EndTurn()
    {
        lock (_gate) _turnIsTaken = false;
        _turnEnded.Raise();
    }

    // The turn is the caller's.
    void SyncInTurn()
    {
        ulong target;
        long records;
        lock (_gate)
        {
            target = _appended;
            records = _appendedRecords;
            // Freed ones too while their files are there: a mark speaks of everything that the next open will find before it.
            foreach (var segment in _freed) AddToSyncLocked(segment);
            foreach (var segment in _segments) AddToSyncLocked(segment);
        }
        try
        {
            foreach (var (segment, end) in _syncing)
            {
                segment.Sync(_files, end);
                segment.SyncedTo = end;
            }
        }
        catch (Exception failure)
        {
            lock (_gate) FailLocked(failure);
            Throw.Closed(Name, failure);
        }
        finally
        {
            foreach (var (segment, _) in _syncing) Unpin(segment);
            _syncing.Clear();
        }
        Volatile.Write(ref _syncs, _syncs + 1);
        Volatile.Write(ref _durableRecords, records);
        Volatile.Write(ref _durable, target);
        // The next append goes the slow way and leaves the mark.
        lock (_gate) _softEnd = 0;
    }

    void AddToSyncLocked(LogSegment segment)
    {
        if (segment.SyncedTo >= segment.End) return;
        segment.Pins++;
        _syncing.Add((segment, segment.End));
    }

    // What the log should know before the stream's next record: how far it is durable, what the stream let go of.
    void WriteNewsLocked(LogStream stream)
    {
        var durable = Volatile.Read(ref _durable);
        if (durable > _marked)
        {
            WriteSmallLocked(RecordKind.Mark, 0, 0, durable);
            _marked = durable;
        }
        if (stream.BoundsAreNews) WriteBoundsLocked(stream);
    }

    static int NewsSize(LogStream stream) => RecordFormat.SmallRecordBytes * (stream.BoundsAreNews ? 2 : 1);

    void WriteBoundsLocked(LogStream stream)
    {
        WriteSmallLocked(RecordKind.Bounds, stream.Id, stream.Index.Last, stream.Index.First);
        stream.BoundsAreNews = false;
        stream.NextPosition = stream.Index.Last + 1;
    }

    void WriteSmallLocked(RecordKind kind, uint stream, ulong position, ulong value)
    {
        Span<byte> payload = stackalloc byte[sizeof(ulong)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(payload, value);
        PublishLocked(_tail, StoreLocked(_tail, kind, stream, position, default, payload));
    }

    // At the close: what still fits. It is not synced: it only spares the next open some doubt, so a failure changes nothing.
    void WriteClosingNewsLocked()
    {
        if (_failure is not null || _current is null) return;
        try
        {
            foreach (var stream in _streams.Values)
                if (stream.BoundsAreNews && FitsLocked(RecordFormat.SmallRecordBytes)) WriteBoundsLocked(stream);
            if (_durable > _marked && FitsLocked(RecordFormat.SmallRecordBytes)) WriteSmallLocked(RecordKind.Mark, 0, 0, _durable);
        }
        catch (AevumException failure)
        {
            FailLocked(failure);
        }
    }

    bool FitsLocked(int bytes) => _tail + bytes <= Math.Min(_current!.RecordsEndMax, _current.PreparedTo);

    bool WantsSyncTimerLocked => _options.Sync.Kind == SyncKind.Interval && !_syncTaskRuns;

    // Starts the background sync of the policy, if none is on its way.
    void StartSync()
    {
        lock (_gate)
        {
            if (_syncTaskRuns || _closed || _failure is not null || _appended == _durable) return;
            _syncTaskRuns = true;
            UpdateSoftEndLocked();
        }
        _syncTask = _options.Sync.Kind == SyncKind.Interval
            ? TryStart("log sync timer", SyncAtIntervalsAsync)
            : TryStart("log sync", SyncOnceAsync);
    }

    // Runs while there is something at risk: a log without traffic has no timer.
    async Task SyncAtIntervalsAsync(CancellationToken cancellation)
    {
        var left = _options.Sync.Interval;
        while (!cancellation.IsCancellationRequested)
        {
            if (left > TimeSpan.Zero) await _scheduler.Delay(left, cancellation);
            // What is appended from here on waits for the next sync, an interval after this one began.
            var began = _scheduler.Time.GetTimestamp();
            TrySyncAll();
            left = _options.Sync.Interval - _scheduler.Time.GetElapsedTime(began);
            lock (_gate)
            {
                if (_failure is null && _appended != _durable) continue;
                _syncTaskRuns = false;
                UpdateSoftEndLocked();
                return;
            }
        }
    }

    Task SyncOnceAsync(CancellationToken cancellation)
    {
        TrySyncAll();
        lock (_gate) _syncTaskRuns = false;
        return Task.CompletedTask;
    }

    void TrySyncAll()
    {
        try
        {
            SyncTo(Appended);
        }
        catch (AevumException)
        {
            // The log has stopped; every later append and wait says why.
        }
    }
}
