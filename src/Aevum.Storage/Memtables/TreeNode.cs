// TreeNode: one node of the memtable's B+-tree, and the search inside it.
//
//   offset 0     header, 64 bytes (the fields below)
//   64           words   long[Slots]      leaf: of its keys; inner: of its separators; unused slots hold long.MaxValue
//   + 8 Slots    leaf:   KeyRecord*[Slots]
//                inner:  TreeNode*[Slots] children, then KeyRecord*[Slots] separators (only read where words tie)
//   apart        second words (TiedWords), only in nodes where words tie
//
// A node keeps the length of a prefix that all keys below it share, and of each key only the word behind that prefix (KeyWord). So a
// search is a count of smaller words, done by vector compares over the whole array without a branch, whatever the keys have in common.
//
// Always true:
//   (1) all keys in the subtree start with the node's prefix; a child's prefix starts with its parent's. Whoever walks down compares
//       each byte of the prefix once;
//   (2) words rise (equal ones are told apart by the full keys); slots at and above the count hold long.MaxValue;
//   (3) an inner node with n children has n - 1 separators: separator i is the first key of child i + 1, then and for ever, because
//       keys never leave and no smaller key goes there;
//   (4) Sequence is odd while the writer changes the node. A reader trusts what it read if Sequence was even and is the same afterwards.
//
// Shrinking a prefix (a key arrives that does not share it) shifts bytes of the prefix into the words and touches no key. Growing it
// touches every key of the node, so it is done at splits only, and only where the words no longer tell the keys apart.
//
// Not here: which node to go to and how nodes split (MemtableTree).

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aevum.Storage.Memtables;

[StructLayout(LayoutKind.Sequential)]
unsafe struct TreeNode
{
    /// <summary>Keys of a leaf, children of an inner node. 32 and 48 were measured too (docs/internals/memtable.md).</summary>
    public const int Slots = 64;

    public const int HeaderBytes = 64;
    public const int LeafBytes = HeaderBytes + (2 * 8 * Slots);
    public const int InnerBytes = HeaderBytes + (3 * 8 * Slots);

    /// <summary>LastPosition when there is none to speak of.</summary>
    public const ushort NoPosition = ushort.MaxValue;

    public uint Sequence;
    public ushort Count;

    /// <summary>Where the last insert into this leaf went: tells runs of rising or falling keys from random ones.</summary>
    public ushort LastPosition;

    /// <summary>0 for leaves.</summary>
    public int Level;

    public int PrefixLength;

    /// <summary>The last eight bytes of the prefix (KeyWord.LoadTail): enough to check a child's prefix in most cases.</summary>
    public ulong PrefixTail;

    /// <summary>A key that has the prefix. Keys never move, so this stays valid.</summary>
    public byte* PrefixKey;

    /// <summary>The leaf to the right; null for the last one and for inner nodes.</summary>
    public TreeNode* Next;

    /// <summary>What tells keys with equal words apart; null until two keys of the node tie. The writer replaces it never.</summary>
    public TiedWords* Tied;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long* Words(TreeNode* node) => (long*)((byte*)node + HeaderBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static KeyRecord** Records(TreeNode* leaf) => (KeyRecord**)((byte*)leaf + HeaderBytes + (8 * Slots));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TreeNode** Children(TreeNode* inner) => (TreeNode**)((byte*)inner + HeaderBytes + (8 * Slots));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static KeyRecord** Separators(TreeNode* inner) => (KeyRecord**)((byte*)inner + HeaderBytes + (16 * Slots));

    /// <summary>The keys whose words the node holds: a leaf's records or an inner node's separators.</summary>
    public static KeyRecord** Keys(TreeNode* node) => node->Level == 0 ? Records(node) : Separators(node);

    /// <summary>How many words the node holds.</summary>
    public static int WordCount(TreeNode* node) => node->Level == 0 ? node->Count : node->Count - 1;

    /// <summary>Makes an empty node out of fresh memory.</summary>
    public static void Initialize(TreeNode* node, int level)
    {
        *node = default;
        node->Level = level;
        node->LastPosition = NoPosition;
        new Span<long>(Words(node), Slots).Fill(long.MaxValue);
    }

    /// <summary>How many of the node's words are below <paramref name="word"/>: the place of its lower bound.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CountBelow(TreeNode* node, long word)
    {
        var words = Words(node);
        if (Vector512.IsHardwareAccelerated)
        {
            var key = Vector512.Create(word);
            return Below(words, key) + Below(words + 8, key) + Below(words + 16, key) + Below(words + 24, key)
                + Below(words + 32, key) + Below(words + 40, key) + Below(words + 48, key) + Below(words + 56, key);
        }
        if (Vector256.IsHardwareAccelerated)
        {
            // A true lane is -1: subtracting it counts.
            var key = Vector256.Create(word);
            var even = Vector256<long>.Zero;
            var odd = Vector256<long>.Zero;
            for (var i = 0; i < Slots; i += 16)
            {
                even -= Vector256.LessThan(Vector256.Load(words + i), key) + Vector256.LessThan(Vector256.Load(words + i + 8), key);
                odd -= Vector256.LessThan(Vector256.Load(words + i + 4), key) + Vector256.LessThan(Vector256.Load(words + i + 12), key);
            }
            return (int)Vector256.Sum(even + odd);
        }
        if (Vector128.IsHardwareAccelerated)
        {
            var key = Vector128.Create(word);
            var even = Vector128<long>.Zero;
            var odd = Vector128<long>.Zero;
            for (var i = 0; i < Slots; i += 8)
            {
                even -= Vector128.LessThan(Vector128.Load(words + i), key) + Vector128.LessThan(Vector128.Load(words + i + 4), key);
                odd -= Vector128.LessThan(Vector128.Load(words + i + 2), key) + Vector128.LessThan(Vector128.Load(words + i + 6), key);
            }
            return (int)Vector128.Sum(even + odd);
        }
        return CountBelowScalar(words, word);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Below(long* words, Vector512<long> key) =>
        BitOperations.PopCount(Vector512.LessThan(Vector512.Load(words), key).ExtractMostSignificantBits());

    /// <summary>The same without vectors: for platforms that have none, and the oracle of the others.</summary>
    public static int CountBelowScalar(long* words, long word)
    {
        int lower = 0, upper = Slots;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (words[middle] < word) lower = middle + 1;
            else upper = middle;
        }
        return lower;
    }

    /// <summary>Of <paramref name="count"/> keys, the first whose word is above <paramref name="word"/>.</summary>
    public static int EndOfTie(TreeNode* node, int count, long word) => word == long.MaxValue ? count : Math.Min(count, CountBelow(node, word + 1));

    /// <summary>Moves slots [at, count) one up, in an array of eight-byte slots.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OpenSlot(long* slots, int at, int count)
    {
        var i = count;
        for (; i - at >= 4; i -= 4) Vector256.Store(Vector256.Load(slots + i - 4), slots + i - 3);
        for (; i > at; i--) slots[i] = slots[i - 1];
    }

    // ---- The sequence ----

    /// <summary>Writer: from here until <see cref="EndChange"/> readers discard what they see of the node.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeginChange(TreeNode* node)
    {
        node->Sequence++;
        Volatile.WriteBarrier();   // no store of the change may be seen before the odd number
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EndChange(TreeNode* node) => Volatile.Write(ref node->Sequence, node->Sequence + 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LoadSequence(TreeNode* node) => Volatile.Read(ref node->Sequence);

    /// <summary>Reader: true if nothing read of the node since <see cref="LoadSequence"/> gave <paramref name="sequence"/> (even) has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUnchanged(TreeNode* node, uint sequence)
    {
        Volatile.ReadBarrier();    // no load of the node's content may move behind the one below
        return node->Sequence == sequence;
    }

    // ---- The prefix. Writer only, inside a change (or before the node is published). ----

    public static void SetPrefix(TreeNode* node, KeyRecord* key, int length)
    {
        node->PrefixLength = length;
        node->PrefixKey = KeyRecord.Key(key);
        node->PrefixTail = KeyWord.LoadTail(KeyRecord.Key(key), key->KeyLength, length);
    }

    public static void CopyPrefix(TreeNode* from, TreeNode* to)
    {
        to->PrefixLength = from->PrefixLength;
        to->PrefixKey = from->PrefixKey;
        to->PrefixTail = from->PrefixTail;
    }

    /// <summary>Cuts the prefix to <paramref name="length"/> bytes. What is cut off moves into the words.</summary>
    public static void ShrinkPrefix(TreeNode* node, int length)
    {
        var cut = node->PrefixLength - length;
        var words = Words(node);
        var count = WordCount(node);
        var top = KeyWord.Load(node->PrefixKey, node->PrefixLength, length);
        if (cut >= KeyWord.Bytes)
        {
            for (var i = 0; i < count; i++) words[i] = top;
        }
        else
        {
            for (var i = 0; i < count; i++) words[i] = (long)((ulong)top | (((ulong)words[i] ^ KeyWord.Flip) >> (8 * cut)));
        }
        node->PrefixTail = KeyWord.LoadTail(node->PrefixKey, node->PrefixLength, length);
        node->PrefixLength = length;
        // Words that were different may tie now: what their keys share must be found anew, when the next key joins them.
        if (node->Tied != null) TiedWords.Clear(node->Tied);
    }

    /// <summary>Sets a longer prefix, of which <paramref name="key"/> is an example, and loads all words anew.</summary>
    public static void GrowPrefix(TreeNode* node, KeyRecord* key, int length)
    {
        SetPrefix(node, key, length);
        var words = Words(node);
        var keys = Keys(node);
        for (var i = WordCount(node) - 1; i >= 0; i--) words[i] = KeyWord.Load(KeyRecord.Key(keys[i]), keys[i]->KeyLength, length);
        if (node->Tied != null) TiedWords.LoadAll(node);
    }

    /// <summary>True if the words are mostly alike, or alike enough that a longer prefix could settle ties.</summary>
    public static bool WantsLongerPrefix(TreeNode* node)
    {
        var count = WordCount(node);
        if (count < 2) return false;
        var words = Words(node);
        var sharedBits = BitOperations.LeadingZeroCount((ulong)(words[0] ^ words[count - 1]));
        if (sharedBits < 32) return false;
        if (sharedBits >= 48) return true;
        for (var i = 1; i < count; i++)
            if (words[i - 1] == words[i]) return true;
        return false;
    }
}
