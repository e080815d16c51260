// StreamNode: neighbouring entries of a stream, counted together: what approximate trimming takes away whole. The entries are rows of their own; a
// node is only what is known of them.
//
//   last id 16 | live u32 | deleted u32 | bytes u32 | fields u64           little endian, ids big endian; the first id is the row's own key
//
// Bytes: docs/formats/structures.md.

using System.Buffers.Binary;
using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

/// <summary>Neighbouring entries of a stream, counted.</summary>
public record struct StreamNode
{
    /// <summary>Of a node's row, without its first id.</summary>
    public const int Bytes = StreamId.Bytes + (3 * sizeof(uint)) + sizeof(ulong);

    public StreamId First { get; set; }

    /// <summary>The id added last, whether its entry is still there or not.</summary>
    public StreamId Last { get; set; }

    /// <summary>Entries that are there.</summary>
    public uint Live { get; set; }

    /// <summary>Entries that are gone.</summary>
    public uint Deleted { get; set; }

    /// <summary>What Redis would need for it, in bytes.</summary>
    public uint Size { get; set; }

    /// <summary>A hash of the fields of the first entry.</summary>
    public ulong Fields { get; set; }

    /// <param name="target">At least <see cref="Bytes"/>.</param>
    public readonly void Write(Span<byte> target)
    {
        Last.Write(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], Live);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], Deleted);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], Size);
        BinaryPrimitives.WriteUInt64LittleEndian(target[28..], Fields);
    }

    /// <exception cref="CorruptionException">The value is no node.</exception>
    public static StreamNode Read(StreamId first, ReadOnlySpan<byte> value)
    {
        if (value.Length != Bytes) throw new CorruptionException("a row is no node of a stream");
        return new StreamNode
        {
            First = first,
            Last = StreamId.Read(value),
            Live = BinaryPrimitives.ReadUInt32LittleEndian(value[16..]),
            Deleted = BinaryPrimitives.ReadUInt32LittleEndian(value[20..]),
            Size = BinaryPrimitives.ReadUInt32LittleEndian(value[24..]),
            Fields = BinaryPrimitives.ReadUInt64LittleEndian(value[28..]),
        };
    }
}
