// BitLanes512: sixty-four bytes. Needs Avx512BW.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

readonly unsafe struct BitLanes512 : IBitLanes<Vector512<byte>>
{
    public static bool IsSupported => Avx512BW.IsSupported;

    public static int Count => 64;

    public static Vector512<byte> Zero => Vector512<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Xor(Vector512<byte> a, Vector512<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> And(Vector512<byte> a, Vector512<byte> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Or(Vector512<byte> a, Vector512<byte> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddOnes(Vector512<byte> sum, Vector512<byte> bits)
    {
        var sixteen = Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        var table = Vector512.Create(Vector256.Create(sixteen, sixteen), Vector256.Create(sixteen, sixteen));
        var half = Vector512.Create((byte)0x0F);
        var counts = Avx512BW.Shuffle(table, bits & half) + Avx512BW.Shuffle(table, (bits.AsUInt16() >> 4).AsByte() & half);
        return (Avx512BW.SumAbsoluteDifferences(counts, Vector512<byte>.Zero).AsUInt64() + sum.AsUInt64()).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> KeepLast(Vector512<byte> a, int count) =>
        a & Vector512.GreaterThanOrEqual(Vector512<byte>.Indices, Vector512.Create((byte)(Count - count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Vector512<byte> a) => BitLanes256.Sum((a.GetLower().AsUInt64() + a.GetUpper().AsUInt64()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SumFour(Vector512<byte> a, Vector512<byte> b, Vector512<byte> c, Vector512<byte> d) =>
        BitLanes256.SumFour(Fold(a), Fold(b), Fold(c), Fold(d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> Fold(Vector512<byte> a) => (a.GetLower().AsUInt64() + a.GetUpper().AsUInt64()).AsByte();
}
