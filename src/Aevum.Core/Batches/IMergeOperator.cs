using System.Buffers;

namespace Aevum.Core.Batches;

/// <summary>Folds operands into values, on read and in compaction. Must be a pure function: every replica folds alike, whenever it does.</summary>
public interface IMergeOperator
{
    /// <summary>Stored nowhere; shown in errors and statistics.</summary>
    string Name { get; }

    /// <summary>Writes the value that <paramref name="operand"/> makes of <paramref name="existing"/>.</summary>
    /// <param name="exists">False if the key is absent; then <paramref name="existing"/> is empty.</param>
    void Merge(ReadOnlySpan<byte> key, bool exists, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> operand, IBufferWriter<byte> result);

    /// <summary>Writes one operand that does what <paramref name="older"/> followed by <paramref name="newer"/> do. It must always be possible:
    /// an operator whose operands do not add up keeps them as a list inside the operand.</summary>
    void Combine(ReadOnlySpan<byte> key, ReadOnlySpan<byte> older, ReadOnlySpan<byte> newer, IBufferWriter<byte> result);
}
