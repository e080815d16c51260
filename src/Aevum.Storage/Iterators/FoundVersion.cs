using Aevum.Core.Batches;

namespace Aevum.Storage.Iterators;

/// <summary>The newest version of one key at or below an asked time, as one source (memtable or sorted table) holds it.</summary>
/// <remarks>The value points into the source: valid while the caller pins it (and, for tables, holds the block's lease).</remarks>
unsafe struct FoundVersion
{
    public byte* ValuePointer;
    public int ValueLength;
    public EffectKind Kind;
    public ulong Version;

    /// <summary>0 if the version never expires.</summary>
    public ulong Expiry;

    /// <summary>In history tables: when the version was superseded; elsewhere 0.</summary>
    public ulong End;

    public readonly ReadOnlySpan<byte> Value => new(ValuePointer, ValueLength);
}
