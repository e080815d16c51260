// The pieces of a coded graph, as a file holds them: handed out to be written, taken over from an image that was checked. Bytes and files are the segment's
// (Segments/CodedImage).

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

public sealed unsafe partial class CodedGraph
{
    IDisposable? _image;
    long _imageBytes;

    /// <summary>Writes the graph, its codebook and its whole vectors to a file, which is durable on return; its name is the caller's to sync.</summary>
    /// <exception cref="Core.Errors.AevumException">What the file system throws. Closed.</exception>
    public void Save(IFileSystem files, string path)
    {
        ThrowIfClosed();
        CodedImage.Write(files, path, this, CodedImage.OrderOf(this), null);
    }

    /// <summary>Opens a file that <see cref="Save"/> wrote: mapped where the file system maps. Every byte is compared with its checksum first; nothing is built
    /// or learnt.</summary>
    /// <param name="scheduler">Whose threads help to verify; null: the caller alone.</param>
    /// <exception cref="Core.Errors.AevumException">Corruption; UnsupportedFormat; LimitExceeded; what the file system throws.</exception>
    public static CodedGraph Open(IFileSystem files, string path, MemoryBudget? budget = null, IScheduler? scheduler = null) =>
        CodedImage.Open(files, path, null, budget ?? MemoryBudget.Unlimited(), scheduler).Graph;

    /// <summary>Whether it lies in a mapped file, which counts against no budget.</summary>
    internal bool IsMapped { get; private set; }

    /// <summary>Bytes of the image it lies in; 0: none.</summary>
    internal long ImageBytes { get; private set; }

    /// <summary>The stored vector of a row.</summary>
    internal ReadOnlySpan<byte> Vector(uint row) => new(_source.Vector(row), Shape.Bytes);

    internal CodedParts Parts => new()
    {
        Rows = Count, LinksMax = _linksMax, UpperLinksMax = _upperLinksMax, LinksBeside = _linksBeside, Stride = _stride, LayerCounts = _layerCounts,
        RerankFactor = _rerankFactor, Ids = _ids, Codes = _codes, Ends = _ends, Links = _links, LinkCount = _linkCount, Layers = _layers,
    };

    /// <summary>A graph over pieces that lie in an image, all checked.</summary>
    /// <param name="vectors">Whole vectors, one every <see cref="VectorShape.Stride"/> bytes.</param>
    /// <param name="image">Disposed with the graph.</param>
    internal static CodedGraph Adopt(
        VectorShape shape, Quantizer quantizer, CodedLayout layout, in CodedParts parts, byte* vectors, MemoryBudget budget, SegmentImage image,
        long memoryBytes) => new(shape, quantizer, layout, new VectorTable(vectors, shape.Stride, (uint)parts.Rows), budget)
    {
        Count = parts.Rows, _linksMax = parts.LinksMax, _upperLinksMax = parts.UpperLinksMax, _linksBeside = parts.LinksBeside, _stride = parts.Stride,
        _layerCounts = parts.LayerCounts, _rerankFactor = parts.RerankFactor, _ids = parts.Ids, _codes = parts.Codes, _ends = parts.Ends,
        _links = parts.Links, _linkCount = parts.LinkCount, _layers = parts.Layers, _image = image, _imageBytes = memoryBytes,
        IsMapped = image.IsMapped, ImageBytes = image.Length,
    };
}

/// <summary>What a coded graph is made of.</summary>
readonly unsafe ref struct CodedParts
{
    public int Rows { get; init; }

    /// <summary>Links of a row at most, on the lowest layer and above.</summary>
    public int LinksMax { get; init; }

    public int UpperLinksMax { get; init; }

    /// <summary>Packed only: how many links stand beside a code.</summary>
    public int LinksBeside { get; init; }

    /// <summary>Bytes of a code with the links beside it.</summary>
    public int Stride { get; init; }

    public int[] LayerCounts { get; init; }

    public double RerankFactor { get; init; }

    public ulong* Ids { get; init; }

    public byte* Codes { get; init; }

    public uint* Ends { get; init; }

    public uint* Links { get; init; }

    public long LinkCount { get; init; }

    public uint*[] Layers { get; init; }
}
