// LocalShards: all shards of a database in one directory of this process: one log with a stream for each, a tree for each, one clock.
//
//   DIR/LOCK  DATABASE  log/*  shards/<id>/*
//
//   open   identity -> log -> trees, compactions held back -> the catalog and the floors, from tables and log -> policies known: replay,
//          compactions -> clock above everything seen -> ceiling
//
// Policies must be known before anything is merged or flushed, and they stand in rows that may still be in the log only; so the log is looked
// through for those rows first (LogPeek), and replayed after.
//
// Not here: deciding batches (LocalShard), moving floors (RetentionKeeper), who may ask for what (Database).

using System.Buffers.Binary;
using System.Globalization;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Indexes;
using Aevum.Engine.Retention;
using Aevum.Engine.Sequencing.Locks;
using Aevum.Engine.Transactions;
using Aevum.Engine.Streams;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShards : IShardRouter, IDisposable
{
    public const string LockName = "LOCK";
    internal const string LogFolder = "log";
    internal const string ShardsFolder = "shards";
    internal const string IndexesFolder = "indexes";

    readonly StorageEnvironment _storage;
    StorageEnvironment? _ownStorage;
    readonly string _directory;
    readonly EngineOptions _options;
    readonly IDisposable _lock;
    readonly EnginePolicy _policy;
    readonly List<Tree> _trees = [];
    readonly List<LocalShard> _shards = [];
    readonly byte[][] _starts;
    readonly CommitLog _log;
    readonly ShardEnvironment _environment;
    readonly object _catalogGate = new();
    readonly RetentionKeeper? _retention;
    readonly ElementCollector? _collector;
    readonly VectorIndexes? _indexes;
    CatalogSnapshot _catalog;
    readonly LockTable _locks;
    SeededRandom? _chance;
    ulong _transactions;
    volatile bool _closed;

    /// <summary>Opens the database in a directory, or makes one.</summary>
    /// <param name="storage">Outlives the shards.</param>
    /// <param name="directory">Made if it is not there.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="holder">Named in the error that a second process gets.</param>
    /// <param name="operators">Merge operators by name, beside "append" and "add".</param>
    /// <exception cref="AevumException">Locked: another process holds the directory. Corruption, UnsupportedFormat.</exception>
    public static LocalShards Open(
        StorageEnvironment storage, string directory, EngineOptions? options = null, string? holder = null,
        IReadOnlyDictionary<string, IMergeOperator>? operators = null)
    {
        var files = storage.Options.Files;
        options ??= EngineOptions.Default;
        files.CreateDirectoryDurably(directory);
        holder ??= string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId}");
        var held = files.Lock(FilePaths.Combine(directory, LockName), $"{holder}\n{options.Endpoint}");
        try
        {
            return new LocalShards(storage, directory, options, held, WithBuiltIn(operators));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The same with a block cache and memory of its own, given back when the shards are closed.</summary>
    public static LocalShards Open(
        IFileSystem files, IScheduler scheduler, string directory, EngineOptions? options = null, string? holder = null,
        IReadOnlyDictionary<string, IMergeOperator>? operators = null)
    {
        options ??= EngineOptions.Default;
        var storage = new StorageEnvironment(new StorageOptions
        {
            Files = files,
            Scheduler = scheduler,
            BlockCacheBytes = options.BlockCacheBytes,
            MemtableBudgetBytes = options.ReadOnly ? long.MaxValue : StorageOptions.MemtableBudgetDefault,
        });
        try
        {
            var shards = Open(storage, directory, options, holder, operators);
            shards._ownStorage = storage;
            return shards;
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    static Dictionary<string, IMergeOperator> WithBuiltIn(IReadOnlyDictionary<string, IMergeOperator>? operators)
    {
        var all = new Dictionary<string, IMergeOperator>(StringComparer.Ordinal) { ["append"] = new AppendOperator(), ["add"] = new AddOperator() };
        foreach (var (name, merge) in operators ?? new Dictionary<string, IMergeOperator>())
            if (!all.TryAdd(name, merge)) Throw.Invalid($"the merge operator '{name}' is there already");
        return all;
    }

    LocalShards(
        StorageEnvironment storage, string directory, EngineOptions options, IDisposable held, IReadOnlyDictionary<string, IMergeOperator> operators)
    {
        _storage = storage;
        _directory = directory;
        _options = options;
        _lock = held;
        _policy = new EnginePolicy(operators);
        var files = storage.Options.Files;
        var scheduler = storage.Options.Scheduler;

        // The file comes first when a database is made, and last when one is restored: with anything else here, and not that, it is no new one.
        if (!DatabaseIdentity.Exists(files, directory))
            foreach (var folder in (string[])[LogFolder, ShardsFolder])
                if (files.DirectoryExists(FilePaths.Combine(directory, folder)))
                    Throw.Corruption(FilePaths.Combine(directory, DatabaseIdentity.FileName), 0,
                        $"a database's identity, as there is a {folder} directory: a restore did not get to its end here, or the file was lost");
        var identity = DatabaseIdentity.Exists(files, directory) ? DatabaseIdentity.Read(files, directory) : Create(files, scheduler);
        DatabaseId = identity.DatabaseId;
        Timeline = identity.Timeline;
        _starts = [.. identity.Shards.Select(s => s.Start)];
        _log = CommitLog.Open(files, scheduler, FilePaths.Combine(directory, LogFolder), new LogOptions
        {
            DatabaseId = identity.DatabaseId,
            Timeline = identity.Timeline,
            Sync = options.Sync,
            SegmentBytes = options.LogSegmentBytes,
            FirstSegmentBytes = Math.Min(options.LogSegmentBytes, 4 << 20),
            SpareSegments = 1,
            TotalBytesMax = options.LogBytesMax,
        });
        try
        {
            foreach (var shard in identity.Shards) _trees.Add(OpenTree(shard.Id, sharesLog: identity.Shards.Count > 1));
            var streams = identity.Shards.Select(s => _log.OpenStream(s.Id)).ToArray();
            _catalog = LoadPolicies(streams);

            ulong greatest = 0;
            var openedTimes = new SystemTime[_trees.Count];
            for (var i = 0; i < _trees.Count; i++)
            {
                if (!options.ReadOnly) _trees[i].ReleaseCompactions();
                openedTimes[i] = Replay(_trees[i], streams[i]);
                greatest = Math.Max(greatest, _trees[i].AppliedTime.Value);
            }
            if (_trees[0].Get(ShardEnvironment.CeilingKey) is { Length: sizeof(ulong) } ceiling)
                greatest = Math.Max(greatest, BinaryPrimitives.ReadUInt64LittleEndian(ceiling));
            var clock = new HybridClock(options.Recorded ?? scheduler.Time, new SystemTime(greatest), options.Clock);
            _locks = new LockTable(scheduler);
            _environment = new ShardEnvironment(options, scheduler, clock, _policy);
            for (var i = 0; i < _trees.Count; i++) _shards.Add(new LocalShard(identity.Shards[i].Id, _environment, _trees[i], streams[i], openedTimes[i]));
            foreach (var tree in _trees)
            {
                tree.Flushed += KeepLogShort;
                tree.SpaceWanted += _log.DropSpares;
            }
            _log.OldestPinned += OnLogPinned;
            JointCommit.Recover(_shards);
            _environment.CeilingShard = _shards[0];
            _log.MakeReady();
            // The process before may have died before its last sync. What is read from here on must not go with the power; and a policy that bounds
            // what a power cut may take counts from here.
            if (options.Sync.Kind != SyncKind.Os) _log.SyncNow();
            _environment.RaiseCeiling(clock.Ceiling);
            if (_catalog.FindNamespace(NamespaceEntry.DefaultId) is null) Found();
            if (options.ReadOnly || options.Recorded is not null) return;
            _retention = new RetentionKeeper(this, _policy, scheduler);
            _collector = new ElementCollector(this, _policy, scheduler);
            _indexes = new VectorIndexes(this, scheduler, files, options.SavesIndexes ? FilePaths.Combine(directory, IndexesFolder) : null, options);
            _indexes.DeleteLeftOvers(_catalog);
            _indexes.Follow(_catalog);
        }
        catch
        {
            foreach (var tree in _trees) tree.Dispose();
            _log.Dispose();
            throw;
        }
    }

    public Guid DatabaseId { get; }

    public uint Timeline { get; }

    public string Directory => _directory;

    /// <summary>This moment: at or above every commit that was answered, below every one that is decided from here on.</summary>
    public SystemTime TakeNow()
    {
        var now = _environment.Clock.Now;
        _environment.Clock.Observe(now);   // else a commit within the same microsecond could still get this very time
        return now;
    }

    /// <summary>Indexes of vector collections; null: the database is open to be read only, and searches look at the rows.</summary>
    public VectorIndexes? Indexes => _indexes;

    /// <summary>The clock that stamps every batch.</summary>
    public HybridClock Clock => _environment.Clock;

    IReadOnlyList<IShard> IShardRouter.Shards => _shards;

    internal IReadOnlyList<LocalShard> Shards => _shards;

    DatabaseIdentity Create(IFileSystem files, IScheduler scheduler)
    {
        Span<byte> id = stackalloc byte[16];
        scheduler.CreateRandom("database identity " + _directory).Fill(id);
        var bounds = new List<ShardBounds> { new(1, []) };
        foreach (var key in _options.ShardBoundaries.Order(KeyComparer.Instance))
            bounds.Add(new((uint)bounds.Count + 1, key));
        var identity = new DatabaseIdentity(new Guid(id), 1, bounds);
        DatabaseIdentity.Decode(identity.Encode(), DatabaseIdentity.FileName);   // refuses bounds that make no sense
        identity.Write(files, _directory);
        return identity;
    }

    internal static string FolderOf(uint id) => id.ToString("x8", CultureInfo.InvariantCulture);

    // Where several shards share the log, a table must not survive a power cut that takes older records from it: they may be the other parts of a
    // commit that the table holds a part of, or what that commit had read in another shard. So the log is durable first.
    Tree OpenTree(uint id, bool sharesLog) => Tree.Open(
        _storage, FilePaths.Combine(FilePaths.Combine(_directory, ShardsFolder), FolderOf(id)),
        _options.Tree with
        {
            OwnLog = false,
            Policy = _policy,
            Limits = _options.Limits,
            HoldCompactions = true,
            MemtableBytes = _options.ReadOnly ? long.MaxValue : _options.Tree.MemtableBytes,
            BeforeFlushCounts = sharesLog ? _log.SyncNow : null,
        });

    // ------------------------------------------------------------------------------------------------ opening

    CatalogSnapshot LoadPolicies(LogStream[] streams)
    {
        var catalog = new SortedDictionary<byte[], (byte[] Value, SystemTime Version)>(KeyComparer.Instance);
        var floors = new Dictionary<ulong, ulong>();
        var removed = new Dictionary<ulong, byte[]>();   // what stood in the rows of keyspaces that are gone
        for (var i = 0; i < _trees.Count; i++)
        {
            if (i == 0)
                foreach (var (key, value, version) in RowsOf(_trees[0], SystemKeyspaces.Catalog)) catalog[key] = (value, version);
            foreach (var (key, value, _) in RowsOf(_trees[i], SystemKeyspaces.Floors)) RetentionRows.Read(key, value, floors);
            LogPeek.Run(streams[i], _trees[i].AppliedPosition + 1, (in Effect effect, SystemTime time) =>
            {
                if (!KeyspaceId.TryRead(effect.Key, out var keyspace)) return;
                if (keyspace == SystemKeyspaces.Floors && effect.Kind == EffectKind.Put) RetentionRows.Read(effect.Key, effect.Value, floors);
                if (keyspace != SystemKeyspaces.Catalog) return;
                if (effect.Kind == EffectKind.Put) catalog[effect.Key.ToArray()] = (effect.Value.ToArray(), time);
                else if (catalog.Remove(effect.Key.ToArray(), out var row)) NoteRemoved(effect.Key, row.Value, removed);
            });
        }
        var snapshot = SnapshotOf(catalog.Select(row => new CatalogRow(row.Key, row.Value.Value, row.Value.Version)));
        _policy.Load(snapshot, DroppedKeyspaces(snapshot, removed));
        _policy.RaiseFloors(floors);
        return snapshot;
    }

    static void NoteRemoved(ReadOnlySpan<byte> key, byte[] value, Dictionary<ulong, byte[]> removed)
    {
        if (CatalogKey.Read(key) is { Kind: CatalogRowKind.Keyspace } row) removed[new KeyspaceId(row.Parent, row.Id).Value] = value;
    }

    // Keyspaces that were dropped, as they were before: from the log (rows that were removed there), or from the history of the catalog in tables.
    List<KeyspaceEntry> DroppedKeyspaces(CatalogSnapshot snapshot, Dictionary<ulong, byte[]> removed)
    {
        var dropped = new List<KeyspaceEntry>();
        foreach (var space in snapshot.Namespaces)
        {
            for (uint id = 0; id < snapshot.NextKeyspaceOf(space.Id); id++)
            {
                var keyspace = new KeyspaceId(space.Id, id);
                if (snapshot.FindKeyspace(keyspace) is not null) continue;
                if (!removed.TryGetValue(keyspace.Value, out var value))
                    value = _trees[0].VersionsOf(CatalogKey.OfKeyspace(keyspace).ToBytes()).FirstOrDefault(v => v.Kind == EffectKind.Put)?.Value;
                if (value is not null) dropped.Add(CatalogRow.DecodeKeyspace(keyspace, value));
            }
        }
        return dropped;
    }

    static CatalogSnapshot SnapshotOf(IEnumerable<CatalogRow> rows)
    {
        var all = rows.ToList();
        return CatalogSnapshot.FromRows(all, all.Count == 0 ? SystemTime.None : all.Max(r => r.Version));
    }

    void Found()
    {
        var batch = new StepBatch();
        CatalogChange.Found(batch, _options.DefaultKeyspace);
        CommitCatalog(batch);
    }

    static IEnumerable<(byte[] Key, byte[] Value, SystemTime Version)> RowsOf(Tree tree, KeyspaceId keyspace)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace);
        using var rows = tree.Iterate(new IterateOptions { Start = start, End = end });
        for (rows.SeekToFirst(); rows.Valid; rows.Next()) yield return (rows.Key.ToArray(), rows.Value.ToArray(), rows.Version);
    }

    // Returns the time of the last batch that is here.
    SystemTime Replay(Tree tree, LogStream stream)
    {
        var first = tree.AppliedPosition + 1;
        if (stream.FirstPosition > first)
            Throw.Corruption(
                FilePaths.Combine(_directory, LogFolder), 0,
                $"position {first} of stream {stream.Id}, the first that is in no table; the stream starts at {stream.FirstPosition}");
        if (stream.LastPosition < tree.AppliedPosition)
        {
            // A power cut took records whose effects are in tables: the stream goes on behind them.
            stream.Release(tree.AppliedPosition);
            return tree.FlushedTime;
        }
        var last = tree.FlushedTime.Value;
        stream.Replay(first, (position, payload) =>
        {
            tree.Apply(payload, position);
            last = BatchReader.TimeOf(payload);
        });
        return new(last);
    }

    // What is in tables needs no log, but subscribers may want the last stretch of it: those who are behind, those who come back. All streams at
    // each flush: one that hardly writes hardly flushes, and would hold the others' old segments.
    void KeepLogShort()
    {
        var kept = Math.Min(_options.FeedLogBytes, _options.LogBytesMax / 2);
        if (_closed || _log.TotalBytes <= kept) return;
        try
        {
            lock (_logGate)
            {
                if (_logHolds > 0) return;
                foreach (var shard in _shards) ReleaseLog(shard, kept);
            }
        }
        catch (AevumException)
        {
            // A log that has stopped is released by the next open.
        }
    }

    static void ReleaseLog(LocalShard shard, long kept)
    {
        var first = Math.Min(shard.Tree.FlushedPosition + 1, shard.LogStream.FirstPositionInLast(kept));
        if (first > 1) shard.LogStream.Release(first - 1);
    }

    void OnLogPinned(LogStream stream)
    {
        var index = _shards.FindIndex(s => s.Id == stream.Id);
        if (index < 0) return;
        _environment.Scheduler.Start("flush for the log", WorkClass.Flush, _ =>
        {
            if (!_closed)
            {
                lock (_logGate)
                    if (_logHolds == 0) ReleaseLog(_shards[index], Math.Min(_options.FeedLogBytes, _options.LogBytesMax / 2));
                _trees[index].RequestFlush();
            }
            return Task.CompletedTask;
        });
    }

    // ------------------------------------------------------------------------------------------------ routing

    public IShard ShardOf(ReadOnlySpan<byte> key) => _shards[IndexOf(key)];

    int IndexOf(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _starts.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (key.SequenceCompareTo(_starts[middle]) >= 0) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    public IEnumerable<(IShard Shard, byte[] Start, byte[]? End)> ShardsOf(byte[] start, byte[]? end)
    {
        for (var i = IndexOf(start); i < _shards.Count; i++)
        {
            if (end is not null && _starts[i].AsSpan().SequenceCompareTo(end) >= 0) yield break;
            var last = i + 1 == _shards.Count ? null : _starts[i + 1];
            var partEnd = last is null ? end : end is null || last.AsSpan().SequenceCompareTo(end) < 0 ? last : end;
            yield return (_shards[i], _starts[i].AsSpan().SequenceCompareTo(start) > 0 ? _starts[i] : start, partEnd);
        }
    }

    public void CommitJointly(IReadOnlyList<(IShard Shard, StepBatch Part)> parts)
    {
        if (parts.Count == 1) parts[0].Shard.Commit(parts[0].Part);
        else if (parts.Count > 1) JointCommit.Run(_environment, _log, parts.Select(p => ((LocalShard)p.Shard, p.Part)));
    }

    public ValueTask CommitJointlyAsync(IReadOnlyList<(IShard Shard, StepBatch Part)> parts, CancellationToken cancellation = default) => parts.Count switch
    {
        0 => default,
        1 => parts[0].Shard.CommitAsync(parts[0].Part, cancellation),
        _ => JointCommit.RunAsync(_environment, _log, parts.Select(p => ((LocalShard)p.Shard, p.Part)), cancellation),
    };

    public IHeldMoment HoldNow()
    {
        // Held first, then named: whatever is shown meanwhile lies above what is held, and the moment above what was shown.
        var held = new TreeSnapshot[_trees.Count];
        for (var i = 0; i < held.Length; i++) held[i] = _trees[i].OpenSnapshot();
        var moment = new HeldMoment(held, TakeNow());
        try
        {
            foreach (var shard in _shards) shard.RequireOver(moment.At);
            return moment;
        }
        catch
        {
            moment.Dispose();
            throw;
        }
    }

    /// <summary>Does something that writes files. Where it finds the disk full it is done once more, if the log kept files for later and has given them
    /// back.</summary>
    internal T WithRoom<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (AevumException full) when (full.Code == ErrorCode.DiskFull && _log.TryDropSpares())
        {
        }
        return write();
    }

    sealed class HeldMoment(TreeSnapshot[] held, SystemTime at) : IHeldMoment
    {
        public SystemTime At => at;

        public void Dispose()
        {
            foreach (var snapshot in held) snapshot.Dispose();
        }
    }

    /// <summary>Locks of interactive transactions, of all shards.</summary>
    public LockTable Locks => _locks;

    /// <summary>Numbers transactions in the order they begin.</summary>
    public ulong NextTransactionOrder() => Interlocked.Increment(ref _transactions);

    /// <summary>Random numbers for pauses.</summary>
    public SeededRandom Chance => _chance ??= _environment.Scheduler.CreateRandom("pauses");

    /// <summary>Lets some time pass.</summary>
    public void Pause(TimeSpan time) => _environment.Pauses.WaitUntil(static () => false, time);

    /// <summary>Lets some time pass, and no thread with it; sooner if it is cancelled.</summary>
    public Task PauseAsync(TimeSpan time, CancellationToken cancellation) => _environment.Scheduler.Delay(time, cancellation);

    /// <remarks>Of the rows that the database keeps about itself, which stand in each shard, it gives those of the first; the others' are to be had
    /// from the shards.</remarks>
    public ISubscription Subscribe(StreamRange range, StreamStart start)
    {
        var parts = ShardsOf(range.Start.ToArray(), range.HasEnd ? range.End.ToArray() : null);
        return Subscribing.Begin(_environment, range, [.. parts.Select(p => new ShardPart((LocalShard)p.Shard, StreamRange.Between(p.Start, p.End)))], start);
    }

    // ------------------------------------------------------------------------------------------------ catalog

    /// <summary>The catalog now.</summary>
    public CatalogSnapshot Catalog => Volatile.Read(ref _catalog);

    /// <summary>Commits a change of the catalog and returns when every shard follows it.</summary>
    /// <param name="change">Steps on the catalog's rows alone. A step may be added to it.</param>
    /// <returns>The catalog after it. Refused changes leave it: see <see cref="StepBatch.Status"/>.</returns>
    /// <exception cref="AevumException">As of <see cref="IShard.Commit"/>; InvalidArgument also: a merge operator that is not registered.</exception>
    public CatalogSnapshot CommitCatalog(StepBatch change)
    {
        lock (_catalogGate)
        {
            var beginning = Plan(change);
            if (beginning.Count > 0) change.Call(new FloorsFromNow(beginning), RetentionRows.KeyOf(beginning[0]));
            // All shards change over at one instant: none decides anything for the old catalog that comes after the new one.
            JointCommit.Run(_environment, _log, PartsOf(change), () =>
            {
                var next = _catalog.Apply(CatalogRow.ChangedBy(change), change.Time);
                _policy.RaiseFloors(beginning.ToDictionary(id => id, _ => change.Time.Value));
                _policy.Load(next);
                Volatile.Write(ref _catalog, next);
            });
            _indexes?.Follow(_catalog);
            return _catalog;
        }
    }

    // The first shard keeps the catalog; each forgets what it holds of a keyspace that goes.
    List<(LocalShard Shard, StepBatch Part)> PartsOf(StepBatch change)
    {
        var parts = new List<(LocalShard Shard, StepBatch Part)> { (_shards[0], change) };
        foreach (var shard in _shards.Skip(1)) parts.Add((shard, new StepBatch(_options.Limits)));
        for (var i = 0; !change.IsPlain && i < change.Count; i++)
        {
            var step = change.StepAt(i);
            if (step.Kind != StepKind.DeleteRange) continue;
            foreach (var (shard, start, end) in ShardsOf(step.Key.ToArray(), step.Value.ToArray()))
                if (shard != _shards[0]) parts.Find(p => p.Shard == shard).Part.DeleteRange(start, end);
        }
        return parts;
    }

    // Looks at what a change will make of the catalog, before it is in the log: an operator that nobody knows would stop every later open.
    // Returns the keyspaces that begin to keep history: it begins with the change, and a floor says so.
    List<ulong> Plan(StepBatch change)
    {
        CatalogSnapshot planned;
        try
        {
            planned = _catalog.Apply(CatalogRow.PlannedBy(change, _catalog.Version), _catalog.Version);
        }
        catch (CorruptionException)
        {
            return [];   // planned against another catalog: its conditions will refuse it
        }
        _policy.RequireOperatorsOf(planned);
        return [.. planned.Keyspaces.Where(k => k.Options.History.Kind != HistoryKind.None &&
            _catalog.FindKeyspace(k.Id)?.Options.History.Kind == HistoryKind.None).Select(k => k.Id.Value)];
    }

    sealed class FloorsFromNow(IReadOnlyList<ulong> keyspaces) : IProcedure
    {
        public string Name => "engine.floors-from-now";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            foreach (var keyspace in keyspaces) context.Put(RetentionRows.KeyOf(keyspace), RetentionRows.ValueOf(context.Time.Value));
        }
    }

    /// <summary>The catalog as it was at a moment.</summary>
    public CatalogSnapshot CatalogAt(SystemTime moment)
    {
        var (start, end) = KeyLayout.RangeOf(SystemKeyspaces.Catalog);
        var rows = new List<CatalogRow>();
        using var cursor = _shards[0].OpenCursor(start, end, ReadView.AsOf(moment));
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) rows.Add(new CatalogRow(cursor.Key.ToArray(), cursor.Value.ToArray(), cursor.Version));
        return SnapshotOf(rows);
    }

    /// <summary>Says that a keyspace's history is whole from a time on only. A floor below the one that holds changes nothing.</summary>
    public void RaiseFloor(KeyspaceId keyspace, SystemTime floor)
    {
        lock (_catalogGate)
        {
            if (_policy.KnownFloorOf(keyspace.Value) >= floor.Value) return;
            foreach (var shard in _shards)
            {
                var batch = new StepBatch(_options.Limits);
                batch.Put(RetentionRows.KeyOf(keyspace.Value), RetentionRows.ValueOf(floor.Value));
                shard.Commit(batch);
            }
            _policy.RaiseFloors(new Dictionary<ulong, ulong> { [keyspace.Value] = floor.Value });
        }
    }

    /// <summary>Writes all that memory holds to tables.</summary>
    public void Flush()
    {
        foreach (var tree in _trees) tree.Flush();
    }

    /// <summary>Returns when no flush and no compaction is running or due, and the log prepares nothing. Writers must be quiet.</summary>
    public void WaitIdle()
    {
        foreach (var tree in _trees) tree.WaitIdle();
        _log.WaitIdle();
    }

    /// <summary>Whether a directory holds a database.</summary>
    public static bool Exists(IFileSystem files, string directory) => DatabaseIdentity.Exists(files, directory);

    /// <summary>The time below which reads of a keyspace are refused: the least of its shards'.</summary>
    internal SystemTime HistoryFloorOf(KeyspaceId keyspace)
    {
        var key = KeyLayout.Make(keyspace, default);
        var least = SystemTime.Max;
        foreach (var shard in _shards)
            if (shard.HistoryFloorOf(key) is var floor && floor < least) least = floor;
        return least;
    }

    /// <summary>On return everything that was decided survives a power cut.</summary>
    internal void SyncLog() => _log.SyncNow();

    // The next open need not build them anew then. Not worth an error: rows are safe without.
    void SaveIndexes()
    {
        try
        {
            _indexes?.SaveForClose();
        }
        catch (AevumException)
        {
        }
    }

    /// <summary>Stops background work and closes every file. What was acknowledged is in the log.</summary>
    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        SaveIndexes();
        _environment.Close();
        _indexes?.Dispose();
        _collector?.Dispose();
        _retention?.Dispose();
        _locks.Dispose();
        _environment.LowerCeiling();
        foreach (var tree in _trees) tree.Dispose();
        _log.Dispose();
        _lock.Dispose();
        _ownStorage?.Dispose();
    }
}
