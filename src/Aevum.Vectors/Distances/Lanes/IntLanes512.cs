// IntLanes512: thirty-two components.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

readonly unsafe struct IntLanes512 : IIntLanes<Vector512<short>, Vector512<int>>
{
    public static int Count => 32;

    public static Vector512<int> Zero => Vector512<int>.Zero;

    public static Vector512<short> One => Vector512<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Load(short* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> LoadBytes(sbyte* source)
    {
        if (Avx512BW.IsSupported) return Avx512BW.ConvertToVector512Int16(Vector256.Load(source));
        return Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Subtract(Vector512<short> a, Vector512<short> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Abs(Vector512<short> a) => Vector512.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<short> a, Vector512<short> b, Vector512<int> sum)
    {
        if (Avx512BW.IsSupported) return Avx512BW.MultiplyAddAdjacent(a, b) + sum;
        return Vector512.Create(IntLanes256.MultiplyAdd(a.GetLower(), b.GetLower(), sum.GetLower()),
            IntLanes256.MultiplyAdd(a.GetUpper(), b.GetUpper(), sum.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> a, Vector512<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> KeepLast(Vector512<short> a, int count) =>
        a & Vector512.GreaterThanOrEqual(Vector512<short>.Indices, Vector512.Create((short)(Count - count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Vector512<int> a) => IntLanes256.Sum(a.GetLower() + a.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SumFour(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d) =>
        IntLanes256.SumFour(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());
}
