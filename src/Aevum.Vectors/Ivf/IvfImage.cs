// IvfImage: inverted lists as a segment's sections (docs/formats/index-segment.md, kind 5).
//
//   centroids     f32 [lists, dimension]              list ends      i64 a list: of how many rows it and those before it consist
//   codebook      coded only: CodebookFormat          list rows      u32 a row, list behind list
//                                                     list entries   flat: vectors at their stride. Coded: blocks of 32 turned codes, of each list whole ones
//
// Rows and entries stand in the order of their lists' places, so that whatever opens the file has the very lists. Places of a last block behind the
// last code are zeros. Not here: what is checked (IvfImageReader), the frame (SegmentFormat).

using System.Buffers.Binary;
using Aevum.Core.Files;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

/// <param name="Codes">Null: the lists hold vectors.</param>
readonly record struct IvfParts(CentroidTable Centroids, ProductQuantizer? Codes, IvfList[] Lists);

static unsafe class IvfImage
{
    public const int FactsLength = 40;

    /// <summary>Bytes of one row of the section of entries: a vector, or a block of codes.</summary>
    public static int EntryStride(int entryBytes, bool isCoded) => isCoded ? FastScan.BlockCodes * entryBytes : entryBytes;

    /// <summary>Writes an index that nobody changes meanwhile; the file is durable afterwards, its name is not.</summary>
    public static void Write(IFileSystem files, string path, IvfIndex index, in IvfParts parts)
    {
        var isCoded = parts.Codes is not null;
        var (rows, entries) = (0L, 0L);
        foreach (var list in parts.Lists)
        {
            rows += list.Count;
            entries += IvfList.EntriesBytes(list.Count, index.EntryBytes, isCoded);
        }
        var codebook = parts.Codes is null ? [] : CodebookFormat.ToBytes(parts.Codes);
        var centroidBytes = index.Shape.Dimension * sizeof(float);
        var sections = new List<SectionPlan> { new(SectionKind.Centroids, centroidBytes, (long)parts.Lists.Length * centroidBytes) };
        if (isCoded) sections.Add(new(SectionKind.Codebook, 1, codebook.Length));
        sections.Add(new(SectionKind.ListEnds, sizeof(long), (long)parts.Lists.Length * sizeof(long)));
        sections.Add(new(SectionKind.ListRows, sizeof(uint), rows * sizeof(uint)));
        sections.Add(new(SectionKind.ListEntries, EntryStride(index.EntryBytes, isCoded), entries));

        using var writer = new SegmentWriter(files, path, SegmentKind.Lists, FactsOf(index, rows), sections);
        writer.Begin(SectionKind.Centroids);
        var centroid = new float[index.Shape.Dimension];
        for (var i = 0; i < parts.Lists.Length; i++)
        {
            fixed (float* c = centroid) parts.Centroids.Read(i, c);
            writer.Write<float>(centroid);
        }
        if (isCoded)
        {
            writer.Begin(SectionKind.Codebook);
            writer.Write(codebook);
        }
        writer.Begin(SectionKind.ListEnds);
        var end = 0L;
        foreach (var list in parts.Lists)
        {
            end += list.Count;
            writer.Write(new ReadOnlySpan<long>(in end));
        }
        writer.Begin(SectionKind.ListRows);
        foreach (var list in parts.Lists) writer.Write((byte*)list.Rows, (long)list.Count * sizeof(uint));
        writer.Begin(SectionKind.ListEntries);
        foreach (var list in parts.Lists)
        {
            var whole = isCoded ? list.Count / FastScan.BlockCodes * FastScan.BlockCodes : list.Count;
            writer.Write(list.Entries, (long)whole * index.EntryBytes);
            if (whole < list.Count) WriteCutBlock(writer, list.Block(whole), list.Count - whole, index.EntryBytes);
        }
        writer.Finish();
    }

    // Behind the last code stands what was there before, or what memory held: none of a file's business.
    static void WriteCutBlock(SegmentWriter writer, byte* block, int count, int codeBytes)
    {
        Span<byte> line = stackalloc byte[FastScan.BlockCodes];
        for (var p = 0; p < codeBytes; p++)
        {
            line.Clear();
            new ReadOnlySpan<byte>(block + (p * FastScan.BlockCodes), count).CopyTo(line);
            writer.Write(line);
        }
    }

    static byte[] FactsOf(IvfIndex index, long rows)
    {
        var bytes = new byte[FactsLength];
        bytes[0] = (byte)index.Shape.Element;
        bytes[1] = (byte)index.Shape.Metric;
        bytes[2] = (byte)(index.Options.IsCoded ? 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), index.Shape.Dimension);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), rows);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), index.ListCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), index.Options.Lists);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), index.Options.Probes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), index.Options.SubCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), index.Options.RoundsMax);
        return bytes;
    }
}
