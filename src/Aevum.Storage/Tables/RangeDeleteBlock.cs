// RangeDeleteBlock: the range deletes of a table, which are few.
//
//   count u32, then each:   start length varint | start | end length varint | end | version u64
//
// They may overlap and stand in any order; the reader cuts them into fragments (RangeDeletes).

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Tables;

static class RangeDeleteBlock
{
    public static void Encode(IReadOnlyList<RangeDelete> rangeDeletes, ref GrowingBytes target)
    {
        target.Append((uint)rangeDeletes.Count);
        foreach (var rangeDelete in rangeDeletes)
        {
            AppendBytes(ref target, rangeDelete.Start);
            AppendBytes(ref target, rangeDelete.End);
            target.Append(rangeDelete.Version);
        }
    }

    internal static void AppendBytes(ref GrowingBytes target, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[Varint.MaxBytes32];
        target.Append(length[..Varint.Write(length, (uint)bytes.Length)]);
        target.Append(bytes);
    }

    internal static bool TryReadBytes(ref ReadOnlySpan<byte> source, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!Varint.TryRead(source, out uint length, out var consumed) || length > (uint)(source.Length - consumed)) return false;
        bytes = source.Slice(consumed, (int)length);
        source = source[(consumed + (int)length)..];
        return true;
    }

    /// <returns>Null if the block is sound, else what should have been there.</returns>
    public static string? TryRead(ReadOnlySpan<byte> source, out List<RangeDelete> rangeDeletes)
    {
        rangeDeletes = [];
        if (source.Length < 4) return "a count of range deletes";
        var count = BinaryPrimitives.ReadUInt32LittleEndian(source);
        source = source[4..];
        // Each takes at least a byte for either length and its version.
        if (count > (uint)source.Length / 10) return "as many range deletes as the block says";
        for (uint i = 0; i < count; i++)
        {
            if (!TryReadBytes(ref source, out var start) || !TryReadBytes(ref source, out var end) || source.Length < 8)
                return "a whole range delete";
            if (start.SequenceCompareTo(end) >= 0) return "a range delete that starts before it ends";
            rangeDeletes.Add(new(start.ToArray(), end.ToArray(), BinaryPrimitives.ReadUInt64LittleEndian(source)));
            source = source[8..];
        }
        return source.IsEmpty ? null : "nothing after the last range delete";
    }
}
