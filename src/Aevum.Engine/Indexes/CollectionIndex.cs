// CollectionIndex: the derived index of one vector collection. It follows the collection's rows in the applied stream and answers searches.
//
//   stream ─ Pull ─> keys, tail ─ Index ─> graph                 search: tail, exactly, and graph; what the tail says of a key goes before the graph
//
//   Building    the rows that are there come as a snapshot         searches look at the rows of the store: exact, and slower
//   Following   batches come as they are shown                     searches use tail and graph
//   Ended       dropped, or the database closes
//
//   Building  -> Following   [Pull: the snapshot's end]
//   Following -> Building    [Restart: the stream could not be followed on, Lagging or Compacted]       what is in the graph stays: rows are compared by
//                                                                                                        version, and those that are gone are deleted
//
// Pull is done by whoever needs it: the indexer in the background, and each search, which so covers everything that was shown when it began: a search
// right after a write finds it. Only the indexer touches the graph. The tail is bounded: above EngineOptions.VectorTailRows writers wait (WaitForRoom).
//
// Where there is no memory for a vector (the budget), indexing stops there: writes to the collection are refused (Refusal), searches look at the rows,
// and it is tried again from time to time. What the tail took of a batch in part is pulled again, from the last place noted (GoBackLocked).
//
// Not here: searching (CollectionIndex.Searching), files (CollectionIndex.Saving), vectors that become codes (CollectionIndex.Upkeep).

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Engine.Streams;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Vectors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Engine.Indexes;

/// <summary>What a collection's index is doing.</summary>
public enum IndexState
{
    Building = 0,
    Following = 1,
    Ended = 2,
}

public sealed partial class CollectionIndex : IDisposable
{
    const int RowsPerTurn = 16;           // indexed before others may run
    const int SnapshotRowsAhead = 4096;   // of a snapshot, in the tail
    static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);
    static readonly TimeSpan LookAtLeastEvery = TimeSpan.FromSeconds(1);   // while nothing is written
    static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    readonly LocalShards _shards;
    readonly KeyspaceId _keyspace;
    readonly CollectionOptions _options;
    readonly VectorShape _shape;
    readonly MemoryBudget _budget;
    readonly long _tailRows;
    readonly int _sealRows;
    readonly Lock _pullGate = new();
    readonly Signal _changed;
    readonly KeyTable _keys = new();
    readonly IndexTail _tail;
    readonly IFileSystem _files;
    readonly string? _directory;          // of its files; null: it lives in memory alone
    readonly bool _keepsHistory;
    VectorIndex? _graph;                  // null: not opened or begun yet
    BackgroundTask? _saving;
    bool _isDropped;
    readonly ReaderWriterLockSlim _life = new();
    readonly BackgroundTask _task;
    LocalSubscription? _subscription;     // under _pullGate
    SystemTime[] _shown = [];             // under _pullGate
    ulong _completeFrom;                  // searches as of earlier moments look at the rows
    volatile IndexState _state;
    volatile AevumException? _refusal;
    readonly Dictionary<uint, int> _lastOf = [];   // of a batch: where each number's last effect stands
    long _malformed;
    volatile bool _disposed;
    volatile bool _rests;                 // nothing was written for a while: whoever writes now wakes it

    internal CollectionIndex(
        LocalShards shards, KeyspaceEntry entry, IScheduler scheduler, IFileSystem files, string? directory, MemoryBudget budget, long tailRows,
        int sealRows)
    {
        _files = files;
        _directory = directory;
        _keepsHistory = entry.Options.History.Kind != HistoryKind.None;
        _shards = shards;
        _keyspace = entry.Id;
        Name = entry.Name;
        _options = entry.Options.Collection!;
        _shape = CollectionShapes.ShapeOf(_options);
        _budget = budget;
        _tailRows = tailRows;
        _sealRows = sealRows;
        _tail = new IndexTail(_shape, _keys, budget);
        _changed = scheduler.CreateSignal($"index {entry.Id}");
        _task = scheduler.Start($"index {entry.Id}", WorkClass.Index, cancellation => Run(scheduler, cancellation));
    }

    /// <summary>Of the collection, when the index began.</summary>
    public string Name { get; }

    public IndexState State => _state;

    internal bool IsEnded => _task.IsCompleted;

    /// <summary>Rows that were written and are not in the graph yet; as far as anybody looked.</summary>
    public long TailRows => _tail.Count;

    /// <summary>Keys in the graph.</summary>
    public long Indexed => _graph?.Count ?? 0;

    /// <summary>Keys in the graph whose vectors are codes.</summary>
    public long Coded => Describe()?.CodedCount ?? 0;

    /// <summary>Memory of graph or codes for each key in the graph, in bytes; whole vectors that lie in files beside their codes are not in it.</summary>
    public double BytesPerVector => Describe()?.BytesPerVector ?? 0;

    /// <summary>Rows that are no vectors of the collection, and so in no index: copied in by hand.</summary>
    public long Malformed => Volatile.Read(ref _malformed);

    /// <summary>Memory of graph, tail and keys, in bytes.</summary>
    public long MemoryBytes => Describe() is { } graph ? graph.LiveBytes + graph.HistoryBytes + _keys.MemoryBytes + (_tail.Count * _shape.Stride) : 0;

    VectorIndexStatistics? Describe()
    {
        _life.EnterReadLock();
        try
        {
            return _disposed || _graph is null ? null : _graph.Statistics();
        }
        finally
        {
            _life.ExitReadLock();
        }
    }

    /// <summary>Why nothing more can be written to the collection; null: it can.</summary>
    public AevumException? Refusal => _refusal;

    /// <summary>True if writers are to wait: more is to be indexed than the tail may hold. Asked by writers before they write: it also wakes an index at
    /// rest.</summary>
    public bool IsBehind
    {
        get
        {
            if (_rests)
            {
                _rests = false;
                _changed.Raise();
            }
            return IsFull;
        }
    }

    bool IsFull => _state == IndexState.Following && _refusal is null && _tail.Count > _tailRows;

    // ------------------------------------------------------------------------------------------------ writers

    /// <summary>Waits until there is room in the tail.</summary>
    /// <exception cref="AevumException">LimitExceeded: the index has no memory for more.</exception>
    public void WaitForRoom()
    {
        if (_refusal is { } refusal) throw new AevumException(refusal.Code, refusal.Message, refusal);
        if (!IsBehind) return;
        _changed.WaitUntil(() => !IsFull || _disposed);
        if (_refusal is { } later) throw new AevumException(later.Code, later.Message, later);
    }

    /// <summary>The same for a body of the scheduler, which then looks itself.</summary>
    public Task WhenRoomAsync() => _changed.WaitUntilAsync(() => !IsFull || _disposed);

    /// <summary>Returns when everything that is shown now is in the graph.</summary>
    /// <returns>False: the index ended, or has no memory.</returns>
    public bool WaitIndexed()
    {
        if (_state == IndexState.Building) _changed.WaitUntil(() => _state != IndexState.Building || _refusal is not null || _disposed);
        if (!TryPull()) return false;
        var end = _tail.End;
        _changed.Raise();
        _changed.WaitUntil(() => _tail.Taken >= end || _refusal is not null || _disposed || _state != IndexState.Following);
        return _tail.Taken >= end;
    }

    // ------------------------------------------------------------------------------------------------ following

    async Task Run(IScheduler scheduler, CancellationToken cancellation)
    {
        try
        {
            await Follow(scheduler, cancellation);
        }
        catch (OperationCanceledException)
        {
        }
        End();   // also where the scheduler ends first
        if (_saving is { } saving) await saving.WaitAsync();
        if (_upkeep is { } upkeep) await upkeep.WaitAsync();
        Free();
    }

    VectorIndexOptions GraphOptions => new()
    {
        Graph = new HnswOptions { M = _options.M, EfConstruction = _options.EfConstruction, EfSearch = _options.EfSearch },
        KeepHistory = _keepsHistory,
        Codes = CollectionShapes.CodesOf(_options),
        SealRows = _sealRows,
    };

    async Task Follow(IScheduler scheduler, CancellationToken cancellation)
    {
        var pause = LookEvery;   // longer and longer while nothing is written
        while (!cancellation.IsCancellationRequested && !_disposed)
        {
            try
            {
                if (_graph is null) OpenOrBegin(scheduler);
                PullSome();
                RaiseFloor();
                StartSaveIfDue(scheduler);
                StartUpkeepIfDue(scheduler);
                if (HasWork)
                {
                    IndexSome();
                    await scheduler.Yield();
                    pause = LookEvery;
                    continue;
                }
                var rests = pause > LookEvery;
                _rests = rests;
                await _changed.WaitUntilAsync(() => HasWork || rests != _rests || _disposed || cancellation.IsCancellationRequested, pause);
                pause = rests != _rests ? LookEvery : pause * 2 < LookAtLeastEvery ? pause * 2 : LookAtLeastEvery;
            }
            catch (AevumException ending) when (ending.Code == ErrorCode.Closed)
            {
                break;
            }
            catch (AevumException failure)
            {
                if (failure.Code is ErrorCode.Lagging or ErrorCode.Compacted) Restart();
                else if (failure.Code == ErrorCode.LimitExceeded) Refuse(failure);
                else await scheduler.Delay(LookAgain, cancellation);
                if (_refusal is not null) await scheduler.Delay(LookAgain, cancellation);
            }
        }
    }

    bool HasWork => _tail.Taken < Math.Min(_tail.End, Volatile.Read(ref _indexEnd));

    // What was saved is opened, and followed on if the log still reaches back so far; else rows are compared with it (Begin).
    void OpenOrBegin(IScheduler scheduler)
    {
        var token = TryOpen(scheduler);
        _graph ??= new VectorIndex(_shape, GraphOptions, _budget);
        if (token is null) return;
        lock (_pullGate)
        {
            if (_disposed) return;
            try
            {
                SubscribeLocked(StreamStart.After(token));
                _nextPlace = new(_tail.End, token);
                _state = IndexState.Following;
            }
            catch (AevumException lost) when (lost.Code is ErrorCode.Compacted or ErrorCode.InvalidArgument)
            {
            }
        }
        _changed.Raise();
    }

    // What retention has given up is forgotten here, too.
    void RaiseFloor()
    {
        if (!_keepsHistory || _graph is not { } graph) return;
        var floor = _shards.HistoryFloorOf(_keyspace);
        if (floor <= graph.HistoryFloor || floor >= SystemTime.Max) return;
        graph.RaiseFloor(floor);
        _nextLook = 0;   // segments of which it has passed more than half are worth writing anew
    }

    void Refuse(AevumException failure)
    {
        _refusal = new AevumException(
            ErrorCode.LimitExceeded, $"the index of collection \"{Name}\" has no memory for more vectors: {failure.Message}", failure);
        _changed.Raise();
    }

    // The background's part: what is there, but of a snapshot no more than the tail should hold.
    void PullSome()
    {
        lock (_pullGate)
        {
            if (_disposed) return;
            if (_subscription is null) Begin();
            NotePlaceLocked();
            while (_tail.Count < (_state == IndexState.Building ? SnapshotRowsAhead : _tailRows) && _subscription!.TryNext(out var batch)) TakeLocked(batch);
        }
    }

    /// <summary>Takes in everything that is shown by now.</summary>
    /// <returns>False: the index does not cover the collection at present.</returns>
    bool TryPull()
    {
        if (_state != IndexState.Following || _refusal is not null) return false;
        lock (_pullGate)
        {
            if (_disposed || _state != IndexState.Following || _subscription is not { } subscription) return false;
            try
            {
                subscription.NoteShown(_shown);
                while (!subscription.Covers(_shown))
                    while (subscription.TryNext(out var batch)) TakeLocked(batch);
                return true;
            }
            catch (AevumException failure)
            {
                // The background meets it, too, and does what is to be done.
                if (failure.Code == ErrorCode.LimitExceeded) Refuse(failure);
                return false;
            }
        }
    }

    void Begin()
    {
        _state = IndexState.Building;
        for (var number = 0u; number < _keys.Count; number++) _keys.StateOf(number).IsMet = false;
        SubscribeLocked(StreamStart.Snapshot);
    }

    void SubscribeLocked(StreamStart start)
    {
        _subscription = (LocalSubscription)_shards.Subscribe(StreamRange.Of(_keyspace), start);
        _shown = new SystemTime[_subscription.Shards];
    }

    // The place in the stream is lost: everything is compared with the rows anew.
    void Restart()
    {
        lock (_pullGate) RestartLocked();
    }

    void RestartLocked()
    {
        _subscription?.Dispose();
        _subscription = null;
        (_reachedPlace, _nextPlace) = (null, null);
        _state = IndexState.Building;
    }

    // Where there is no memory for all of a batch, the subscription has given it nevertheless, and must give it again.
    void TakeLocked(in AppliedBatch batch)
    {
        try
        {
            TakeEffectsLocked(batch);
        }
        catch (AevumException refused) when (refused.Code == ErrorCode.LimitExceeded)
        {
            GoBackLocked();
            throw;
        }
    }

    // To the last place that was noted. What was taken since is taken again, which changes nothing.
    void GoBackLocked()
    {
        if (_state == IndexState.Following && _nextPlace is { } place)
        {
            _subscription!.Dispose();
            try
            {
                SubscribeLocked(StreamStart.After(place.Token));
                return;
            }
            catch (AevumException lost) when (lost.Code is ErrorCode.Compacted or ErrorCode.InvalidArgument)
            {
            }
        }
        RestartLocked();
    }

    void TakeEffectsLocked(in AppliedBatch batch)
    {
        switch (batch.Kind)
        {
            case AppliedKind.SnapshotEnd:
                EndSnapshot(batch.Time);
                return;
            case AppliedKind.SnapshotRow:
                var row = batch.Row;
                var number = _keys.FindOrAdd(KeyLayout.UserKeyOf(row.Key));
                ref var state = ref _keys.StateOf(number);
                state.IsMet = true;
                // A version that the rows do not have: a power cut took it, and the index had been quicker to the disk.
                if (state.IsLive && state.Version > batch.Time.Value) Delete(number, new SystemTime(state.Version + 1));
                if (state.Version != batch.Time.Value || !state.IsLive) Put(number, batch.Time, row.Value);
                return;
        }
        // A range delete is older than everything else of its batch; of several effects on one key the last one counts.
        var isOne = batch.Count == 1;
        _lastOf.Clear();
        var at = 0;
        foreach (var effect in batch)
        {
            if (effect.Kind == EffectKind.DeleteRange) DeleteRange(effect.Key, effect.Value, batch.Time);
            else if (!isOne) _lastOf[_keys.FindOrAdd(KeyLayout.UserKeyOf(effect.Key))] = at;
            at++;
        }
        at = 0;
        foreach (var effect in batch)
        {
            var number = effect.Kind == EffectKind.DeleteRange ? 0 : _keys.FindOrAdd(KeyLayout.UserKeyOf(effect.Key));
            var counts = effect.Kind != EffectKind.DeleteRange && (isOne || _lastOf[number] == at);
            at++;
            if (!counts) continue;
            if (effect.Kind == EffectKind.Put) Put(number, batch.Time, effect.Value);
            else Delete(number, batch.Time);
        }
    }

    void Put(uint number, SystemTime time, ReadOnlySpan<byte> value)
    {
        if (!IndexedRow.TryRead(value, _options, out var elements))
        {
            Interlocked.Increment(ref _malformed);
            Delete(number, time);
            return;
        }
        _tail.Append(number, time.Value, elements);
        _keys.Note(number, time.Value, isLive: true);
    }

    void Delete(uint number, SystemTime time)
    {
        if (!_keys.StateOf(number).IsLive) return;
        _tail.Append(number, time.Value, default);
        _keys.Note(number, time.Value, isLive: false);
    }

    void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, SystemTime time)
    {
        for (var number = 0u; number < _keys.Count; number++)
        {
            if (!_keys.StateOf(number).IsLive) continue;
            var key = KeyLayout.Make(_keyspace, _keys.KeyOf(number)).AsSpan();
            if (key.SequenceCompareTo(start) >= 0 && key.SequenceCompareTo(end) < 0) Delete(number, time);
        }
    }

    // Every row that is there was met; what was not met is gone, nobody knows exactly since when.
    void EndSnapshot(SystemTime moment)
    {
        var complete = moment.Value;
        for (var number = 0u; number < _keys.Count; number++)
        {
            if (_keys.StateOf(number) is not { IsLive: true, IsMet: false } gone) continue;
            var at = Math.Max(moment.Value, gone.Version + 1);   // a clock that went back may be before it
            Delete(number, new SystemTime(at));
            complete = Math.Max(complete, at);
        }
        Volatile.Write(ref _completeFrom, complete);
        _state = IndexState.Following;
        _changed.Raise();
    }

    // ------------------------------------------------------------------------------------------------ indexing

    unsafe void IndexSome()
    {
        var entry = _tail.Taken;
        var end = Math.Min(Math.Min(_tail.End, Volatile.Read(ref _indexEnd)), entry + RowsPerTurn);
        try
        {
            for (; entry < end; entry++)
            {
                ref readonly var change = ref _tail[entry];
                if (change.IsDelete) _graph!.Delete(change.Number, new SystemTime(change.Time));
                else if (_keepsHistory || change.Next == long.MaxValue)
                    _graph!.PutElements(change.Number, new ReadOnlySpan<byte>(_tail.VectorOf(entry), _shape.ElementBytes), new SystemTime(change.Time));
            }
            _refusal = null;
        }
        finally
        {
            _tail.Take(entry);
            _changed.Raise();
        }
    }

    /// <summary>Begins to end it: later searches look at the rows; memory goes when those that run have their answers.</summary>
    /// <param name="isDropped">Its files go, too.</param>
    internal void End(bool isDropped = false)
    {
        lock (_pullGate)
        {
            if (_disposed) return;
            _isDropped = isDropped;
            _disposed = true;
            _state = IndexState.Ended;
            _subscription?.Dispose();
        }
        _task.Cancel();
        _saving?.Cancel();
        _upkeep?.Cancel();
        _changed.Raise();
    }

    // By the task, as the last thing that it does.
    void Free()
    {
        _life.EnterWriteLock();
        try
        {
            _graph?.Dispose();
            _tail.Dispose();
            foreach (var scan in _scans) scan.Dispose();
        }
        finally
        {
            _life.ExitWriteLock();
        }
        if (_isDropped) DeleteFiles();
    }

    /// <summary>Ends it, and waits for that.</summary>
    public void Dispose()
    {
        End();
        _task.Wait();
    }
}
