// LinkLists: the links of a row in about two bytes each instead of four. Ascending, as steps; the first step is counted from the row itself, so the nearer
// neighbours are in number (PageOrder), the shorter the list.
//
//   | count u8 | lengths: 2 bits a step, four steps a byte | steps, 1 to 4 bytes each, little endian |
//   first step: zigzag(first link - row); every other: link - link before - 1
//
// Lengths stand apart from steps (Lemire, Kurz and Rupp, "Stream VByte", 2018), so that reading a list has no branch that the data decides. A step is read as
// four bytes and cut: up to three bytes behind the last list are read, and must be there.
//
// Always true of a list that Check let through: at most count links, all below the number of rows, each once; Read stays inside of it (but for those three
// bytes).

using System.Runtime.CompilerServices;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Disk;

static unsafe class LinkLists
{
    /// <summary>A list has no more links than this.</summary>
    public const int LinksMax = 255;

    /// <summary>Bytes that must be there behind the last list.</summary>
    public const int Padding = 4;

    /// <summary>Bytes of the longest list of <paramref name="count"/> links.</summary>
    public static int BytesMax(int count) => 1 + ((count + 3) / 4) + (4 * count);

    /// <param name="links">Ascending, each once; below 2^31.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(uint row, ReadOnlySpan<uint> links, Span<byte> target)
    {
        target[0] = (byte)links.Length;
        var lengths = target.Slice(1, (links.Length + 3) / 4);
        lengths.Clear();
        var at = 1 + lengths.Length;
        for (var i = 0; i < links.Length; i++)
        {
            var step = i == 0 ? ZigZag((int)links[0] - (int)row) : links[i] - links[i - 1] - 1;
            var bytes = step < 1u << 8 ? 1 : step < 1u << 16 ? 2 : step < 1u << 24 ? 3 : 4;
            lengths[i >> 2] |= (byte)((bytes - 1) << ((i & 3) * 2));
            for (var b = 0; b < bytes; b++) target[at++] = (byte)(step >> (8 * b));
        }
        return at;
    }

    /// <param name="links">Room for as many as the list has, and three more.</param>
    /// <returns>How many there are.</returns>
    public static int Read(byte* list, uint row, uint* links)
    {
        int count = *list++;
        var steps = list + ((count + 3) >> 2);
        if (count == 0) return 0;
        // The first is taken once more as if it followed -1, and then put right: the loop has no special case.
        var link = (uint)((int)row + UnZigZag(Step(ref steps, *list & 3)));
        links[0] = link;
        for (var i = 1; i < count; i++)
        {
            link += Step(ref steps, (list[i >> 2] >> ((i & 3) * 2)) & 3) + 1;
            links[i] = link;
        }
        return count;
    }

    /// <summary>Whether a list that may hold anything is one, ends at <paramref name="bytes"/>, and leads to rows below <paramref name="rows"/> only.</summary>
    public static bool Check(ReadOnlySpan<byte> list, uint row, long rows, int linksMax)
    {
        if (list.Length == 0 || list[0] > linksMax) return false;
        int count = list[0], at = 1 + ((count + 3) / 4);
        if (at > list.Length) return false;
        long link = 0;
        for (var i = 0; i < count; i++)
        {
            var bytes = ((list[1 + (i >> 2)] >> ((i & 3) * 2)) & 3) + 1;
            if (at + bytes > list.Length) return false;
            uint step = 0;
            for (var b = 0; b < bytes; b++) step |= (uint)list[at++] << (8 * b);
            link = i == 0 ? row + (long)UnZigZag(step) : link + step + 1;
            if (link < 0 || link >= rows) return false;
        }
        return at == list.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Step(ref byte* steps, int bytesLessOne)
    {
        var step = Unsafe.ReadUnaligned<uint>(steps) & (uint.MaxValue >> (24 - (8 * bytesLessOne)));
        steps += bytesLessOne + 1;
        return step;
    }

    static uint ZigZag(int value) => (uint)((value << 1) ^ (value >> 31));

    static int UnZigZag(uint value) => (int)(value >> 1) ^ -(int)(value & 1);
}

/// <summary>Where lists begin: a number of 64 bits for every 32 rows, and 16 bits a row on top of it.</summary>
/// <param name="bases">One for every 32 rows.</param>
/// <param name="offsets">One a row.</param>
readonly unsafe struct LinkPlaces(ulong* bases, ushort* offsets, byte* lists)
{
    public const int Group = 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Of(uint row) => lists + bases[row / Group] + offsets[row];
}

/// <summary>Codes and compressed links as the walk wants them. A list is good until the next is asked for.</summary>
readonly unsafe struct PackedSteps(byte* codes, int stride, LinkPlaces places, uint* read) : ICodedLinks
{
    const int PrefetchBytes = 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Code(uint row) => codes + (row * (nuint)(uint)stride);

    public int Links(uint row, out uint* links)
    {
        links = read;
        return LinkLists.Read(places.Of(row), row, read);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int More(uint row, out uint* links)
    {
        links = null;
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(uint row) => Walk.Prefetch(places.Of(row), PrefetchBytes);
}
