// DiskIndexWriter: makes the file of an index on disk from a built graph.
//
//   the graph's links ─> PageOrder: new row numbers ─> compressed links ─> how many bytes are left for a code? ─> codebook
//   ─> vector pages, encoding each vector on its way ─> sections ─> footer ─> sync ─> rename ─> sync of the directory
//
// So a file with the right name is whole. The graph must fit in memory while this runs (it does not change meanwhile); what is made from it need not.
//
// Always true: what is written fits the share of memory it was made for, or LimitExceeded was thrown before the file had its name.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Disk;

sealed unsafe class DiskIndexWriter
{
    const int SubCountMax = 96;
    const int ChunkBytes = 1 << 20;

    readonly StillGraph _graph;
    readonly VectorShape _shape;
    readonly DiskIndexOptions _options;
    readonly CodedGraphMaker _maker;
    readonly PageLayout _pages;
    readonly uint[] _order;    // new row -> row of the maker
    readonly uint[] _numbers;  // and back

    DiskIndexWriter(StillGraph graph, VectorShape shape, DiskIndexOptions options)
    {
        (_graph, _shape, _options) = (graph, shape, options);
        _maker = new(graph, shape);
        if (_maker.Count == 0) Throw.Invalid("there is nothing in the graph to write");
        if (graph.LinksMax > LinkLists.LinksMax) Throw.Limit("the number of links a row", graph.LinksMax, LinkLists.LinksMax);
        _pages = new(shape, options.PageBytes == 0 ? PageLayout.BytesFor(shape) : options.PageBytes);
        if (_pages.RowsPerPage == 0) Throw.Invalid($"no vector of {shape.Bytes} bytes fits into a page of {_pages.PageBytes}");
        _order = PageOrder.Of(_maker.Count, _pages.RowsPerPage, graph.LinksMax, (row, links) => _maker.CopyLinks(_maker.Order[row], 0, links));
        _numbers = new uint[_order.Length];
        for (var i = 0; i < _order.Length; i++) _numbers[_order[i]] = (uint)i;
    }

    /// <summary>Writes the index that a graph is the model of. A file of that name loses it.</summary>
    /// <exception cref="AevumException">InvalidArgument: an empty graph, vectors of bits. LimitExceeded: the smallest codes do not fit the share of memory.
    /// DiskFull, InputOutput.</exception>
    public static void Write(IFileSystem files, string path, HnswIndex index, DiskIndexOptions options)
    {
        options.Validate();
        VectorFloats.Require(index.Shape);
        index.WhileStill(graph =>
        {
            new DiskIndexWriter(graph, index.Shape, options).Write(files, path);
            return true;
        });
    }

    void Write(IFileSystem files, string path)
    {
        var part = path + ".part";
        try
        {
            using (var file = files.Create(part))
            {
                WriteParts(file);
                file.Sync();
            }
            files.Rename(part, path);
        }
        catch
        {
            TryDelete(files, part);
            throw;
        }
        files.SyncDirectory(FilePaths.DirectoryOf(path));
    }

    void WriteParts(IWritableFile file)
    {
        var count = _order.Length;
        var links = new NativeList();
        try
        {
            var bases = new ulong[((count - 1) / LinkPlaces.Group) + 1];
            var offsets = new ushort[count];
            PackLinks(links, bases, offsets);
            var upperRows = UpperRows();
            var upperLinks = UpperLinkPlaces();
            var sectionBytes = (bases.Length * 8L) + (offsets.Length * 2L) + links.Length + upperRows.Length + upperLinks.Length;
            var fixedBytes = DiskIndex.MemoryFor(count, 0, sectionBytes, 0);
            var subCount = SubCountFor(fixedBytes);
            using var quantizer = Train(subCount);
            var format = new DiskFormat
            {
                Shape = _shape, Pages = _pages, Count = count, LinksMax = _graph.LinksMax, UpperLinksMax = _graph.UpperLinksMax,
                LayerCount = _maker.LayerCounts.Length, Entry = _numbers[0],
            };
            file.Append(format.Header(out var mark));
            using var codes = new NativeBlock((long)count * quantizer.CodeBytes, MemoryBudget.Unlimited(), large: true);
            WritePages(file, mark, quantizer, codes.Pointer);
            var sections = new SectionWriter(file, format.Places);
            sections.Write(DiskSection.Codebook, CodebookFormat.ToBytes(quantizer));
            sections.Write(DiskSection.Codes, codes.Pointer, codes.Bytes);
            fixed (ulong* b = bases) sections.Write(DiskSection.LinkBases, (byte*)b, bases.Length * 8L);
            fixed (ushort* o = offsets) sections.Write(DiskSection.LinkOffsets, (byte*)o, offsets.Length * 2L);
            sections.Write(DiskSection.Links, links.Pointer, links.Length);
            sections.Write(DiskSection.UpperRows, upperRows);
            sections.Write(DiskSection.UpperLinks, upperLinks);
            file.Append(format.Footer(mark));
        }
        finally
        {
            links.Dispose();
        }
    }

    void PackLinks(NativeList lists, ulong[] bases, ushort[] offsets)
    {
        var links = new uint[_graph.LinksMax];
        var bytes = new byte[LinkLists.BytesMax(_graph.LinksMax)];
        for (var row = 0; row < _order.Length; row++)
        {
            var count = _maker.CopyLinks(_maker.Order[_order[row]], 0, links);
            for (var i = 0; i < count; i++) links[i] = _numbers[links[i]];
            links.AsSpan(0, count).Sort();
            if (row % LinkPlaces.Group == 0) bases[row / LinkPlaces.Group] = (ulong)lists.Length;
            offsets[row] = checked((ushort)((ulong)lists.Length - bases[row / LinkPlaces.Group]));
            lists.Add(bytes.AsSpan(0, LinkLists.Write((uint)row, links.AsSpan(0, count), bytes)));
        }
    }

    // As many parts as the memory leaves room for, in fours, up to one for two components.
    int SubCountFor(long fixedBytes)
    {
        var most = DiskIndex.MemoryMax(_shape, _order.Length, _options.MemoryShare);
        var wanted = _options.SubCount > 0 ? ProductQuantizer.SubCountFor(_shape.Dimension, _options.SubCount)
            : Math.Clamp(_shape.Dimension / 2, 1, SubCountMax);
        for (var parts = wanted; ; parts = parts > 4 ? (parts - 1) & -4 : parts - 1)
        {
            var bytes = fixedBytes + ((long)parts * _order.Length) + DiskIndex.CodebookBytes(_shape);
            if (bytes <= most) return parts;
            if (parts == 1 || _options.SubCount > 0)
                throw new AevumException(ErrorCode.LimitExceeded,
                    $"an index of {_order.Length} vectors of {_shape} with codes of {parts} bytes needs {bytes} bytes of memory; {most} are allowed "
                    + $"({_options.MemoryShare:P0} of the vectors' bytes)");
        }
    }

    Quantizer Train(int subCount)
    {
        var random = new SeededRandom(_options.Seed);
        return _maker.Train(new(new(QuantizationKind.Product, subCount)) { SampleMax = _options.SampleMax }, random, MemoryBudget.Unlimited());
    }

    void WritePages(IWritableFile file, uint mark, Quantizer quantizer, byte* codes)
    {
        var pagesInChunk = Math.Max(1, ChunkBytes / _pages.PageBytes);
        using var chunk = new NativeBlock((long)pagesInChunk * _pages.PageBytes, MemoryBudget.Unlimited());
        using var scratch = new NativeBlock(_shape.Stride + (_shape.Dimension * (long)sizeof(float)), MemoryBudget.Unlimited());
        var stored = scratch.Pointer;
        var floats = (float*)(stored + _shape.Stride);
        var pages = (uint)_pages.Pages(_order.Length);
        for (uint first = 0; first < pages; first += (uint)pagesInChunk)
        {
            var here = (int)Math.Min(pagesInChunk, pages - first);
            new Span<byte>(chunk.Pointer, here * _pages.PageBytes).Clear();
            for (var i = 0; i < here; i++)
            {
                var number = first + (uint)i;
                var page = chunk.Pointer + ((long)i * _pages.PageBytes);
                var rows = _pages.RowsOn(number, _order.Length);
                for (var place = 0; place < rows; place++)
                {
                    var row = ((long)number * _pages.RowsPerPage) + place;
                    var old = _maker.Order[_order[row]];
                    _graph.Read(old, stored);
                    Buffer.MemoryCopy(stored, _pages.Vector(page, place), _shape.Bytes, _shape.Bytes);
                    _pages.SetId(page, place, _graph.Id(old));
                    VectorFloats.Read(_shape, stored, floats);
                    quantizer.Encode(floats, codes + (row * quantizer.CodeBytes));
                }
                _pages.Seal(page, number, rows, mark);
            }
            file.Append(new(chunk.Pointer, here * _pages.PageBytes));
        }
    }

    // Upper places are the maker's numbers: who reaches the highest layer comes first.
    byte[] UpperRows()
    {
        var layers = _maker.LayerCounts;
        var places = layers.Length == 0 ? 0 : layers[0];
        var bytes = new byte[(layers.Length + places) * sizeof(uint)];
        for (var i = 0; i < layers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * 4), layers[i]);
        for (var i = 0; i < places; i++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((layers.Length + i) * 4), _numbers[i]);
        return bytes;
    }

    byte[] UpperLinkPlaces()
    {
        var layers = _maker.LayerCounts;
        var bytes = new byte[layers.Sum(l => (long)l) * _graph.UpperLinksMax * sizeof(uint)];
        var links = new uint[_graph.UpperLinksMax];
        var at = 0;
        for (var layer = 1; layer <= layers.Length; layer++)
        {
            for (var place = 0; place < layers[layer - 1]; place++)
            {
                _maker.CopyLinks(_maker.Order[place], layer, links);
                foreach (var link in links)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), link);
                    at += sizeof(uint);
                }
            }
        }
        return bytes;
    }

    static void TryDelete(IFileSystem files, string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (AevumException)
        {
            // What failed before is what the caller wants to know.
        }
    }

    // Appends sections and notes where they came to lie.
    sealed class SectionWriter(IWritableFile file, SectionPlace[] places)
    {
        public void Write(DiskSection section, byte[] bytes)
        {
            fixed (byte* b = bytes) Write(section, b, bytes.Length);
        }

        public void Write(DiskSection section, byte* bytes, long length)
        {
            places[(int)section] = new(file.Length, length, Crc32C.Compute(bytes, length));
            for (long at = 0; at < length; at += ChunkBytes) file.Append(new(bytes + at, (int)Math.Min(ChunkBytes, length - at)));
        }
    }
}

/// <summary>Bytes one after the other in native memory that grows by copying; for who makes something once.</summary>
sealed unsafe class NativeList : IDisposable
{
    NativeBlock _block = new(1 << 16, MemoryBudget.Unlimited());

    public byte* Pointer => _block.Pointer;

    public long Length { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (Length + bytes.Length > _block.Bytes)
        {
            var larger = new NativeBlock(Math.Max(_block.Bytes * 2, Length + bytes.Length), MemoryBudget.Unlimited(), large: true);
            Buffer.MemoryCopy(_block.Pointer, larger.Pointer, larger.Bytes, Length);
            _block.Dispose();
            _block = larger;
        }
        bytes.CopyTo(new(_block.Pointer + Length, bytes.Length));
        Length += bytes.Length;
    }

    public void Dispose() => _block.Dispose();
}
