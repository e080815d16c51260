namespace Aevum.Core.Batches;

/// <summary>What an effect does to its key. The values are stored: in logs, memtables and sorted tables.</summary>
public enum EffectKind : byte
{
    /// <summary>The key is absent from this version on.</summary>
    Delete = 0,

    /// <summary>The key holds a value from this version on.</summary>
    Put = 1,

    /// <summary>The keyspace's merge operator folds an operand into what the key held before.</summary>
    Merge = 2,

    /// <summary>All keys of [start, end) are absent from this version on. Its value is the end key.</summary>
    DeleteRange = 3,
}
