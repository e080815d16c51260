// DiskIndex: an index larger than memory. Codes and links of the graph are in memory, whole vectors on disk; a search walks by estimates and then reads the
// pages of the best candidates, many at once, to compare them exactly (the split of DiskANN, Subramanya et al., NeurIPS 2019, with the graph kept in memory).
//
//   in memory   codebook; codes, a line each; links as compressed lists; upper layers; nothing else that grows with the rows but the marks of a search
//   on disk     pages of whole vectors with their ids, in the order of PageOrder (docs/formats/vector-pages.md)
//
// What it holds in memory is at most a share of the bytes of the whole vectors, a quarter unless told otherwise: more is refused, when it is made and when
// it is opened.
//
// Made by DiskIndexWriter, then read only. Always true: everything in memory was checked against its checksum, and every link and offset against its bounds,
// before the first search; a page is checked each time it is read. Searches run side by side, take no lock and allocate nothing.
// Not here: inserts and deletes (a graph in memory beside it has them until a new file is made; or Postings).

using System.Runtime.CompilerServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Disk;

public sealed unsafe partial class DiskIndex : IDisposable
{
    readonly IReadableFile _file;
    readonly DiskFormat _format;
    readonly PageLayout _pages;
    readonly MemoryBudget _budget;
    readonly List<NativeBlock> _blocks = [];
    readonly Readers _readers;
    readonly Quantizer _quantizer;
    readonly byte* _codes;
    readonly LinkPlaces _links;
    readonly uint* _upperRows;
    readonly uint*[] _layers;    // links of layer 1, 2, ..., as places
    readonly int[] _layerCounts;
    readonly bool _codebookIsCounted;
    bool _closed;

    DiskIndex(IReadableFile file, DiskFormat format, MemoryBudget budget)
    {
        (_file, _format, _pages, _budget) = (file, format, format.Pages, budget);
        _readers = new(budget);
        try
        {
            // The quantizer's memory is its own; here it is counted.
            budget.Reserve(CodebookBytes(format.Shape));
            _codebookIsCounted = true;
            var codebook = Load(DiskSection.Codebook);
            _quantizer = CodebookFormat.FromBytes(new(codebook.Pointer, checked((int)format.Places[0].Length)), file.Path);
            _blocks.Remove(codebook);
            codebook.Dispose();
            if (!_quantizer.Shape.Equals(format.Shape)) Throw.Corruption(file.Path, format.Places[0].Offset, $"a codebook for {format.Shape}");
            _codes = Load(DiskSection.Codes, (long)Count * _quantizer.CodeBytes).Pointer;
            var bases = (ulong*)Load(DiskSection.LinkBases, (((Count - 1L) / LinkPlaces.Group) + 1) * sizeof(ulong)).Pointer;
            var offsets = (ushort*)Load(DiskSection.LinkOffsets, Count * (long)sizeof(ushort)).Pointer;
            var lists = Load(DiskSection.Links).Pointer;
            _links = new(bases, offsets, lists);
            CheckLinks(bases, offsets, lists);
            _layerCounts = LoadUpperRows(out _upperRows);
            _layers = LoadUpperLinks();
        }
        catch
        {
            Free();
            throw;
        }
    }

    public VectorShape Shape => _format.Shape;

    public int Count => _format.Count;

    /// <summary>Bytes in memory of codes, links, upper layers and codebook; the marks and pages of searches are not in it.</summary>
    public long MemoryBytes => _blocks.Sum(b => b.Bytes) + CodebookBytes(Shape);

    /// <summary>Bytes of a code.</summary>
    public int CodeBytes => _quantizer.CodeBytes;

    /// <summary>Bytes of a page, which is what one read reads.</summary>
    public int PageBytes => _pages.PageBytes;

    public int RowsPerPage => _pages.RowsPerPage;

    /// <summary>Makes the file of an index on disk from a built graph, which stays as it is. An older file of that name is replaced in one step.</summary>
    /// <exception cref="AevumException">InvalidArgument: an empty graph; vectors of bits. LimitExceeded: the smallest codes do not fit the share of memory.
    /// DiskFull, InputOutput: as the file system says; the older file is as it was.</exception>
    public static void Write(IFileSystem files, string path, HnswIndex index, DiskIndexOptions? options = null) =>
        DiskIndexWriter.Write(files, path, index, options ?? new());

    /// <summary>Opens an index: reads and checks what stays in memory.</summary>
    /// <param name="memoryShare">What it may hold in memory, as a share of the bytes of its whole vectors.</param>
    /// <param name="budget">What it takes its memory from; null: from an unlimited one of its own.</param>
    /// <exception cref="AevumException">NotFound; Corruption; UnsupportedFormat; LimitExceeded: it needs more memory than the share, or the budget,
    /// allows; nothing is left behind. InputOutput.</exception>
    public static DiskIndex Open(IFileSystem files, string path, double memoryShare = 0.25, MemoryBudget? budget = null)
    {
        if (!(memoryShare > 0)) Throw.Invalid($"the share of memory is {memoryShare}; it is above 0");
        var file = files.OpenRead(path);
        try
        {
            var format = DiskFormat.Read(file);
            var sections = format.Places.Skip(1).Sum(p => p.Length);
            var needed = MemoryFor(format.Count, 0, sections, CodebookBytes(format.Shape));
            var most = MemoryMax(format.Shape, format.Count, memoryShare);
            if (needed > most)
                throw new AevumException(ErrorCode.LimitExceeded,
                    $"{path} needs {needed} bytes of memory; {most} are allowed ({memoryShare:P0} of its vectors' bytes)");
            return new(file, format, budget ?? MemoryBudget.Unlimited());
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Asks the system to forget the file's bytes, so that searches read from the disk: to measure.</summary>
    public void DropCache() => _file.DropCache();

    /// <summary>The ids of rows, in order, from <paramref name="first"/> on: for who makes filters of them. Reads every page that has one.</summary>
    public void ReadIds(uint first, Span<ulong> ids)
    {
        using var page = new NativeBlock(PageBytes, _budget);
        var scratch = _readers.Enter();
        try
        {
            if (first + (long)ids.Length > Count) Throw.Invalid($"rows {first} to {first + (long)ids.Length} are not all below {Count}");
            for (var i = 0; i < ids.Length;)
            {
                var row = first + (uint)i;
                ReadPage(_pages.PageOf(row), page.Pointer);
                for (var place = (int)(row % (uint)RowsPerPage); place < RowsPerPage && i < ids.Length; place++) ids[i++] = _pages.Id(page.Pointer, place);
            }
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>The vector of a row, as floats. Reads a page.</summary>
    /// <param name="vector">Shape [d]. Under Cosine it has length 1 where it is float32.</param>
    public void ReadVector(uint row, Span<float> vector)
    {
        using var page = new NativeBlock(PageBytes, _budget);
        var scratch = _readers.Enter();
        try
        {
            if (row >= Count) Throw.Invalid($"there is no row {row} among {Count}");
            ReadPage(_pages.PageOf(row), page.Pointer);
            VectorEncoder.Decode(Shape, new(_pages.Vector(page.Pointer, (int)(row % (uint)RowsPerPage)), Shape.Bytes), vector);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>Reads every page and checks it.</summary>
    /// <exception cref="AevumException">Corruption: the first page that is not as it was written.</exception>
    public void CheckPages()
    {
        using var page = new NativeBlock(PageBytes, _budget);
        var scratch = _readers.Enter();
        try
        {
            for (uint number = 0; number < _pages.Pages(Count); number++) ReadPage(number, page.Pointer);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _readers.Close();
        Free();
    }

    /// <summary>What an index may hold in memory.</summary>
    internal static long MemoryMax(VectorShape shape, int count, double share) => (long)(share * shape.Bytes * count);

    /// <summary>What it needs: its sections, the codebook as tables, and the marks of one search.</summary>
    internal static long MemoryFor(int count, int codeBytes, long sections, long codebook) =>
        ((long)count * codeBytes) + sections + codebook + count;

    /// <summary>Centroids, once as they were learnt and once as tables that are searched.</summary>
    internal static long CodebookBytes(VectorShape shape) => 2L * shape.Dimension * 256 * sizeof(float);

    void ReadPage(uint number, byte* target)
    {
        if (_file.Read(_pages.Offset(number), new(target, PageBytes)) < PageBytes)
            Throw.Corruption(_file.Path, _pages.Offset(number), $"the whole of page {number}");
        _pages.Check(target, number, _pages.RowsOn(number, Count), _format.Mark, _file.Path);
    }

    // A section as memory, checked against its checksum.
    NativeBlock Load(DiskSection section, long length = -1)
    {
        var place = _format.Places[(int)section];
        if (length >= 0 && place.Length != length) Throw.Corruption(_file.Path, place.Offset, $"{length} bytes of {section}");
        var block = new NativeBlock(place.Length + LinkLists.Padding, _budget, large: true);
        _blocks.Add(block);
        const int Chunk = 1 << 22;
        uint checksum = 0;
        for (long at = 0; at < place.Length; at += Chunk)
        {
            var bytes = new Span<byte>(block.Pointer + at, (int)Math.Min(Chunk, place.Length - at));
            if (_file.Read(place.Offset + at, bytes) < bytes.Length) Throw.Corruption(_file.Path, place.Offset + at, $"the whole of {section}");
            checksum = Crc32C.Extend(checksum, bytes);
        }
        if (checksum != place.Checksum) Throw.Corruption(_file.Path, place.Offset, $"the checksum of {section}");
        Unsafe.InitBlockUnaligned(block.Pointer + place.Length, 0, LinkLists.Padding);
        return block;
    }

    // Whoever follows links follows them without looking: here they are looked at, all of them.
    void CheckLinks(ulong* bases, ushort* offsets, byte* lists)
    {
        var place = _format.Places[(int)DiskSection.Links];
        long end = 0;
        for (var row = 0; row < Count; row++)
        {
            var from = end;
            if ((row % LinkPlaces.Group == 0 && bases[row / LinkPlaces.Group] != (ulong)from) || bases[row / LinkPlaces.Group] + offsets[row] != (ulong)from)
                Throw.Corruption(_file.Path, _format.Places[(int)DiskSection.LinkOffsets].Offset + (2L * row), $"where the links of row {row} begin");
            if (from >= place.Length) Throw.Corruption(_file.Path, place.Offset + place.Length, $"links of row {row}");
            end = from + ListBytes(lists + from, place.Length - from);
            if (end > place.Length || !LinkLists.Check(new(lists + from, (int)(end - from)), (uint)row, Count, _format.LinksMax))
                Throw.Corruption(_file.Path, place.Offset + from, $"links of row {row}");
        }
        if (end != place.Length) Throw.Corruption(_file.Path, place.Offset + end, "the end of the links");
    }

    // How long the list says it is; more than there is where it is cut.
    static long ListBytes(byte* list, long there)
    {
        int count = list[0], lengths = (count + 3) / 4;
        if (1 + lengths > there) return long.MaxValue;
        long bytes = 1 + lengths;
        for (var i = 0; i < count; i++) bytes += ((list[1 + (i >> 2)] >> ((i & 3) * 2)) & 3) + 1;
        return bytes;
    }

    int[] LoadUpperRows(out uint* upperRows)
    {
        var place = _format.Places[(int)DiskSection.UpperRows];
        if (place.Length < 4L * _format.LayerCount) Throw.Corruption(_file.Path, place.Offset, "the rows of each layer");
        var words = (uint*)Load(DiskSection.UpperRows).Pointer;
        var counts = new int[_format.LayerCount];
        for (var i = 0; i < counts.Length; i++)
        {
            if (words[i] < 1 || words[i] > (i == 0 ? (uint)Count : (uint)counts[i - 1]))
                Throw.Corruption(_file.Path, place.Offset + (4L * i), "the rows of a layer");
            counts[i] = (int)words[i];
        }
        var rows = counts.Length == 0 ? 0 : counts[0];
        if (place.Length != 4L * (counts.Length + (long)rows)) Throw.Corruption(_file.Path, place.Offset, "a row for each upper place");
        for (var i = 0; i < rows; i++)
            if (words[counts.Length + i] >= Count) Throw.Corruption(_file.Path, place.Offset + (4L * (counts.Length + i)), "a row");
        upperRows = words + counts.Length;
        return counts;
    }

    uint*[] LoadUpperLinks()
    {
        var place = _format.Places[(int)DiskSection.UpperLinks];
        var links = (uint*)Load(DiskSection.UpperLinks, _layerCounts.Sum(c => (long)c) * _format.UpperLinksMax * sizeof(uint)).Pointer;
        var layers = new uint*[_layerCounts.Length];
        var at = links;
        for (var layer = 0; layer < layers.Length; layer++)
        {
            layers[layer] = at;
            for (var i = (long)_layerCounts[layer] * _format.UpperLinksMax; i > 0; i--, at++)
                if (*at != VectorStore.End && *at >= (uint)_layerCounts[layer])
                    Throw.Corruption(_file.Path, place.Offset + (4L * (at - links)), "a place of the layer");
        }
        return layers;
    }

    void Free()
    {
        foreach (var block in _blocks) block.Dispose();
        _blocks.Clear();
        _quantizer?.Dispose();
        if (_codebookIsCounted) _budget.Release(CodebookBytes(Shape));
        _readers.Dispose();
        _file.Dispose();
    }
}
