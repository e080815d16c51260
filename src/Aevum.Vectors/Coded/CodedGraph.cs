// CodedGraph: a graph whose rows are codes (Quantization) instead of vectors; made from a built one, then read only. The walk goes by estimates, the best of
// what it found are compared exactly with whole vectors, which lie elsewhere: in a mapped file, in a table of memory, with whoever made the graph.
//
//   codes and links of the lowest layer      CodedLinks: in records or packed
//   ids            u64 [rows]
//   upper layers   for layer l = 1, 2, ...: u32 [rows of that layer, M]; 0xFFFFFFFF ends a list
//
// Rows are numbered anew: those that reach the highest layer first, then those of the next, and so on. So "row r reaches layer l" is r < count of l,
// its links there are found by r itself, and what every search reads first lies side by side.
//
// The links are those of the graph it came from: built from whole vectors, they lead well even where codes cannot tell neighbours apart.
//
// Always true: nothing changes after From; any number of searches run, none takes a lock or allocates; row numbers are below Count.
// Not here: inserts and deletes (the graph it came from has them, and a new one is made), files (Segments/CodedImage).

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

public sealed unsafe partial class CodedGraph : IDisposable
{
    readonly MemoryBudget _budget;
    readonly List<NativeBlock> _blocks = [];
    readonly Readers _readers;
    readonly bool _ownsVectors;
    IVectorSource _source;
    double _rerankFactor = double.PositiveInfinity;   // candidates to compare exactly, for each row asked for
    NativeBlock? _vectors;
    ulong* _ids;
    byte* _codes;      // with the links beside them
    uint* _ends;       // packed only
    uint* _links;      // packed only
    long _linkCount;   // packed only
    int _stride;
    int _linksBeside;  // packed only: how many links stand in the code's own cache line
    int _linksMax;
    int _upperLinksMax;
    int[] _layerCounts = [];       // rows of layer 1, 2, ...
    uint*[] _layers = [];
    bool _closed;

    CodedGraph(VectorShape shape, Quantizer quantizer, CodedLayout layout, IVectorSource? source, MemoryBudget budget)
    {
        (Shape, Quantizer, Layout, _budget) = (shape, quantizer, layout, budget);
        _source = source ?? NoVectors.Instance;
        _ownsVectors = source is null;
        _readers = new(budget);
    }

    public VectorShape Shape { get; }

    internal Quantizer Quantizer { get; }

    public CodedLayout Layout { get; }

    public int Count { get; private set; }

    /// <summary>Bytes of codes, links, upper layers and ids. Whole vectors and scratches of searches are not in it, nor is the codebook.</summary>
    public long MemoryBytes => _image is null ? _blocks.Sum(b => b.Bytes) : _imageBytes;

    /// <summary>How many candidates are compared exactly for each row asked for, where a query does not say.</summary>
    public double RerankFactor => _rerankFactor;

    /// <summary>Bytes of whole vectors that the graph keeps itself.</summary>
    public long VectorBytes => _vectors?.Bytes ?? 0;

    /// <summary>The id of a row, for who keeps vectors by row.</summary>
    public ulong Id(uint row)
    {
        ThrowIfClosed();
        return row < Count ? _ids[row] : throw new AevumException(ErrorCode.InvalidArgument, $"there is no row {row} among {Count}");
    }

    /// <summary>Keeps the links of a graph and puts codes in place of its vectors (from_hnsw). The graph stays as it is; who wants its memory back
    /// disposes of it.</summary>
    /// <param name="index">With at least one row.</param>
    /// <param name="source">Where whole vectors are found by the row numbers of the new graph; null: they are copied into memory of the new graph.</param>
    /// <exception cref="AevumException">InvalidArgument: an empty graph; vectors that cannot be coded so. LimitExceeded: no room; nothing is left
    /// behind.</exception>
    public static CodedGraph From(HnswIndex index, CodedOptions options, IVectorSource? source = null, MemoryBudget? budget = null)
    {
        VectorFloats.Require(index.Shape);
        return index.WhileStill(graph => From(graph, index.Shape, options, source, budget ?? MemoryBudget.Unlimited(), null, out _));
    }

    /// <summary>The same of a graph as a snapshot noted it, while others go on with it; whole vectors are copied.</summary>
    /// <param name="quantizer">What was learnt before; the graph disposes of it, also where this throws. Null: it is learnt.</param>
    /// <param name="order">The rows of the old graph in the order of the new one.</param>
    internal static CodedGraph From(
        HnswSnapshot snapshot, VectorShape shape, CodedOptions options, Quantizer? quantizer, MemoryBudget budget, out uint[] order) =>
        From(new(snapshot.Graph, snapshot.Graph.Rows, (uint)snapshot.Facts.Rows, snapshot), shape, options, null, budget, quantizer, out order);

    static CodedGraph From(
        StillGraph graph, VectorShape shape, CodedOptions options, IVectorSource? source, MemoryBudget budget, Quantizer? quantizer, out uint[] order)
    {
        var maker = new CodedGraphMaker(graph, shape);
        if (maker.Count == 0) Throw.Invalid("codes cannot be learnt from an empty graph");
        order = maker.Order;
        quantizer ??= maker.Train(options, new SeededRandom(options.Seed), budget);
        var layout = options.Layout ?? (quantizer.Kind == QuantizationKind.Scalar ? CodedLayout.Records : CodedLayout.Packed);
        var made = new CodedGraph(shape, quantizer, layout, source, budget);
        try
        {
            made.Fill(graph, maker);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    void Fill(in StillGraph graph, CodedGraphMaker maker)
    {
        (Count, _linksMax, _upperLinksMax) = (maker.Count, graph.LinksMax, graph.UpperLinksMax);
        _ids = (ulong*)Take(Count * (long)sizeof(ulong));
        var linkOffset = (Quantizer.CodeBytes + 3) & -4;
        if (Layout == CodedLayout.Records)
        {
            _stride = (linkOffset + (_linksMax * sizeof(uint)) + 63) & -64;
            _codes = Take(Count * (long)_stride, zeroed: true);
        }
        else
        {
            _linksBeside = Math.Min(_linksMax, (-linkOffset & 63) / sizeof(uint));
            _stride = linkOffset + (_linksBeside * sizeof(uint));
            var links = maker.CountLinks(_linksBeside);
            if (links > uint.MaxValue) Throw.Limit("the number of links", links, uint.MaxValue);
            _codes = Take(Count * (long)_stride, zeroed: true);
            _ends = (uint*)Take((Count + 1L) * sizeof(uint));
            _links = (uint*)Take(links * sizeof(uint));
            _linkCount = links;
            _ends[0] = 0;
        }
        if (_ownsVectors)
        {
            _vectors = new(Count * (long)Shape.Stride, _budget, large: true);
            _source = new VectorTable(_vectors.Pointer, Shape.Stride, (uint)Count);
        }
        using var scratch = new NativeBlock(Shape.Stride + (Shape.Dimension * (long)sizeof(float)), MemoryBudget.Unlimited());
        var stored = scratch.Pointer;
        var floats = (float*)(stored + Shape.Stride);
        var all = new uint[_linksMax];
        for (var row = 0u; row < Count; row++)
        {
            var old = maker.Order[row];
            _ids[row] = graph.Id(old);
            graph.Read(old, stored);
            if (_vectors is not null) Buffer.MemoryCopy(stored, _vectors.Pointer + (row * (long)Shape.Stride), Shape.Stride, Shape.Bytes);
            VectorFloats.Read(Shape, stored, floats);
            Quantizer.Encode(floats, Code(row));
            if (Layout == CodedLayout.Records)
            {
                maker.CopyLinks(old, 0, new(Code(row) + linkOffset, _linksMax));
                continue;
            }
            var count = maker.CopyLinks(old, 0, all);
            // Links that change beside this may be more now than they were when they were counted.
            count = (int)Math.Min(count, _linksBeside + (_linkCount - _ends[row]));
            var beside = Math.Min(_linksBeside, count);
            all.AsSpan(0, _linksBeside).CopyTo(new(Code(row) + linkOffset, _linksBeside));
            all.AsSpan(beside, count - beside).CopyTo(new(_links + _ends[row], count - beside));
            _ends[row + 1] = _ends[row] + (uint)(count - beside);
        }
        if (Layout == CodedLayout.Packed) _linkCount = _ends[Count];
        FillLayers(maker);
        Calibrate(graph, maker);
    }

    void FillLayers(CodedGraphMaker maker)
    {
        _layerCounts = maker.LayerCounts;
        _layers = new uint*[_layerCounts.Length];
        for (var layer = 1; layer <= _layers.Length; layer++)
        {
            var links = (uint*)Take(_layerCounts[layer - 1] * (long)_upperLinksMax * sizeof(uint));
            _layers[layer - 1] = links;
            for (var row = 0; row < _layerCounts[layer - 1]; row++)
                maker.CopyLinks(maker.Order[row], layer, new(links + (row * (nint)_upperLinksMax), _upperLinksMax));
        }
    }

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _readers.Close();
        foreach (var block in _blocks) block.Dispose();
        _vectors?.Dispose();
        Quantizer.Dispose();
        _image?.Dispose();
        _readers.Dispose();
    }

    byte* Code(uint row) => _codes + (row * (nuint)(uint)_stride);

    // Zeroed where gaps are: they are written into files.
    byte* Take(long bytes, bool zeroed = false)
    {
        var block = new NativeBlock(Math.Max(1, bytes), _budget, zeroed, large: true);
        _blocks.Add(block);
        return block.Pointer;
    }

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed("the graph");
    }

    sealed class NoVectors : IVectorSource
    {
        public static readonly NoVectors Instance = new();

        public byte* Vector(uint row) => null;
    }
}
