// KeyWord: eight bytes of a key as one number, so that most comparisons of keys are comparisons of words.
//
//   word    bytes [at, at + 8) of the key, big endian, zeros where the key ends, the top bit flipped
//
// The flipped bit makes signed comparison give the order of unsigned bytes; signed is what vector units of every platform compare.
//
// Always true for keys that share their first `at` bytes: a smaller word means a smaller key; on equal words either both keys reach to
// at + 8 and the bytes from there decide, or the shorter key is the smaller one (it is a prefix of the other, which goes on with zeros).

using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

static unsafe class KeyWord
{
    public const int Bytes = 8;
    public const ulong Flip = 1UL << 63;

    /// <summary>The word of a key at <paramref name="at"/>, which must be at most <paramref name="length"/>. Reads nothing outside the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Load(byte* key, int length, int at)
    {
        var rest = length - at;
        if (rest >= Bytes) return (long)(BigEndian(key + at) ^ Flip);
        return length >= Bytes ? (long)(((BigEndian(key + length - Bytes) << (56 - (8 * rest))) << 8) ^ Flip) : LoadShort(key + at, rest);
    }

    /// <summary>Bytes [end - 8, end) as a plain number; if end is below 8, the first <paramref name="end"/> bytes, right aligned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LoadTail(byte* key, int length, int end)
    {
        if (end >= Bytes) return BigEndian(key + end - Bytes);
        return end == 0 ? 0 : ((ulong)Load(key, length, 0) ^ Flip) >> (64 - (8 * end));
    }

    /// <summary>Orders two keys that share their first <paramref name="at"/> bytes and have equal words there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CompareBehindEqualWords(byte* a, int aLength, byte* b, int bLength, int at)
    {
        at += Bytes;
        return Math.Min(aLength, bLength) <= at
            ? aLength - bLength
            : new ReadOnlySpan<byte>(a + at, aLength - at).SequenceCompareTo(new ReadOnlySpan<byte>(b + at, bLength - at));
    }

    /// <summary>How many leading bytes two keys share.</summary>
    public static int SharedBytes(byte* a, int aLength, byte* b, int bLength) =>
        new ReadOnlySpan<byte>(a, aLength).CommonPrefixLength(new ReadOnlySpan<byte>(b, bLength));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong BigEndian(byte* at)
    {
        var word = Unsafe.ReadUnaligned<ulong>(at);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
    }

    // The whole key is shorter than eight bytes; `rest` of them are left. Overlapping loads instead of a loop.
    static long LoadShort(byte* at, int rest)
    {
        ulong word = 0;
        if (rest >= 4)
        {
            word = (ulong)BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(at, 4)) << 32
                | (ulong)BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(at + rest - 4, 4)) << (64 - (8 * rest));
        }
        else if (rest >= 2)
        {
            word = (ulong)BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(at, 2)) << 48
                | (ulong)BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(at + rest - 2, 2)) << (64 - (8 * rest));
        }
        else if (rest == 1)
        {
            word = (ulong)*at << 56;
        }
        return (long)(word ^ Flip);
    }
}
