// ContainerOperations: and, or, xor, and-not of two containers of one chunk, and how many members two have in common.
//
//   words with words    512 or 256 bits at a time into a scratch of 8 KiB
//   array with array    a merge; and of two arrays of very different length: a gallop of the short one through the long one
//   array with words    what can only shrink the array filters it; else the words are copied and the array's bits set, cleared or turned
//   runs with runs      a sweep from boundary to boundary; an array beside runs is made runs first
//   runs with words     the runs are written out as words
//
// All scratch lies on the stack (at most 33 KiB); the result is made by ContainerForms in its smallest form, so nothing large is allocated
// for a small result. Lemire and others, "Roaring Bitmaps: Implementation of an Optimized Software Library", 2018, sections 3 and 4; they
// keep a form until asked to optimize and may answer in any, here a set has one form.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Core.Bitmaps;

static class ContainerOperations
{
    // From this ratio of lengths on, a gallop is cheaper than a merge.
    const int GallopRatio = 16;

    /// <returns>False if nothing is left.</returns>
    public static bool TryCombine<TOperation>(in Container left, in Container right, out Container result) where TOperation : struct, ISetOperation
    {
        if (left.IsSameObject(right))
        {
            result = TOperation.KeepsBoth ? left : default;
            return TOperation.KeepsBoth;
        }
        return (left.Kind, right.Kind) switch
        {
            (ContainerKind.Array, ContainerKind.Array) => TryMerge<TOperation>(left.Values, right.Values, out result),
            (ContainerKind.Array, ContainerKind.Words) when !TOperation.KeepsRight => TryFilter<TOperation>(left, right, out result),
            (ContainerKind.Words, ContainerKind.Array) when !TOperation.KeepsLeft => TryFilter<TOperation>(right, left, out result),
            (ContainerKind.Words, ContainerKind.Array) => TryChange<TOperation>(left, right, out result),
            (ContainerKind.Array, ContainerKind.Words) => TryChange<TOperation>(right, left, out result),   // or, xor: sides do not matter
            (ContainerKind.Words, _) or (_, ContainerKind.Words) => TryCombineWords<TOperation>(left, right, out result),
            _ => TrySweep<TOperation>(left, right, out result),
        };
    }

    /// <summary>How many members are in both.</summary>
    public static int CountCommon(in Container left, in Container right)
    {
        if (left.IsSameObject(right)) return left.Count;
        if (right.Kind == ContainerKind.Array && left.Kind != ContainerKind.Array) return CountCommon(right, left);
        if (right.Kind == ContainerKind.Runs && left.Kind == ContainerKind.Words) return CountCommon(right, left);
        var count = 0;
        switch (left.Kind, right.Kind)
        {
            case (ContainerKind.Array, ContainerKind.Array):
                return CountMerge(left.Values, right.Values);
            case (ContainerKind.Array, _):
                foreach (var value in left.Values) count += right.Contains(value) ? 1 : 0;
                return count;
            case (ContainerKind.Runs, ContainerKind.Words):
                for (var at = 0; at < left.Runs.Length; at += 2) count += WordRange.Count(right.Words, left.Runs[at], left.Runs[at + 1]);
                return count;
            case (ContainerKind.Runs, ContainerKind.Runs):
                return CountSweep(left.Runs, right.Runs);
            default:
                for (var i = 0; i < Container.WordCount; i++) count += BitOperations.PopCount(left.Words[i] & right.Words[i]);
                return count;
        }
    }

    [SkipLocalsInit]
    static bool TryMerge<TOperation>(ReadOnlySpan<ushort> left, ReadOnlySpan<ushort> right, out Container result) where TOperation : struct, ISetOperation
    {
        Span<ushort> kept = stackalloc ushort[left.Length + right.Length];
        var count = 0;
        if (!TOperation.KeepsLeft && !TOperation.KeepsRight)
        {
            if (left.Length > right.Length * GallopRatio) return ContainerForms.TryFromValues(kept[..Gallop(right, left, kept)], out result);
            if (right.Length > left.Length * GallopRatio) return ContainerForms.TryFromValues(kept[..Gallop(left, right, kept)], out result);
        }
        int l = 0, r = 0;
        while (l < left.Length && r < right.Length)
        {
            // Written and counted only if kept: no branch that depends on the data but the loop's own.
            var (a, b) = (left[l], right[r]);
            kept[count] = a <= b ? a : b;
            var keeps = a < b ? TOperation.KeepsLeft : a > b ? TOperation.KeepsRight : TOperation.KeepsBoth;
            count += keeps ? 1 : 0;
            l += a <= b ? 1 : 0;
            r += b <= a ? 1 : 0;
        }
        if (TOperation.KeepsLeft)
        {
            left[l..].CopyTo(kept[count..]);
            count += left.Length - l;
        }
        if (TOperation.KeepsRight)
        {
            right[r..].CopyTo(kept[count..]);
            count += right.Length - r;
        }
        return ContainerForms.TryFromValues(kept[..count], out result);
    }

    // Each value of the short side is looked for in the long one, from where the last one was found, in doubling steps.
    static int Gallop(ReadOnlySpan<ushort> few, ReadOnlySpan<ushort> many, Span<ushort> kept)
    {
        int count = 0, from = 0;
        foreach (var value in few)
        {
            var step = 1;
            while (from + step < many.Length && many[from + step] < value) step *= 2;
            var end = Math.Min(from + step + 1, many.Length);
            from += Container.LowerBound(many[from..end], value);
            if (from == many.Length) break;
            if (many[from] == value) kept[count++] = value;
        }
        return count;
    }

    static int CountMerge(ReadOnlySpan<ushort> left, ReadOnlySpan<ushort> right)
    {
        int l = 0, r = 0, count = 0;
        while (l < left.Length && r < right.Length)
        {
            var (a, b) = (left[l], right[r]);
            count += a == b ? 1 : 0;
            l += a <= b ? 1 : 0;
            r += b <= a ? 1 : 0;
        }
        return count;
    }

    // And, and and-not with the array on the left: a value stays if the words' answer is the one that keeps it.
    [SkipLocalsInit]
    static bool TryFilter<TOperation>(in Container array, in Container words, out Container result) where TOperation : struct, ISetOperation
    {
        Span<ushort> kept = stackalloc ushort[array.Count];
        var count = 0;
        var wanted = TOperation.KeepsBoth ? 1UL : 0UL;
        var bits = words.Words;
        foreach (var value in array.Values)
        {
            kept[count] = value;
            count += (bits[value >> 6] >> value & 1) == wanted ? 1 : 0;
        }
        return ContainerForms.TryFromValues(kept[..count], out result);
    }

    [SkipLocalsInit]
    static bool TryChange<TOperation>(in Container words, in Container array, out Container result) where TOperation : struct, ISetOperation
    {
        Span<ulong> bits = stackalloc ulong[Container.WordCount];
        words.Words.CopyTo(bits);
        foreach (var value in array.Values)
        {
            var bit = 1UL << value;
            if (TOperation.KeepsBoth) bits[value >> 6] |= bit;            // or
            else if (TOperation.KeepsRight) bits[value >> 6] ^= bit;      // xor
            else bits[value >> 6] &= ~bit;                                // and-not
        }
        return ContainerForms.TryFromWords(bits, out result);
    }

    [SkipLocalsInit]
    static bool TryCombineWords<TOperation>(in Container left, in Container right, out Container result) where TOperation : struct, ISetOperation
    {
        Span<ulong> bits = stackalloc ulong[Container.WordCount];
        Span<ulong> written = stackalloc ulong[Container.WordCount];
        Combine<TOperation>(WordsOf(left, written), WordsOf(right, written), bits);   // one of the two is words already
        return ContainerForms.TryFromWords(bits, out result);
    }

    static ReadOnlySpan<ulong> WordsOf(in Container container, Span<ulong> scratch)
    {
        if (container.Kind == ContainerKind.Words) return container.Words;
        scratch.Clear();
        container.SetBits(scratch);
        return scratch;
    }

    static void Combine<TOperation>(ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, Span<ulong> result) where TOperation : struct, ISetOperation
    {
        if (Vector512.IsHardwareAccelerated)
        {
            for (var i = 0; i < Container.WordCount; i += Vector512<ulong>.Count)
                TOperation.Of(Vector512.Create(left[i..]), Vector512.Create(right[i..])).CopyTo(result[i..]);
            return;
        }
        for (var i = 0; i < Container.WordCount; i += Vector256<ulong>.Count)
            TOperation.Of(Vector256.Create(left[i..]), Vector256.Create(right[i..])).CopyTo(result[i..]);
    }

    [SkipLocalsInit]
    static bool TrySweep<TOperation>(in Container left, in Container right, out Container result) where TOperation : struct, ISetOperation
    {
        Span<ushort> scratch = stackalloc ushort[2 * Container.ArrayCountMax];   // one of the two has runs already
        var a = RunsOf(left, scratch);
        var b = RunsOf(right, scratch);
        Span<ushort> kept = stackalloc ushort[a.Length + b.Length + 2];
        var count = 0;
        int l = 0, r = 0, position = 0;
        while (l < a.Length || r < b.Length)
        {
            var inLeft = l < a.Length && a[l] <= position;
            var inRight = r < b.Length && b[r] <= position;
            var leftEnds = l == a.Length ? Container.ChunkSize : inLeft ? a[l + 1] + 1 : a[l];
            var rightEnds = r == b.Length ? Container.ChunkSize : inRight ? b[r + 1] + 1 : b[r];
            var end = Math.Min(leftEnds, rightEnds);
            var keeps = inLeft ? (inRight ? TOperation.KeepsBoth : TOperation.KeepsLeft) : inRight && TOperation.KeepsRight;
            if (keeps)
            {
                if (count > 0 && kept[count - 1] + 1 == position) count--;
                else kept[count++] = (ushort)position;
                kept[count++] = (ushort)(end - 1);
            }
            if (inLeft && end == leftEnds) l += 2;
            if (inRight && end == rightEnds) r += 2;
            position = end;
        }
        return ContainerForms.TryFromRuns(kept[..count], out result);
    }

    static ReadOnlySpan<ushort> RunsOf(in Container container, Span<ushort> scratch) =>
        container.Kind == ContainerKind.Runs ? container.Runs : scratch[..ContainerForms.ToRuns(container.Values, scratch)];

    static int CountSweep(ReadOnlySpan<ushort> a, ReadOnlySpan<ushort> b)
    {
        int l = 0, r = 0, count = 0;
        while (l < a.Length && r < b.Length)
        {
            count += Math.Max(0, Math.Min(a[l + 1], b[r + 1]) - Math.Max(a[l], b[r]) + 1);
            if (a[l + 1] < b[r + 1]) l += 2;
            else r += 2;
        }
        return count;
    }
}
