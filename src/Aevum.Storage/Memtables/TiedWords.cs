// TiedWords: second words, for keys of one node whose first words are equal.
//
// A node's word starts behind the prefix that all its keys share. Where a node spans several groups of keys that each share much more
// (the root over several keyspaces; a leaf over several rows with their elements) whole groups have one word, and telling their
// keys apart by the keys themselves would cost a cache miss for each step of a binary search. So each stretch of slots with equal words
// has an offset of its own, up to which its keys are equal, and a second word per key from there. The count of what is below is one more
// pass over vectors, and a lookup that finds its key touches no other.
//
//   words      long[Slots]    of slot i: KeyWord at offsets[i]; meaningless where that is 0
//   offsets    int[Slots]     0, or at least the node's prefix + 8
//
// Always true: in a stretch of slots with equal words all offsets are equal; its keys share that many bytes and are at least that long.
// An offset of 0 is always allowed (the full keys decide): so it is what a change that would be dear to follow leaves behind, and the
// next key that joins the stretch repairs it. Most nodes have no ties and so no TiedWords.
//
// Under the node's sequence like everything in it.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Storage.Memtables;

unsafe struct TiedWords
{
    public const int Bytes = TreeNode.Slots * (sizeof(long) + sizeof(int));

    public static long* Words(TiedWords* tied) => (long*)tied;

    public static int* Offsets(TiedWords* tied) => (int*)((byte*)tied + (TreeNode.Slots * sizeof(long)));

    public static void Clear(TiedWords* tied) => new Span<int>(Offsets(tied), TreeNode.Slots).Clear();

    /// <summary>True if a key with this word, going to <paramref name="at"/>, has a neighbour with the same one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTied(TreeNode* node, int at, int count, long word)
    {
        var words = TreeNode.Words(node);
        return (at < count && words[at] == word) || (at > 0 && words[at - 1] == word);
    }

    /// <summary>True if the key in slot <paramref name="at"/> has a neighbour with the same word.</summary>
    public static bool IsTiedSlot(TreeNode* node, int at)
    {
        var words = TreeNode.Words(node);
        return (at > 0 && words[at - 1] == words[at]) || (at + 1 < TreeNode.WordCount(node) && words[at + 1] == words[at]);
    }

    /// <summary>Makes room at <paramref name="at"/> among <paramref name="count"/> slots, as <see cref="TreeNode.OpenSlot"/> does for words.</summary>
    public static void OpenSlot(TiedWords* tied, int at, int count)
    {
        TreeNode.OpenSlot(Words(tied), at, count);
        var offsets = Offsets(tied);
        new ReadOnlySpan<int>(offsets + at, count - at).CopyTo(new Span<int>(offsets + at + 1, count - at));
        offsets[at] = 0;
    }

    /// <summary>After the key at <paramref name="at"/> came in beside keys with the same word (the node has TiedWords, its slot is open).</summary>
    public static void Join(TreeNode* node, int at)
    {
        var words = TreeNode.Words(node);
        var keys = TreeNode.Keys(node);
        var word = words[at];
        var first = at;
        while (first > 0 && words[first - 1] == word) first--;
        // Compared with the key that was first in the stretch: the walk to this place has just looked at it, the others may be far.
        var member = first < at ? first : at + 1;
        var offset = Offsets(node->Tied)[member];
        if (offset > 0)
        {
            var key = keys[at];
            var shared = KeyWord.SharedBytes(KeyRecord.Key(key), key->KeyLength, KeyRecord.Key(keys[member]), keys[member]->KeyLength);
            if (shared >= offset)
            {
                Offsets(node->Tied)[at] = offset;
                Words(node->Tied)[at] = KeyWord.Load(KeyRecord.Key(key), key->KeyLength, offset);
                return;
            }
        }
        LoadStretch(node, first, TreeNode.EndOfTie(node, TreeNode.WordCount(node), word));
    }

    /// <summary>Finds all offsets and words anew.</summary>
    public static void LoadAll(TreeNode* node)
    {
        Clear(node->Tied);
        var words = TreeNode.Words(node);
        var count = TreeNode.WordCount(node);
        for (int first = 0, end; first < count; first = end)
        {
            for (end = first + 1; end < count && words[end] == words[first];) end++;
            if (end - first > 1) LoadStretch(node, first, end);
        }
    }

    // Keys are sorted: what the first and the last share, all share.
    static void LoadStretch(TreeNode* node, int first, int end)
    {
        var keys = TreeNode.Keys(node);
        KeyRecord* least = keys[first], greatest = keys[end - 1];
        var offset = KeyWord.SharedBytes(KeyRecord.Key(least), least->KeyLength, KeyRecord.Key(greatest), greatest->KeyLength);
        if (offset < node->PrefixLength + KeyWord.Bytes) offset = 0;   // zeros behind a short key look like zeros in a longer one
        for (var i = first; i < end; i++)
        {
            Offsets(node->Tied)[i] = offset;
            if (offset > 0) Words(node->Tied)[i] = KeyWord.Load(KeyRecord.Key(keys[i]), keys[i]->KeyLength, offset);
        }
    }

    /// <summary>How many slots have exactly the word <paramref name="word"/> and a second word below <paramref name="second"/>.</summary>
    public static int CountBelow(TreeNode* node, TiedWords* tied, long word, long second)
    {
        var words = TreeNode.Words(node);
        var seconds = Words(tied);
        var count = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            var (key, secondKey) = (Vector512.Create(word), Vector512.Create(second));
            for (var i = 0; i < TreeNode.Slots; i += 8)
            {
                var hits = Vector512.Equals(Vector512.Load(words + i), key) & Vector512.LessThan(Vector512.Load(seconds + i), secondKey);
                count += BitOperations.PopCount(hits.ExtractMostSignificantBits());
            }
            return count;
        }
        if (Vector128.IsHardwareAccelerated)
        {
            // A true lane is -1: subtracting it counts.
            var (key, secondKey) = (Vector128.Create(word), Vector128.Create(second));
            var sum = Vector128<long>.Zero;
            for (var i = 0; i < TreeNode.Slots; i += 2)
                sum -= Vector128.Equals(Vector128.Load(words + i), key) & Vector128.LessThan(Vector128.Load(seconds + i), secondKey);
            return (int)Vector128.Sum(sum);
        }
        for (var i = 0; i < TreeNode.Slots; i++)
            if (words[i] == word && seconds[i] < second) count++;
        return count;
    }
}
