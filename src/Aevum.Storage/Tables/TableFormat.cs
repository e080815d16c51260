// TableFormat: the bytes of a sorted table, its constants and its footer. The whole story with a sample is docs/formats/sorted-table.md.
//
// From first byte to last:   [data block]*  [filter]  [range deletes]  [index partition]*  [index]  [properties]  [footer, 92 bytes]
//
// Always true:
//   (1) all integers are little endian;
//   (2) every block is followed by a trailer of 5 bytes: compression u8, CRC-32C u32 over the stored contents and the compression byte;
//   (3) nothing lies between the parts: each starts where the one before ended, so that every byte of the file is under a checksum;
//   (4) a handle's length is that of the stored contents, without the trailer; length 0 says that the part is not there.
//
// Not here: what is inside the blocks (DataBlock, IndexBlock, BloomFilter, RangeDeleteBlock, TableProperties).

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Storage.Tables;

/// <summary>Where a block's stored contents lie. The trailer of 5 bytes follows them.</summary>
readonly record struct BlockHandle(ulong Offset, ulong Length)
{
    public bool IsNone => Length == 0;

    /// <summary>The offset after the block and its trailer.</summary>
    public ulong End => Offset + Length + TableFormat.TrailerBytes;
}

static class TableFormat
{
    /// <summary>"AevumTbl" in ASCII.</summary>
    public const ulong Magic = 0x6C62_546D_7576_6541;
    public const uint Version = 2;
    public const int TrailerBytes = 5;

    /// <summary>Longest key, in bytes.</summary>
    public const int KeyBytesMax = 1 << 24;

    /// <summary>Longest value, in bytes: the length shares 32 bits with the kind.</summary>
    public const int ValueBytesMax = (1 << 30) - 1;

    /// <summary>Longest uncompressed contents of one block.</summary>
    public const int BlockBytesMax = int.MaxValue - (1 << 20);
}

/// <summary>The last 92 bytes of a table.</summary>
/// <remarks>
///    0  index u64 u64 · 16 filter u64 u64 · 32 properties u64 u64 · 48 range deletes u64 u64     offset and length of each
///   64  data length u64: the data blocks fill [0, data length)
///   72  index levels u32 (1 or 2) · 76 format version u32 · 80 magic u64 · 88 CRC-32C u32 over the 88 bytes before
/// </remarks>
readonly record struct TableFooter(BlockHandle Index, BlockHandle Filter, BlockHandle Properties, BlockHandle RangeDeletes,
    ulong DataLength, uint IndexLevels)
{
    public const int Bytes = 92;

    public void Write(Span<byte> target)
    {
        WriteHandle(target, Index);
        WriteHandle(target[16..], Filter);
        WriteHandle(target[32..], Properties);
        WriteHandle(target[48..], RangeDeletes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[64..], DataLength);
        BinaryPrimitives.WriteUInt32LittleEndian(target[72..], IndexLevels);
        BinaryPrimitives.WriteUInt32LittleEndian(target[76..], TableFormat.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(target[80..], TableFormat.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[88..], Crc32C.Compute(target[..88]));
    }

    static void WriteHandle(Span<byte> target, BlockHandle handle)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, handle.Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], handle.Length);
    }

    static BlockHandle ReadHandle(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]));

    /// <summary>Reads and checks the footer that <paramref name="source"/> holds, the last bytes of a file of
    /// <paramref name="fileLength"/> bytes.</summary>
    public static TableFooter Read(ReadOnlySpan<byte> source, string file, long fileLength)
    {
        var start = fileLength - Bytes;
        if (Crc32C.Compute(source[..88]) != BinaryPrimitives.ReadUInt32LittleEndian(source[88..]))
            Throw.Corruption(file, start, "a sorted table's footer whose checksum holds");
        if (BinaryPrimitives.ReadUInt64LittleEndian(source[80..]) != TableFormat.Magic)
            Throw.Corruption(file, start + 80, "the magic number of a sorted table");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(source[76..]);
        if (version != TableFormat.Version) Throw.UnsupportedFormat(file, $"sorted table {version}", $"{TableFormat.Version}");

        var footer = new TableFooter(ReadHandle(source), ReadHandle(source[16..]), ReadHandle(source[32..]), ReadHandle(source[48..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[64..]), BinaryPrimitives.ReadUInt32LittleEndian(source[72..]));
        if (!footer.IsContiguous((ulong)start)) Throw.Corruption(file, start, "parts that follow each other without gaps up to the footer");
        if (footer.IndexLevels is not (1 or 2)) Throw.Corruption(file, start + 72, "an index of one or two levels");
        return footer;
    }

    // Rule (3) of the format: with it, a length or an offset that is wrong cannot go unnoticed.
    bool IsContiguous(ulong footerStart)
    {
        // No part may reach beyond the file; this also keeps the sums below from wrapping around.
        foreach (var part in (ReadOnlySpan<BlockHandle>)[Index, Filter, Properties, RangeDeletes])
            if (part.Offset > footerStart || part.Length > footerStart) return false;
        if (DataLength > footerStart || Properties.IsNone) return false;

        var at = DataLength;
        if (Filter.IsNone ? Filter.Offset != 0 : Filter.Offset != at) return false;
        if (!Filter.IsNone) at = Filter.End;
        if (RangeDeletes.IsNone ? RangeDeletes.Offset != 0 : RangeDeletes.Offset != at) return false;
        if (!RangeDeletes.IsNone) at = RangeDeletes.End;

        // A table of nothing but range deletes has neither data blocks nor an index.
        if (Index.IsNone)
        {
            if (DataLength != 0 || Index.Offset != 0 || IndexLevels != 1) return false;
        }
        else
        {
            if (DataLength == 0 || (IndexLevels == 1 ? Index.Offset != at : Index.Offset <= at)) return false;
            at = Index.End;
        }
        return Properties.Offset == at && Properties.End == footerStart;
    }

    /// <summary>Where the partitions of a two-level index begin.</summary>
    public ulong PartitionsStart => !RangeDeletes.IsNone ? RangeDeletes.End : !Filter.IsNone ? Filter.End : DataLength;
}
