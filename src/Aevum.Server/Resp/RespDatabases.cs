// RespDatabases: the numbered databases of the protocol, each a keyspace of the catalog: number n is the keyspace "redis.n" of a namespace. They are made
// when they are used first; SWAPDB gives two of them each other's names.

using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp;

sealed class RespDatabases(Session session, int count)
{
    // What the catalog said when it was looked at last.
    sealed record Seen(CatalogSnapshot Catalog, KeyspaceEntry?[] Databases);

    readonly Lock _gate = new();
    Seen? _seen;

    public int Count => count;

    public Session Session => session;

    Database Database => session.Database;

    public static string NameOf(int number) => $"redis.{number}";

    /// <summary>The keyspace of a database; made if it is not there.</summary>
    public KeyspaceId IdOf(int number) => (Find(number) ?? Make(number)).Id;

    /// <summary>The same for whoever must not make one, as within the sequencer.</summary>
    /// <returns>False: nothing has used it yet.</returns>
    public bool TryIdOf(int number, out KeyspaceId id)
    {
        var entry = Find(number);
        id = entry?.Id ?? default;
        return entry is not null;
    }

    /// <summary>The database that a keyspace is now; -1: none.</summary>
    public int NumberOf(KeyspaceId id)
    {
        for (var i = 0; i < count; i++)
            if (Find(i) is { } found && found.Id == id) return i;
        return -1;
    }

    /// <summary>True if superseded values of a database stay.</summary>
    public bool KeepsHistory(int number) => Find(number)?.Options.History.Kind is not (null or HistoryKind.None);

    /// <summary>How a database is kept.</summary>
    public KeyspaceOptions OptionsOf(int number) => (Find(number) ?? Make(number)).Options;

    /// <summary>Gives a database other options.</summary>
    public void Alter(int number, KeyspaceOptions options)
    {
        _ = IdOf(number);
        session.AlterKeyspace(NameOf(number), options);
    }

    KeyspaceEntry? Find(int number)
    {
        var catalog = Database.Catalog;
        var seen = Volatile.Read(ref _seen);
        if (!ReferenceEquals(catalog, seen?.Catalog))
        {
            var databases = new KeyspaceEntry?[count];
            for (var i = 0; i < count; i++) databases[i] = catalog.FindKeyspace(session.Default.Id.Namespace, NameOf(i));
            Volatile.Write(ref _seen, seen = new Seen(catalog, databases));
        }
        return seen!.Databases[number];
    }

    KeyspaceEntry Make(int number)
    {
        lock (_gate)
        {
            try
            {
                if (Find(number) is null) session.CreateKeyspace(NameOf(number), KeyspaceOptions.Default, KeyspaceKind.Structures);
            }
            catch (AevumException raced) when (raced.Code == ErrorCode.AlreadyExists)
            {
            }
            return Find(number) ?? throw new AevumException(ErrorCode.NotFound, $"database {number} could not be made");
        }
    }

    /// <summary>Gives two databases each other's keys.</summary>
    public void Swap(int first, int second)
    {
        if (first != second) session.SwapKeyspaces(IdOf(first), IdOf(second));
    }
}
