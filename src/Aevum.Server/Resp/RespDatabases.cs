// RespDatabases: the numbered databases of the protocol, each a keyspace of the catalog: number n is the keyspace "redis.n" of a namespace. They are made
// when they are used first; SWAPDB gives two of them each other's names.

using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp;

sealed class RespDatabases(Session session, int count)
{
    readonly Lock _gate = new();
    CatalogSnapshot? _seen;
    KeyspaceId?[] _ids = new KeyspaceId?[count];

    public int Count => count;

    public Session Session => session;

    Database Database => session.Database;

    public static string NameOf(int number) => $"redis.{number}";

    /// <summary>The keyspace of a database; made if it is not there.</summary>
    public KeyspaceId IdOf(int number)
    {
        var ids = Volatile.Read(ref _ids);
        if (ReferenceEquals(Database.Catalog, Volatile.Read(ref _seen)) && ids[number] is { } known) return known;
        return Refresh(number);
    }

    KeyspaceId Refresh(int number)
    {
        lock (_gate)
        {
            if (Find(number) is { } there) return there;
            try
            {
                session.CreateKeyspace(NameOf(number), KeyspaceOptions.Default, KeyspaceKind.Structures);
            }
            catch (AevumException raced) when (raced.Code == ErrorCode.AlreadyExists)
            {
            }
            return Find(number) ?? throw new AevumException(ErrorCode.NotFound, $"database {number} could not be made");
        }
    }

    KeyspaceId? Find(int number)
    {
        var catalog = Database.Catalog;
        var ids = new KeyspaceId?[count];
        for (var i = 0; i < count; i++) ids[i] = catalog.FindKeyspace(session.Default.Id.Namespace, NameOf(i))?.Id;
        Volatile.Write(ref _ids, ids);
        Volatile.Write(ref _seen, catalog);
        return ids[number];
    }

    /// <summary>True if superseded values of a keyspace stay.</summary>
    public bool KeepsHistory(KeyspaceId keyspace) => Database.Catalog.FindKeyspace(keyspace)?.Options.History.Kind is not (null or HistoryKind.None);

    /// <summary>The keyspace of a database, if it has ever been used.</summary>
    public KeyspaceId? TryFind(int number)
    {
        lock (_gate) return Find(number);
    }

    /// <summary>Gives two databases each other's keys.</summary>
    public void Swap(int first, int second)
    {
        if (first == second) return;
        var (a, b) = (IdOf(first), IdOf(second));
        lock (_gate) session.SwapKeyspaces(a, b);
    }
}
