// SplitDistance: two float32 kernels side by side, one over the leading components and one over the rest.
//
// Cosine becomes half the squared difference, which for vectors of length 1 is the same number and, unlike 1 minus a product, only grows as
// components are added; that is what makes its leading part a lower bound.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

readonly unsafe struct SplitDistance<TLanes, TVector, TTerm>(int cut, int dimension) : ISplitDistance
    where TLanes : struct, IFloatLanes<TVector>
    where TVector : struct
    where TTerm : struct, IFloatTerm
{
    readonly FloatDistance<TLanes, TVector, Float32Source, Float32Source, TTerm> _leading = new(cut, 0, 0);
    readonly FloatDistance<TLanes, TVector, Float32Source, Float32Source, TTerm> _rest = new(dimension - cut, 0, 0);
    readonly int _cutBytes = cut * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Leading(byte* query, byte* vector) => _leading.One(query, vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void LeadingFour(byte* query, byte* a, byte* b, byte* c, byte* d, float* results) => _leading.Four(query, a, b, c, d, results);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Rest(byte* query, byte* vector) => _rest.One(query + _cutBytes, vector + _cutBytes);
}

/// <summary>Half of <see cref="SquaredDifference"/>.</summary>
readonly struct HalfSquaredDifference : IFloatTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => SquaredDifference.Add<TLanes, TVector>(sum, a, b);

    public static float Finish(float sum) => 0.5f * sum;

    public static Vector128<float> Finish(Vector128<float> sums) => sums * 0.5f;
}
