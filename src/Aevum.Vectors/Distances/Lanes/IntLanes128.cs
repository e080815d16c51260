// IntLanes128: eight components. The form that Arm runs, and every x64 machine.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

readonly unsafe struct IntLanes128 : IIntLanes<Vector128<short>, Vector128<int>>
{
    public static int Count => 8;

    public static Vector128<int> Zero => Vector128<int>.Zero;

    public static Vector128<short> One => Vector128<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Load(short* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> LoadBytes(sbyte* source) => Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Subtract(Vector128<short> a, Vector128<short> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Abs(Vector128<short> a) => Vector128.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<short> a, Vector128<short> b, Vector128<int> sum)
    {
        if (Sse2.IsSupported) return Sse2.MultiplyAddAdjacent(a, b) + sum;
        if (AdvSimd.IsSupported)
        {
            // Which products meet in which lane does not matter here: in the end all of them are added.
            sum = AdvSimd.MultiplyWideningLowerAndAdd(sum, a.GetLower(), b.GetLower());
            return AdvSimd.MultiplyWideningUpperAndAdd(sum, a, b);
        }
        var (lowerA, upperA) = Vector128.Widen(a);
        var (lowerB, upperB) = Vector128.Widen(b);
        return (lowerA * lowerB) + (upperA * upperB) + sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> a, Vector128<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> KeepLast(Vector128<short> a, int count) =>
        a & Vector128.GreaterThanOrEqual(Vector128<short>.Indices, Vector128.Create((short)(Count - count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Vector128<int> a) => Vector128.Sum(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SumFour(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) => Pairs(Pairs(a, b), Pairs(c, d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Pairs(Vector128<int> a, Vector128<int> b)
    {
        if (Ssse3.IsSupported) return Ssse3.HorizontalAdd(a, b);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.AddPairwise(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }
}
