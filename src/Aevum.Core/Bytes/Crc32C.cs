// Crc32C: the checksum of everything Aevum stores. CRC-32 with Castagnoli's polynomial (RFC 3720 appendix B.4, iSCSI).
//
//   polynomial   0x1EDC6F41, handled bit-reflected as 0x82F63B78: bit 31 of a CRC is the coefficient of x^0
//   before       the register starts as all ones;  after: all bits are inverted
//
// A finished CRC is also a state: Extend(Compute(a), b) == Compute(a ++ b), and Extend(salt, bytes) is a CRC that only holds for
// whoever knows the salt. 0 is the CRC of no bytes.
//
// Three ways to the same number, chosen once per call:
//   short        the CPU's CRC instruction, 8 bytes a step. A step waits for the one before: 3 cycles each.
//   long         the bytes are cut into three lanes of equal length whose steps overlap; then
//                    crc(A ++ B ++ C) = crc(A) * x^(bits of B and C)  +  crc(B) * x^(bits of C)  +  crc(C)      (mod the polynomial)
//                where each multiplication is one carry-less multiply by a power kept in Crc32CPowers.
//                Gopal and others, "Fast CRC computation for iSCSI polynomial using CRC32 instruction", Intel 2011.
//   no such CPU  tables, 8 bytes a step (Crc32CTables). It is also the oracle of the tests.
//
// Not here: where CRCs lie and what they cover (docs/formats/).

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace Aevum.Core.Bytes;

public static unsafe class Crc32C
{
    /// <summary>From this many bytes on, three lanes are faster than one (measured on Zen 5: see Bytes/README.md).</summary>
    internal const int LanesFromBytes = 120;

    const uint MaskDelta = 0x8A91F5C3;

    /// <summary>True if this CPU has the CRC instruction.</summary>
    public static bool IsAccelerated => Sse42.X64.IsSupported || Arm.Crc32.Arm64.IsSupported;

    public static uint Compute(ReadOnlySpan<byte> bytes) => Extend(0, bytes);

    public static uint Compute(byte* bytes, long length) => Extend(0, bytes, length);

    /// <summary>The CRC of what <paramref name="crc"/> was computed over, followed by <paramref name="bytes"/>.</summary>
    public static uint Extend(uint crc, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) return Extend(crc, start, bytes.Length);
    }

    /// <summary>The CRC of what <paramref name="crc"/> was computed over, followed by <paramref name="length"/> bytes.</summary>
    public static uint Extend(uint crc, byte* bytes, long length)
    {
        if (!IsAccelerated) return Crc32CTables.Extend(crc, bytes, length);
        var state = ~crc;
        if (length >= LanesFromBytes)
        {
            var words = Math.Min(length / (3 * sizeof(ulong)), Crc32CPowers.LaneWordsMax);
            do
            {
                state = ThreeLanes(state, (ulong*)bytes, (int)words);
                bytes += words * 3 * sizeof(ulong);
                length -= words * 3 * sizeof(ulong);
                words = Math.Min(length / (3 * sizeof(ulong)), Crc32CPowers.LaneWordsMax);
            }
            while (length >= LanesFromBytes);
        }
        return ~OneLane(state, bytes, length);
    }

    /// <summary>The CRC of A followed by B, from the CRC of each and the length of B. Takes time logarithmic in the length.</summary>
    public static uint Combine(uint crcA, uint crcB, long lengthB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthB);
        return Crc32CPowers.Multiply(crcA, Crc32CPowers.OfBytes(lengthB)) ^ crcB;
    }

    /// <summary>A CRC in the form in which it may be stored among bytes that a further CRC covers.</summary>
    /// <remarks>The CRC of bytes followed by their own CRC is the same whatever the bytes are, so an outer CRC would see nothing.
    /// Rotating and adding (an addition is not linear over bits) breaks that.</remarks>
    public static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + MaskDelta;

    /// <summary>The CRC that <see cref="Mask"/> hid.</summary>
    public static uint Unmask(uint masked) => BitOperations.RotateLeft(masked - MaskDelta, 15);

    static uint ThreeLanes(uint state, ulong* words, int laneWords)
    {
        var (a, b, c) = Lanes(state, words, laneWords);
        var joined = CarrylessMultiply(a, Crc32CPowers.JoinOver(2 * laneWords)) ^ CarrylessMultiply(b, Crc32CPowers.JoinOver(laneWords));
        return Step(0, joined) ^ c;
    }

    // The loops are compiled at full optimization at once: caught before that, a CRC loop runs 8 times slower, and a log is written
    // from the first moment on. They touch no static state, whose initialization such code would have to check on every call.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static (uint A, uint B, uint C) Lanes(uint state, ulong* words, int laneWords)
    {
        uint a = state, b = 0, c = 0;
        var second = words + laneWords;
        var third = second + laneWords;
        for (nint i = 0; i < laneWords; i++)
        {
            a = Step(a, words[i]);
            b = Step(b, second[i]);
            c = Step(c, third[i]);
        }
        return (a, b, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static uint OneLane(uint state, byte* bytes, long length)
    {
        for (; length >= sizeof(ulong); length -= sizeof(ulong), bytes += sizeof(ulong)) state = Step(state, *(ulong*)bytes);
        if ((length & 4) != 0)
        {
            state = Sse42.IsSupported ? Sse42.Crc32(state, *(uint*)bytes) : Arm.Crc32.ComputeCrc32C(state, *(uint*)bytes);
            bytes += 4;
        }
        if ((length & 2) != 0)
        {
            state = Sse42.IsSupported ? Sse42.Crc32(state, *(ushort*)bytes) : Arm.Crc32.ComputeCrc32C(state, *(ushort*)bytes);
            bytes += 2;
        }
        if ((length & 1) != 0) state = Sse42.IsSupported ? Sse42.Crc32(state, *bytes) : Arm.Crc32.ComputeCrc32C(state, *bytes);
        return state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Step(uint state, ulong word) =>
        Sse42.X64.IsSupported ? (uint)Sse42.X64.Crc32(state, word) : Arm.Crc32.Arm64.ComputeCrc32C(state, word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong CarrylessMultiply(uint left, uint right)
    {
        if (Pclmulqdq.IsSupported)
            return Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)left), Vector128.CreateScalar((ulong)right), 0).ToScalar();
        if (Arm.Aes.IsSupported)
        {
            var (a, b) = (Vector64.CreateScalar((ulong)left), Vector64.CreateScalar((ulong)right));
            return Arm.Aes.PolynomialMultiplyWideningLower(a, b).ToScalar();
        }
        return Crc32CPowers.CarrylessMultiply(left, right);
    }
}
