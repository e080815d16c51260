// PageLayout: where in the file a row's whole vector and its id lie, and whether a page that was read is the one that was written.
//
//   | vectors, Bytes each, without gaps | ids, u64 each | zeros | page u32 | rows u32 | of which file u32 | CRC-32C u32 |
//                                                             <------------- trailer, 16 bytes -------------------->
//
// Row r lies on page r / RowsPerPage, in place r % RowsPerPage; page p begins at (p + 1) * PageBytes, since the header has the first. The checksum covers
// all before it; the page's number and the checksum of the file's header in the trailer tell a page that is whole but not the one that was asked for.
//
// Page size: a multiple of 4,096, which is what disks and page caches handle; the smallest that wastes little, of up to four such units where one vector fits.

using System.Runtime.CompilerServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Disk;

readonly unsafe struct PageLayout
{
    public const int Unit = 4096;

    /// <summary>Room for the largest vector there is (65,536 float32) and a little.</summary>
    public const int BytesMax = 1 << 19;

    public const int TrailerBytes = 16;

    const double EnoughUse = 0.88;

    public PageLayout(VectorShape shape, int pageBytes)
    {
        (VectorBytes, PageBytes) = (shape.Bytes, pageBytes);
        RowsPerPage = (pageBytes - TrailerBytes) / RowBytes;
    }

    public int VectorBytes { get; }

    public int PageBytes { get; }

    /// <summary>0: not even one vector fits.</summary>
    public int RowsPerPage { get; }

    int RowBytes => VectorBytes + sizeof(ulong);

    /// <summary>The page size that suits a shape.</summary>
    public static int BytesFor(VectorShape shape)
    {
        var least = (int)(((long)shape.Bytes + sizeof(ulong) + TrailerBytes + Unit - 1) / Unit);
        var (best, bestUse) = (0, 0.0);
        for (var units = least; units < least + 4; units++)
        {
            var layout = new PageLayout(shape, units * Unit);
            var use = layout.RowsPerPage * (double)layout.RowBytes / layout.PageBytes;
            if (use > bestUse + 1e-9) (best, bestUse) = (layout.PageBytes, use);
            if (use >= EnoughUse) break;
        }
        return best;
    }

    public long Pages(long rows) => (rows + RowsPerPage - 1) / RowsPerPage;

    public uint PageOf(uint row) => row / (uint)RowsPerPage;

    public long Offset(uint page) => (page + 1L) * PageBytes;

    /// <summary>How many rows a page has of <paramref name="count"/> in all.</summary>
    public int RowsOn(uint page, long count) => (int)Math.Min(RowsPerPage, count - ((long)page * RowsPerPage));

    public byte* Vector(byte* page, int place) => page + ((nint)place * VectorBytes);

    public ulong Id(byte* page, int place) => Unsafe.ReadUnaligned<ulong>(IdAt(page, place));

    public void SetId(byte* page, int place, ulong id) => Unsafe.WriteUnaligned(IdAt(page, place), id);

    /// <summary>Writes the trailer of a page whose vectors and ids stand in it, all else being zero.</summary>
    public void Seal(byte* page, uint number, int rows, uint fileMark)
    {
        var trailer = page + PageBytes - TrailerBytes;
        Unsafe.WriteUnaligned(trailer, number);
        Unsafe.WriteUnaligned(trailer + 4, (uint)rows);
        Unsafe.WriteUnaligned(trailer + 8, fileMark);
        Unsafe.WriteUnaligned(trailer + 12, Crc32C.Compute(page, PageBytes - 4));
    }

    /// <exception cref="AevumException">Corruption: not the page that was written there.</exception>
    public void Check(byte* page, uint number, int rows, uint fileMark, string file)
    {
        var trailer = page + PageBytes - TrailerBytes;
        if (Unsafe.ReadUnaligned<uint>(trailer + 12) != Crc32C.Compute(page, PageBytes - 4))
            Throw.Corruption(file, Offset(number) + PageBytes - 4, $"the checksum of page {number}");
        if (Unsafe.ReadUnaligned<uint>(trailer) != number || Unsafe.ReadUnaligned<uint>(trailer + 4) != rows
            || Unsafe.ReadUnaligned<uint>(trailer + 8) != fileMark)
            Throw.Corruption(file, Offset(number) + PageBytes - TrailerBytes, $"page {number} of this file, with {rows} rows");
    }

    byte* IdAt(byte* page, int place) => page + ((nint)RowsPerPage * VectorBytes) + ((nint)place * sizeof(ulong));
}
