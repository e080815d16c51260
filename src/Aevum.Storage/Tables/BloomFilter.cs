// BloomFilter: "is this key perhaps in the table?", at the price of one cache line.
//
//   contents    lines of 64 bytes | line count u32 | probes u8 | kind u8 (1) | zero u16 | key count u64
//   line        (high half of the key's hash * line count) >> 32
//   probe i     of 6: g_0 = hash * 0x9E3779B97F4A7C15, g_(i+1) = g_i * the same number; the top nine bits of g_i name a bit of the line
//               (bit b is bit b & 63 of the 8-byte word b >> 6)
//
// A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007, section 3.1): all probes of a
// key lie in one line. Uneven lines cost some precision against a plain filter; figures are in this folder's README.
//
// Always true: a key that was added is found. Range deletes and versions never enter: the filter speaks of user keys only.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aevum.Storage.Tables;

static unsafe class BloomFilter
{
    public const int LineBytes = 64;
    public const int FooterBytes = 16;
    const int Probes = 6;
    const byte Kind = 1;
    const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Lines for so many keys, at least one.</summary>
    public static uint LinesFor(long keys, int bitsPerKey) =>
        (uint)Math.Clamp((keys * bitsPerKey + 8 * LineBytes - 1) / (8 * LineBytes), 1, int.MaxValue / LineBytes);

    /// <summary>Appends the filter's contents for the given hashes.</summary>
    public static void Build(ulong* hashes, long count, int bitsPerKey, ref GrowingBytes target)
    {
        var lines = LinesFor(count, bitsPerKey);
        var bytes = (long)lines * LineBytes;
        target.Reserve(bytes + FooterBytes);
        var start = target.Start + target.Length;
        NativeMemory.Clear(start, (nuint)bytes);

        // Lines are hit at random: fetching a few keys ahead hides the misses.
        const int ahead = 8;
        for (long i = 0; i < count; i++)
        {
            if (i + ahead < count && System.Runtime.Intrinsics.X86.Sse.IsSupported)
                System.Runtime.Intrinsics.X86.Sse.Prefetch0(start + LineOffset(hashes[i + ahead], lines));
            var line = (ulong*)(start + LineOffset(hashes[i], lines));
            var g = hashes[i];
            for (var probe = 0; probe < Probes; probe++)
            {
                g *= Multiplier;
                line[g >> 61] |= 1UL << (int)((g >> 55) & 63);
            }
        }
        target.Length += bytes;
        target.Append(lines);
        target.Append((byte)Probes);
        target.Append(Kind);
        target.Append((ushort)0);
        target.Append((ulong)count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long LineOffset(ulong hash, uint lines) => (long)(((hash >> 32) * lines) >> 32) * LineBytes;

    /// <summary>False only if no key of this hash was added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayContain(byte* filter, uint lines, ulong hash)
    {
        var line = (ulong*)(filter + LineOffset(hash, lines));
        var g = hash;
        for (var probe = 0; probe < Probes; probe++)
        {
            g *= Multiplier;
            if ((line[g >> 61] & (1UL << (int)((g >> 55) & 63))) == 0) return false;
        }
        return true;
    }

    /// <summary>Checks the contents of a filter block, which may be any bytes.</summary>
    /// <returns>Null if the filter may be used, else what should have been there.</returns>
    public static string? TryRead(byte* contents, long length, out uint lines, out ulong keys)
    {
        lines = 0;
        keys = 0;
        if (length < LineBytes + FooterBytes) return "a filter of at least one line";
        var footer = contents + length - FooterBytes;
        lines = Unsafe.ReadUnaligned<uint>(footer);
        keys = Unsafe.ReadUnaligned<ulong>(footer + 8);
        if (footer[4] != Probes || footer[5] != Kind || Unsafe.ReadUnaligned<ushort>(footer + 6) != 0)
            return "a filter of kind 1 with 6 probes";
        return lines == 0 || (long)lines * LineBytes != length - FooterBytes ? "as many lines as the filter says" : null;
    }
}
