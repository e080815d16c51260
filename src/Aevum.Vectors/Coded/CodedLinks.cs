// Where a coded graph's codes and links lie, as types, so that the walk is compiled for each.
//
//   records   | code | pad to 4 | links, 2M x u32; 0xFFFFFFFF ends the list | pad to 64 |
//   packed    | code | pad to 4 | as many links as fill the cache line |;   further links u32, one list after the other;   ends u32 [rows + 1], the further
//             links of row i are [ends[i], ends[i + 1])
//
// So in the packed form, too, the line that a code brings has the first links on it (eight beside a code of 32 bytes), and while these are looked at the
// others arrive.

using System.Runtime.CompilerServices;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Coded;

unsafe interface ICodedLinks
{
    byte* Code(uint row);

    /// <summary>The links of a row on the lowest layer.</summary>
    /// <returns>How many at most; the list ends sooner where it holds <see cref="VectorStore.End"/>.</returns>
    int Links(uint row, out uint* links);

    /// <summary>Those that are kept elsewhere, after those of <see cref="Links"/>.</summary>
    int More(uint row, out uint* links);

    /// <summary>Asks for the lines of a row's links.</summary>
    void Prefetch(uint row);
}

readonly unsafe struct RecordLinks(byte* records, int stride, int linkOffset, int linksMax) : ICodedLinks
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Code(uint row) => records + (row * (nuint)(uint)stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Links(uint row, out uint* links)
    {
        links = (uint*)(Code(row) + linkOffset);
        return linksMax;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int More(uint row, out uint* links)
    {
        links = null;
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(uint row) => Walk.Prefetch(Code(row) + linkOffset, linksMax * sizeof(uint));
}

readonly unsafe struct PackedLinks(byte* records, int stride, int linkOffset, int linksBeside, uint* ends, uint* links) : ICodedLinks
{
    const int PrefetchBytes = 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Code(uint row) => records + (row * (nuint)(uint)stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Links(uint row, out uint* list)
    {
        list = (uint*)(Code(row) + linkOffset);
        return linksBeside;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int More(uint row, out uint* list)
    {
        list = links + ends[row];
        return (int)(ends[row + 1] - ends[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(uint row) => Walk.Prefetch((byte*)(links + ends[row]), PrefetchBytes);
}
