// Database: one embedded database: a directory (or memory), opened by one process, used from any thread.
//
//   Database    opened once, disposed at the end         sessions, namespaces, the clock
//   Session     in whose name, in which namespace, at which moment       keyspaces, batches, transactions
//   Keyspace    a named set of keys with options of its own              get, put, scan, history
//
// Nothing here stores anything: steps go to shards through the seam (IShard), which decides them; reads go there at a view.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum;

/// <summary>An embedded database.</summary>
public sealed class Database : IDisposable
{
    readonly DatabaseOptions _options;
    readonly IScheduler? _ownScheduler;
    readonly OverlayFileSystem? _overlay;
    readonly LocalShards _shards;
    volatile bool _disposed;

    Database(string directory, DatabaseOptions options, IFileSystem files, RecordedTime? recorded = null, HybridClockOptions? clock = null,
        bool inMemory = false)
    {
        IsInMemory = inMemory;
        if (options.LogBytesKept is < 0 or > 1L << 50) Throw.Invalid($"a database keeps 0 bytes of log or more, not {options.LogBytesKept}");
        _options = options;
        var scheduler = options.Scheduler ?? (_ownScheduler = new ThreadScheduler());
        try
        {
            if (options.ReadOnly) files = _overlay = new OverlayFileSystem(files, directory, LocalShards.LockName);
            _shards = LocalShards.Open(files, scheduler, directory, options.Engine ?? new EngineOptions
            {
                ReadOnly = options.ReadOnly,
                Endpoint = options.Endpoint,
                SyncName = options.Sync,
                BlockCacheBytes = options.CacheBytes,
                MemtableBytes = options.MemtableBytes,
                Limits = options.Limits,
                DefaultKeyspace = options.DefaultKeyspace,
                ShardBoundaries = options.ShardBoundaries,
                AnswersKeptFor = options.AnswersKeptFor,
                FeedLogBytes = options.LogBytesKept,
                SavesIndexes = !inMemory,
                VectorMemoryBytes = options.VectorMemoryBytes,
                VectorTailRows = options.VectorTailRows,
                VectorSealRows = options.VectorSealRows,
                LogBytesMax = Math.Max(EngineOptions.Default.LogBytesMax, 2 * options.LogBytesKept),
                Clock = (clock ?? HybridClockOptions.Default) with { JumpBound = options.ClockJumpMax },
                Recorded = recorded,
            }, operators: options.MergeOperators);
        }
        catch
        {
            _overlay?.Dispose();
            _ownScheduler?.Dispose();
            throw;
        }
    }

    /// <summary>Opens the database in a directory, or makes one there.</summary>
    /// <exception cref="LockedException">Another process holds the directory; it says who, and where he can be reached.</exception>
    /// <exception cref="AevumException">Corruption: a file is damaged; nothing was
    /// changed. InvalidArgument: options without meaning. NotFound: read-only, and there is no database.</exception>
    public static Database Open(string directory, DatabaseOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        options ??= DatabaseOptions.Default;
        var files = options.Files ?? new DiskFileSystem();
        if (options.ReadOnly && !LocalShards.Exists(files, directory))
            throw new AevumException(ErrorCode.NotFound, $"there is no database in {directory}, and read-only none is made");
        return new Database(directory, options, files);
    }

    /// <summary>Whether a directory holds a database.</summary>
    public static bool Exists(string directory, IFileSystem? files = null) => LocalShards.Exists(files ?? new DiskFileSystem(), directory);

    /// <summary>A database that lives in memory and is gone when it is disposed.</summary>
    public static Database OpenInMemory(DatabaseOptions? options = null) =>
        new("memory", options ?? DatabaseOptions.Default, options?.Files ?? new MemoryFileSystem(), inMemory: true);

    internal static Database OpenRecorded(string directory, DatabaseOptions options, RecordedTime time, HybridClockOptions clock) =>
        new(directory, options, options.Files ?? new DiskFileSystem(), time, clock);

    /// <summary>True: it lives in memory, and is gone when it is disposed.</summary>
    public bool IsInMemory { get; }

    /// <summary>Different for every database ever made.</summary>
    public Guid Id => _shards.DatabaseId;

    /// <summary>This moment: every commit that has been answered lies at or below it, every one to come above it.</summary>
    public SystemTime Now => Shards.TakeNow();

    /// <summary>Namespaces and keyspaces as they are now. Immutable.</summary>
    public CatalogSnapshot Catalog => Shards.Catalog;

    internal DatabaseOptions Options => _options;

    /// <summary>The catalog as of a moment; of now, where it has not changed since.</summary>
    internal CatalogSnapshot CatalogAt(SystemTime moment) => Catalog is var now && moment >= now.Version ? now : Shards.CatalogAt(moment);

    /// <summary>True if who writes to a collection should wait: <see cref="WhenIndexHasRoomAsync"/>.</summary>
    internal bool IsIndexBehind(Model.Keyspace.KeyspaceId collection) => Shards.Indexes?.Find(collection) is { IsBehind: true };

    /// <summary>Why nothing can be written to a collection; null: it can.</summary>
    internal AevumException? IndexRefusal(Model.Keyspace.KeyspaceId collection) => Shards.Indexes?.Find(collection)?.Refusal;

    /// <summary>For a body of the scheduler.</summary>
    internal Task WhenIndexHasRoomAsync(Model.Keyspace.KeyspaceId collection) =>
        Shards.Indexes?.Find(collection)?.WhenRoomAsync() ?? Task.CompletedTask;

    internal LocalShards Shards
    {
        get
        {
            if (_disposed) Throw.Closed("the database");
            return _shards;
        }
    }

    internal IShardRouter Router => Shards;

    /// <summary>Why work that nobody waits for fails at present; null: it does not.</summary>
    internal Exception? BackgroundFailure => _shards.BackgroundFailure;

    internal HybridClock Clock => Shards.Clock;

    /// <summary>Begins a session.</summary>
    /// <param name="namespace">Must exist; "default" does from the first day.</param>
    /// <param name="principal">In whose name it acts; null: nobody's. Must exist.</param>
    /// <exception cref="AevumException">NotFound.</exception>
    public Session OpenSession(string @namespace = "default", string? principal = null)
    {
        var catalog = Catalog;
        var tenant = catalog.FindNamespace(@namespace) ?? throw new AevumException(ErrorCode.NotFound, $"there is no namespace \"{@namespace}\"");
        var actor = principal is null ? null
            : catalog.FindPrincipal(principal) ?? throw new AevumException(ErrorCode.NotFound, $"there is no principal \"{principal}\"");
        return new Session(this, tenant, actor);
    }

    /// <exception cref="AevumException">AlreadyExists; InvalidArgument, LimitExceeded: it is no name; ReadOnly.</exception>
    public void CreateNamespace(string name, KeyspaceOptions? defaultKeyspace = null) =>
        Change((batch, catalog) => CatalogChange.CreateNamespace(batch, catalog, name, defaultKeyspace ?? _options.DefaultKeyspace));

    /// <exception cref="AevumException">NotFound; InvalidArgument: it holds keyspaces beside its default one; ReadOnly.</exception>
    public void DropNamespace(string name) => Change((batch, catalog) => CatalogChange.DropNamespace(
        batch, catalog, (catalog.FindNamespace(name) ?? throw new AevumException(ErrorCode.NotFound, $"there is no namespace \"{name}\"")).Id));

    /// <exception cref="AevumException">AlreadyExists; InvalidArgument, LimitExceeded: it is no name; ReadOnly.</exception>
    public void CreatePrincipal(string name) => Change((batch, catalog) => CatalogChange.CreatePrincipal(batch, catalog, name));

    // Planned against the catalog of now; planned again if somebody else was faster.
    internal void Change(Func<StepBatch, CatalogSnapshot, CatalogChange> plan)
    {
        RequireWritable();
        while (true)
        {
            var batch = new StepBatch();
            var change = plan(batch, Catalog);
            Shards.CommitCatalog(batch);
            if (change.FindRefusal() is not { } refusal) return;
            if (refusal.Code != ErrorCode.Conflict) throw refusal;
        }
    }

    internal void RequireWritable()
    {
        if (_options.ReadOnly) throw new AevumException(ErrorCode.ReadOnly, "the database is open for reading only");
    }

    /// <summary>Counts what the database holds: shards, levels, keyspaces with their approximate sizes.</summary>
    public DatabaseStatistics CountAll() => Shards.CountAll();

    /// <summary>The database in numbers, for those who watch it; cheap, and may be asked for often.</summary>
    public DatabaseCounters Count() => Shards.Count();

    /// <summary>Writes the indexes of all vector collections to files: the next open need not build them anew. Done at a close, too; not needed for
    /// durability.</summary>
    /// <returns>How many are as they should be on disk; one that is still being built is not.</returns>
    /// <exception cref="AevumException">DiskFull, InputOutput: what was saved before stays.</exception>
    public int SaveIndexes() => Shards.Indexes?.SaveAll() ?? 0;

    /// <summary>Writes all that memory holds to tables: the next open has nothing to replay. Not needed for durability.</summary>
    public void Flush()
    {
        if (!_options.ReadOnly) Shards.Flush();
    }

    /// <summary>Makes a backup of the whole database, in a directory that may hold earlier ones: what they have already is not copied again. Commits go
    /// on meanwhile. What can be done with backups: <see cref="Backups"/>.</summary>
    /// <param name="directory">Made if it is not there; else it must be empty or hold backups of this database.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellation">Stops it; there is no new backup then.</param>
    /// <returns>The backup: it holds every commit up to its moment.</returns>
    /// <exception cref="AevumException">InvalidArgument: the directory holds something else, or backups of another database. Locked: somebody else changes
    /// them. Corruption: a table of this database is damaged. DiskFull, InputOutput, Cancelled: there is no new backup, and the earlier ones are as they
    /// were.</exception>
    public BackupInfo CreateBackup(string directory, BackupOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return BackupStores.Create(Shards, directory, options, cancellation);
    }

    /// <summary>The applied stream of a keyspace, from now on: batches as views, nothing allocated for each. <see cref="Aevum.Watch"/> is the easier
    /// way.</summary>
    public ISubscription Subscribe(Keyspace keyspace)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        return Router.Subscribe(StreamRange.Of(keyspace.Id), StreamStart.Now);
    }

    /// <summary>Returns when nothing is left to do in the background. Writers must be quiet.</summary>
    public void WaitIdle() => Shards.WaitIdle();

    /// <summary>Ends background work and closes every file. Sessions of the database are of no use afterwards.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _shards.Dispose();
        _overlay?.Dispose();
        _ownScheduler?.Dispose();
    }
}
