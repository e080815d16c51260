// MemtableTree, many lookups at once: cache misses that wait side by side instead of one after the other.
//
// A lookup in a tree beyond the caches is a chain of misses (leaf, slot, record), each of which needs the answer of the one before. Several
// lookups are chains that need nothing of each other: so all of a group take one step, and each step asks memory for what the next one of
// the same lookup will read (C. Kocberber et al., "Asynchronous memory access chaining", VLDB 2015, in its simplest form: the tree is
// balanced, so all lookups of a group have the same number of steps).
//
// A lookup that meets the writer leaves the group and is done alone. Oracle: Find.

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

/// <summary>A key in memory that stays where it is while it is used.</summary>
readonly unsafe struct NativeKey(byte* pointer, int length)
{
    public readonly byte* Pointer = pointer;
    public readonly int Length = length;
}

sealed unsafe partial class MemtableTree
{
    /// <summary>Lookups of one group. More would ask for more lines than the first cache has outstanding.</summary>
    const int GroupSize = 12;

    enum StepState
    {
        /// <summary>On the way down, or at a leaf with a word that matches.</summary>
        Walking,

        /// <summary>The key is not in the tree.</summary>
        Absent,

        /// <summary>The writer came in between.</summary>
        Lost,
    }

    struct Step
    {
        public TreeNode* Node;
        public TreeNode* Parent;
        public uint Sequence;
        public uint ParentSequence;
        public int Verified;
        public int WordAt;
        public long Word;
        public int At;
        public StepState State;
    }

    /// <summary>The record of each key, null where there is none: the same as <see cref="Find"/> for one after the other.</summary>
    public void FindMany(ReadOnlySpan<NativeKey> keys, Span<nint> records)
    {
        for (var from = 0; from < keys.Length; from += GroupSize)
        {
            var count = Math.Min(GroupSize, keys.Length - from);
            FindGroup(keys.Slice(from, count), records.Slice(from, count));
        }
    }

    [SkipLocalsInit]
    void FindGroup(ReadOnlySpan<NativeKey> keys, Span<nint> records)
    {
        var root = (TreeNode*)Volatile.Read(ref _root);
        if (root == null)
        {
            records.Clear();
            return;
        }
        var steps = stackalloc Step[GroupSize];
        for (var i = 0; i < keys.Length; i++) steps[i] = new Step { Node = root, WordAt = -1 };
        for (var level = root->Level; level >= 0; level--)
            for (var i = 0; i < keys.Length; i++) Advance(ref steps[i], keys[i]);
        for (var i = 0; i < keys.Length; i++)
        {
            ref var step = ref steps[i];
            if (step.State != StepState.Walking) continue;
            var record = TreeNode.Records(step.Node)[step.At];
            if (!TreeNode.IsUnchanged(step.Node, step.Sequence))
            {
                step.State = StepState.Lost;
                continue;
            }
            Prefetch(record);
            Prefetch((byte*)record + 64);
        }
        for (var i = 0; i < keys.Length; i++)
        {
            ref var step = ref steps[i];
            KeyRecord* found = null;
            if (step.State == StepState.Walking
                && !TryFindInLeaf(step.Node, step.Sequence, step.At, step.Word, keys[i].Pointer, keys[i].Length, out found)) step.State = StepState.Lost;
            records[i] = step.State == StepState.Lost ? (nint)Find(keys[i].Pointer, keys[i].Length) : (nint)found;
        }
    }

    // One level of one lookup: into the node that was fetched by the step before, and out with the child fetched for the next one.
    void Advance(ref Step step, NativeKey key)
    {
        if (step.State != StepState.Walking) return;
        var node = step.Node;
        var sequence = TreeNode.LoadSequence(node);
        var isSteady = step.Parent == null ? (TreeNode*)Volatile.Read(ref _root) == node : TreeNode.IsUnchanged(step.Parent, step.ParentSequence);
        step.State = StepState.Lost;
        if ((sequence & 1) != 0 || !isSteady) return;
        var prefix = node->PrefixLength;
        if (prefix != step.WordAt)
        {
            if (prefix > step.Verified)
            {
                var order = SideOfPrefix(node, sequence, prefix, key.Pointer, key.Length, step.Verified);
                if (order != 0)
                {
                    if (order != Changed) step.State = StepState.Absent;
                    return;
                }
                step.Verified = prefix;
            }
            step.Word = KeyWord.Load(key.Pointer, key.Length, prefix);
            step.WordAt = prefix;
        }
        var at = TreeNode.CountBelow(node, step.Word);
        step.Sequence = sequence;
        if (node->Level == 0)
        {
            step.At = at;
            var mayBeHere = at < node->Count && TreeNode.Words(node)[at] == step.Word;
            if (!TreeNode.IsUnchanged(node, sequence)) return;
            step.State = mayBeHere ? StepState.Walking : StepState.Absent;
            if (mayBeHere) Prefetch(&TreeNode.Records(node)[at]);
            return;
        }
        if (TreeNode.Words(node)[at] == step.Word && at < node->Count - 1)
        {
            at = ResolveTie(node, sequence, TreeNode.Separators(node), node->Count - 1, at, step.Word, key.Pointer, key.Length, out var isEqual);
            if (at < 0) return;
            if (isEqual) at++;
        }
        var child = TreeNode.Children(node)[at];
        if (!TreeNode.IsUnchanged(node, sequence)) return;
        for (var i = 0; i < TreeNode.HeaderBytes + (TreeNode.Slots * sizeof(long)); i += 64) Prefetch((byte*)child + i);
        step.Parent = node;
        step.ParentSequence = sequence;
        step.Node = child;
        step.State = StepState.Walking;
    }
}
