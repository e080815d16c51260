// MemtableTree, splits: how a full leaf makes room, and what that changes above it.
//
//   before             after a split at s
//   [k0 ........ k63]  [k0 .. ks-1]  [ks .. k63]      the new node is the right one; ks becomes a separator in the parent
//
// Where to split:
//   the new key follows the last insert, at the very end     s = 64   the left node stays full, the right one starts with the new key
//   it precedes the last insert, at the very front           s = 0    only in the leftmost leaf (elsewhere the first key is a separator)
//   it follows or precedes the last insert, inside           s = its place, but not within 8 of an end; the run goes on in the left node
//   otherwise                                                s = 32
//
// Beside the leaf every full node above it splits too, and the first one with room takes the last separator; if there is none the tree
// gets a new root. All of them stay odd from before the first change until after the last.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

sealed unsafe partial class MemtableTree
{
    const int LeastOfSplit = 8;

    /// <summary>The nodes from the root to a leaf, and which child was taken at each.</summary>
    ref struct Path
    {
        public Span<nint> Nodes;
        public Span<int> Children;
        public int Length;

        public readonly TreeNode* this[int i] => (TreeNode*)Nodes[i];
    }

    [SkipLocalsInit]
    void SplitAndInsert(int position, KeyRecord* record)
    {
        var path = new Path { Nodes = stackalloc nint[LevelsMax], Children = stackalloc int[LevelsMax] };
        FindPath(record, ref path);
        var last = path.Length - 1;
        var top = last - 1;
        while (top >= 0 && path[top]->Count == TreeNode.Slots) top--;
        _nodes.Reserve(TreeNode.LeafBytes + ((last - top) * TreeNode.InnerBytes) + ((last - top + 1) * 2 * TiedWords.Bytes));

        for (var i = Math.Max(top, 0); i <= last; i++) TreeNode.BeginChange(path[i]);
        var right = SplitLeaf(path[last], position, record);
        var separator = TreeNode.Records(right)[0];
        for (var i = last - 1; i >= 0 && right != null; i--)
        {
            if (path[i]->Count < TreeNode.Slots)
            {
                InsertChild(path[i], path.Children[i], separator, right);
                right = null;
            }
            else
            {
                right = SplitInner(ref path, i, ref separator, right);
            }
        }
        if (right != null) GrowRoot(path[0], separator, right);
        for (var i = last; i >= Math.Max(top, 0); i--) TreeNode.EndChange(path[i]);
    }

    // The way that Locate went, once more and written down: splits are rare, and Locate is not slowed by them.
    void FindPath(KeyRecord* record, ref Path path)
    {
        var key = KeyRecord.Key(record);
        var length = record->KeyLength;
        var node = (TreeNode*)_root;
        while (true)
        {
            Debug.Assert(path.Length < LevelsMax);
            path.Nodes[path.Length] = (nint)node;
            path.Length++;
            if (node->Level == 0) return;
            var word = KeyWord.Load(key, length, node->PrefixLength);
            var at = TreeNode.CountBelow(node, word);
            if (TreeNode.Words(node)[at] == word && at < node->Count - 1)
            {
                at = ResolveTie(node, node->Sequence, TreeNode.Separators(node), node->Count - 1, at, word, key, length, out var isEqual);
                if (isEqual) at++;
            }
            path.Children[path.Length - 1] = at;
            node = TreeNode.Children(node)[at];
        }
    }

    TreeNode* SplitLeaf(TreeNode* leaf, int position, KeyRecord* record)
    {
        int previous = leaf->LastPosition;
        var isRising = position == previous + 1;
        var isFalling = position == previous;
        int split;
        if (isRising && position == TreeNode.Slots) split = TreeNode.Slots;
        else if (isFalling && position == 0) split = 0;
        else if (isRising || isFalling) split = Math.Clamp(position, LeastOfSplit, TreeNode.Slots - LeastOfSplit);
        else split = TreeNode.Slots / 2;

        var right = (TreeNode*)_nodes.Allocate(TreeNode.LeafBytes);
        TreeNode.Initialize(right, 0);
        TreeNode.CopyPrefix(leaf, right);
        var moved = TreeNode.Slots - split;
        if (moved > 0)
        {
            new ReadOnlySpan<long>(TreeNode.Words(leaf) + split, moved).CopyTo(new Span<long>(TreeNode.Words(right), moved));
            new ReadOnlySpan<nint>(TreeNode.Records(leaf) + split, moved).CopyTo(new Span<nint>(TreeNode.Records(right), moved));
            new Span<long>(TreeNode.Words(leaf) + split, moved).Fill(long.MaxValue);
            CopyTiedWords(leaf, right, split, moved);
        }
        leaf->Count = (ushort)split;
        right->Count = (ushort)moved;
        right->Next = leaf->Next;
        leaf->Next = right;
        leaf->LastPosition = TreeNode.NoPosition;

        if (split == TreeNode.Slots)
        {
            // The new leaf starts with one key. What it shares with its neighbour is the best guess at what its next keys will share.
            var neighbour = TreeNode.Records(leaf)[split - 1];
            TreeNode.SetPrefix(right, record, KeyWord.SharedBytes(KeyRecord.Key(neighbour), neighbour->KeyLength, KeyRecord.Key(record), record->KeyLength));
        }
        var target = position > split || split == TreeNode.Slots ? right : leaf;
        if (target == right) position -= split;
        var word = KeyWord.Load(KeyRecord.Key(record), record->KeyLength, target->PrefixLength);
        if (target->Tied == null && TiedWords.IsTied(target, position, target->Count, word)) AddTiedWords(target);
        InsertIntoLeaf(target, position, record, word);
        GrowPrefixOfLeaf(leaf);
        GrowPrefixOfLeaf(right);
        _finger = target;
        return right;
    }

    // The new right node takes over the second words of what moved there, if any of it is tied.
    void CopyTiedWords(TreeNode* from, TreeNode* to, int at, int count)
    {
        if (from->Tied == null || !new ReadOnlySpan<int>(TiedWords.Offsets(from->Tied) + at, count).ContainsAnyExcept(0)) return;
        AddTiedWords(to);
        new ReadOnlySpan<long>(TiedWords.Words(from->Tied) + at, count).CopyTo(new Span<long>(TiedWords.Words(to->Tied), count));
        new ReadOnlySpan<int>(TiedWords.Offsets(from->Tied) + at, count).CopyTo(new Span<int>(TiedWords.Offsets(to->Tied), count));
    }

    static void GrowPrefixOfLeaf(TreeNode* leaf)
    {
        if (!TreeNode.WantsLongerPrefix(leaf)) return;
        GrowPrefix(leaf, TreeNode.Records(leaf)[0], TreeNode.Records(leaf)[leaf->Count - 1], int.MaxValue);
    }

    static void GrowPrefix(TreeNode* node, KeyRecord* least, KeyRecord* greatest, int lengthMax)
    {
        var shared = KeyWord.SharedBytes(KeyRecord.Key(least), least->KeyLength, KeyRecord.Key(greatest), greatest->KeyLength);
        shared = Math.Min(shared, lengthMax);
        if (shared > node->PrefixLength) TreeNode.GrowPrefix(node, least, shared);
    }

    // The child at `at` has split: `child` is its new right half, which starts with the key `separator`.
    void InsertChild(TreeNode* parent, int at, KeyRecord* separator, TreeNode* child)
    {
        int count = parent->Count;
        Debug.Assert(count < TreeNode.Slots && at < count);
        TreeNode.OpenSlot(TreeNode.Words(parent), at, count - 1);
        TreeNode.OpenSlot((long*)TreeNode.Separators(parent), at, count - 1);
        TreeNode.OpenSlot((long*)TreeNode.Children(parent), at + 1, count);
        TreeNode.Words(parent)[at] = KeyWord.Load(KeyRecord.Key(separator), separator->KeyLength, parent->PrefixLength);
        TreeNode.Separators(parent)[at] = separator;
        TreeNode.Children(parent)[at + 1] = child;
        parent->Count = (ushort)(count + 1);
        if (parent->Tied != null) TiedWords.OpenSlot(parent->Tied, at, count - 1);
        if (!TiedWords.IsTiedSlot(parent, at)) return;
        if (parent->Tied == null) AddTiedWords(parent);
        TiedWords.Join(parent, at);
    }

    // Splits the full inner node of one level and inserts `child`. `separator` goes in as the child's and comes out as the new node's.
    TreeNode* SplitInner(ref Path path, int level, ref KeyRecord* separator, TreeNode* child)
    {
        var node = path[level];
        var at = path.Children[level];
        var right = (TreeNode*)_nodes.Allocate(TreeNode.InnerBytes);
        TreeNode.Initialize(right, node->Level);
        if (at == TreeNode.Slots - 1 && IsRightmost(ref path, level))
        {
            // Keys come in order at the right end: leave this node full. The separator moves up unchanged.
            TreeNode.CopyPrefix(child, right);
            TreeNode.Children(right)[0] = child;
            right->Count = 1;
            return right;
        }

        const int kept = TreeNode.Slots / 2;
        const int moved = TreeNode.Slots - kept;
        TreeNode.CopyPrefix(node, right);
        new ReadOnlySpan<nint>(TreeNode.Children(node) + kept, moved).CopyTo(new Span<nint>(TreeNode.Children(right), moved));
        new ReadOnlySpan<nint>(TreeNode.Separators(node) + kept, moved - 1).CopyTo(new Span<nint>(TreeNode.Separators(right), moved - 1));
        new ReadOnlySpan<long>(TreeNode.Words(node) + kept, moved - 1).CopyTo(new Span<long>(TreeNode.Words(right), moved - 1));
        new Span<long>(TreeNode.Words(node) + kept - 1, moved).Fill(long.MaxValue);
        CopyTiedWords(node, right, kept, moved - 1);
        var middle = TreeNode.Separators(node)[kept - 1];
        node->Count = kept;
        right->Count = moved;
        if (at < kept) InsertChild(node, at, separator, child);
        else InsertChild(right, at - kept, separator, child);
        GrowPrefixOfInner(node);
        GrowPrefixOfInner(right);
        separator = middle;
        return right;
    }

    static bool IsRightmost(ref Path path, int level)
    {
        for (var i = 0; i < level; i++)
            if (path.Children[i] != path[i]->Count - 1) return false;
        return true;
    }

    static void GrowPrefixOfInner(TreeNode* node)
    {
        if (!TreeNode.WantsLongerPrefix(node)) return;
        var least = node;
        while (least->Level > 0) least = TreeNode.Children(least)[0];
        var greatest = node;
        while (greatest->Level > 0) greatest = TreeNode.Children(greatest)[greatest->Count - 1];
        // Never longer than a child's: the finger concludes from the leaf's prefix to those above it.
        var lengthMax = int.MaxValue;
        for (var i = 0; i < node->Count; i++) lengthMax = Math.Min(lengthMax, TreeNode.Children(node)[i]->PrefixLength);
        GrowPrefix(node, TreeNode.Records(least)[0], TreeNode.Records(greatest)[greatest->Count - 1], lengthMax);
    }

    void GrowRoot(TreeNode* left, KeyRecord* separator, TreeNode* right)
    {
        var root = (TreeNode*)_nodes.Allocate(TreeNode.InnerBytes);
        TreeNode.Initialize(root, left->Level + 1);
        // What all keys share: the old root's prefix was cut to that by every key that came through it. It may have grown just now, in its
        // left half; then the right half tells.
        TreeNode.CopyPrefix(left, root);
        var shared = right->PrefixLength == 0 || left->PrefixLength == 0
            ? 0
            : KeyWord.SharedBytes(left->PrefixKey, left->PrefixLength, right->PrefixKey, right->PrefixLength);
        if (shared < root->PrefixLength) TreeNode.ShrinkPrefix(root, shared);
        TreeNode.Children(root)[0] = left;
        root->Count = 1;
        InsertChild(root, 0, separator, right);
        Volatile.Write(ref _root, (nint)root);
    }
}
