// CodedImageReader: what the header and the sections of a graph of codes say, checked: sizes must fit each other before a section is looked for, and whatever
// leads somewhere (links, ends of lists, upper links, rows by id) must lead to a row. Codes may be any bytes: a code that nobody made costs answers, never
// memory that is not ours.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

sealed unsafe class CodedImageReader
{
    const int PieceRows = 16_384;

    readonly SegmentImage _image;
    readonly IScheduler? _scheduler;
    readonly int _rows, _linksMax, _upperLinksMax, _linksBeside;
    readonly int[] _layerCounts;
    readonly long _linkCount;
    readonly double _rerankFactor;
    readonly bool _hasFrom;
    int _stride, _linkOffset;
    byte* _codes;
    uint* _ends, _links, _layers;
    ulong* _ids;

    public CodedImageReader(SegmentImage image, IScheduler? scheduler)
    {
        (_image, _scheduler) = (image, scheduler);
        var bytes = image.Facts;
        Shape = image.ReadShape(canBeBits: false);
        Layout = (CodedLayout)bytes[3];
        _image.Require(bytes[2] <= 1 && Layout is CodedLayout.Records or CodedLayout.Packed, "a layout, and times or none");
        _hasFrom = bytes[2] == 1;
        var rows = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        _image.Require(rows is > 0 and <= HnswIndex.RowsMax, "a number of rows");
        _rows = (int)rows;
        _linksMax = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        _upperLinksMax = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]);
        _linksBeside = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]);
        _image.Require(_upperLinksMax is >= 2 and <= HnswOptions.LinksMax && _linksMax == 2 * _upperLinksMax, "numbers of links");
        _linkCount = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        _image.Require(_linkCount >= 0 && _linkCount <= Math.Min(uint.MaxValue, rows * _linksMax), "a number of links elsewhere");
        _rerankFactor = BinaryPrimitives.ReadDoubleLittleEndian(bytes[40..]);
        _image.Require(_rerankFactor > 0, "how many candidates are compared exactly");
        var layers = BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]);
        _image.Require(layers is >= 0 and <= UpperLinks.LevelMax, "a number of layers");
        _layerCounts = new int[layers];
        var below = _rows;
        for (var i = 0; i < layers; i++)
        {
            _layerCounts[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(64 + (i * sizeof(int)))..]);
            _image.Require(_layerCounts[i] > 0 && _layerCounts[i] <= below, "fewer rows on each layer");
            below = _layerCounts[i];
        }
    }

    public VectorShape Shape { get; }

    public CodedLayout Layout { get; }

    public uint* Order { get; private set; }

    public ulong* From { get; private set; }

    public byte* Vectors { get; private set; }

    /// <summary>Of codes, links, upper layers and ids.</summary>
    public long MemoryBytes { get; private set; }

    public Quantizer ReadCodebook()
    {
        var length = _image.LengthOf(SectionKind.Codebook);
        _image.Require(length is > 0 and < int.MaxValue, "a codebook");
        var bytes = new ReadOnlySpan<byte>(_image.Section(SectionKind.Codebook, 1, length), (int)length);
        var quantizer = CodebookFormat.FromBytes(bytes, _image.Path);
        if (quantizer.Shape.Equals(Shape)) return quantizer;
        quantizer.Dispose();
        _image.Require(false, "a codebook of the vectors' shape");
        return quantizer;
    }

    public CodedParts ReadParts(Quantizer quantizer)
    {
        _linkOffset = (quantizer.CodeBytes + 3) & -4;
        if (Layout == CodedLayout.Records)
        {
            _image.Require(_linksBeside == 0 && _linkCount == 0, "all links beside the codes");
            _stride = (_linkOffset + (_linksMax * sizeof(uint)) + 63) & -64;
        }
        else
        {
            _image.Require(_linksBeside == Math.Min(_linksMax, (-_linkOffset & 63) / sizeof(uint)), "links that fill the line of a code");
            _stride = _linkOffset + (_linksBeside * sizeof(uint));
            _ends = (uint*)_image.Section(SectionKind.LinkEnds, sizeof(uint), (_rows + 1L) * sizeof(uint));
            _links = (uint*)_image.Section(SectionKind.Links, sizeof(uint), _linkCount * sizeof(uint));
        }
        _codes = _image.Section(SectionKind.Codes, _stride, (long)_rows * _stride);
        _ids = (ulong*)_image.Section(SectionKind.RowIds, sizeof(ulong), (long)_rows * sizeof(ulong));
        Order = (uint*)_image.Section(SectionKind.Ids, sizeof(uint), (long)_rows * sizeof(uint));
        if (_hasFrom) From = (ulong*)_image.Section(SectionKind.From, sizeof(ulong), (long)_rows * sizeof(ulong));
        Vectors = _image.Section(SectionKind.Vectors, Shape.Stride, (long)_rows * Shape.Stride);
        var layerRows = _layerCounts.Sum(c => (long)c);
        _layers = (uint*)_image.Section(SectionKind.Layers, _upperLinksMax * sizeof(uint), layerRows * _upperLinksMax * sizeof(uint));
        MemoryBytes = ((long)_rows * (_stride + sizeof(ulong))) + (layerRows * _upperLinksMax * sizeof(uint))
            + (Layout == CodedLayout.Packed ? ((_rows + 1L) * sizeof(uint)) + (_linkCount * sizeof(uint)) : 0);
        if (Layout == CodedLayout.Packed) CheckEnds();
        ParallelPieces.Run(((_rows + PieceRows - 1) / PieceRows) + 2, CheckPiece, _scheduler);
        var layers = new uint*[_layerCounts.Length];
        var at = _layers;
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = at;
            at += (long)_layerCounts[i] * _upperLinksMax;
        }
        return new()
        {
            Rows = _rows, LinksMax = _linksMax, UpperLinksMax = _upperLinksMax, LinksBeside = _linksBeside, Stride = _stride, LayerCounts = _layerCounts,
            RerankFactor = _rerankFactor, Ids = _ids, Codes = _codes, Ends = _ends, Links = _links, LinkCount = _linkCount, Layers = layers,
        };
    }

    // A walk has room for so many neighbours of a row.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckEnds()
    {
        _image.Require(_ends[0] == 0 && _ends[_rows] == _linkCount, SectionKind.LinkEnds, "lists of links from the first to the last");
        var more = _linksMax - _linksBeside;
        for (var row = 0; row < _rows; row++)
            if (_ends[row + 1] < _ends[row] || _ends[row + 1] - _ends[row] > more)
                _image.Require(false, SectionKind.LinkEnds, $"links of row {row} behind those of the row before, {more} at most");
    }

    void CheckPiece(int piece)
    {
        if (piece == 0) CheckLayers();
        else if (piece == 1) CheckOrder();
        else CheckLinks(piece - 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckLinks(int piece)
    {
        var beside = Layout == CodedLayout.Records ? _linksMax : _linksBeside;
        var end = Math.Min(_rows, (piece + 1L) * PieceRows);
        for (var row = (long)piece * PieceRows; row < end; row++)
        {
            // The end of a list is one less than zero.
            var links = (uint*)(_codes + (row * _stride) + _linkOffset);
            var isGood = true;
            for (var i = 0; i < beside; i++) isGood &= links[i] + 1 <= (uint)_rows;
            if (Layout == CodedLayout.Packed)
                for (var i = _ends[row]; i < _ends[row + 1]; i++) isGood &= _links[i] < (uint)_rows;
            if (!isGood) _image.Require(false, SectionKind.Codes, $"links of row {row} to one of {_rows} rows");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckLayers()
    {
        var links = _layers;
        for (var layer = 0; layer < _layerCounts.Length; layer++)
            for (var i = (long)_layerCounts[layer] * _upperLinksMax; i > 0; i--)
                if (*links++ is var link && link != VectorStore.End && link >= (uint)_layerCounts[layer])
                    _image.Require(false, SectionKind.Layers, $"links on layer {layer + 1} to rows that reach it");
    }

    // Ids that rise along rows that are there: each row once, each id once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckOrder()
    {
        for (var i = 0; i < _rows; i++)
            if (Order[i] >= (uint)_rows || (i > 0 && _ids[Order[i - 1]] >= _ids[Order[i]])) _image.Require(false, SectionKind.Ids, "rows by ascending id");
    }
}
