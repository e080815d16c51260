// Tree, maintenance: at most one flush and one compaction at a time, as bodies on the scheduler, and the one place where edits are installed.
//
//   install    tables' names durable -> manifest (the commit point) -> new version and read state -> log released, old files marked
//
// A body that fails (disk full, I/O error) leaves everything as it was, tells writers why, and tries again after a pause, so that the tree
// recovers by itself when space returns. Only a failed manifest is special: what of it reached the disk is unknown, so its tables stay until
// the next open decides.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Storage.Compaction;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

public sealed partial class Tree
{
    const int RewritesWorthRemembering = 2;

    static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    LiveVersion _version;
    BackgroundTask? _flushTask;
    BackgroundTask? _compactionTask;
    bool _flushRuns;
    bool _compactionRuns;
    WholeCompaction? _compactAll;   // asked for and not done yet
    int _compactionHolds;   // while above zero no compaction starts
    volatile Exception? _flushFailure;        // two of them: a compaction that succeeds says nothing about flushes
    volatile Exception? _compactionFailure;

    /// <summary>Why the last flush or compaction failed, while that is so.</summary>
    public Exception? MaintenanceFailure => _flushFailure ?? _compactionFailure;

    /// <summary>Raised on a background thread, under no lock, when <see cref="FlushedPosition"/> has risen.</summary>
    public event Action? Flushed;

    /// <summary>Raised when a flush or a compaction found the disk full, before it is tried again: whoever keeps files for later lets them go.</summary>
    public event Action? SpaceWanted;

    /// <summary>Writes everything applied so far to tables, and returns when that is done.</summary>
    /// <exception cref="AevumException">The flush failed; it will be tried again in the background.</exception>
    public void Flush()
    {
        MemtableHandle newest;
        lock (_gate)
        {
            if (_closed) Throw.Closed(_directory);
            _flushFailure = null;
            FreezeLocked();
            if (_frozen.Length == 0) return;
            newest = _frozen[0];
            StartFlushLocked();
        }
        // Not for an empty list: writers who go on may never let that be seen.
        _signal.WaitUntil(() => _closed || !_frozen.Contains(newest) || _flushFailure is not null);
        ThrowIfFailed(_flushFailure);
    }

    /// <summary>Merges all that was written before the call down to the last level, and what the floors allow out of existence.</summary>
    /// <exception cref="AevumException">A flush or a compaction failed; the rest will be done in the background.</exception>
    public void CompactAll()
    {
        Flush();
        lock (_gate)
        {
            _compactionFailure = null;
            _compactAll = new WholeCompaction();
            StartCompactionLocked();
        }
        _signal.WaitUntil(() => _closed || _compactAll is null || _compactionFailure is not null);
        ThrowIfFailed(_compactionFailure);
    }

    /// <summary>Returns when no flush and no compaction is running or due, and the log prepares nothing. Writers must be quiet.</summary>
    public void WaitIdle()
    {
        _signal.WaitUntil(() => _closed || MaintenanceFailure is not null || IsIdle());
        _log?.WaitIdle();
        ThrowIfFailed(MaintenanceFailure);
    }

    /// <summary>Ends what <see cref="TreeOptions.HoldCompactions"/> began; once.</summary>
    public void ReleaseCompactions()
    {
        lock (_gate)
        {
            _compactionHolds--;
            StartCompactionLocked();
        }
    }

    void ThrowIfFailed(Exception? failure)
    {
        if (failure is not null)
            throw new AevumException(
                (failure as AevumException)?.Code ?? ErrorCode.InputOutput, $"background work in {_directory} failed: {failure.Message}", failure);
    }

    bool IsIdle()
    {
        lock (_gate) return !_flushRuns && !_compactionRuns && _frozen.Length == 0;
    }

    void StartFlushLocked()
    {
        if (_flushRuns || _frozen.Length == 0 || _closed) return;
        _flushRuns = true;
        _flushTask = _environment.Scheduler.Start("flush", WorkClass.Flush, RunFlushesAsync);
    }

    void StartCompactionLocked()
    {
        if (_compactionRuns || _compactionHolds > 0 || _closed || !(_options.Compaction.Automatic || _compactAll is not null)) return;
        if (_compactAll is null && PickLocked() is null) return;
        _compactionRuns = true;
        _compactionTask = _environment.Scheduler.Start("compaction", WorkClass.Background, RunCompactionsAsync);
    }

    CompactionPlan? PickLocked() =>
        CompactionPicker.Pick(_version.Picture, _options.Compaction, System.Collections.Frozen.FrozenSet<ulong>.Empty, _floors.LowestRecorded());

    async Task RunFlushesAsync(CancellationToken cancellation)
    {
        while (true)
        {
            MemtableHandle[] memtables;
            LiveVersion version;
            lock (_gate)
            {
                if (_frozen.Length == 0 || _closed)
                {
                    _flushRuns = false;
                    break;
                }
                memtables = _frozen;
                version = _version;
                version.AddReference();
            }
            try
            {
                var job = new FlushJob(memtables, version, _store, _options.Policy, _floors, _options.Compaction, _environment.Scheduler);
                var edit = await job.RunAsync(cancellation);
                _options.BeforeFlushCounts?.Invoke();
                Install(edit, memtables);
                _statistics.AddFlush(job.BytesWritten);
                _flushFailure = null;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                _flushFailure = failure;
                AskForSpace(failure);
                await PauseAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                lock (_gate) _flushRuns = false;
                break;
            }
            finally
            {
                version.Release();
            }
        }
        _signal.Raise();
    }

    async Task RunCompactionsAsync(CancellationToken cancellation)
    {
        while (true)
        {
            CompactionPlan? plan;
            WholeCompaction? whole;
            LiveVersion version;
            lock (_gate)
            {
                plan = PickNextLocked();
                whole = _compactAll;
                if (plan is null)
                {
                    _compactionFailure = null;   // nothing is left to be done that could fail
                    _compactionRuns = false;
                    break;
                }
                version = _version;
                version.AddReference();
            }
            try
            {
                var job = new CompactionJob(
                    plan, new(version, _store, _options.Policy, _floors, _options.Compaction, _environment.Scheduler, _environment.Budget));
                Install(await job.RunAsync(cancellation), []);
                whole?.LevelDone();
                if (plan.IsMove) _statistics.AddMove();
                else _statistics.AddCompaction(plan.IsDrop ? 0 : job.BytesRead, job.BytesWritten, job.VersionsDropped);
                _compactionFailure = null;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                _compactionFailure = failure;
                AskForSpace(failure);
                await PauseAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                lock (_gate) _compactionRuns = false;
                break;
            }
            finally
            {
                version.Release();
            }
        }
        _signal.Raise();
    }

    void AskForSpace(Exception failure)
    {
        if (failure is AevumException { Code: ErrorCode.DiskFull }) SpaceWanted?.Invoke();
    }

    async Task PauseAsync(CancellationToken cancellation)
    {
        _signal.Raise();
        try
        {
            await _environment.Scheduler.Delay(RetryPause, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The next look at _closed ends the body.
        }
    }

    CompactionPlan? PickNextLocked()
    {
        if (_closed || _compactionHolds > 0) return null;
        if (_compactAll is not null)
        {
            if (_compactAll.Pick(_version.Picture) is { } plan) return plan;
            _compactAll = null;
            _signal.Raise();
        }
        return _options.Compaction.Automatic ? PickLocked() : null;
    }

    /// <summary>Makes an edit true: on disk, then in memory.</summary>
    /// <param name="bringsNew">True: it adds tables that may hold newer versions than what was flushed last.</param>
    void Install(VersionEdit edit, MemtableHandle[] flushed, bool bringsNew = false)
    {
        lock (_installGate)
        {
            if (_closed) throw new OperationCanceledException();
            if (edit.Added.Count > 0) _store.SyncDirectory();
            edit.NextTableId = _environment.LastTableId + 1;
            _manifest!.Append(edit);

            var before = _version;
            var next = LiveVersion.Create(_manifest.State.Version, before, _store);
            before.MarkObsoleteExcept(next.Picture);
            MemtableHandle? forgotten = null;
            lock (_gate)
            {
                _version = next;
                if (flushed.Length > 0 || bringsNew)
                {
                    forgotten = _remembered;
                    _remembered = flushed.Length > 0 && IsWorthRemembering(flushed, edit) ? flushed[0] : null;
                }
                if (flushed.Length > 0) _frozen = [.. _frozen.Where(m => !flushed.Contains(m))];
                PublishStateLocked();
                UpdatePressureLocked();
                StartCompactionLocked();
            }
            before.Release();
            forgotten?.Release();
            foreach (var memtable in flushed)
                if (memtable != _remembered) memtable.Release();
        }
        if (flushed.Length > 0)
        {
            ReleaseLog(_manifest.State.AppliedPosition);
            Flushed?.Invoke();
        }
        _signal.Raise();
    }

    /// <summary>True while lookups ask a memtable that was flushed.</summary>
    internal bool Remembers => Volatile.Read(ref _remembered) is not null;

    // Where keys are overwritten again and again, and nobody wants to know what they held before, a flush writes out little of what it reads. The same few
    // keys will be asked for next, and the active memtable has none of them yet: without this one each would be looked up in tables once after every
    // flush. Where most of it was written out it would only be in the way.
    bool IsWorthRemembering(MemtableHandle[] flushed, VersionEdit edit) =>
        flushed.Sum(m => m.Table.VersionsWritten) >= RewritesWorthRemembering * edit.Added.Sum(added => added.Table.Entries) &&
        _environment.Arenas.OutstandingBytes <= _environment.Options.MemtableBudgetBytes / 2;

    // The edit is installed, whatever the log says: one that has stopped is released by the next open.
    void ReleaseLog(ulong upTo)
    {
        try
        {
            _stream?.Release(upTo);
        }
        catch (AevumException)
        {
        }
    }

    void UpdatePressureLocked()
    {
        var options = _options.Compaction;
        var count = LevelZero.DepthOf(_version.Picture.Levels[0]);
        _pressure = !options.Automatic ? WritePressure.None
            : count >= options.LevelZeroStop ? WritePressure.Stop
            : count >= options.LevelZeroSlowdown ? WritePressure.Slowdown
            : WritePressure.None;
    }

    // The log is long although the memtable is not full: flush, so that opening stays quick and old log segments can go.
    void OnLogPinned(Storage.Log.LogStream stream)
    {
        if (!ReferenceEquals(stream, _stream)) return;
        _environment.Scheduler.Start("flush for the log", WorkClass.Flush, _ =>
        {
            RequestFlush();
            return Task.CompletedTask;
        });
    }

    void StopMaintenance()
    {
        BackgroundTask? flush, compaction;
        lock (_gate)
        {
            flush = _flushTask;
            compaction = _compactionTask;
        }
        flush?.Cancel();
        compaction?.Cancel();
        flush?.Wait();
        compaction?.Wait();
    }
}
