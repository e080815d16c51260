// LoserTree: which of several runs holds the least entry, when all move forward. A tree of losers (Knuth, "The Art of Computer Programming",
// volume 3, section 5.4.1) whose matches are decided by offset-value codes (Conner, "Offset-value coding", IBM Technical Disclosure Bulletin
// 20(7), 1977; Do and Graefe, "Robust and efficient sorting with offset-value coding", ACM TODS 48(1), 2023).
//
// A key's code says where it leaves a base, a key at or before it, and with which byte:
//
//   code      bits 25..55  2^31 - 1 less the length of the prefix in common with the base
//             bits 16..24  0 if the key ends there (then it is the base), else the byte there plus 1
//             bits 0..15   the run's number: ties go to the newer run, and the minimum of two codes names its run
//
// Of two keys coded against the same base, the one with the smaller code comes first, and the loser's code against the winner is the one it
// has: no key is looked at. Only where the codes tie (but for the number) the keys are compared, from the byte after on.
//
// Always true after each step: each inner node holds the loser of its match, coded against the winner of that match. All losers on the way
// of the overall winner lost to it; its run's next entry, coded against it too, can therefore go up the same way. A code that says "is the
// base" tells a further version of the key just passed.
//
// Runs tell how much a key shares with the one before (VersionCursor.Shared); tables know it from their format. A run out of order gives
// entries out of order, but never a look outside a key: no code claims more bytes in common than its own key has.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Diagnostics;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Iterators;

unsafe struct LoserTree
{
    const int RunBits = 16;
    const int ByteBits = 9;
    const ulong RunMask = (1 << RunBits) - 1;
    const ulong ByteMask = (1 << ByteBits) - 1;

    // Above every code, and less than 2^63, so that a difference of two codes tells their order by its sign.
    const ulong Exhausted = 1UL << (31 + ByteBits + RunBits);

    public const int RunsMax = 1 << RunBits;

    readonly VersionCursor[] _runs;

    // Inner nodes 1 .. _width - 1: the losers. As many leaves as a power of two, so that every way up is equally long.
    readonly ulong[] _losers;
    readonly int _width;
    ulong _winner;

    /// <param name="runs">Newest first.</param>
    public LoserTree(VersionCursor[] runs)
    {
        Invariant.Require(runs.Length <= RunsMax, "a merge has no more runs than its nodes can number");
        _runs = runs;
        _width = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(runs.Length, 1));
        _losers = new ulong[_width];
    }

    /// <summary>True if a run has an entry left.</summary>
    public readonly bool HasWinner => _winner < Exhausted;

    /// <summary>The number of the run with the least entry.</summary>
    public readonly int Winner => (int)(_winner & RunMask);

    /// <summary>True if the winner has the key that the last winner had.</summary>
    public readonly bool IsSameKey => (_winner & (ByteMask << RunBits)) == 0 && HasWinner;

    /// <summary>How many bytes the winner's key has in common with the last winner's.</summary>
    public readonly int Shared => int.MaxValue - (int)(_winner >> (ByteBits + RunBits));

    /// <summary>Looks at all runs where they stand.</summary>
    public void Build() => _winner = Play(1);

    // The winner of the subtree; its losers are put in place. Codes start against the empty key.
    ulong Play(int node)
    {
        if (node >= _width)
        {
            var run = node - _width;
            return run < _runs.Length ? CodeOf(_runs[run], run, 0) : Exhausted | (uint)run;
        }
        var left = Play(2 * node);
        var right = Play(2 * node + 1);
        if ((left ^ right) >> RunBits == 0) return Tie(left, right, ref _losers[node]);
        _losers[node] = Math.Max(left, right);
        return Math.Min(left, right);
    }

    /// <summary>To the winner's next entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next()
    {
        var run = (int)(_winner & RunMask);
        var cursor = _runs[run];
        var before = cursor.KeyPointer;
        var length = cursor.KeyLength;
        cursor.Next();
        Replay(CodeAfter(cursor, run, before, length));
    }

    /// <summary>To the next key of the winner's run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NextKey()
    {
        var run = (int)(_winner & RunMask);
        var cursor = _runs[run];
        var before = cursor.KeyPointer;
        var length = cursor.KeyLength;
        cursor.NextKey();
        Replay(CodeAfter(cursor, run, before, length));
    }

    // A source that does not tell what its key shares leaves the key before where it was.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong CodeAfter(VersionCursor cursor, int run, byte* before, int length)
    {
        if (!cursor.Valid) return Exhausted | (uint)run;
        var shared = cursor.Shared;
        if (shared < 0) shared = DataBlock.CommonPrefix(before, cursor.KeyPointer, Math.Min(length, cursor.KeyLength));
        return Code(cursor, run, shared);
    }

    static ulong CodeOf(VersionCursor cursor, int run, int shared) => cursor.Valid ? Code(cursor, run, shared) : Exhausted | (uint)run;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Code(VersionCursor cursor, int run, int shared)
    {
        var next = shared == cursor.KeyLength ? 0UL : cursor.KeyPointer[shared] + 1UL;
        return ((ulong)(uint)(int.MaxValue - shared) << (ByteBits + RunBits)) | (next << RunBits) | (uint)run;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Replay(ulong moving)
    {
        ref var losers = ref MemoryMarshal.GetArrayDataReference(_losers);
        for (var node = (_width + (int)(moving & RunMask)) >> 1; node > 0; node >>= 1)
        {
            ref var loser = ref Unsafe.Add(ref losers, node);
            var standing = loser;
            if ((standing ^ moving) >> RunBits == 0)
            {
                moving = Tie(standing, moving, ref loser);
                continue;
            }
            // Which run is ahead is as good as random where runs interleave: no branch on it.
            var swap = (standing ^ moving) & (ulong)((long)(standing - moving) >> 63);
            loser = standing ^ swap;
            moving ^= swap;
        }
        _winner = moving;
    }

    // Both leave the base at the same place with the same byte: the keys decide, then the versions, then the age of the runs.
    // Returns the winner.
    [MethodImpl(MethodImplOptions.NoInlining)]
    readonly ulong Tie(ulong left, ulong right, ref ulong loser)
    {
        var (newer, older) = left < right ? (left, right) : (right, left);
        loser = older;
        if (newer >= Exhausted) return newer;
        var a = _runs[(int)(newer & RunMask)];
        var b = _runs[(int)(older & RunMask)];
        var common = int.MaxValue - (int)(newer >> (ByteBits + RunBits));
        if ((newer & (ByteMask << RunBits)) != 0)
        {
            common++;
            common += DataBlock.CommonPrefix(a.KeyPointer + common, b.KeyPointer + common, Math.Min(a.KeyLength, b.KeyLength) - common);
        }
        var aEnds = common == a.KeyLength;
        var bEnds = common == b.KeyLength;
        var newerFirst = aEnds || bEnds ? aEnds && (!bEnds || a.Version >= b.Version) : a.KeyPointer[common] < b.KeyPointer[common];
        // The loser's code against the one that has now turned out to come first.
        if (newerFirst)
        {
            loser = Code(b, (int)(older & RunMask), common);
            return newer;
        }
        loser = Code(a, (int)(newer & RunMask), common);
        return older;
    }
}
