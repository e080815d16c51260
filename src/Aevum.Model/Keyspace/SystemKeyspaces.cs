namespace Aevum.Model.Keyspace;

/// <summary>The keyspaces of namespace 0. All but the catalog's hold rows of one shard and stand in each; ids are stored, so none is used twice.</summary>
public static class SystemKeyspaces
{
    /// <summary>Namespaces, keyspaces, principals. In the first shard; its history is kept for ever.</summary>
    public static readonly KeyspaceId Catalog = new(0, 1);

    /// <summary>The clock's ceiling.</summary>
    public static readonly KeyspaceId Clock = new(0, 2);

    /// <summary>History floors, a row a keyspace.</summary>
    public static readonly KeyspaceId Floors = new(0, 3);

    /// <summary>Commit notes, a row a commit, by system time.</summary>
    public static readonly KeyspaceId Notes = new(0, 4);

    /// <summary>Answers to batches with an idempotency key, for as long as they are remembered.</summary>
    public static readonly KeyspaceId Answers = new(0, 5);

    /// <summary>What transactions over several shards have prepared, until they are resolved.</summary>
    public static readonly KeyspaceId Intents = new(0, 6);

    /// <summary>Decisions of transactions over several shards, in the coordinator's shard.</summary>
    public static readonly KeyspaceId Decisions = new(0, 7);

    /// <summary>Elements of structures that are gone, until they are collected.</summary>
    public static readonly KeyspaceId Garbage = new(0, 8);
}
