using System.Buffers;
using System.Buffers.Binary;
using Aevum.Core.Batches;

namespace Aevum.Storage.Trees;

/// <summary>Values and operands are signed 64-bit little-endian integers; addition wraps. An absent key counts as 0.</summary>
/// <remarks>A stored value of another length counts as 0 too: a merge cannot fail when it is folded, long after it was acknowledged;
/// whoever writes the operand checks types before.</remarks>
public sealed class AddOperator : IMergeOperator
{
    public static AddOperator Instance { get; } = new();

    public string Name => "add";

    public void Merge(ReadOnlySpan<byte> key, bool exists, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> operand, IBufferWriter<byte> result) =>
        Write(unchecked(Read(existing) + Read(operand)), result);

    public void Combine(ReadOnlySpan<byte> key, ReadOnlySpan<byte> older, ReadOnlySpan<byte> newer, IBufferWriter<byte> result) =>
        Write(unchecked(Read(older) + Read(newer)), result);

    static long Read(ReadOnlySpan<byte> bytes) => bytes.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    static void Write(long value, IBufferWriter<byte> result)
    {
        BinaryPrimitives.WriteInt64LittleEndian(result.GetSpan(sizeof(long)), value);
        result.Advance(sizeof(long));
    }
}
