// Lz4Decompressor: decodes one block and trusts no byte of it.
//
// Two ways through a sequence. Most are short and lie well inside both buffers: copy 16 literals whatever the count, then 18 bytes of
// match whatever its length, and move on by the true lengths; what was written too much is overwritten by what follows. All others check
// each part against what is left and copy exactly that, in steps of 16 while there is room for an overshoot.
//
// Always true: (1) nothing is read outside of [source, sourceEnd) and of what was written; (2) nothing is written at or beyond targetEnd;
// (3) every sequence consumes at least one byte, so any input ends.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aevum.Core.Bytes;

static unsafe class Lz4Decompressor
{
    const int Malformed = -1;
    const int Step = 16;
    const int ShortMatchMax = 18;   // match lengths that a token holds without further bytes

    /// <returns>Bytes written; negative if the source is no block or does not fit.</returns>
    internal static int Decompress(byte* source, int sourceLength, byte* target, int targetLength)
    {
        var from = source;
        var sourceEnd = source + sourceLength;
        var to = target;
        var targetEnd = target + targetLength;

        while (from < sourceEnd)
        {
            uint token = *from++;
            long literals = token >> 4;

            if (literals < 15 && sourceEnd - from >= Step + 2 && targetEnd - to >= Step + Step + ShortMatchMax)
            {
                Vector128.Load(from).Store(to);
                from += literals;
                to += literals;
                uint offset = Load16(from);
                if (offset >= Step && (token & 15) != 15)
                {
                    if (offset > to - target) return Malformed;
                    from += 2;
                    var match = to - offset;
                    Vector128.Load(match).Store(to);
                    // The last two of 18 may lie beyond the first 16 in the match as well: they are written by then.
                    Unsafe.WriteUnaligned(to + Step, Unsafe.ReadUnaligned<ushort>(match + Step));
                    to += Lz4.MatchBytesMin + (token & 15);
                    continue;
                }
            }
            else
            {
                if (literals == 15 && !TryReadExtra(ref from, sourceEnd, ref literals)) return Malformed;
                if (literals > sourceEnd - from || literals > targetEnd - to) return Malformed;
                Unsafe.CopyBlockUnaligned(to, from, (uint)literals);
                from += literals;
                to += literals;
                if (from == sourceEnd) return (int)(to - target);   // only the last sequence has no match
                if (sourceEnd - from < 2) return Malformed;
            }

            long distance = Load16(from);
            from += 2;
            if (distance == 0 || distance > to - target) return Malformed;
            long length = token & 15;
            if (length == 15 && !TryReadExtra(ref from, sourceEnd, ref length)) return Malformed;
            length += Lz4.MatchBytesMin;
            if (length > targetEnd - to) return Malformed;
            CopyMatch(to, distance, length, targetEnd);
            to += length;
        }
        return Malformed;   // the bytes ended where a token should be
    }

    static bool TryReadExtra(ref byte* from, byte* sourceEnd, ref long length)
    {
        byte part;
        do
        {
            if (from >= sourceEnd) return false;
            part = *from++;
            length += part;   // at most 255 times the source's length: no overflow in 64 bits
        }
        while (part == 255);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void CopyMatch(byte* to, long distance, long length, byte* targetEnd)
    {
        var end = to + length;
        if (distance < Step)
        {
            CopyPattern(to, distance, end, targetEnd);
            return;
        }
        var match = to - distance;
        while (to < end && targetEnd - to >= Step)
        {
            Vector128.Load(match).Store(to);
            match += Step;
            to += Step;
        }
        CopyTail(to, match, end);
    }

    // A match nearer than 16 bytes repeats a pattern: fill a vector with it once, then store it in steps of whole patterns.
    static void CopyPattern(byte* to, long distance, byte* end, byte* targetEnd)
    {
        var match = to - distance;
        if (targetEnd - to >= Step)
        {
            var pattern = Vector128.Shuffle(Vector128.Load(match), Vector128.Load(PatternIndexes + (Step * distance)));
            var step = Step - (Step % distance);
            do
            {
                pattern.Store(to);
                to += step;
            }
            while (to < end && targetEnd - to >= Step);
        }
        CopyTail(to, to - distance, end);
    }

    // Byte by byte, where a step would write beyond the target.
    static void CopyTail(byte* to, byte* match, byte* end)
    {
        for (; to < end; to++, match++) *to = *match;
    }

    // Row d holds i % d for i = 0..15: which byte of a pattern of d bytes stands at i.
    static ReadOnlySpan<byte> PatternIndexSpan =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
        0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0,
        0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
        0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0,
        0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3,
        0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1,
        0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0,
    ];

    // Data of the assembly's image: it does not move.
    static byte* PatternIndexes => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(PatternIndexSpan));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Load16(byte* at) => (uint)(at[0] | (at[1] << 8));
}
