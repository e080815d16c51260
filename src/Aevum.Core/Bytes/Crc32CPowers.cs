// Crc32CPowers: arithmetic on polynomials over bits, modulo Castagnoli's polynomial, in the reflected form (bit 31 is x^0, bit 0 is x^31).
//
// Appending n zero bytes to a message multiplies its CRC by x^(8n). That one fact joins lanes and combines CRCs; this file keeps the
// powers of x it takes:
//   JoinOver(w)   x^(64 w - 33): what a lane's CRC is multiplied by when w words of 8 bytes follow it. 33 less than the 64 w that
//                 theory asks for: a carry-less product of reflected numbers comes out multiplied by x, and the CRC instruction,
//                 which brings the 64-bit product back to 32 bits, multiplies by x^32.
//   OfBytes(n)    x^(8 n), for any n, from x^(2^k) by squaring.

namespace Aevum.Core.Bytes;

static class Crc32CPowers
{
    internal const uint Polynomial = 0x82F63B78;

    /// <summary>Longest lane, in words: three of them are 3 KiB, well inside the first-level cache, and the table stays at 1 KiB.</summary>
    internal const int LaneWordsMax = 128;

    const uint One = 0x80000000;

    // [k] is x^(2^k).
    static readonly uint[] PowersOfTwo = BuildPowersOfTwo();

    static readonly uint[] Joins = BuildJoins();

    /// <summary>x^(64 * <paramref name="words"/> - 33), for words in [1, 2 * LaneWordsMax].</summary>
    internal static uint JoinOver(int words) => Joins[words];

    /// <summary>x^(8 * <paramref name="bytes"/>).</summary>
    internal static uint OfBytes(long bytes)
    {
        var power = One;
        for (var k = 3; bytes != 0; bytes >>= 1, k++)
            if ((bytes & 1) != 0) power = Multiply(power, PowersOfTwo[k]);
        return power;
    }

    /// <summary>The product modulo the polynomial.</summary>
    internal static uint Multiply(uint left, uint right)
    {
        uint product = 0;
        for (; left != 0; left <<= 1)
        {
            if ((left & One) != 0) product ^= right;
            right = (right & 1) != 0 ? (right >> 1) ^ Polynomial : right >> 1;   // right times x
        }
        return product;
    }

    /// <summary>The 63-bit product without carries, not reduced: what the CPU's instruction gives, for CPUs that have none.</summary>
    internal static ulong CarrylessMultiply(uint left, uint right)
    {
        ulong product = 0;
        for (var i = 0; i < 32; i++) product ^= ((ulong)left << i) & (0 - (ulong)((right >> i) & 1));
        return product;
    }

    static uint[] BuildPowersOfTwo()
    {
        var powers = new uint[67];   // 64 bits of a byte count, times 8
        powers[0] = One >> 1;
        for (var k = 1; k < powers.Length; k++) powers[k] = Multiply(powers[k - 1], powers[k - 1]);
        return powers;
    }

    static uint[] BuildJoins()
    {
        var joins = new uint[(2 * LaneWordsMax) + 1];
        var power = One;
        for (var i = 0; i < 31; i++) power = Multiply(power, One >> 1);   // x^(64 - 33)
        for (var words = 1; words < joins.Length; words++)
        {
            joins[words] = power;
            power = Multiply(power, PowersOfTwo[6]);
        }
        return joins;
    }
}
