namespace Aevum.Model.Structures;

/// <summary>What a key of a structure keyspace holds. Stored.</summary>
public enum StructureKind : byte
{
    /// <summary>Bytes.</summary>
    String = 0,

    /// <summary>Fields with values.</summary>
    Hash = 1,

    /// <summary>Values in the order in which they were put at either end.</summary>
    List = 2,

    /// <summary>Distinct members.</summary>
    Set = 3,

    /// <summary>Distinct members, each with a score, in the order of scores.</summary>
    SortedSet = 4,

    /// <summary>Entries with rising ids, and groups of consumers.</summary>
    Stream = 5,
}
