// FloatLanes128: four floats. The form that Arm runs, and every x64 machine.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors;

readonly unsafe struct FloatLanes128 : IFloatLanes<Vector128<float>>
{
    // A half, moved so that its exponent lies where a float's does, is too small by 2^(127 - 15). A product by a power of two is exact, and
    // it brings the halves below the normal range right, too (Giesen, "Half to float done quic", 2012).
    public const uint HalfBits = 0x8FFF_E000;
    public const float HalfScale = 5.192296858534828e33f;   // 2^112

    public static int Count => 4;

    public static Vector128<float> Zero => Vector128<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalves(ushort* source)
    {
        var wide = Vector128.WidenLower(Vector64.Load((short*)source).ToVector128Unsafe());
        return ((wide << 13).AsUInt32() & Vector128.Create(HalfBits)).AsSingle() * Vector128.Create(HalfScale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> a) => Vector128.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> KeepLast(Vector128<float> a, int count) =>
        a & Vector128.GreaterThanOrEqual(Vector128<int>.Indices, Vector128.Create(Count - count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> a)
    {
        var pairs = Pairs(a, a);
        return Pairs(pairs, pairs).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumFour(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) =>
        Pairs(Pairs(a, b), Pairs(c, d));

    /// <summary>a0 + a1, a2 + a3, b0 + b1, b2 + b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Pairs(Vector128<float> a, Vector128<float> b)
    {
        if (Sse3.IsSupported) return Sse3.HorizontalAdd(a, b);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.AddPairwise(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }
}
