// Session: in whose name, in which namespace and at which moment things are asked for. Cheap to open; may be used from several threads.
//
// A session as of a moment reads the database as it was then, catalog included, and writes nothing.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>A view of the database for one namespace and principal.</summary>
public sealed partial class Session : IDisposable
{
    readonly Database _database;
    readonly NamespaceEntry _namespace;
    readonly PrincipalEntry? _principal;
    readonly CatalogSnapshot? _pastCatalog;
    StepBatch? _spare;
    volatile bool _disposed;

    internal Session(Database database, NamespaceEntry tenant, PrincipalEntry? principal, SystemTime? moment = null)
    {
        _database = database;
        _namespace = tenant;
        _principal = principal;
        Moment = moment;
        if (moment is { } at) _pastCatalog = database.Shards.CatalogAt(at);
        Default = new Keyspace(this, new KeyspaceId(tenant.Id, KeyspaceEntry.DefaultId));
    }

    /// <summary>The database.</summary>
    public Database Database => _database;

    /// <summary>Name of the namespace.</summary>
    public string Namespace => _namespace.Name;

    /// <summary>Name of the principal; null: nobody's.</summary>
    public string? Principal => _principal?.Name;

    /// <summary>The moment that reads stand at; null: the present.</summary>
    public SystemTime? Moment { get; }

    /// <summary>Kept beside every commit of the session, so that its history tells who and why. Null: nothing is kept.</summary>
    public CommitNote? Note { get; set; }

    /// <summary>The namespace's default keyspace.</summary>
    public Keyspace Default { get; }

    /// <summary>A keyspace by name.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: it holds structures or vectors, which are no plain keys and values.</exception>
    public Keyspace Keyspace(string name)
    {
        var entry = Find(name);
        if (entry.Kind != KeyspaceKind.KeyValue)
            Throw.Invalid(entry.Kind == KeyspaceKind.Vectors
                ? $"\"{name}\" is a vector collection, no keyspace of keys and values"
                : $"keyspace \"{name}\" holds structures, not keys and values: it is seen through the Redis protocol");
        return new Keyspace(this, entry.Id);
    }

    /// <summary>The rows of a keyspace of any kind, as they lie: for copies. Whoever writes there must know what they mean.</summary>
    /// <exception cref="AevumException">NotFound.</exception>
    public Keyspace RowsOf(string name) => new(this, Find(name).Id);

    KeyspaceEntry Find(string name) => Catalog.FindKeyspace(_namespace.Id, name) ??
        throw new AevumException(ErrorCode.NotFound, $"there is no keyspace \"{name}\" in namespace \"{_namespace.Name}\"");

    /// <summary>Names of the namespace's keyspaces, as of the session's moment, in the order in which they were made.</summary>
    public IReadOnlyList<string> ListKeyspaces()
    {
        RequireOpen();
        return [.. Catalog.KeyspacesOf(_namespace.Id).Select(k => k.Name)];
    }

    /// <summary>Makes a keyspace.</summary>
    /// <param name="name">Unique in the namespace.</param>
    /// <param name="options">Null: those of the database's default keyspace.</param>
    /// <exception cref="AevumException">AlreadyExists; InvalidArgument, LimitExceeded: it is no name; ReadOnly.</exception>
    public Keyspace CreateKeyspace(string name, KeyspaceOptions? options = null)
    {
        RequireWritable();
        _database.Change((batch, catalog) =>
            CatalogChange.CreateKeyspace(batch, catalog, _namespace.Id, name, options ?? _database.Options.DefaultKeyspace));
        return Keyspace(name);
    }

    internal void CreateKeyspace(string name, KeyspaceOptions options, KeyspaceKind kind)
    {
        RequireWritable();
        _database.Change((batch, catalog) => CatalogChange.CreateKeyspace(batch, catalog, _namespace.Id, name, options, kind));
    }

    internal void SwapKeyspaces(KeyspaceId first, KeyspaceId second)
    {
        RequireWritable();
        _database.Change((batch, catalog) => CatalogChange.SwapKeyspaces(batch, catalog, first, second));
    }

    /// <summary>Gives a keyspace other options.</summary>
    /// <exception cref="AevumException">NotFound; ReadOnly.</exception>
    public void AlterKeyspace(string name, KeyspaceOptions options)
    {
        RequireWritable();
        _database.Change((batch, catalog) => CatalogChange.AlterKeyspace(batch, catalog, IdOf(catalog, name), options));
    }

    /// <summary>Drops a keyspace and all its keys. What it held stays readable as of earlier moments, where its history was kept.</summary>
    /// <exception cref="AevumException">NotFound; ReadOnly; InvalidArgument: the default keyspace stays.</exception>
    public void DropKeyspace(string name)
    {
        RequireWritable();
        _database.Change((batch, catalog) => CatalogChange.DropKeyspace(batch, catalog, IdOf(catalog, name)));
    }

    KeyspaceId IdOf(CatalogSnapshot catalog, string name) => (catalog.FindKeyspace(_namespace.Id, name) ??
        throw new AevumException(ErrorCode.NotFound, $"there is no keyspace \"{name}\" in namespace \"{_namespace.Name}\"")).Id;

    /// <summary>A session that sees the database as it was at a moment: keys, keyspaces, expiries. It writes nothing.</summary>
    /// <exception cref="AevumException">InvalidArgument: the moment lies in the future.</exception>
    /// <exception cref="HistoryUnavailableException">By its reads: the moment lies below a keyspace's history floor.</exception>
    public Session AsOf(SystemTime moment)
    {
        RequireOpen();
        return new Session(_database, _namespace, _principal, moment);
    }

    /// <summary>The same for a wall-clock time: everything committed up to and within its microsecond.</summary>
    public Session AsOf(DateTimeOffset moment) => AsOf(SystemTime.AtOrBefore(moment));

    /// <summary>Begins a batch of steps, which may touch several keyspaces and is committed at one instant.</summary>
    public Batch NewBatch() => new(this);

    /// <summary>Begins a transaction.</summary>
    /// <exception cref="AevumException">ReadOnly: the session stands at a moment of the past.</exception>
    public Transaction Begin(Isolation isolation = Isolation.Serializable, TimeSpan? lockTimeout = null)
    {
        RequireOpen();
        if (Moment is not null) throw new AevumException(ErrorCode.ReadOnly, "a session as of a moment begins no transactions: it sees one moment anyway");
        return new Transaction(this, isolation, lockTimeout ?? TimeSpan.FromSeconds(10));
    }

    /// <summary>Runs an action in a transaction and commits it; tries again, with pauses that grow, when others were faster.</summary>
    /// <param name="action">May run several times: it should touch nothing but the transaction.</param>
    /// <param name="isolation">Serializable, unless told otherwise.</param>
    /// <param name="attemptsMax">Then the conflict is the caller's.</param>
    public T Run<T>(Func<Transaction, T> action, Isolation isolation = Isolation.Serializable, int attemptsMax = 100) =>
        TransactionRunner.Run(this, action, isolation, attemptsMax);

    /// <summary>The same for an action without a result.</summary>
    public void Run(Action<Transaction> action, Isolation isolation = Isolation.Serializable, int attemptsMax = 100) =>
        TransactionRunner.Run(this, transaction =>
        {
            action(transaction);
            return true;
        }, isolation, attemptsMax);

    /// <summary>The same for an action that awaits something. What it awaits holds no locks up but its own.</summary>
    /// <exception cref="AevumException">Also Cancelled: nothing was done.</exception>
    public ValueTask<T> RunAsync<T>(
        Func<Transaction, ValueTask<T>> action, Isolation isolation = Isolation.Serializable, int attemptsMax = 100,
        CancellationToken cancellation = default) =>
        TransactionRunner.RunAsync(this, action, isolation, attemptsMax, cancellation);

    /// <summary>Ends the session: everything asked of it afterwards is refused with Closed.</summary>
    public void Dispose() => _disposed = true;

    // ------------------------------------------------------------------------------------------------ for the rest of the assembly

    internal CatalogSnapshot Catalog => _pastCatalog ?? _database.Catalog;

    internal ReadView View => Moment is { } moment ? ReadView.AsOf(moment) : ReadView.Present;

    internal ReadView ViewAt(SystemTime? moment) => moment is { } at ? ReadView.AsOf(at) : View;

    internal void RequireOpen()
    {
        if (_disposed) Throw.Closed("the session");
    }

    internal void RequireWritable()
    {
        RequireOpen();
        _database.RequireWritable();
        if (Moment is not null) throw new AevumException(ErrorCode.ReadOnly, "a session as of a moment of the past writes nothing");
    }

    // One batch is kept for the next caller; callers beside each other make their own.
    internal StepBatch RentBatch()
    {
        var batch = Interlocked.Exchange(ref _spare, null) ?? new StepBatch(_database.Options.Limits);
        batch.Namespace = _namespace.Id;
        batch.Note = Note;
        return batch;
    }

    internal void ReturnBatch(StepBatch batch)
    {
        batch.Clear();
        _spare = batch;
    }
}
