// MemtableTree: a B+-tree from user keys to KeyRecords, in native memory. One writer; any number of readers beside it.
//
// Writing is an ordinary B+-tree insert with four twists:
//   - each node on the way down drops what of its prefix the new key does not share, before the key gets in (TreeNode);
//   - a split after a run of rising keys leaves the left node full, after a run of falling keys the right one: keys that come in order
//     fill their nodes. A run counts only while it lasts, so no order of keys makes more than one node per eight inserts or so;
//   - the leaf of the last insert is tried first (the finger), as long as that pays: keys in order never walk down;
//   - overwriting a key is not the tree's business: its record does that.
//
// Reading is optimistic lock coupling (V. Leis et al., "The ART of practical synchronization", DaMoN 2016): read a node's sequence,
// search, take the child's sequence, check that the node's has not moved, and only then go on. A reader that loses starts again; it
// never writes, and the writer never waits. A split makes every node it changes odd, top down, before it changes the first, so a reader
// never reaches half of a split.
//
// Always true:
//   (1) nodes and records are freed with the memtable, never before: any pointer that a validated read gave stays good;
//   (2) splits move keys to a new node on the right, so the Next link of a leaf seen earlier leads to exactly what followed its keys;
//   (3) memory for a split is reserved before the first change: running out of it leaves the tree as it was.
//
// Not here: versions of a key (KeyRecord), counters and batches (Memtable), order for scans (MemtableCursor).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Storage.Memtables;

sealed unsafe partial class MemtableTree
{
    /// <summary>Nodes are at least an eighth full but for the last of each level: 24 levels hold more keys than memory can.</summary>
    const int LevelsMax = 24;

    Arena _nodes;
    nint _root;
    TreeNode* _firstLeaf;

    // The finger: the leaf of the last insert, and whether looking there first has paid lately.
    TreeNode* _finger;
    int _fingerMisses;

    public MemtableTree(ArenaPool pool, int firstChunkBytes) => _nodes = new Arena(pool, firstChunkBytes);

    public long AllocatedBytes => _nodes.AllocatedBytes;

    /// <summary>The leftmost leaf, which never changes; null while the tree is empty.</summary>
    public TreeNode* FirstLeaf => Volatile.Read(ref _root) == 0 ? null : _firstLeaf;

    /// <summary>Adds to a list the first key and from there every so many keys, about: no leaf gives more than one. The writer has gone.</summary>
    public void AddSamples(long every, List<byte[]> samples)
    {
        var passed = every;
        for (var leaf = FirstLeaf; leaf != null; leaf = leaf->Next)
        {
            if (passed >= every)
            {
                var first = TreeNode.Records(leaf)[0];
                samples.Add(new ReadOnlySpan<byte>(KeyRecord.Key(first), first->KeyLength).ToArray());
                passed = 0;
            }
            passed += leaf->Count;
        }
    }

    internal TreeNode* RootForTests => (TreeNode*)_root;

    public void Release()
    {
        _root = 0;
        _firstLeaf = _finger = null;
        _nodes.Release();
    }

    /// <summary>Writer: the record of a key, or null and the place where <see cref="Insert"/> puts it. Any other change voids the place.</summary>
    public KeyRecord* Locate(byte* key, int length, out TreeNode* leaf, out int position)
    {
        // After eight misses in a row look there only now and then, to notice when keys come in order again.
        if (_finger != null && (_fingerMisses < 8 || (_fingerMisses & 15) == 0))
        {
            if (TryFinger(key, length, out position, out var found))
            {
                leaf = _finger;
                _fingerMisses = 0;
                return found;
            }
        }
        _fingerMisses++;
        leaf = (TreeNode*)_root;
        if (leaf == null)
        {
            position = 0;
            return null;
        }
        return LocateFromRoot(key, length, ref leaf, out position);
    }

    static KeyRecord* LocateFromRoot(byte* key, int length, ref TreeNode* place, out int position)
    {
        var node = place;
        var verified = 0;
        var wordAt = -1;
        long word = 0;
        while (true)
        {
            var prefix = node->PrefixLength;
            if (prefix > verified)
            {
                var shared = verified + SharedBehind(node->PrefixKey, prefix, key, length, verified);
                if (shared < prefix)
                {
                    TreeNode.BeginChange(node);
                    TreeNode.ShrinkPrefix(node, shared);
                    TreeNode.EndChange(node);
                    prefix = shared;
                }
                verified = shared;
            }
            if (prefix != wordAt)
            {
                word = KeyWord.Load(key, length, prefix);
                wordAt = prefix;
            }
            var at = TreeNode.CountBelow(node, word);
            if (node->Level == 0)
            {
                place = node;
                position = at;
                if (at >= node->Count || TreeNode.Words(node)[at] != word) return null;
                position = ResolveTie(node, node->Sequence, TreeNode.Records(node), node->Count, at, word, key, length, out var isFound);
                return isFound ? TreeNode.Records(node)[position] : null;
            }
            if (TreeNode.Words(node)[at] == word && at < node->Count - 1)
            {
                at = ResolveTie(node, node->Sequence, TreeNode.Separators(node), node->Count - 1, at, word, key, length, out var isEqual);
                if (isEqual) at++;
            }
            node = TreeNode.Children(node)[at];
        }
    }

    /// <summary>Writer: puts a new record where <see cref="Locate"/> said. The record is complete; after this readers see it.</summary>
    public void Insert(TreeNode* leaf, int position, KeyRecord* record)
    {
        if (leaf == null)
        {
            PlantRoot(record);
            return;
        }
        if (leaf->Count == TreeNode.Slots)
        {
            SplitAndInsert(position, record);
            return;
        }
        var word = KeyWord.Load(KeyRecord.Key(record), record->KeyLength, leaf->PrefixLength);
        if (leaf->Tied == null && TiedWords.IsTied(leaf, position, leaf->Count, word)) AddTiedWords(leaf);
        TreeNode.BeginChange(leaf);
        InsertIntoLeaf(leaf, position, record, word);
        TreeNode.EndChange(leaf);
        _finger = leaf;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void InsertIntoLeaf(TreeNode* leaf, int position, KeyRecord* record, long word)
    {
        int count = leaf->Count;
        Debug.Assert(count < TreeNode.Slots && position <= count);
        var words = TreeNode.Words(leaf);
        var records = TreeNode.Records(leaf);
        TreeNode.OpenSlot(words, position, count);
        TreeNode.OpenSlot((long*)records, position, count);
        words[position] = word;
        records[position] = record;
        leaf->Count = (ushort)(count + 1);
        leaf->LastPosition = (ushort)position;
        if (leaf->Tied != null)
        {
            TiedWords.OpenSlot(leaf->Tied, position, count);
            if (TiedWords.IsTiedSlot(leaf, position)) TiedWords.Join(leaf, position);
        }
    }

    // All offsets are 0, so readers may see it at once.
    void AddTiedWords(TreeNode* node)
    {
        var tied = (TiedWords*)_nodes.Allocate(TiedWords.Bytes);
        TiedWords.Clear(tied);
        Volatile.Write(ref *(nint*)&node->Tied, (nint)tied);
    }

    void PlantRoot(KeyRecord* record)
    {
        var leaf = (TreeNode*)_nodes.Allocate(TreeNode.LeafBytes);
        TreeNode.Initialize(leaf, 0);
        // The first key is its own prefix; the second will cut it to what they share.
        TreeNode.SetPrefix(leaf, record, record->KeyLength);
        InsertIntoLeaf(leaf, 0, record, KeyWord.Load(KeyRecord.Key(record), record->KeyLength, record->KeyLength));
        _firstLeaf = _finger = leaf;
        Volatile.Write(ref _root, (nint)leaf);
    }

    // True if the key belongs into the finger's leaf: it has the leaf's prefix (so no node above must shrink), and lies between its first
    // and last key, or behind the last and before the next leaf.
    bool TryFinger(byte* key, int length, out int position, out KeyRecord* found)
    {
        var leaf = _finger;
        found = null;
        position = 0;
        var prefix = leaf->PrefixLength;
        if (length < prefix || !new ReadOnlySpan<byte>(key, prefix).SequenceEqual(new ReadOnlySpan<byte>(leaf->PrefixKey, prefix))) return false;
        var word = KeyWord.Load(key, length, prefix);
        var words = TreeNode.Words(leaf);
        int count = leaf->Count;
        if (word > words[count - 1] || (word == words[count - 1] && IsAbove(TreeNode.Records(leaf)[count - 1], key, length)))
        {
            position = count;
            return leaf->Next == null || !IsAbove(TreeNode.Records(leaf->Next)[0], key, length, orAt: true);
        }
        if (word <= words[0]) return false;
        position = TreeNode.CountBelow(leaf, word);
        if (words[position] != word) return true;
        position = ResolveTie(leaf, leaf->Sequence, TreeNode.Records(leaf), count, position, word, key, length, out var isFound);
        if (isFound) found = TreeNode.Records(leaf)[position];
        return true;
    }

    static bool IsAbove(KeyRecord* record, byte* key, int length, bool orAt = false) =>
        new ReadOnlySpan<byte>(key, length).SequenceCompareTo(KeyRecord.KeySpan(record)) > (orAt ? -1 : 0);

    /// <summary>How many bytes the key shares with the prefix from <paramref name="from"/> on, where they are known to be equal before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int SharedBehind(byte* prefixKey, int prefix, byte* key, int length, int from) =>
        KeyWord.SharedBytes(prefixKey + from, prefix - from, key + from, length - from);

    /// <summary>Among keys whose word equals the asked one (slot <paramref name="at"/> is the first), the place of the lower bound.</summary>
    /// <returns>-1 if the node changed meanwhile. Without a further check the place is sure only where the key was found.</returns>
    static int ResolveTie(TreeNode* node, uint sequence, KeyRecord** keys, int count, int at, long word, byte* key, int length, out bool isFound)
    {
        isFound = false;
        var prefix = node->PrefixLength;
        var upper = -1;
        var tied = node->Tied;
        if (tied != null)
        {
            var offset = TiedWords.Offsets(tied)[at];
            if (offset > prefix && offset <= length)
            {
                // If the key shares the stretch's bytes up to the offset, its second word tells where it goes.
                var second = KeyWord.Load(key, length, offset);
                var place = at + TiedWords.CountBelow(node, tied, word, second);
                if (place < count && TreeNode.Words(node)[place] == word && TiedWords.Words(tied)[place] == second)
                {
                    // Nearly always this is the key, and then it need not be compared with any other.
                    var candidate = keys[place];
                    if (!TreeNode.IsUnchanged(node, sequence)) return -1;
                    if (KeyWord.CompareBehindEqualWords(key, length, KeyRecord.Key(candidate), candidate->KeyLength, prefix) == 0)
                    {
                        isFound = true;
                        return place;
                    }
                }
                var member = keys[at];
                if (!TreeNode.IsUnchanged(node, sequence)) return -1;
                var side = CompareBetween(key, KeyRecord.Key(member), prefix + KeyWord.Bytes, offset);
                if (side < 0) return at;
                if (side > 0) return TreeNode.EndOfTie(node, count, word);
                at = place;
                if (at >= count || TreeNode.Words(node)[at] != word || TiedWords.Words(tied)[at] != second) return at;
            }
        }
        // The first slot alone decides nearly always; where it does not, halve the stretch of equal words.
        for (var middle = at; ;)
        {
            var record = keys[middle];
            if (!TreeNode.IsUnchanged(node, sequence)) return -1;   // before the pointer is followed: it may belong to neither state
            var order = KeyWord.CompareBehindEqualWords(key, length, KeyRecord.Key(record), record->KeyLength, prefix);
            if (order == 0)
            {
                isFound = true;
                return middle;
            }
            if (order < 0) upper = middle;
            else at = middle + 1;
            if (upper < 0)
            {
                if (at >= count || TreeNode.Words(node)[at] != word) return at;
                upper = TreeNode.EndOfTie(node, count, word);
            }
            if (at >= upper) return at;
            middle = (at + upper) >>> 1;
        }
    }

    static int CompareBetween(byte* a, byte* b, int from, int to) =>
        new ReadOnlySpan<byte>(a + from, to - from).SequenceCompareTo(new ReadOnlySpan<byte>(b + from, to - from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Prefetch(void* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }
}
