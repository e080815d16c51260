// IvfImageReader: what the header and the sections of inverted lists say, checked: sizes must fit each other before a section is looked for, lists must lie one
// behind the other and fill their sections, and the codebook must make the codes that the lists hold. Row numbers may be any, each once (IvfIndex sees to that:
// IvfPlaces takes some bytes for each row that stands in the file); so may codes and components, for a code that nobody made costs answers and never memory
// not ours.

using System.Buffers.Binary;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfImageReader
{
    const long RowsMax = 1L << 32;

    readonly SegmentImage _image;
    readonly int _lists;
    readonly long _rows;

    public IvfImageReader(SegmentImage image)
    {
        _image = image;
        _image.Require(image.Kind == SegmentKind.Lists, $"a segment of the kind {SegmentKind.Lists}, not {image.Kind}");
        var bytes = image.Facts;
        Shape = image.ReadShape(canBeBits: false);
        _image.Require(bytes[2] <= 1, "vectors or codes");
        _rows = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        _image.Require(_rows is >= 0 and <= RowsMax, "a number of rows");
        _lists = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        Options = new()
        {
            IsCoded = bytes[2] == 1, Lists = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]), Probes = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            SubCount = BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]), RoundsMax = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
        };
        _image.Require(Options.Lists is > 0 and <= IvfOptions.ListsMax && _lists > 0 && _lists <= Options.Lists, "a number of lists");
        _image.Require((long)_lists * Shape.Dimension <= int.MaxValue, "centroids that one table holds");
        _image.Require(Options.Probes > 0 && Options.RoundsMax >= 0, "options within their ranges");
    }

    public VectorShape Shape { get; }

    public IvfOptions Options { get; }

    /// <returns>Null: the lists hold vectors.</returns>
    public ProductQuantizer? ReadCodebook()
    {
        if (!Options.IsCoded) return null;
        _image.Require(Options.SubCount is > 0 and <= ProductQuantizer.SubCountMax, "a number of parts");
        var length = _image.LengthOf(SectionKind.Codebook);
        _image.Require(length is > 0 and < int.MaxValue, "a codebook");
        var bytes = new ReadOnlySpan<byte>(_image.Section(SectionKind.Codebook, 1, length), (int)length);
        var quantizer = CodebookFormat.FromBytes(bytes, _image.Path);
        if (quantizer is ProductQuantizer { CentroidCount: 16, Turn: null } product && product.Shape.Equals(Shape)
            && product.SubCount == Math.Min(Options.SubCount, Shape.Dimension)) return product;
        quantizer.Dispose();
        _image.Require(false, SectionKind.Codebook, "product codes of half a byte a part, of the vectors' shape and not turned");
        return null;
    }

    public CentroidTable ReadCentroids()
    {
        var stride = Shape.Dimension * sizeof(float);
        var centroids = new ReadOnlySpan<float>(_image.Section(SectionKind.Centroids, stride, (long)_lists * stride), _lists * Shape.Dimension);
        foreach (var component in centroids)
            if (!float.IsFinite(component)) _image.Require(false, SectionKind.Centroids, "finite numbers");
        return new(centroids, Shape.Dimension);
    }

    /// <summary>Hands each list its part of the sections. Lengths are compared before anything is looked at behind them.</summary>
    public void ReadLists(IvfList[] lists, int entryBytes)
    {
        var ends = (long*)_image.Section(SectionKind.ListEnds, sizeof(long), (long)_lists * sizeof(long));
        var (before, bytes) = (0L, 0L);
        for (var i = 0; i < _lists; i++)
        {
            var count = ends[i] - before;
            if (ends[i] < before || ends[i] > _rows || count > IvfList.RowsMax)
                _image.Require(false, SectionKind.ListEnds, $"list {i} behind the one before, {_rows} rows and {IvfList.RowsMax} in a list at most");
            bytes += IvfList.EntriesBytes(count, entryBytes, Options.IsCoded);
            before = ends[i];
        }
        _image.Require(before == _rows, SectionKind.ListEnds, $"{_rows} rows in all lists");
        var rows = (uint*)_image.Section(SectionKind.ListRows, sizeof(uint), _rows * sizeof(uint));
        var entries = _image.Section(SectionKind.ListEntries, IvfImage.EntryStride(entryBytes, Options.IsCoded), bytes);
        before = 0;
        for (var i = 0; i < _lists; i++)
        {
            var count = (int)(ends[i] - before);
            lists[i].Adopt(rows, entries, count);
            rows += count;
            entries += IvfList.EntriesBytes(count, entryBytes, Options.IsCoded);
            before = ends[i];
        }
    }
}
