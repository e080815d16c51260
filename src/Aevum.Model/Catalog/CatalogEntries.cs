// The catalog's objects. Each is one row; entries are values, and never change. Version is the system time of the row they were read from:
// a change of the object is made on condition that it still stands there.

using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

/// <summary>What all objects have: a place among those of one kind and one parent, and a name there.</summary>
interface ICatalogEntry
{
    /// <summary>Parent in the upper half (0 without), id in the lower.</summary>
    ulong FullId { get; }

    string Name { get; }
}

/// <summary>A tenant; holds keyspaces. 0 is the system's own, 1 is "default".</summary>
/// <param name="Id">Given once, never used again.</param>
/// <param name="Name">Unique among namespaces.</param>
public sealed record NamespaceEntry(uint Id, string Name) : ICatalogEntry
{
    /// <summary>The system namespace, whose keyspaces the program knows by itself (<see cref="SystemKeyspaces"/>): they are no
    /// rows.</summary>
    public const uint SystemId = 0;

    /// <summary>The namespace that exists from the first day.</summary>
    public const uint DefaultId = 1;

    public SystemTime Version { get; init; }

    internal UnknownFields Unknown { get; init; } = UnknownFields.None;

    ulong ICatalogEntry.FullId => Id;
}

/// <summary>What the rows of a keyspace are. Stored.</summary>
public enum KeyspaceKind : byte
{
    /// <summary>Plain keys and values.</summary>
    KeyValue = 0,

    /// <summary>Heads and elements of structures (Model/Structures): a database of Redis' protocol.</summary>
    Structures = 1,

    /// <summary>Vectors under keys (Model/Vectors): a collection. Its options say what they are (<see cref="KeyspaceOptions.Collection"/>).</summary>
    Vectors = 2,
}

/// <summary>A keyspace of a namespace.</summary>
/// <param name="Id">Given once, never used again, also after the keyspace was dropped. Keyspace 0 is its namespace's default.</param>
/// <param name="Name">Unique in the namespace.</param>
public sealed record KeyspaceEntry(KeyspaceId Id, string Name, KeyspaceKind Kind, KeyspaceOptions Options) : ICatalogEntry
{
    /// <summary>The keyspace that a namespace has from its first day to its last.</summary>
    public const uint DefaultId = 0;

    public SystemTime Version { get; init; }

    internal UnknownFields Unknown { get; init; } = UnknownFields.None;

    ulong ICatalogEntry.FullId => Id.Value;
}

/// <summary>In whose name a session acts.</summary>
/// <param name="Id">From 1; given once, never used again. 0 is nobody's.</param>
/// <param name="Name">Unique among principals.</param>
public sealed record PrincipalEntry(uint Id, string Name) : ICatalogEntry
{
    /// <summary>How it shows who it is, and what it may do.</summary>
    public PrincipalAccess Access { get; init; } = PrincipalAccess.None;

    public SystemTime Version { get; init; }

    internal UnknownFields Unknown { get; init; } = UnknownFields.None;

    ulong ICatalogEntry.FullId => Id;
}
