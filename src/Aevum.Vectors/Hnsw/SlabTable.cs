// SlabTable: rows of one fixed size in native memory that never moves, addressed by row number.
//
//   table of pointers:  [group 0][group 1][group 2] ...          a group is 1,024 rows
//   slabs:              |group 0|  |group 1|  |group 2, group 3|  |group 4 .. 7| ...   one allocation each
//
// A slab holds a sixteenth of what is there already, at most SlabBytesMax, so that little is taken before it is needed; one of a megabyte or more is rounded
// up to large pages (2 MiB), which walks at random like. The table of pointers is replaced when it grows; an older one stays readable until Dispose, so a
// reader that took the table keeps a good one for all rows that existed then.
//
// Rows of a file that is mapped are adopted: the pointers of their groups lead into the mapping.
//
// Always true: a row, once there, stays where it is until Dispose. Growing is one thread's at a time; reading is anybody's.

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class SlabTable : IDisposable
{
    public const int GroupShift = 10;
    public const int GroupRows = 1 << GroupShift;
    const long SlabBytesMax = 16L << 20;

    readonly MemoryBudget _budget;
    readonly bool _zeroed;
    readonly List<NativeBlock> _slabs = [];
    readonly List<NativeBlock> _tables = [];
    byte** _table;
    int _groups;
    bool _disposed;

    /// <param name="stride">Bytes a row.</param>
    /// <param name="zeroed">Whether new rows are zero; otherwise they are garbage.</param>
    public SlabTable(int stride, MemoryBudget budget, bool zeroed)
    {
        Stride = stride;
        _budget = budget;
        _zeroed = zeroed;
    }

    public int Stride { get; }

    /// <summary>The pointers to groups of rows; see <see cref="At(byte**, int, uint)"/>.</summary>
    public byte** Table => _table;

    public int Rows => _groups * GroupRows;

    /// <summary>Bytes of its own.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes that somebody else keeps.</summary>
    public long AdoptedBytes { get; private set; }

    public byte* this[uint row] => At(_table, Stride, row);

    public static byte* At(byte** table, int stride, uint row) => table[row >> GroupShift] + ((row & (GroupRows - 1)) * (nuint)(uint)stride);

    /// <summary>Makes sure that rows [0, <paramref name="rows"/>) are there.</summary>
    /// <param name="exact">Take no more than asked for: the number of rows is known beforehand.</param>
    /// <exception cref="AevumException">LimitExceeded: the budget has no room. What was there before is as it was.</exception>
    public void Ensure(long rows, bool exact = false)
    {
        if (_disposed) Throw.Closed("the index");
        var needed = checked((int)((rows + GroupRows - 1) >> GroupShift));
        while (_groups < needed)
        {
            var groups = exact ? needed - _groups : GroupsOfNextSlab();
            GrowTable(_groups + groups);
            var slab = new NativeBlock((long)groups * GroupRows * Stride, _budget, _zeroed, large: true);
            _slabs.Add(slab);
            for (var i = 0; i < groups; i++) _table[_groups + i] = slab.Pointer + ((long)i * GroupRows * Stride);
            Bytes += slab.Bytes;
            Volatile.Write(ref _groups, _groups + groups);
        }
    }

    /// <summary>Takes rows where they are instead of memory of its own: the first of an empty table. They stay the caller's, who keeps them until after
    /// Dispose. A last group that is not full is copied, because the table owns groups whole.</summary>
    /// <exception cref="AevumException">LimitExceeded: no room for that group.</exception>
    public void Adopt(byte* rows, long count)
    {
        var whole = checked((int)(count >> GroupShift));
        GrowTable(whole + 1);
        for (var i = 0; i < whole; i++) _table[i] = rows + ((long)i * GroupRows * Stride);
        _groups = whole;
        AdoptedBytes = (long)whole * GroupRows * Stride;
        var left = count - ((long)whole * GroupRows);
        if (left == 0) return;
        Ensure(count);
        Buffer.MemoryCopy(rows + AdoptedBytes, _table[whole], left * Stride, left * Stride);
    }

    public void Dispose()
    {
        _disposed = true;
        foreach (var block in _slabs) block.Dispose();
        foreach (var block in _tables) block.Dispose();
        _table = null;
        _groups = 0;
    }

    int GroupsOfNextSlab()
    {
        var group = (long)Stride * GroupRows;
        var bytes = Math.Min(_groups * group / 16, SlabBytesMax);
        if (bytes >= 1 << 20) bytes = (bytes + NativePages.LargePageBytes - 1) & -NativePages.LargePageBytes;
        return (int)Math.Max(1, bytes / group);
    }

    void GrowTable(int groups)
    {
        var room = _tables.Count == 0 ? 0 : (int)(_tables[^1].Bytes / sizeof(byte*));
        if (groups <= room) return;
        var block = new NativeBlock((long)Math.Max(groups, Math.Max(2 * room, 64)) * sizeof(byte*), _budget, zeroed: true);
        for (var i = 0; i < _groups; i++) ((byte**)block.Pointer)[i] = _table[i];
        _tables.Add(block);
        Bytes += block.Bytes;
        Volatile.Write(ref *(nint*)TablePlace(), (nint)block.Pointer);
    }

    // A pointer field cannot be handed to Volatile directly.
    void* TablePlace()
    {
        fixed (byte*** place = &_table) return place;
    }
}
