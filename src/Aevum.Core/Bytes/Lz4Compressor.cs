// Lz4Compressor: finds matches greedily with one hash table, as the format's author does in his fast mode.
//
//   table      position of the last place seen with a given hash of 5 bytes; on the stack, cleared for every block, sized by the block
//   search     look up the hash of the bytes here; a candidate counts if it lies within 64 KiB and its 4 bytes are the same. After
//              64 misses the step becomes 2 bytes, after 64 more 3, ..: what does not compress costs little
//   match      extended back over literals that are equal too, then forward 8 bytes at a time; written; searched on after it
//
// Always true: (1) reads stay below the end: the hash reads 8 bytes at places that leave at least 12; (2) the room of a sequence is
// checked before it is written; a copy in steps of 16 happens only where both sides have the room for the overshoot.
// A table entry of 0 is the block's first position, a candidate like any other: the comparison of 4 bytes decides.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Core.Bytes;

static unsafe class Lz4Compressor
{
    const int SkipShift = 6;
    const int NarrowBitsMax = 13, NarrowBitsMin = 8, WideBits = 12;

    internal static int Compress(byte* source, int sourceLength, byte* target, int targetLength, int acceleration)
    {
        // Positions of a block up to 64 KiB fit in 16 bits: twice the entries in the same cache. A small block gets a small table:
        // to clear more entries than it has positions is work for nothing.
        if (sourceLength <= OffsetReach) return CompressNarrow(source, sourceLength, target, targetLength, acceleration);
        return CompressWide(source, sourceLength, target, targetLength, acceleration);
    }

    const int OffsetReach = Lz4.OffsetMax + 1;

    [SkipLocalsInit]
    static int CompressNarrow(byte* source, int sourceLength, byte* target, int targetLength, int acceleration)
    {
        var bits = Math.Clamp(BitOperations.Log2((uint)sourceLength | 1), NarrowBitsMin, NarrowBitsMax);
        var table = stackalloc ushort[1 << bits];
        Unsafe.InitBlock(table, 0, (uint)sizeof(ushort) << bits);
        return Compress(table, bits, source, sourceLength, target, targetLength, acceleration);
    }

    [SkipLocalsInit]
    static int CompressWide(byte* source, int sourceLength, byte* target, int targetLength, int acceleration)
    {
        var table = stackalloc uint[1 << WideBits];
        Unsafe.InitBlock(table, 0, sizeof(uint) << WideBits);
        return Compress(table, WideBits, source, sourceLength, target, targetLength, acceleration);
    }

    static int Compress<TPosition>(
        TPosition* table, int bits, byte* source, int sourceLength, byte* target, int targetLength, int acceleration)
        where TPosition : unmanaged
    {
        var shift = 64 - bits;
        var sourceEnd = source + sourceLength;
        var matchEndMax = sourceEnd - Lz4.LastLiterals;
        var matchStartMax = sourceEnd - Lz4.LastMatchStart;
        var targetEnd = target + targetLength;
        var at = source;
        var anchor = source;   // the first byte not yet written
        var to = target;

        if (sourceLength > Lz4.LastMatchStart)
        {
            at++;   // the first position is in the table already: it is what an empty entry says
            while (true)
            {
                // Search.
                byte* match;
                var tries = acceleration << SkipShift;
                while (true)
                {
                    if (at > matchStartMax) goto End;
                    ref var entry = ref table[Hash(at, shift)];
                    match = source + Position(entry);
                    entry = ToPosition<TPosition>((uint)(at - source));
                    if (Load32(match) == Load32(at) && (sizeof(TPosition) == 2 || at - match <= Lz4.OffsetMax)) break;
                    at += tries++ >> SkipShift;
                }

                // Extend.
                while (at > anchor && match > source && at[-1] == match[-1])
                {
                    at--;
                    match--;
                }
                var more = CountEqual(at + Lz4.MatchBytesMin, match + Lz4.MatchBytesMin, matchEndMax);

                // Write.
                var literals = at - anchor;
                if (targetEnd - to < 1 + ExtraBytes(literals) + literals + 2 + ExtraBytes(more)) return 0;
                var token = to++;
                to = WriteLiterals(token, to, targetEnd, anchor, literals, sourceEnd);
                var offset = (uint)(at - match);
                to[0] = (byte)offset;
                to[1] = (byte)(offset >> 8);
                to += 2;
                *token |= (byte)Math.Min(more, 15);
                if (more >= 15) to = WriteExtra(to, more - 15);

                at += Lz4.MatchBytesMin + more;
                anchor = at;
                if (at > matchStartMax) break;
                table[Hash(at - 2, shift)] = ToPosition<TPosition>((uint)(at - 2 - source));
            }
        }

    End:
        var rest = sourceEnd - anchor;
        if (targetEnd - to < 1 + ExtraBytes(rest) + rest) return 0;
        to = WriteLiterals(to, to + 1, targetEnd, anchor, rest, sourceEnd);
        return (int)(to - target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte* WriteLiterals(byte* token, byte* to, byte* targetEnd, byte* literals, long count, byte* sourceEnd)
    {
        if (count >= 15)
        {
            *token = 15 << 4;
            to = WriteExtra(to, count - 15);
        }
        else
        {
            *token = (byte)(count << 4);
        }
        if (count <= 16 && sourceEnd - literals >= 16 && targetEnd - to >= 16) Vector128.Load(literals).Store(to);
        else Unsafe.CopyBlockUnaligned(to, literals, (uint)count);
        return to + count;
    }

    static byte* WriteExtra(byte* to, long length)
    {
        for (; length >= 255; length -= 255) *to++ = 255;
        *to++ = (byte)length;
        return to;
    }

    // Bytes that a length takes beyond the token.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long ExtraBytes(long length) => length < 15 ? 0 : ((length - 15) / 255) + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long CountEqual(byte* at, byte* match, byte* end)
    {
        var start = at;
        while (end - at >= sizeof(ulong))
        {
            var different = Load64(at) ^ Load64(match);
            if (different != 0) return at - start + (BitOperations.TrailingZeroCount(different) >> 3);
            at += sizeof(ulong);
            match += sizeof(ulong);
        }
        while (at < end && *at == *match)
        {
            at++;
            match++;
        }
        return at - start;
    }

    // Of 5 bytes: in text and in rows most useful matches are longer than 4, and fewer useless candidates are looked at.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Hash(byte* at, int shift) => (uint)(((Load64(at) << 24) * 0x9E3779B97F4A7C15) >> shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Position<TPosition>(TPosition entry) where TPosition : unmanaged =>
        sizeof(TPosition) == 2 ? Unsafe.BitCast<TPosition, ushort>(entry) : Unsafe.BitCast<TPosition, uint>(entry);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TPosition ToPosition<TPosition>(uint position) where TPosition : unmanaged =>
        sizeof(TPosition) == 2 ? Unsafe.BitCast<ushort, TPosition>((ushort)position) : Unsafe.BitCast<uint, TPosition>(position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Load32(byte* at) => Unsafe.ReadUnaligned<uint>(at);

    // Little endian on every CPU: the first byte is the lowest, as Hash and CountEqual take for granted.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Load64(byte* at)
    {
        var word = Unsafe.ReadUnaligned<ulong>(at);
        return BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);
    }
}
