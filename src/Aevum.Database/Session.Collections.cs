// Session, collections: vector collections are objects of the catalog, as keyspaces are, under the same names.

using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum;

public sealed partial class Session
{
    /// <summary>Makes a vector collection.</summary>
    /// <param name="name">Unique in the namespace, among keyspaces too.</param>
    /// <param name="options">What its vectors are.</param>
    /// <param name="history">How long what was overwritten or deleted is kept; null: for ever.</param>
    /// <exception cref="AevumException">AlreadyExists; InvalidArgument: it is no name, or the options do not go together; LimitExceeded; ReadOnly.</exception>
    public Collection CreateCollection(string name, CollectionOptions options, HistoryPolicy? history = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        CreateKeyspace(name, new KeyspaceOptions { History = history ?? HistoryPolicy.Forever, Collection = options }, KeyspaceKind.Vectors);
        return Collection(name);
    }

    /// <summary>A vector collection by name.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: it is a keyspace of another kind.</exception>
    public Collection Collection(string name)
    {
        RequireOpen();
        return TryCollection(name) ?? throw new AevumException(ErrorCode.NotFound, $"there is no collection \"{name}\" in namespace \"{_namespace.Name}\"");
    }

    // Null: there is none of that name, as of the session's moment.
    internal Collection? TryCollection(string name)
    {
        if (Catalog.FindKeyspace(_namespace.Id, name) is not { } entry) return null;
        if (entry.Kind != KeyspaceKind.Vectors) Throw.Invalid($"\"{name}\" is a keyspace, no vector collection");
        return new Collection(this, entry.Id);
    }

    /// <summary>Names of the namespace's vector collections, as of the session's moment, in the order in which they were made.</summary>
    public IReadOnlyList<string> ListCollections()
    {
        RequireOpen();
        return [.. Catalog.KeyspacesOf(_namespace.Id).Where(k => k.Kind == KeyspaceKind.Vectors).Select(k => k.Name)];
    }

    /// <summary>Drops a vector collection. What it held stays readable as of earlier moments, where its history was kept.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: it is a keyspace of another kind; ReadOnly.</exception>
    public void DropCollection(string name)
    {
        _ = Collection(name);
        DropKeyspace(name);
    }
}
