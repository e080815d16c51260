// Where a coded graph's codes and links lie, as types, so that the walk is compiled for each.
//
//   records   | code | pad to 4 | links, 2M x u32; 0xFFFFFFFF ends the list | pad to 64 |
//   packed    codes side by side;   links u32 one list after the other;   ends u32 [rows + 1], list i is [ends[i], ends[i + 1])

using System.Runtime.CompilerServices;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Coded;

unsafe interface ICodedLinks
{
    byte* Code(uint row);

    /// <summary>The links of a row on the lowest layer.</summary>
    /// <returns>How many at most; the list ends sooner where it holds <see cref="VectorStore.End"/>.</returns>
    int Links(uint row, out uint* links);

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
    public void Prefetch(uint row) => Walk.Prefetch(Code(row) + linkOffset, linksMax * sizeof(uint));
}

readonly unsafe struct PackedLinks(byte* codes, int codeBytes, uint* ends, uint* links) : ICodedLinks
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Code(uint row) => codes + (row * (nuint)(uint)codeBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Links(uint row, out uint* list)
    {
        list = links + ends[row];
        return (int)(ends[row + 1] - ends[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(uint row) => Walk.Prefetch((byte*)(links + ends[row]), 128);
}
