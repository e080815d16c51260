namespace Aevum.Storage.Memtables;

/// <summary>What may be tuned of one memtable. The defaults suit a process with many trees, most of them idle.</summary>
sealed record MemtableOptions
{
    public static MemtableOptions Default { get; } = new();

    /// <summary>First chunk for keys and values, 4 KiB to 2 MiB; each further chunk is four times as large, up to 2 MiB. What a tree costs
    /// that was written to once.</summary>
    public int FirstRecordChunkBytes { get; init; } = 64 << 10;

    /// <summary>The same for the nodes of the tree, which take about a sixth of what 100 byte values take.</summary>
    public int FirstNodeChunkBytes { get; init; } = 16 << 10;

    /// <summary>Slots of the table that says where keys are (<see cref="RecordPlaces"/>), a power of two; 0: one is made when it pays.</summary>
    public int PlaceSlots { get; init; }

    /// <summary>Whether the keyspace of a key keeps no history: then memory of superseded versions is used again. Null: it never is.</summary>
    public KeyPredicate? Forgets { get; init; }

    /// <summary>When so much was superseded a round of it begins: enough to pay for a read state, little enough to stay in a core's cache.</summary>
    public int ReuseRoundBytes { get; init; } = 128 << 10;
}
