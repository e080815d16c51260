using System.Buffers;
using Aevum.Core.Batches;

namespace Aevum.Storage.Trees;

/// <summary>The operand's bytes go behind the value's. An absent key counts as empty.</summary>
public sealed class AppendOperator : IMergeOperator
{
    public static AppendOperator Instance { get; } = new();

    public string Name => "append";

    public void Merge(ReadOnlySpan<byte> key, bool exists, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> operand, IBufferWriter<byte> result)
    {
        result.Write(existing);
        result.Write(operand);
    }

    public void Combine(ReadOnlySpan<byte> key, ReadOnlySpan<byte> older, ReadOnlySpan<byte> newer, IBufferWriter<byte> result)
    {
        result.Write(older);
        result.Write(newer);
    }
}
