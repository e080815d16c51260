// BitKernels: what is done with many bits at once, as wide as the processor goes.
//
//   counting     AVX2: four bits at a time through a table in a register, sums of bytes gathered before they overflow (Muła, Kurz, Lemire, "Faster
//                population counts using AVX2 instructions", 2018, section 3); elsewhere words of 64 bits
//   and or xor   vectors as wide as there are
//   finding      a byte that is not all the other bit, which the base library searches for in vectors
//
// Bit 0 is the highest bit of the first byte. Oracle: a loop over single bits, in the tests.

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Server.Resp.Commands.Bitmaps;

enum BitOperation
{
    And,
    Or,
    Xor,
    Not,
}

static class BitKernels
{
    // A sum of a byte grows by at most 8 a vector: 31 of them fit.
    const int VectorsPerSum = 31;

    // ------------------------------------------------------------------------------------------------ counting

    /// <summary>Bits that are set in [start, end).</summary>
    public static long CountRange(ReadOnlySpan<byte> bytes, long start, long end)
    {
        if (start >= end) return 0;
        var first = (int)(start >> 3);
        var last = (int)((end - 1) >> 3);
        var head = (byte)(0xff >> (int)(start & 7));
        var tail = (byte)(0xff << (7 - (int)((end - 1) & 7)));
        if (first == last) return BitOperations.PopCount((uint)(bytes[first] & head & tail));
        return BitOperations.PopCount((uint)(bytes[first] & head)) + Count(bytes[(first + 1)..last]) + BitOperations.PopCount((uint)(bytes[last] & tail));
    }

    /// <summary>Bits that are set.</summary>
    public static long Count(ReadOnlySpan<byte> bytes)
    {
        var count = 0L;
        if (Avx2.IsSupported) count = CountVectors(ref bytes);
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) count += BitOperations.PopCount(word);
        foreach (var one in bytes[(bytes.Length & ~7)..]) count += BitOperations.PopCount((uint)one);
        return count;
    }

    static long CountVectors(ref ReadOnlySpan<byte> bytes)
    {
        var ofFourBits = Vector256.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        var low = Vector256.Create((byte)0x0f);
        var vectors = MemoryMarshal.Cast<byte, Vector256<byte>>(bytes);
        var total = Vector256<ulong>.Zero;
        for (var at = 0; at < vectors.Length;)
        {
            var sums = Vector256<byte>.Zero;
            for (var end = Math.Min(at + VectorsPerSum, vectors.Length); at < end; at++)
            {
                var lower = vectors[at] & low;
                var upper = (vectors[at].AsUInt16() >>> 4).AsByte() & low;
                sums += Avx2.Shuffle(ofFourBits, lower) + Avx2.Shuffle(ofFourBits, upper);
            }
            total += Avx2.SumAbsoluteDifferences(sums, Vector256<byte>.Zero).AsUInt64();
        }
        bytes = bytes[(vectors.Length * Vector256<byte>.Count)..];
        return (long)Vector256.Sum(total);
    }

    // ------------------------------------------------------------------------------------------------ combining

    /// <summary>Combines a result with one more source, which counts as zeros behind its end.</summary>
    /// <param name="result">Not shorter than the source.</param>
    public static void Combine(BitOperation operation, Span<byte> result, ReadOnlySpan<byte> source)
    {
        if (operation == BitOperation.And) result[source.Length..].Clear();
        result = result[..source.Length];
        var wide = MemoryMarshal.Cast<byte, Vector<byte>>(result);
        var more = MemoryMarshal.Cast<byte, Vector<byte>>(source);
        switch (operation)
        {
            case BitOperation.And:
                for (var i = 0; i < wide.Length; i++) wide[i] &= more[i];
                break;
            case BitOperation.Or:
                for (var i = 0; i < wide.Length; i++) wide[i] |= more[i];
                break;
            default:
                for (var i = 0; i < wide.Length; i++) wide[i] ^= more[i];
                break;
        }
        for (var i = wide.Length * Vector<byte>.Count; i < result.Length; i++)
            result[i] = operation switch
            {
                BitOperation.And => (byte)(result[i] & source[i]),
                BitOperation.Or => (byte)(result[i] | source[i]),
                _ => (byte)(result[i] ^ source[i]),
            };
    }

    /// <summary>Turns every bit over.</summary>
    public static void Invert(Span<byte> bytes)
    {
        var wide = MemoryMarshal.Cast<byte, Vector<byte>>(bytes);
        for (var i = 0; i < wide.Length; i++) wide[i] = ~wide[i];
        for (var i = wide.Length * Vector<byte>.Count; i < bytes.Length; i++) bytes[i] = (byte)~bytes[i];
    }

    // ------------------------------------------------------------------------------------------------ finding

    /// <summary>The first bit of [start, end) that is as wanted; -1: there is none.</summary>
    public static long Find(ReadOnlySpan<byte> bytes, long start, long end, bool isSet)
    {
        while (start < end)
        {
            var at = (int)(start >> 3);
            var wanted = (byte)((isSet ? bytes[at] : ~bytes[at]) & 0xff >> (int)(start & 7));
            if (wanted != 0)
            {
                var place = ((long)at << 3) + BitOperations.LeadingZeroCount((uint)wanted) - 24;
                return place < end ? place : -1;
            }
            var other = isSet ? (byte)0 : (byte)0xff;
            var next = bytes[(at + 1)..].IndexOfAnyExcept(other);
            if (next < 0) return -1;
            start = (long)(at + 1 + next) << 3;
        }
        return -1;
    }

    // ------------------------------------------------------------------------------------------------ fields

    /// <summary>A field of up to 64 bits, its first bit the highest; bits behind the end are 0.</summary>
    public static ulong Field(ReadOnlySpan<byte> bytes, long offset, int width)
    {
        var window = Window(bytes, offset);
        return (ulong)(window << (int)(offset & 7) >> (128 - width));
    }

    /// <summary>Writes a field. The bytes reach to its end.</summary>
    public static void SetField(Span<byte> bytes, long offset, int width, ulong value)
    {
        var shift = 128 - width - (int)(offset & 7);
        var mask = (UInt128.One << width) - 1 << shift;
        var window = (Window(bytes, offset) & ~mask) | ((UInt128)value << shift & mask);
        Span<byte> written = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(written, window);
        var at = (int)(offset >> 3);
        written[..Math.Min(16, bytes.Length - at)].CopyTo(bytes[at..]);
    }

    // 16 bytes from the one with the first bit on, zeros behind the end.
    static UInt128 Window(ReadOnlySpan<byte> bytes, long offset)
    {
        var at = offset >> 3;
        if (at >= bytes.Length) return 0;
        if (bytes.Length - at >= 16) return BinaryPrimitives.ReadUInt128BigEndian(bytes[(int)at..]);
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        bytes[(int)at..].CopyTo(padded);
        return BinaryPrimitives.ReadUInt128BigEndian(padded);
    }
}
