// XxHash3: XXH3-64 with seed 0 and the default secret (Yann Collet, xxHash 0.8, "XXH3 algorithm"; the output is frozen since 0.8.0).
//
//   length    method                                                                          multiplications
//   0         a constant
//   1..3      the bytes packed in 32 bits, keyed, avalanche                                    2
//   4..8      first and last 4 bytes as one word, keyed, mixed                                 2
//   9..16     first and last 8 bytes, each keyed, multiplied to 128 bits and folded            2
//   17..128   16 bytes a step from both ends toward the middle, each step multiply and fold    1 a step
//   129..240  16 bytes a step, front to back                                                   1 a step
//   241..     eight accumulators over stripes of 64 bytes, scrambled every 16 stripes          8 a stripe
//
// Reads overlap rather than finish with a loop over single bytes: that is why every range has its own method, and why short keys are cheap.
// Words are little endian on every CPU, so the hash may be stored. No loop here is vectorized: long inputs are rare in a database of keys.
//
// Not here: seeds and other secrets (nothing needs them), the 128-bit variant, streaming.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Core.Bytes;

public static unsafe class XxHash3
{
    const ulong Prime32x1 = 0x9E3779B1, Prime32x2 = 0x85EBCA77, Prime32x3 = 0xC2B2AE3D;
    const ulong Prime64x1 = 0x9E3779B185EBCA87, Prime64x2 = 0xC2B2AE3D27D4EB4F, Prime64x3 = 0x165667B19E3779F9;
    const ulong Prime64x4 = 0x85EBCA77C2B2AE63, Prime64x5 = 0x27D4EB2F165667C5;
    const ulong MixPrime1 = 0x165667919E3779F9, MixPrime2 = 0x9FB21C651E98DF25;

    const int StripeBytes = 64, Accumulators = 8, StripesPerBlock = (SecretBytes - StripeBytes) / 8;
    const int SecretBytes = 192, SecretBytesMin = 136;

    // Part of the algorithm's definition, like its primes.
    static ReadOnlySpan<byte> SecretSpan =>
    [
        0xB8, 0xFE, 0x6C, 0x39, 0x23, 0xA4, 0x4B, 0xBE, 0x7C, 0x01, 0x81, 0x2C, 0xF7, 0x21, 0xAD, 0x1C,
        0xDE, 0xD4, 0x6D, 0xE9, 0x83, 0x90, 0x97, 0xDB, 0x72, 0x40, 0xA4, 0xA4, 0xB7, 0xB3, 0x67, 0x1F,
        0xCB, 0x79, 0xE6, 0x4E, 0xCC, 0xC0, 0xE5, 0x78, 0x82, 0x5A, 0xD0, 0x7D, 0xCC, 0xFF, 0x72, 0x21,
        0xB8, 0x08, 0x46, 0x74, 0xF7, 0x43, 0x24, 0x8E, 0xE0, 0x35, 0x90, 0xE6, 0x81, 0x3A, 0x26, 0x4C,
        0x3C, 0x28, 0x52, 0xBB, 0x91, 0xC3, 0x00, 0xCB, 0x88, 0xD0, 0x65, 0x8B, 0x1B, 0x53, 0x2E, 0xA3,
        0x71, 0x64, 0x48, 0x97, 0xA2, 0x0D, 0xF9, 0x4E, 0x38, 0x19, 0xEF, 0x46, 0xA9, 0xDE, 0xAC, 0xD8,
        0xA8, 0xFA, 0x76, 0x3F, 0xE3, 0x9C, 0x34, 0x3F, 0xF9, 0xDC, 0xBB, 0xC7, 0xC7, 0x0B, 0x4F, 0x1D,
        0x8A, 0x51, 0xE0, 0x4B, 0xCD, 0xB4, 0x59, 0x31, 0xC8, 0x9F, 0x7E, 0xC9, 0xD9, 0x78, 0x73, 0x64,
        0xEA, 0xC5, 0xAC, 0x83, 0x34, 0xD3, 0xEB, 0xC3, 0xC5, 0x81, 0xA0, 0xFF, 0xFA, 0x13, 0x63, 0xEB,
        0x17, 0x0D, 0xDD, 0x51, 0xB7, 0xF0, 0xDA, 0x49, 0xD3, 0x16, 0x55, 0x26, 0x29, 0xD4, 0x68, 0x9E,
        0x2B, 0x16, 0xBE, 0x58, 0x7D, 0x47, 0xA1, 0xFC, 0x8F, 0xF8, 0xB8, 0xD1, 0x7A, 0xD0, 0x31, 0xCE,
        0x45, 0xCB, 0x3A, 0x8F, 0x95, 0x16, 0x04, 0x28, 0xAF, 0xD7, 0xFB, 0xCA, 0xBB, 0x4B, 0x40, 0x7E,
    ];

    // The span above is data of the assembly's image: it does not move, so a pointer to it stays good.
    static byte* Secret
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(SecretSpan));
    }

    public static ulong Compute(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) return Compute(start, bytes.Length);
    }

    public static ulong Compute(byte* bytes, long length)
    {
        if (length <= 16)
        {
            if (length > 8) return From9To16(bytes, (uint)length);
            if (length >= 4) return From4To8(bytes, (uint)length);
            return length > 0 ? From1To3(bytes, (uint)length) : AvalancheStrong(Word(Secret + 56) ^ Word(Secret + 64));
        }
        if (length <= 128) return From17To128(bytes, (uint)length);
        return length <= 240 ? From129To240(bytes, (uint)length) : Long(bytes, length);
    }

    static ulong From1To3(byte* bytes, uint length)
    {
        var packed = ((uint)bytes[0] << 16) | ((uint)bytes[length >> 1] << 24) | bytes[length - 1] | (length << 8);
        return AvalancheStrong(packed ^ (Half(Secret) ^ Half(Secret + 4)));
    }

    static ulong From4To8(byte* bytes, uint length)
    {
        var hash = (Half(bytes + length - 4) + ((ulong)Half(bytes) << 32)) ^ Word(Secret + 8) ^ Word(Secret + 16);
        hash ^= ulong.RotateLeft(hash, 49) ^ ulong.RotateLeft(hash, 24);
        hash *= MixPrime2;
        hash ^= (hash >> 35) + length;
        hash *= MixPrime2;
        return hash ^ (hash >> 28);
    }

    static ulong From9To16(byte* bytes, uint length)
    {
        var low = Word(bytes) ^ Word(Secret + 24) ^ Word(Secret + 32);
        var high = Word(bytes + length - 8) ^ Word(Secret + 40) ^ Word(Secret + 48);
        return Avalanche(length + BinaryPrimitives.ReverseEndianness(low) + high + MultiplyFold(low, high));
    }

    static ulong From17To128(byte* bytes, uint length)
    {
        var secret = Secret;
        var hash = length * Prime64x1;
        if (length > 32)
        {
            if (length > 64)
            {
                if (length > 96) hash += Mix16(bytes + 48, secret + 96) + Mix16(bytes + length - 64, secret + 112);
                hash += Mix16(bytes + 32, secret + 64) + Mix16(bytes + length - 48, secret + 80);
            }
            hash += Mix16(bytes + 16, secret + 32) + Mix16(bytes + length - 32, secret + 48);
        }
        hash += Mix16(bytes, secret) + Mix16(bytes + length - 16, secret + 16);
        return Avalanche(hash);
    }

    static ulong From129To240(byte* bytes, uint length)
    {
        var secret = Secret;
        var hash = length * Prime64x1;
        for (var i = 0; i < 8; i++) hash += Mix16(bytes + (16 * i), secret + (16 * i));
        hash = Avalanche(hash);
        for (var i = 8; i < length / 16; i++) hash += Mix16(bytes + (16 * i), secret + (16 * (i - 8)) + 3);
        return Avalanche(hash + Mix16(bytes + length - 16, secret + SecretBytesMin - 17));
    }

    static ulong Long(byte* bytes, long length)
    {
        var secret = Secret;
        var sums = stackalloc ulong[Accumulators]
        {
            Prime32x3, Prime64x1, Prime64x2, Prime64x3, Prime64x4, Prime32x2, Prime64x5, Prime32x1,
        };
        const int BlockBytes = StripeBytes * StripesPerBlock;
        var blocks = (length - 1) / BlockBytes;
        for (long block = 0; block < blocks; block++, bytes += BlockBytes)
        {
            Accumulate(sums, bytes, StripesPerBlock, secret);
            Scramble(sums, secret + SecretBytes - StripeBytes);
        }

        // The last stripe ends with the input and may overlap the one before it.
        var rest = length - (blocks * BlockBytes);
        Accumulate(sums, bytes, (int)((rest - 1) / StripeBytes), secret);
        Accumulate(sums, bytes + rest - StripeBytes, 1, secret + SecretBytes - StripeBytes - 7);

        var hash = (ulong)length * Prime64x1;
        for (var i = 0; i < Accumulators; i += 2)
            hash += MultiplyFold(sums[i] ^ Word(secret + 11 + (8 * i)), sums[i + 1] ^ Word(secret + 19 + (8 * i)));
        return Avalanche(hash);
    }

    static void Accumulate(ulong* sums, byte* bytes, int stripes, byte* secret)
    {
        for (; stripes > 0; stripes--, bytes += StripeBytes, secret += 8)
        {
            for (var i = 0; i < Accumulators; i++)
            {
                var word = Word(bytes + (8 * i));
                var keyed = word ^ Word(secret + (8 * i));
                sums[i ^ 1] += word;
                sums[i] += (uint)keyed * (keyed >> 32);
            }
        }
    }

    static void Scramble(ulong* sums, byte* secret)
    {
        for (var i = 0; i < Accumulators; i++) sums[i] = (sums[i] ^ (sums[i] >> 47) ^ Word(secret + (8 * i))) * Prime32x1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Mix16(byte* bytes, byte* secret) => MultiplyFold(Word(bytes) ^ Word(secret), Word(bytes + 8) ^ Word(secret + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong MultiplyFold(ulong left, ulong right)
    {
        // Two multiplications at once, both in registers: the compiler hands the low half of one from Math.BigMul over through memory.
        if (Bmi2.X64.IsSupported) return Bmi2.X64.MultiplyNoFlags(left, right) ^ (left * right);
        var high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Avalanche(ulong hash)
    {
        hash ^= hash >> 37;
        hash *= MixPrime1;
        return hash ^ (hash >> 32);
    }

    static ulong AvalancheStrong(ulong hash)
    {
        hash ^= hash >> 33;
        hash *= Prime64x2;
        hash ^= hash >> 29;
        hash *= Prime64x3;
        return hash ^ (hash >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Word(byte* at)
    {
        var word = Unsafe.ReadUnaligned<ulong>(at);
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Half(byte* at)
    {
        var half = Unsafe.ReadUnaligned<uint>(at);
        return BitConverter.IsLittleEndian ? half : BinaryPrimitives.ReverseEndianness(half);
    }
}
