// HistoryLoad: a recorded history written again into a new database: the same versions at the same system times.
//
// The database's clocks stand at the time of what is being written, so all that holds of a database in use holds of this one at that time: times
// rise, the catalog is older than its rows. Nothing is forgotten meanwhile, and no ceiling is raised between two commits, whose times may be
// neighbours. When it is opened next it lives on from the last commit.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;

namespace Aevum;

/// <summary>Makes a database of commits that were made elsewhere. One thread.</summary>
public sealed class HistoryLoad : IDisposable
{
    // Before the first commit: for the catalog.
    static readonly TimeSpan Before = TimeSpan.FromSeconds(1);

    readonly RecordedTime _time;
    readonly Session _session;

    HistoryLoad(Database database, RecordedTime time)
    {
        Database = database;
        _time = time;
        _session = database.OpenSession();
    }

    /// <summary>The database that is being made. It is closed with this.</summary>
    public Database Database { get; }

    /// <summary>Makes a database.</summary>
    /// <param name="directory">Must not hold one.</param>
    /// <param name="first">At or below the time of the first commit.</param>
    /// <param name="last">At or above the time of the last one.</param>
    /// <param name="options">One shard.</param>
    /// <exception cref="AevumException">AlreadyExists: there is a database. InvalidArgument: the times are in the wrong order, or lie in the
    /// future.</exception>
    public static HistoryLoad Begin(string directory, SystemTime first, SystemTime last, DatabaseOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        options ??= DatabaseOptions.Default;
        if (first > last) Throw.Invalid($"a history from {first} to {last} ends before it begins");
        if (first.Microseconds <= (ulong)Before.TotalMicroseconds) Throw.Invalid($"a history cannot begin at {first}");
        if (options.ShardBoundaries.Count > 0) Throw.Invalid("a history is loaded into one shard");
        if (LocalShards.Exists(options.Files ?? new DiskFileSystem(), directory))
            throw new AevumException(ErrorCode.AlreadyExists, $"{directory} holds a database; a history is loaded into a new one");
        var time = new RecordedTime(first.Microseconds - (ulong)Before.TotalMicroseconds);
        // Renewed at half of it, so never.
        var span = TimeSpan.FromMicroseconds(last.Microseconds - first.Microseconds) + Before;
        var database = Database.OpenRecorded(directory, options, time, HybridClockOptions.Default with { CeilingSpan = (span * 2) + TimeSpan.FromMinutes(1) });
        return new HistoryLoad(database, time);
    }

    /// <summary>Makes a namespace, if it is not there, and a keyspace in it, or gives the one that is there these options.</summary>
    /// <param name="floor">From when on its history is whole; None: from the beginning.</param>
    public Keyspace CreateKeyspace(
        string @namespace, string name, KeyspaceOptions options, SystemTime floor = default, KeyspaceKind kind = KeyspaceKind.KeyValue)
    {
        if (Database.Catalog.FindNamespace(@namespace) is null) Database.CreateNamespace(@namespace, options);
        using var session = Database.OpenSession(@namespace);
        if (session.ListKeyspaces().Contains(name)) session.AlterKeyspace(name, options);
        else session.CreateKeyspace(name, options, kind);
        var keyspace = new Keyspace(_session, session.RowsOf(name).Id);
        if (floor != SystemTime.None && options.History.Kind != HistoryKind.None) Database.Shards.RaiseFloor(keyspace.Id, floor);
        return keyspace;
    }

    /// <summary>Begins a batch.</summary>
    public Batch NewBatch() => _session.NewBatch();

    /// <summary>Commits a batch at a time of its own.</summary>
    /// <param name="at">Above the time of the commit before.</param>
    /// <exception cref="AevumException">InvalidArgument: it is not; and those of <see cref="Batch.Commit"/>.</exception>
    public void Commit(Batch batch, SystemTime at)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (at == SystemTime.None) Throw.Invalid("a commit needs a time");
        _time.MoveTo(at.Microseconds - 1);
        batch.At = at;
        batch.Commit();
    }

    /// <summary>Closes the database.</summary>
    public void Dispose()
    {
        _session.Dispose();
        Database.Dispose();
    }
}
