// MemtableTree, reads: the walk down beside a writer (optimistic lock coupling, see MemtableTree).
//
// A walk holds one node and the sequence it had. Everything read from the node is a guess until IsUnchanged says otherwise; that check
// stands before each pointer that came out of a node is followed, and before each answer.

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

/// <summary>Where a walk for a cursor ends.</summary>
enum LeafGoal
{
    /// <summary>The leaf and place of the first key at or above the asked one (the place may be the leaf's end).</summary>
    LowerBound,

    /// <summary>The leaf and place behind the last key below the asked one (the place is 0 only if there is none).</summary>
    BehindLastBelow,

    /// <summary>The last leaf and its end.</summary>
    End,
}

sealed unsafe partial class MemtableTree
{
    /// <summary>The record of a key; null if there is none.</summary>
    public KeyRecord* Find(byte* key, int length)
    {
        var wait = default(SpinWait);
        while (true)
        {
            if (TryFind(key, length, out var found)) return found;
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <returns>False if the writer came in between.</returns>
    bool TryFind(byte* key, int length, out KeyRecord* found)
    {
        found = null;
        var node = (TreeNode*)Volatile.Read(ref _root);
        if (node == null) return true;
        var sequence = TreeNode.LoadSequence(node);
        if ((sequence & 1) != 0 || (TreeNode*)Volatile.Read(ref _root) != node) return false;
        var verified = 0;
        var wordAt = -1;
        long word = 0;
        while (true)
        {
            var prefix = node->PrefixLength;
            if (prefix != wordAt)
            {
                if (prefix > verified)
                {
                    var order = SideOfPrefix(node, sequence, prefix, key, length, verified);
                    if (order != 0) return order != Changed;
                    verified = prefix;
                }
                word = KeyWord.Load(key, length, prefix);
                wordAt = prefix;
            }
            var at = TreeNode.CountBelow(node, word);
            if (node->Level == 0) return TryFindInLeaf(node, sequence, at, word, key, length, out found);

            if (TreeNode.Words(node)[at] == word && at < node->Count - 1)
            {
                at = ResolveTie(node, sequence, TreeNode.Separators(node), node->Count - 1, at, word, key, length, out var isEqual);
                if (at < 0) return false;
                if (isEqual) at++;
            }
            var child = TreeNode.Children(node)[at];
            if (!TreeNode.IsUnchanged(node, sequence)) return false;
            var childSequence = TreeNode.LoadSequence(child);
            if ((childSequence & 1) != 0 || !TreeNode.IsUnchanged(node, sequence)) return false;
            node = child;
            sequence = childSequence;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryFindInLeaf(TreeNode* leaf, uint sequence, int at, long word, byte* key, int length, out KeyRecord* found)
    {
        found = null;
        int count = leaf->Count;
        if (at >= count || TreeNode.Words(leaf)[at] != word) return TreeNode.IsUnchanged(leaf, sequence);
        at = ResolveTie(leaf, sequence, TreeNode.Records(leaf), count, at, word, key, length, out var isFound);
        if (at < 0) return false;
        if (isFound) found = TreeNode.Records(leaf)[at];
        return TreeNode.IsUnchanged(leaf, sequence);
    }

    /// <summary>Copies the records of the leaf a cursor asks for, as they stood at one moment.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="next">The leaf behind the copied keys, for <see cref="CopyLeaf"/>.</param>
    /// <param name="at">The place of the goal, 0 to count.</param>
    /// <returns>False if the tree is empty.</returns>
    public bool CopyLeafFor(LeafGoal goal, byte* key, int length, Span<nint> records, out int count, out nint next, out int at)
    {
        var wait = default(SpinWait);
        while (true)
        {
            if (Volatile.Read(ref _root) == 0)
            {
                count = at = 0;
                next = 0;
                return false;
            }
            if (TryCopyLeafFor(goal, key, length, records, out count, out next, out at)) return true;
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    bool TryCopyLeafFor(LeafGoal goal, byte* key, int length, Span<nint> records, out int count, out nint next, out int at)
    {
        count = at = 0;
        next = 0;
        var node = (TreeNode*)Volatile.Read(ref _root);
        var sequence = TreeNode.LoadSequence(node);
        if ((sequence & 1) != 0 || (TreeNode*)Volatile.Read(ref _root) != node) return false;
        // Once the key is known to lie on one side of a whole subtree, the walk keeps to that edge.
        var side = goal == LeafGoal.End ? 1 : 0;
        var verified = 0;
        while (true)
        {
            var prefix = node->PrefixLength;
            int words = node->Level == 0 ? node->Count : node->Count - 1;
            if (side == 0 && prefix > verified)
            {
                side = ComparePrefix(node, sequence, key, length, verified);
                if (side == Changed) return false;
                verified = prefix;
            }
            var isEqual = false;
            if (side != 0)
            {
                at = side < 0 ? 0 : words;
            }
            else
            {
                var word = KeyWord.Load(key, length, prefix);
                at = TreeNode.CountBelow(node, word);
                if (at < words && TreeNode.Words(node)[at] == word)
                {
                    var keys = node->Level == 0 ? TreeNode.Records(node) : TreeNode.Separators(node);
                    at = ResolveTie(node, sequence, keys, words, at, word, key, length, out isEqual);
                    if (at < 0) return false;
                }
            }
            if (node->Level == 0) break;
            if (isEqual && goal == LeafGoal.LowerBound) at++;
            var child = TreeNode.Children(node)[at];
            if (!TreeNode.IsUnchanged(node, sequence)) return false;
            var childSequence = TreeNode.LoadSequence(child);
            if ((childSequence & 1) != 0 || !TreeNode.IsUnchanged(node, sequence)) return false;
            node = child;
            sequence = childSequence;
        }
        count = node->Count;
        next = (nint)node->Next;
        new ReadOnlySpan<nint>(TreeNode.Records(node), count).CopyTo(records);
        return TreeNode.IsUnchanged(node, sequence);
    }

    /// <summary>Copies the records of a leaf that an earlier copy named as the next one.</summary>
    public static void CopyLeaf(TreeNode* leaf, Span<nint> records, out int count, out nint next)
    {
        var wait = default(SpinWait);
        while (true)
        {
            var sequence = TreeNode.LoadSequence(leaf);
            if ((sequence & 1) == 0)
            {
                count = leaf->Count;
                next = (nint)leaf->Next;
                new ReadOnlySpan<nint>(TreeNode.Records(leaf), count).CopyTo(records);
                if (TreeNode.IsUnchanged(leaf, sequence)) return;
            }
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>What <see cref="ComparePrefix"/> says when the node changed.</summary>
    const int Changed = int.MinValue;

    // The same as ComparePrefix; where the last bytes of the prefix settle it, without following the pointer to the others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int SideOfPrefix(TreeNode* node, uint sequence, int prefix, byte* key, int length, int verified)
    {
        var isSame = prefix <= length && prefix - verified <= KeyWord.Bytes && node->PrefixTail == KeyWord.LoadTail(key, length, prefix);
        return isSame ? 0 : ComparePrefix(node, sequence, key, length, verified);
    }

    // 0 if the key has the node's prefix, else -1 or 1: on which side of all keys of the subtree it lies.
    static int ComparePrefix(TreeNode* node, uint sequence, byte* key, int length, int verified)
    {
        var prefix = node->PrefixLength;
        var prefixKey = node->PrefixKey;
        if (!TreeNode.IsUnchanged(node, sequence)) return Changed;
        var part = Math.Min(prefix, length);
        var order = new ReadOnlySpan<byte>(key + verified, part - verified).SequenceCompareTo(new ReadOnlySpan<byte>(prefixKey + verified, part - verified));
        return order != 0 ? Math.Sign(order) : length < prefix ? -1 : 0;
    }
}
