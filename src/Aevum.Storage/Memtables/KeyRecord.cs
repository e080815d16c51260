// KeyRecord and VersionNode: what the arena holds for one user key.
//
//   record     newest VersionNode* (8) | first version node, inline | key bytes | value bytes of the first version
//   version    version u64 | value length u32 | meta u32 | [expiry u64] | [links, 24: previous, jump, what lies below; not in the first] | value
//   meta       bits 0-2 EffectKind | bit 3 an expiry follows | bit 4 this is the first version, inline in its record
//              | bits 8-31 bytes between [expiry] and value: the key's length in the first version, 24 (the links) in others
//
// Most keys are written once, so the first version, the key and its value lie side by side: a lookup reads one stretch of memory.
// Bit 3 of meta is worth 8, exactly the bytes it announces: offsets are sums, not branches.
//
// Versions of one key form a stack that grows at its top. Each holds, beside the version below it, a jump to one far below, chosen as in
// E. W. Myers, "An applicative random-access stack", Information Processing Letters 17 (1983): pushing is O(1), and finding the newest
// version at or below a time, or the version at a depth, takes O(log n) steps.
//
// Always true:
//   (1) everything but Newest is written once, before the record or version is published; only links may become null afterwards, when what lies
//       below is not wanted any more (VersionReuse);
//   (2) down a chain versions never rise; of equal versions (two effects of one batch) the later pushed one stands above;
//   (3) the first version has depth 1 and neither previous nor jump; a jump may be null, which stands for depth 0; a previous that is null ends the
//       chain, though its depth says that there once was more.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Batches;

namespace Aevum.Storage.Memtables;

[StructLayout(LayoutKind.Sequential)]
unsafe struct VersionLinks
{
    public const int Bytes = 24;

    public VersionNode* Previous;
    public VersionNode* Jump;

    long _below;   // depth, << 16 | whether the chain ends below the previous one, << 15 | what that one takes up, / 8

    /// <summary>Versions from here to the bottom, this one and those included that have gone.</summary>
    public readonly long Depth => _below >> 16;

    /// <summary>True if nothing lies below the previous one, or nothing that can be reached any more.</summary>
    public readonly bool PreviousEnds => (_below & EndsFlag) != 0;

    /// <summary>What the previous one takes up; 0 if that is no piece of its own, or more than <see cref="FreeNodes.BytesMax"/>.</summary>
    public readonly int PreviousBytes => (int)(_below & (EndsFlag - 1)) * 8;

    const long EndsFlag = 1 << 15;

    public void SetBelow(long depth, bool previousEnds, nint previousBytes) =>
        _below = (depth << 16) | (previousEnds ? EndsFlag : 0) | (previousBytes > FreeNodes.BytesMax ? 0 : previousBytes / 8);
}

[StructLayout(LayoutKind.Sequential)]
unsafe struct VersionNode
{
    public const int HeaderBytes = 16;
    public const uint KindMask = 0x07;
    public const uint ExpiryFlag = 0x08;
    public const uint FirstFlag = 0x10;
    public const int GapShift = 8;

    public ulong Version;
    public uint ValueLength;
    public uint Meta;

    public readonly EffectKind Kind => (EffectKind)(Meta & KindMask);

    public readonly bool IsFirst => (Meta & FirstFlag) != 0;

    public static ulong Expiry(VersionNode* node) => (node->Meta & ExpiryFlag) == 0 ? 0 : *(ulong*)((byte*)node + HeaderBytes);

    public static byte* Value(VersionNode* node) =>
        (byte*)node + HeaderBytes + (node->Meta & ExpiryFlag) + (node->Meta >> GapShift);

    /// <summary>Not for the first version, which has none.</summary>
    public static VersionLinks* Links(VersionNode* node) => (VersionLinks*)((byte*)node + HeaderBytes + (node->Meta & ExpiryFlag));

    public static VersionNode* Jump(VersionNode* node) => node == null || node->IsFirst ? null : LoadJump(Links(node));

    public static long Depth(VersionNode* node) => node == null ? 0 : node->IsFirst ? 1 : Links(node)->Depth;

    /// <summary>What a version that is not the first takes up.</summary>
    public static nint AllocatedBytes(VersionNode* node) => BytesFor((nint)(node->Meta & ExpiryFlag), (nint)node->ValueLength);

    /// <param name="expiryBytes">8, or 0 if it never expires.</param>
    public static nint BytesFor(nint expiryBytes, nint valueLength) => (HeaderBytes + expiryBytes + VersionLinks.Bytes + valueLength + 7) & ~(nint)7;

    // Read once: it may be null the next time.
    static VersionNode* LoadJump(VersionLinks* links) => (VersionNode*)Volatile.Read(ref *(nint*)&links->Jump);

    /// <summary>The version below; null: there is none any more.</summary>
    public static VersionNode* LoadPrevious(VersionLinks* links) => (VersionNode*)Volatile.Read(ref *(nint*)&links->Previous);

    /// <summary>Sets the links of a node about to be pushed on <paramref name="top"/>.</summary>
    public static void LinkAbove(VersionNode* node, VersionNode* top)
    {
        var links = Links(node);
        var jump = Jump(top);
        var depth = Depth(top);
        var jumpDepth = Depth(jump);
        var far = Jump(jump);
        links->Previous = top;
        links->Jump = depth - jumpDepth == jumpDepth - Depth(far) ? far : top;
        var ends = top->IsFirst || Links(top)->Previous == null;
        links->SetBelow(depth + 1, ends, top->IsFirst ? 0 : AllocatedBytes(top));
    }

    /// <summary>From <paramref name="top"/> down, the first version that is at most <paramref name="at"/>; null if all are newer.</summary>
    public static VersionNode* NewestAtMost(VersionNode* top, ulong at)
    {
        while (top->Version > at)
        {
            if (top->IsFirst) return null;
            var links = Links(top);
            var jump = LoadJump(links);
            top = jump != null && jump->Version > at ? jump : LoadPrevious(links);
            if (top == null) return null;
        }
        return top;
    }

    /// <summary>From <paramref name="top"/> down, the last version that is above <paramref name="than"/>; null if none is.</summary>
    public static VersionNode* OldestAbove(VersionNode* top, ulong than)
    {
        if (top->Version <= than) return null;
        while (!top->IsFirst)
        {
            var links = Links(top);
            var jump = LoadJump(links);
            if (jump == null || jump->Version <= than) jump = LoadPrevious(links);
            if (jump == null || jump->Version <= than) break;
            top = jump;
        }
        return top;
    }

    /// <summary>The version that lies at <paramref name="depth"/>, from 1 to the depth of <paramref name="top"/>; if it has gone, the next one above
    /// that is there.</summary>
    public static VersionNode* AtDepth(VersionNode* top, long depth)
    {
        while (Depth(top) > depth)
        {
            var links = Links(top);
            var next = LoadJump(links);
            if (Depth(next) < depth) next = LoadPrevious(links);
            if (next == null) break;
            top = next;
        }
        return top;
    }
}

[StructLayout(LayoutKind.Sequential)]
unsafe struct KeyRecord
{
    public const int HeaderBytes = 8 + VersionNode.HeaderBytes;

    /// <summary>Bits that meta has for the length of a key.</summary>
    public const int KeyBytesMax = (1 << (32 - VersionNode.GapShift)) - 1;

    /// <summary>Published by a release store; read through <see cref="LoadNewest"/>.</summary>
    public VersionNode* Newest;

    public VersionNode First;

    public readonly int KeyLength => (int)(First.Meta >> VersionNode.GapShift);

    public static byte* Key(KeyRecord* record) => (byte*)record + HeaderBytes + (record->First.Meta & VersionNode.ExpiryFlag);

    public static ReadOnlySpan<byte> KeySpan(KeyRecord* record) => new(Key(record), record->KeyLength);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VersionNode* LoadNewest(KeyRecord* record) => (VersionNode*)Volatile.Read(ref *(nint*)&record->Newest);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNewest(KeyRecord* record, VersionNode* node) => Volatile.Write(ref *(nint*)&record->Newest, (nint)node);
}
