// IvfPlaces: in which list, and where in it, each row is. 8 bytes for each row number, in pieces that never move; only pieces with a row in them are there, and
// they are small: row numbers that lie far apart, as a file may claim, cost 8 KiB each at most.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfPlaces(MemoryBudget budget) : IDisposable
{
    const int PieceRows = 1 << 10;
    const uint None = uint.MaxValue;

    readonly List<NativeBlock?> _pieces = [];

    public long Bytes => _pieces.Sum(p => p?.Bytes ?? 0);

    public bool TryGet(uint row, out int list, out int place)
    {
        var piece = (int)(row / PieceRows);
        (list, place) = (-1, -1);
        if (piece >= _pieces.Count || _pieces[piece] is not { } block) return false;
        var at = (uint*)block.Pointer + (2 * (row % PieceRows));
        (list, place) = ((int)at[0], (int)at[1]);
        return at[0] != None;
    }

    /// <summary>Makes room, so that a later <see cref="Set"/> cannot fail.</summary>
    public void Ensure(uint row)
    {
        var piece = (int)(row / PieceRows);
        while (_pieces.Count <= piece) _pieces.Add(null);
        if (_pieces[piece] is not null) return;
        var block = new NativeBlock(PieceRows * 2L * sizeof(uint), budget);
        Unsafe.InitBlockUnaligned(block.Pointer, 0xFF, (uint)block.Bytes);
        _pieces[piece] = block;
    }

    public void Set(uint row, int list, int place)
    {
        var at = (uint*)_pieces[(int)(row / PieceRows)]!.Pointer + (2 * (row % PieceRows));
        (at[0], at[1]) = ((uint)list, (uint)place);
    }

    public void Clear(uint row) => Set(row, -1, -1);

    public void Dispose()
    {
        foreach (var piece in _pieces) piece?.Dispose();
        _pieces.Clear();
    }
}
