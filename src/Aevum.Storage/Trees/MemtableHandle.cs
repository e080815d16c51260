using Aevum.Core.Diagnostics;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Trees;

/// <summary>A memtable, counted by the read states that show it; its memory goes back to the pool with the last of them.</summary>
sealed class MemtableHandle(Memtable table)
{
    int _references = 1;

    public Memtable Table { get; } = table;

    /// <summary>The last log position applied to it.</summary>
    public ulong LastPosition { get; set; }

    /// <summary>True if no read state shows it but the tree's own of this moment: every reader from before that one has left.</summary>
    public bool IsShownByOneState => Volatile.Read(ref _references) == 2;

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Require(left >= 0, "a memtable is released once per reference");
        if (left == 0) Table.Dispose();
    }
}
