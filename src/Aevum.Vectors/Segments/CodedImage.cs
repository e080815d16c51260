// CodedImage: a graph of codes as a segment's sections, and back (docs/formats/index-segment.md). Once it is written it does not change.
//
//   codebook     CodebookFormat                                  layers    links of layer 1, of layer 2 and so on, one behind the other
//   codes        with the links beside them (CodedLinks)         row ids   u64 a row
//   link ends    packed only                                     ids       rows by ascending id: who looks for an id halves its way to it
//   links        packed only                                     from      since when, where that is kept
//   vectors      as the encoder stored them: what the rerank reads
//
// Opened, all of it stays in the mapping. Not here: which rows are dead (VectorManifest names a file for that), what is checked (CodedImageReader).

using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

/// <param name="Order">Rows by ascending id.</param>
/// <param name="From">Null: not kept.</param>
readonly unsafe struct OpenedCodes(CodedGraph graph, uint* order, ulong* from)
{
    public readonly CodedGraph Graph = graph;
    public readonly uint* Order = order;
    public readonly ulong* From = from;
}

static unsafe class CodedImage
{
    public const int FactsLength = 64 + (Hnsw.UpperLinks.LevelMax * sizeof(int));

    /// <summary>Writes a graph; the file is durable afterwards, its name is not.</summary>
    /// <param name="order">Rows by ascending id.</param>
    /// <param name="from">Since when each row holds what it holds; null: not kept.</param>
    public static void Write(IFileSystem files, string path, CodedGraph graph, ReadOnlySpan<uint> order, ulong* from)
    {
        var parts = graph.Parts;
        var rows = parts.Rows;
        var codebook = CodebookFormat.ToBytes(graph.Quantizer);
        var isPacked = graph.Layout == CodedLayout.Packed;
        var layerRows = 0L;
        foreach (var count in parts.LayerCounts) layerRows += count;
        var layerStride = parts.UpperLinksMax * sizeof(uint);
        var sections = new List<SectionPlan>
        {
            new(SectionKind.Codebook, 1, codebook.Length), new(SectionKind.Codes, parts.Stride, (long)rows * parts.Stride),
            new(SectionKind.Layers, layerStride, layerRows * layerStride), new(SectionKind.RowIds, sizeof(ulong), (long)rows * sizeof(ulong)),
            new(SectionKind.Ids, sizeof(uint), (long)rows * sizeof(uint)),
        };
        if (isPacked)
        {
            sections.Add(new(SectionKind.LinkEnds, sizeof(uint), (rows + 1L) * sizeof(uint)));
            sections.Add(new(SectionKind.Links, sizeof(uint), parts.LinkCount * sizeof(uint)));
        }
        if (from != null) sections.Add(new(SectionKind.From, sizeof(ulong), (long)rows * sizeof(ulong)));
        sections.Add(new(SectionKind.Vectors, graph.Shape.Stride, (long)rows * graph.Shape.Stride));

        using var writer = new SegmentWriter(files, path, SegmentKind.Coded, FactsOf(graph, parts, from != null), sections);
        writer.Begin(SectionKind.Codebook);
        writer.Write(codebook);
        writer.Begin(SectionKind.Codes);
        writer.Write(parts.Codes, (long)rows * parts.Stride);
        writer.Begin(SectionKind.Layers);
        for (var layer = 0; layer < parts.LayerCounts.Length; layer++)
            writer.Write((byte*)parts.Layers[layer], (long)parts.LayerCounts[layer] * layerStride);
        writer.Begin(SectionKind.RowIds);
        writer.Write((byte*)parts.Ids, (long)rows * sizeof(ulong));
        writer.Begin(SectionKind.Ids);
        writer.Write(order);
        if (isPacked)
        {
            writer.Begin(SectionKind.LinkEnds);
            writer.Write((byte*)parts.Ends, (rows + 1L) * sizeof(uint));
            writer.Begin(SectionKind.Links);
            writer.Write((byte*)parts.Links, parts.LinkCount * sizeof(uint));
        }
        if (from != null)
        {
            writer.Begin(SectionKind.From);
            writer.Write((byte*)from, (long)rows * sizeof(ulong));
        }
        writer.Begin(SectionKind.Vectors);
        var padding = new byte[graph.Shape.Stride - graph.Shape.Bytes];
        for (var row = 0u; row < rows; row++)
        {
            writer.Write(graph.Vector(row));
            writer.Write(padding);
        }
        writer.Finish();
    }

    /// <summary>Opens a file as a graph that answers.</summary>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat; LimitExceeded; what the file system throws.</exception>
    public static OpenedCodes Open(IFileSystem files, string path, VectorShape? shape, MemoryBudget budget, IScheduler? scheduler) =>
        Read(SegmentImage.Open(files, path, budget, scheduler), shape, budget, scheduler);

    /// <summary>The same where the file system maps; null: it does not.</summary>
    public static OpenedCodes? TryMap(IFileSystem files, string path, VectorShape shape, MemoryBudget budget) =>
        SegmentImage.TryMap(files, path, null) is { } image ? Read(image, shape, budget, null) : null;

    static OpenedCodes Read(SegmentImage image, VectorShape? shape, MemoryBudget budget, IScheduler? scheduler)
    {
        Quantizer? quantizer = null;
        try
        {
            image.Require(image.Kind == SegmentKind.Coded, $"a segment of the kind {SegmentKind.Coded}, not {image.Kind}");
            var reader = new CodedImageReader(image, scheduler);
            image.Require(shape is null || shape.Equals(reader.Shape), $"vectors of {shape}, not of {reader.Shape}");
            quantizer = reader.ReadCodebook();
            var parts = reader.ReadParts(quantizer);
            var graph = CodedGraph.Adopt(reader.Shape, quantizer, reader.Layout, parts, reader.Vectors, budget, image, reader.MemoryBytes);
            return new(graph, reader.Order, reader.From);
        }
        catch
        {
            quantizer?.Dispose();
            image.Dispose();
            throw;
        }
    }

    /// <summary>The rows of a graph by ascending id.</summary>
    public static uint[] OrderOf(CodedGraph graph)
    {
        var ids = new ReadOnlySpan<ulong>(graph.Parts.Ids, graph.Count).ToArray();
        var order = new uint[ids.Length];
        for (var row = 0u; row < order.Length; row++) order[row] = row;
        Array.Sort(ids, order);
        return order;
    }

    static byte[] FactsOf(CodedGraph graph, in CodedParts parts, bool hasFrom)
    {
        var bytes = new byte[FactsLength];
        bytes[0] = (byte)graph.Shape.Element;
        bytes[1] = (byte)graph.Shape.Metric;
        bytes[2] = (byte)(hasFrom ? 1 : 0);
        bytes[3] = (byte)graph.Layout;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), graph.Shape.Dimension);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), parts.Rows);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), parts.LinksMax);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), parts.UpperLinksMax);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), parts.LinksBeside);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), parts.LayerCounts.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), parts.LinkCount);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(40), parts.RerankFactor);
        for (var layer = 0; layer < parts.LayerCounts.Length; layer++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(64 + (layer * sizeof(int))), parts.LayerCounts[layer]);
        return bytes;
    }
}
