// ReadState: everything a read needs, as one immutable object: the active memtable, the frozen ones (newest first), the tables; and for lookups the
// memtable that was flushed last, if keys were overwritten in it a lot.
//
//   current   the tree's field; replaced whenever a memtable is frozen or an edit is installed
//   Acquire   a reader counts itself in, unless the count is already zero: then a newer state is current, and it takes that one
//   Release   the last one out lets go of memtables and tables; that may free memory or delete files
//
// Not here: what a read does with the sources (TreeReader), when states change (Tree).

using Aevum.Core.Diagnostics;

namespace Aevum.Storage.Trees;

sealed class ReadState
{
    int _references = 1;

    /// <summary>Takes one reference of its own on each part.</summary>
    public ReadState(MemtableHandle active, MemtableHandle[] frozen, MemtableHandle? remembered, LiveVersion version)
    {
        Active = active;
        Frozen = frozen;
        Remembered = remembered;
        Version = version;
        active.AddReference();
        remembered?.AddReference();
        foreach (var memtable in frozen) memtable.AddReference();
        version.AddReference();
    }

    public MemtableHandle Active { get; }

    /// <summary>Newest first.</summary>
    public MemtableHandle[] Frozen { get; }

    /// <summary>A memtable that the tables hold already; none of them holds anything newer of its keys. For lookups only: whoever walks would meet its
    /// versions twice.</summary>
    public MemtableHandle? Remembered { get; }

    public LiveVersion Version { get; }

    public bool TryAcquire()
    {
        var seen = Volatile.Read(ref _references);
        while (seen > 0)
        {
            var before = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }
        return false;
    }

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Require(left >= 0, "a read state is released once per reference");
        if (left == 0) LetGo();
    }

    void LetGo()
    {
        Active.Release();
        foreach (var memtable in Frozen) memtable.Release();
        Remembered?.Release();
        Version.Release();
    }
}
