// LockIndex: finds the entry of a key, from the caller's bytes, without making an object.
//
// A hash table whose buckets are treaps (Seidel and Aragon, "Randomized search trees", 1996) over (hash, key). With keys as they come a
// bucket holds one or two entries, and a treap of one is a pointer. With keys chosen so that all hash alike (KeyHash has no secret) it is a
// balanced tree, and a lookup costs O(log n) comparisons and not a walk over all: the table has one gate, and whoever made it slow would
// slow everybody.
//
// Always true in a bucket: left < node < right by (hash, key); a child's priority is not above its parent's. Priorities come from the
// scheduler's randomness, which nobody who chooses keys knows; they decide cost and no order that anybody sees.
//
// Not here: shrinking (a table that was big once keeps its buckets, 8 bytes each), locking (the caller holds the gate).

using System.Diagnostics;
using Aevum.Core.Scheduling;

namespace Aevum.Engine.Sequencing.Locks;

sealed class LockIndex(SeededRandom random)
{
    const int BucketsMin = 256;

    LockEntry?[] _roots = new LockEntry?[BucketsMin];

    public int Count { get; private set; }

    public LockEntry? Find(ulong hash, ReadOnlySpan<byte> key)
    {
        var node = _roots[hash & (ulong)(_roots.Length - 1)];
        while (node is not null)
        {
            var order = Compare(hash, key, node);
            if (order == 0) return node;
            node = order < 0 ? node.Left : node.Right;
        }
        return null;
    }

    /// <summary>Adds an entry whose key is not here yet.</summary>
    public void Add(LockEntry entry)
    {
        if (Count >= _roots.Length) Grow();
        entry.Priority = (uint)random.NextUInt64();
        Insert(entry);
        Count++;
    }

    public void Remove(LockEntry entry)
    {
        ref var at = ref _roots[entry.Hash & (ulong)(_roots.Length - 1)];
        while (at != entry)
        {
            Debug.Assert(at is not null, "what is removed is there");
            at = ref (Compare(entry.Hash, entry.Key, at!) < 0 ? ref at!.Left : ref at!.Right);
        }
        Join(ref at, entry.Left, entry.Right);
        entry.Left = entry.Right = null;
        Count--;
    }

    /// <summary>All entries, in no order that means anything.</summary>
    public IEnumerable<LockEntry> Entries
    {
        get
        {
            var open = new Stack<LockEntry>();
            foreach (var root in _roots)
            {
                if (root is null) continue;
                open.Push(root);
                while (open.TryPop(out var entry))
                {
                    if (entry.Left is { } left) open.Push(left);
                    if (entry.Right is { } right) open.Push(right);
                    yield return entry;
                }
            }
        }
    }

    void Insert(LockEntry entry)
    {
        ref var at = ref _roots[entry.Hash & (ulong)(_roots.Length - 1)];
        while (at is not null && at.Priority >= entry.Priority)
            at = ref (Compare(entry.Hash, entry.Key, at) < 0 ? ref at.Left : ref at.Right);
        Split(at, entry);
        at = entry;
    }

    // Hangs all of the tree that lies before the pivot to its left, the rest to its right.
    static void Split(LockEntry? node, LockEntry pivot)
    {
        ref var left = ref pivot.Left;
        ref var right = ref pivot.Right;
        while (node is not null)
        {
            var current = node;
            if (Compare(pivot.Hash, pivot.Key, current) < 0)
            {
                node = current.Left;
                right = current;
                right = ref current.Left;
            }
            else
            {
                node = current.Right;
                left = current;
                left = ref current.Right;
            }
        }
        left = null;
        right = null;
    }

    // All of the left tree lies before all of the right one.
    static void Join(ref LockEntry? at, LockEntry? left, LockEntry? right)
    {
        while (left is not null && right is not null)
        {
            if (left.Priority >= right.Priority)
            {
                at = left;
                at = ref left.Right;
                left = left.Right;
            }
            else
            {
                at = right;
                at = ref right.Left;
                right = right.Left;
            }
        }
        at = left ?? right;
    }

    void Grow()
    {
        LockEntry[] entries = [.. Entries];
        _roots = new LockEntry?[2 * _roots.Length];
        foreach (var entry in entries)
        {
            entry.Left = entry.Right = null;
            Insert(entry);
        }
    }

    static int Compare(ulong hash, ReadOnlySpan<byte> key, LockEntry node) =>
        hash != node.Hash ? hash.CompareTo(node.Hash) : key.SequenceCompareTo(node.Key);

    /// <summary>The longest way from a bucket to an entry, for tests.</summary>
    internal int Depth()
    {
        var deepest = 0;
        var open = new Stack<(LockEntry Entry, int Depth)>();
        foreach (var root in _roots)
        {
            if (root is not null) open.Push((root, 1));
            while (open.TryPop(out var at))
            {
                deepest = Math.Max(deepest, at.Depth);
                if (at.Entry.Left is { } left) open.Push((left, at.Depth + 1));
                if (at.Entry.Right is { } right) open.Push((right, at.Depth + 1));
            }
        }
        return deepest;
    }
}
