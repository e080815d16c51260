using Aevum.Core.Errors;

namespace Aevum.Cli.Databases;

/// <summary>A database opened for a command, and a session in one of its namespaces.</summary>
sealed class OpenedDatabase : IDisposable
{
    // A person sits before it and machines sleep: a wall clock that went on meanwhile is followed.
    public static readonly DatabaseOptions Options = new() { CacheBytes = 64 << 20, ClockJumpMax = TimeSpan.FromDays(3660) };

    OpenedDatabase(Database database, Session session) => (Database, Session) = (database, session);

    public Database Database { get; }

    public Session Session { get; }

    /// <param name="directory">Where it is.</param>
    /// <param name="create">False: a directory that holds none is refused with NotFound, and left alone.</param>
    /// <param name="tenant">The namespace; null: "default".</param>
    /// <param name="readOnly">True: nothing in the directory changes.</param>
    /// <param name="options">Null: <see cref="Options"/>.</param>
    public static OpenedDatabase Open(string directory, bool create, string? tenant = null, bool readOnly = false, DatabaseOptions? options = null)
    {
        if (!create && !Database.Exists(directory))
            throw new AevumException(ErrorCode.NotFound, System.IO.Directory.Exists(directory)
                ? $"{directory} holds no database" : $"{directory}: there is no such directory");
        var database = Database.Open(directory, (options ?? Options) with { ReadOnly = readOnly });
        try
        {
            return new OpenedDatabase(database, database.OpenSession(tenant ?? "default"));
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>A keyspace by name; null: the default one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="create">True: it is made if there is none.</param>
    public Keyspace Keyspace(string? name, bool create)
    {
        if (name is null) return Session.Default;
        try
        {
            return Session.Keyspace(name);
        }
        catch (AevumException missing) when (create && missing.Code == ErrorCode.NotFound)
        {
            return Session.CreateKeyspace(name);
        }
    }

    public void Dispose()
    {
        Session.Dispose();
        Database.Dispose();
    }
}
