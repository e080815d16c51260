// CommitLog, durability: syncs, the marks they leave, and what each policy asks for.
//
// Group commit needs no timer. Whoever finds its address not durable takes the sync gate; whoever is inside syncs everything appended so
// far, so that those who waited at the gate mostly find themselves covered when they get in.
//
// A sync covers, in order: every earlier segment not synced yet, then the current one up to the tail it saw. Only then _durable moves, and
// the next append writes a mark that says so (a mark of its own sync would say what is not yet true).

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Log;

public sealed partial class CommitLog
{
    readonly List<(LogSegment Segment, uint End)> _syncing = [];   // scratch of SyncTo, under the sync gate
    ulong _durable;             // read without a lock; moves under the sync gate
    long _durableRecords;
    ulong _marked;              // the last address a mark speaks of
    long _syncs;
    BackgroundTask? _syncTask;  // under _gate
    bool _syncTaskRuns;

    /// <summary>Everything before this address survives the loss of power.</summary>
    public LogAddress Durable => new(Volatile.Read(ref _durable));

    /// <summary>Syncs done since the log was opened: group commit at work shows as fewer syncs than records.</summary>
    public long SyncCount => Volatile.Read(ref _syncs);

    /// <summary>Returns once everything before the address survives the loss of power, whatever the policy.</summary>
    /// <exception cref="AevumException">Closed: a sync failed, now or earlier. The cause is inside.</exception>
    public void WaitDurable(LogAddress address)
    {
        if (address.Value > Volatile.Read(ref _durable)) SyncTo(address);
    }

    /// <summary>Returns once a record that ends at the address may be acknowledged under the log's policy: with <c>always</c> when it is
    /// durable, with <c>every:n</c> when at most n records are not; otherwise at once, since an appended record survives the process.</summary>
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
        lock (_syncGate)
        {
            if (address.Value <= _durable) return;
            ulong target;
            long records;
            lock (_gate)
            {
                if (_failure is not null) Throw.Closed(Name, _failure);
                if (address.Value > _appended) Throw.Invalid($"{Name} ends at {Appended}; nothing at {address} can become durable");
                target = _appended;
                records = _appendedRecords;
                _syncing.Clear();
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
