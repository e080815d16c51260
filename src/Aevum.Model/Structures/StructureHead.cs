// StructureHead: the value of the row that is an object: what kind it is, and all of it, or where the rest is.
//
//   kind u8, bit 7: large     string       the bytes
//                             packed       the elements, as their kind packs them (PackedEntries)
//                             large        incarnation u64 | count u64 | what the kind adds            little endian
//
// An object begins packed and becomes large once; it never goes back while it lives. The row's expiry is the object's.

using System.Buffers.Binary;
using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

/// <summary>A head, as it stands in its row. Spans into the row's value.</summary>
public readonly ref struct StructureHead
{
    const byte LargeFlag = 0x80;

    /// <summary>Bytes of a large head before what the kind adds.</summary>
    public const int LargeBytes = 1 + (2 * sizeof(ulong));

    public StructureKind Kind { get; private init; }

    /// <summary>True: the elements are rows of their own.</summary>
    public bool IsLarge { get; private init; }

    /// <summary>Of a large object: what its elements' keys carry.</summary>
    public ulong Incarnation { get; private init; }

    /// <summary>Of a large object: its elements.</summary>
    public long Count { get; private init; }

    /// <summary>Of a string its bytes; of a packed object its elements; of a large one what the kind adds.</summary>
    public ReadOnlySpan<byte> Rest { get; private init; }

    /// <exception cref="CorruptionException">The value is no head.</exception>
    public static StructureHead Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || (value[0] & ~LargeFlag) > (byte)StructureKind.Stream) throw new CorruptionException("a row is no head of a structure");
        var kind = (StructureKind)(value[0] & ~LargeFlag);
        if ((value[0] & LargeFlag) == 0) return new StructureHead { Kind = kind, Rest = value[1..] };
        if (value.Length < LargeBytes || kind == StructureKind.String) throw new CorruptionException("the head of a large structure is malformed");
        return new StructureHead
        {
            Kind = kind,
            IsLarge = true,
            Incarnation = BinaryPrimitives.ReadUInt64LittleEndian(value[1..]),
            Count = BinaryPrimitives.ReadInt64LittleEndian(value[9..]),
            Rest = value[LargeBytes..],
        };
    }

    /// <summary>The first byte of a string or packed object.</summary>
    public static byte TagOf(StructureKind kind) => (byte)kind;

    /// <summary>Writes a large head, before what the kind adds.</summary>
    /// <param name="target">At least <see cref="LargeBytes"/> bytes.</param>
    public static void WriteLarge(Span<byte> target, StructureKind kind, ulong incarnation, long count)
    {
        target[0] = (byte)((byte)kind | LargeFlag);
        BinaryPrimitives.WriteUInt64LittleEndian(target[1..], incarnation);
        BinaryPrimitives.WriteInt64LittleEndian(target[9..], count);
    }

    /// <summary>Gives a large head, as it stands in its row, another incarnation.</summary>
    public static void WriteIncarnation(Span<byte> head, ulong incarnation) => BinaryPrimitives.WriteUInt64LittleEndian(head[1..], incarnation);
}
