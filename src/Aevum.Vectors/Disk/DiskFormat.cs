// DiskFormat: the parts of the file of an index on disk that say what the others are (docs/formats/vector-pages.md). Little endian.
//
//   [header, one page]  [vector page]*  [section]*  [footer, 256 bytes]
//
// The header is known before the first vector is written, the footer after the last link; the header's checksum stands in every page and in the footer, so
// parts of different files are never taken for one. Sections are read whole when the index is opened, pages when a search wants them.
//
// Always true of what Read lets through: counts, sizes and places fit each other and the file's length. What stands in sections is checked by DiskIndex.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Disk;

/// <summary>In the order in which they stand in the file. The values are written into files.</summary>
enum DiskSection
{
    /// <summary>A codebook (docs/formats/codebook.md).</summary>
    Codebook = 0,

    /// <summary>A code a row.</summary>
    Codes = 1,

    /// <summary>u64 for every 32 rows: where their lists begin in Links.</summary>
    LinkBases = 2,

    /// <summary>u16 a row: where its list begins, from its base on.</summary>
    LinkOffsets = 3,

    /// <summary>Lists (LinkLists), one after the other.</summary>
    Links = 4,

    /// <summary>i32 a layer above the lowest: its rows; then the row of each upper place, u32.</summary>
    UpperRows = 5,

    /// <summary>For each layer above the lowest: u32 [rows of the layer, upper links]; places, 0xFFFFFFFF ends a list.</summary>
    UpperLinks = 6,
}

/// <param name="Offset">In the file.</param>
/// <param name="Checksum">CRC-32C of its bytes.</param>
readonly record struct SectionPlace(long Offset, long Length, uint Checksum);

sealed record DiskFormat
{
    public const int HeaderBytes = 64;
    public const int FooterBytes = 256;
    public const int Sections = 7;

    /// <summary>`AvVp` and `AvVf` in ASCII.</summary>
    const uint HeaderMagic = 0x70567641, FooterMagic = 0x66567641;

    const ushort Version = 1;
    const int FooterFixed = 40;
    const int PlaceBytes = 24;

    public required VectorShape Shape { get; init; }

    public required PageLayout Pages { get; init; }

    /// <summary>How many rows.</summary>
    public required int Count { get; init; }

    public int LinksMax { get; init; }

    public int UpperLinksMax { get; init; }

    /// <summary>How many layers there are above the lowest.</summary>
    public int LayerCount { get; init; }

    /// <summary>The row that a search begins at where there is no layer above.</summary>
    public uint Entry { get; init; }

    public SectionPlace[] Places { get; init; } = new SectionPlace[Sections];

    /// <summary>Checksum of the header, which names the file.</summary>
    public uint Mark { get; private init; }

    /// <summary>The first page, and the mark that all others carry.</summary>
    public byte[] Header(out uint mark)
    {
        var bytes = new byte[Pages.PageBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, HeaderMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        (bytes[8], bytes[9]) = ((byte)Shape.Element, (byte)Shape.Metric);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), Shape.Dimension);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), Pages.PageBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), Pages.RowsPerPage);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), Count);
        mark = Crc32C.Compute(bytes.AsSpan(0, HeaderBytes - 4));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(HeaderBytes - 4), mark);
        return bytes;
    }

    public byte[] Footer(uint mark)
    {
        var bytes = new byte[FooterBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, FooterMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), mark);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Places[^1].Offset + Places[^1].Length + FooterBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), LinksMax);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), UpperLinksMax);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), LayerCount);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(28), Entry);
        for (var i = 0; i < Sections; i++)
        {
            var place = bytes.AsSpan(FooterFixed + (i * PlaceBytes));
            BinaryPrimitives.WriteInt64LittleEndian(place, Places[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(place[8..], Places[i].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(place[16..], Places[i].Checksum);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(FooterBytes - 4), Crc32C.Compute(bytes.AsSpan(0, FooterBytes - 4)));
        return bytes;
    }

    /// <exception cref="AevumException">Corruption; UnsupportedFormat; InputOutput.</exception>
    public static DiskFormat Read(IReadableFile file)
    {
        var length = file.Length;
        if (length < HeaderBytes + FooterBytes) Throw.Corruption(file.Path, 0, $"at least {HeaderBytes + FooterBytes} bytes");
        Span<byte> header = stackalloc byte[HeaderBytes], footer = stackalloc byte[FooterBytes];
        if (file.Read(0, header) < HeaderBytes) Throw.Corruption(file.Path, 0, "the whole of the header");
        var (shape, pages, count) = ReadHeader(header, file.Path);
        var at = length - FooterBytes;
        if (file.Read(at, footer) < FooterBytes) Throw.Corruption(file.Path, at, "the whole of the footer");
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer) != FooterMagic) Throw.Corruption(file.Path, at, "a footer's first four bytes");
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer[^4..]) != Crc32C.Compute(footer[..^4]))
            Throw.Corruption(file.Path, length - 4, "the checksum of the footer");
        var mark = BinaryPrimitives.ReadUInt32LittleEndian(header[^4..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer[4..]) != mark) Throw.Corruption(file.Path, at + 4, "the footer of the file that the header begins");
        if (BinaryPrimitives.ReadInt64LittleEndian(footer[8..]) != length) Throw.Corruption(file.Path, at + 8, "the length of the file");
        var places = new SectionPlace[Sections];
        var next = pages.Offset((uint)pages.Pages(count));
        for (var i = 0; i < Sections; i++)
        {
            var place = footer[(FooterFixed + (i * PlaceBytes))..];
            places[i] = new(BinaryPrimitives.ReadInt64LittleEndian(place), BinaryPrimitives.ReadInt64LittleEndian(place[8..]),
                BinaryPrimitives.ReadUInt32LittleEndian(place[16..]));
            // One behind the other, without gaps, so that every byte of the file is under some checksum.
            if (places[i].Offset != next || places[i].Length < 0 || places[i].Length > length - FooterBytes - next)
                Throw.Corruption(file.Path, at + FooterFixed + (i * PlaceBytes), $"the place of section {i}");
            next += places[i].Length;
        }
        if (next != length - FooterBytes) Throw.Corruption(file.Path, at + 8, "sections up to the footer");
        var format = new DiskFormat
        {
            Shape = shape, Pages = pages, Count = count, Mark = mark, Places = places,
            LinksMax = BinaryPrimitives.ReadInt32LittleEndian(footer[16..]),
            UpperLinksMax = BinaryPrimitives.ReadInt32LittleEndian(footer[20..]),
            LayerCount = BinaryPrimitives.ReadInt32LittleEndian(footer[24..]),
            Entry = BinaryPrimitives.ReadUInt32LittleEndian(footer[28..]),
        };
        if (format.LinksMax is < 0 or > LinkLists.LinksMax || format.UpperLinksMax is < 0 or > HnswOptions.LinksMax
            || format.LayerCount is < 0 or > UpperLinks.LevelMax || format.Entry >= count)
            Throw.Corruption(file.Path, at + 16, "numbers of links and layers");
        return format;
    }

    static (VectorShape Shape, PageLayout Pages, int Count) ReadHeader(ReadOnlySpan<byte> header, string file)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != HeaderMagic) Throw.Corruption(file, 0, "the first four bytes of an index on disk");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
        if (version != Version) Throw.UnsupportedFormat(file, $"vector pages {version}", $"{Version}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[^4..]) != Crc32C.Compute(header[..^4]))
            Throw.Corruption(file, HeaderBytes - 4, "the checksum of the header");
        var (element, metric) = ((ElementType)header[8], (Metric)header[9]);
        var dimension = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        if (!VectorShape.Supports(element, metric) || element == ElementType.Bit || dimension is < 1 or > VectorShape.DimensionMax)
            Throw.Corruption(file, 8, "a shape of vectors that have codes");
        var shape = new VectorShape(element, metric, dimension);
        var pageBytes = BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        if (pageBytes is < PageLayout.Unit or > PageLayout.BytesMax || pageBytes % PageLayout.Unit != 0) Throw.Corruption(file, 16, "the bytes of a page");
        var pages = new PageLayout(shape, pageBytes);
        if (pages.RowsPerPage == 0 || BinaryPrimitives.ReadInt32LittleEndian(header[20..]) != pages.RowsPerPage)
            Throw.Corruption(file, 20, "as many rows a page as fit");
        var count = BinaryPrimitives.ReadInt32LittleEndian(header[24..]);
        if (count is < 1 or > HnswIndex.RowsMax) Throw.Corruption(file, 24, "a number of rows");
        return (shape, pages, count);
    }
}
