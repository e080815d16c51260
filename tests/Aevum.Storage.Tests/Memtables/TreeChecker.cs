// TreeChecker: walks a memtable's whole tree and asserts what TreeNode and MemtableTree promise.

using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

static unsafe class TreeChecker
{
    sealed class Walk
    {
        public readonly List<nint> Leaves = [];
        public byte[]? LastKey;
        public long Keys;
    }

    /// <returns>Keys per leaf on average.</returns>
    public static double Check(Memtable memtable)
    {
        var root = memtable.Tree.RootForTests;
        if (root == null)
        {
            Assert.Equal(0, memtable.KeyCount);
            return 0;
        }
        var walk = new Walk();
        CheckNode(root, 0, default, walk);
        Assert.Equal(memtable.KeyCount, walk.Keys);
        Assert.Equal((nint)memtable.Tree.FirstLeaf, walk.Leaves[0]);
        for (var i = 0; i < walk.Leaves.Count; i++)
            Assert.Equal(i + 1 < walk.Leaves.Count ? walk.Leaves[i + 1] : 0, (nint)((TreeNode*)walk.Leaves[i])->Next);
        return (double)walk.Keys / walk.Leaves.Count;
    }

    static void CheckNode(TreeNode* node, int parentPrefix, ReadOnlySpan<byte> lowFence, Walk walk)
    {
        Assert.Equal(0U, node->Sequence & 1);
        Assert.InRange(node->Count, 1, TreeNode.Slots);
        Assert.True(node->PrefixLength >= parentPrefix, "a child's prefix is at least its parent's");
        var prefix = new ReadOnlySpan<byte>(node->PrefixKey, node->PrefixLength).ToArray();
        Assert.Equal(KeyWord.LoadTail(node->PrefixKey, node->PrefixLength, node->PrefixLength), node->PrefixTail);
        var words = TreeNode.Words(node);
        var keys = TreeNode.Keys(node);
        var count = TreeNode.WordCount(node);
        for (var i = 0; i < count; i++)
        {
            var key = KeyRecord.KeySpan(keys[i]);
            Assert.True(key.StartsWith(prefix), "keys share the node's prefix");
            Assert.Equal(KeyWord.Load(KeyRecord.Key(keys[i]), keys[i]->KeyLength, prefix.Length), words[i]);
            Assert.True(i == 0 || words[i - 1] <= words[i], "words rise");
        }
        for (var i = count; i < TreeNode.Slots; i++) Assert.Equal(long.MaxValue, words[i]);
        if (node->Tied != null) CheckTied(node, count);

        if (node->Level == 0)
        {
            walk.Leaves.Add((nint)node);
            if (!lowFence.IsEmpty) Assert.True(KeyRecord.KeySpan(keys[0]).SequenceEqual(lowFence), "a separator is the first key of its right child");
            for (var i = 0; i < count; i++)
            {
                var key = KeyRecord.KeySpan(keys[i]);
                if (walk.LastKey is not null) Assert.True(key.SequenceCompareTo(walk.LastKey) > 0, "keys rise strictly");
                walk.LastKey = key.ToArray();
                walk.Keys++;
                CheckChain(keys[i]);
            }
            return;
        }
        for (var i = 0; i < node->Count; i++)
        {
            var child = TreeNode.Children(node)[i];
            Assert.Equal(node->Level - 1, child->Level);
            var before = walk.Keys;
            CheckNode(child, node->PrefixLength, i == 0 ? lowFence : KeyRecord.KeySpan(keys[i - 1]), walk);
            Assert.True(walk.LastKey.AsSpan().StartsWith(prefix), "all keys of the subtree share the node's prefix");
        }
    }

    static void CheckTied(TreeNode* node, int count)
    {
        var words = TreeNode.Words(node);
        var keys = TreeNode.Keys(node);
        var offsets = TiedWords.Offsets(node->Tied);
        for (var i = 0; i < count; i++)
        {
            if (i > 0 && words[i - 1] == words[i]) Assert.Equal(offsets[i - 1], offsets[i]);
            if (offsets[i] == 0) continue;
            Assert.InRange(offsets[i], node->PrefixLength + KeyWord.Bytes, keys[i]->KeyLength);
            Assert.Equal(KeyWord.Load(KeyRecord.Key(keys[i]), keys[i]->KeyLength, offsets[i]), TiedWords.Words(node->Tied)[i]);
            if (i > 0 && words[i - 1] == words[i])
                Assert.True(KeyRecord.KeySpan(keys[i]).StartsWith(KeyRecord.KeySpan(keys[i - 1])[..offsets[i]]), "tied keys share their offset's bytes");
        }
    }

    static void CheckChain(KeyRecord* record)
    {
        var depth = VersionNode.Depth(record->Newest);
        for (var node = record->Newest; ; node = VersionNode.Links(node)->Previous)
        {
            Assert.Equal(depth--, VersionNode.Depth(node));
            if (node->IsFirst)
            {
                Assert.Equal((nint)(&record->First), (nint)node);
                Assert.Equal(0, depth);
                return;
            }
            if (VersionNode.Links(node)->Previous == null) return;   // what lay below has gone
            Assert.True(VersionNode.Links(node)->Previous->Version <= node->Version);
        }
    }
}
