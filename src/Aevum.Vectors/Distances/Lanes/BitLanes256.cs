// BitLanes256: thirty-two bytes. Needs Avx2.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

readonly unsafe struct BitLanes256 : IBitLanes<Vector256<byte>>
{
    public static bool IsSupported => Avx2.IsSupported;

    public static int Count => 32;

    public static Vector256<byte> Zero => Vector256<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Xor(Vector256<byte> a, Vector256<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> And(Vector256<byte> a, Vector256<byte> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Or(Vector256<byte> a, Vector256<byte> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddOnes(Vector256<byte> sum, Vector256<byte> bits)
    {
        var table = Vector256.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        var half = Vector256.Create((byte)0x0F);
        var counts = Avx2.Shuffle(table, bits & half) + Avx2.Shuffle(table, (bits.AsUInt16() >> 4).AsByte() & half);
        return (Avx2.SumAbsoluteDifferences(counts, Vector256<byte>.Zero).AsUInt64() + sum.AsUInt64()).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> KeepLast(Vector256<byte> a, int count) =>
        a & Vector256.GreaterThanOrEqual(Vector256<byte>.Indices, Vector256.Create((byte)(Count - count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Vector256<byte> a) => Vector128.Sum((a.GetLower().AsUInt64() + a.GetUpper().AsUInt64()).AsInt32());

    // A lane's upper 32 bits are zero: no vector has 2^32 ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SumFour(Vector256<byte> a, Vector256<byte> b, Vector256<byte> c, Vector256<byte> d)
    {
        var sums = Avx2.HorizontalAdd(Avx2.HorizontalAdd(a.AsInt32(), b.AsInt32()), Avx2.HorizontalAdd(c.AsInt32(), d.AsInt32()));
        return sums.GetLower() + sums.GetUpper();
    }
}
