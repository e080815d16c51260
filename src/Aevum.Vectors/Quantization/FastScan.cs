// FastScan: distances of many codes of half a byte a part, 32 at a time, with the lookup tables in registers (Andre, Kermarrec and Le Scouarnec 2015): a
// byte shuffle looks up 16 or 32 entries of 16 at once, where a table in memory takes a load for each.
//
//   block     32 codes, turned: byte p of all 32 codes, then byte p + 1 of all 32, ...     (code bytes x 32)
//             a byte holds two parts, the even one in its low half (ProductQuantizer, 16 centroids)
//   tables    bias f32, step f32, then 16 bytes a part: entry = round((distance of the part - least of the part) / step); an odd last part is
//             followed by a table of zeros
//   sums      32 x u16; distance = bias + step * sum
//
// Entries are at most 255, and less where there are so many parts that a sum would pass 65,535: no sum overflows. The rounding of entries is
// coarse (half a step a part); whoever needs the order exactly reranks.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Quantization;

static unsafe class FastScan
{
    public const int BlockCodes = 32;

    const int HeaderBytes = 2 * sizeof(float);
    const int Entries = 16;

    /// <summary>Bytes of the tables for codes of <paramref name="codeBytes"/>.</summary>
    public static int TableBytes(int codeBytes) => HeaderBytes + (codeBytes * 2 * Entries);

    /// <exception cref="AevumException">InvalidArgument: not a quantizer of half bytes.</exception>
    public static void Require(Quantizer quantizer)
    {
        if (quantizer is not ProductQuantizer { CentroidCount: Entries }) Throw.Invalid("a fast scan needs product codes of 16 centroids a part");
    }

    /// <summary>Puts a code into its place in a block.</summary>
    public static void Write(byte* block, int index, byte* code, int codeBytes)
    {
        for (var p = 0; p < codeBytes; p++) block[(p * BlockCodes) + index] = code[p];
    }

    /// <summary>Takes a code out of its place.</summary>
    public static void Read(byte* block, int index, byte* code, int codeBytes)
    {
        for (var p = 0; p < codeBytes; p++) code[p] = block[(p * BlockCodes) + index];
    }

    /// <param name="query">As <see cref="VectorFloats"/> gives it.</param>
    /// <param name="tables">Room for <see cref="TableBytes"/>.</param>
    /// <param name="scratch">Room for 16 floats a part.</param>
    public static void Prepare(ProductQuantizer quantizer, float* query, byte* tables, float* scratch)
    {
        quantizer.FillTable(query, scratch);
        var parts = quantizer.SubCount;
        float bias = 0, widest = 0;
        for (var s = 0; s < parts; s++)
        {
            var (least, most) = Bounds(scratch + (s * Entries));
            bias += least;
            widest = Math.Max(widest, most - least);
        }
        var entryMax = Math.Min(255, ushort.MaxValue / parts);
        var step = Math.Max(widest / entryMax, 1e-37f);
        var entries = tables + HeaderBytes;
        for (var s = 0; s < parts; s++)
        {
            var least = Bounds(scratch + (s * Entries)).Least;
            for (var c = 0; c < Entries; c++)
                entries[(s * Entries) + c] = (byte)Math.Min(entryMax, (int)(((scratch[(s * Entries) + c] - least) / step) + 0.5f));
        }
        if (parts % 2 != 0) new Span<byte>(entries + (parts * Entries), Entries).Clear();
        var scale = quantizer.Shape.Metric == Metric.Cosine ? 0.5f : 1;
        Unsafe.WriteUnaligned(tables, bias * scale);
        Unsafe.WriteUnaligned(tables + sizeof(float), step * scale);
    }

    public static float Bias(byte* tables) => Unsafe.ReadUnaligned<float>(tables);

    public static float Step(byte* tables) => Unsafe.ReadUnaligned<float>(tables + sizeof(float));

    /// <summary>The sums of the 32 codes of a block; those of places never written mean nothing.</summary>
    public static void Scan(byte* tables, byte* block, int codeBytes, ushort* sums)
    {
        var entries = tables + HeaderBytes;
        if (Avx2.IsSupported)
        {
            // A sum of 16-bit lanes adds low bytes with high bytes above them; the high bytes are summed apart and taken away at the end.
            Vector256<ushort> both = default, high = default;
            var four = Vector256.Create((byte)15);
            for (var p = 0; p < codeBytes; p++, entries += 2 * Entries)
            {
                var codes = Vector256.Load(block + (p * BlockCodes));
                var even = Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(entries), codes & four).AsUInt16();
                var odd = Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(entries + Entries), (codes.AsUInt16() >> 4).AsByte() & four).AsUInt16();
                both += even + odd;
                high += (even >> 8) + (odd >> 8);
            }
            var low = both - (high << 8);
            // Even places in low, odd ones in high: interleaved again.
            Avx2.Permute2x128(Avx2.UnpackLow(low, high), Avx2.UnpackHigh(low, high), 0x20).Store(sums);
            Avx2.Permute2x128(Avx2.UnpackLow(low, high), Avx2.UnpackHigh(low, high), 0x31).Store(sums + 16);
            return;
        }
        for (var half = 0; half < BlockCodes; half += 16) ScanHalf(entries, block + half, codeBytes, sums + half);
    }

    internal static void ScanHalf(byte* entries, byte* block, int codeBytes, ushort* sums)
    {
        Vector128<ushort> first = default, second = default;
        for (var p = 0; p < codeBytes; p++, entries += 2 * Entries)
        {
            var codes = Vector128.Load(block + (p * BlockCodes));
            var even = Vector128.ShuffleNative(Vector128.Load(entries), codes & Vector128.Create((byte)15));
            var odd = Vector128.ShuffleNative(Vector128.Load(entries + Entries), codes >>> 4);
            first += Vector128.WidenLower(even) + Vector128.WidenLower(odd);
            second += Vector128.WidenUpper(even) + Vector128.WidenUpper(odd);
        }
        first.Store(sums);
        second.Store(sums + 8);
    }

    static (float Least, float Most) Bounds(float* part)
    {
        var (least, most) = (part[0], part[0]);
        for (var c = 1; c < Entries; c++) (least, most) = (Math.Min(least, part[c]), Math.Max(most, part[c]));
        return (least, most);
    }
}
