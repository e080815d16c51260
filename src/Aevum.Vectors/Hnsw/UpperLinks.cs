// UpperLinks: the links of the few rows (one in M) that reach above the lowest layer, apart from the records so that those stay small.
//
//   block:  M x u32; 0xFFFFFFFF ends the list.     A row of level L owns L blocks in a piece: layer 1 first.
//
// Blocks are given back in their piece and taken again by a row of the same level. One thread at a time takes and gives back; reading is anybody's.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class UpperLinks(int linksMax, MemoryBudget budget) : IDisposable
{
    /// <summary>No row is higher: with M = 2 one row in 2^16 is.</summary>
    public const int LevelMax = 16;

    readonly SlabTable _blocks = new(linksMax * sizeof(uint), budget, zeroed: false);
    readonly Stack<uint>[] _returned = [.. Enumerable.Range(0, LevelMax + 1).Select(_ => new Stack<uint>())];
    uint _used;

    public int LinksMax { get; } = linksMax;

    public long Bytes => _blocks.Bytes;

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes => _blocks.Stride;

    public long AdoptedBytes => _blocks.AdoptedBytes;

    /// <summary>Takes blocks where they are; all of them belong to rows.</summary>
    public void Adopt(byte* blocks, uint count)
    {
        _blocks.Adopt(blocks, count);
        _used = count;
    }

    /// <summary>Blocks for a row of <paramref name="level"/> layers above the lowest, all empty.</summary>
    public uint Take(int level)
    {
        if (level == 0) return RowTable.None;
        if (!_returned[level].TryPop(out var first))
        {
            _blocks.Ensure(_used + level);
            first = _used;
            _used += (uint)level;
        }
        for (var i = 0; i < level; i++) new Span<byte>(_blocks[first + (uint)i], _blocks.Stride).Fill(0xFF);
        return first;
    }

    public void Return(uint first, int level)
    {
        if (level > 0) _returned[level].Push(first);
    }

    /// <param name="first">Of the row (<see cref="RowTable.Upper"/>).</param>
    /// <param name="layer">From 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint* Links(uint first, int layer) => (uint*)_blocks[first + (uint)layer - 1];

    public void Dispose() => _blocks.Dispose();
}
