// ISpace: what a walk asks of distances. A walk is generic over it, so that the same code goes over raw vectors, over rotated ones whose leading
// part decides most comparisons, and over codes that stand for vectors; the JIT compiles it once for each, without a virtual call.
//
//   a stored vector is in two places:   front (in the record, before the links)   |   rest (elsewhere, read only when the front does not decide)
//
//   WholeSpace     front = the whole vector, no rest
//   LeadingSpace   front = the leading elements of a rotated vector; its distance is a lower bound, and front + rest is the distance (docs/internals/hnsw.md)
//
// To add codes: a space whose front is the code and HasRest is false, and a rerank of what the walk found from the rest.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

unsafe interface ISpace
{
    /// <summary>False: the front is the whole distance. A constant to the JIT.</summary>
    static abstract bool HasRest { get; }

    /// <summary>Distances of fronts: the whole distance, or a lower bound of it when <see cref="HasRest"/>.</summary>
    float One(byte* front, byte* other);

    /// <summary>Four at once, which share the loads of <paramref name="front"/>.</summary>
    void Four(byte* front, byte* a, byte* b, byte* c, byte* d, float* results);

    /// <summary>What the rest adds to the distance of the fronts; at least 0.</summary>
    float Rest(byte* rest, byte* other);
}

/// <summary>A vector to compare with: where its two parts are.</summary>
readonly unsafe struct Point(byte* front, byte* rest)
{
    public readonly byte* Front = front;
    public readonly byte* Rest = rest;
}

readonly unsafe struct WholeSpace<TDistance>(TDistance distance) : ISpace
    where TDistance : struct, IDistance
{
    readonly TDistance _distance = distance;

    public static bool HasRest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* front, byte* other) => _distance.One(front, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* front, byte* a, byte* b, byte* c, byte* d, float* results) => _distance.Four(front, a, b, c, d, results);

    public float Rest(byte* rest, byte* other) => 0;
}

/// <param name="leading">Squared Euclidean distance over the leading elements.</param>
/// <param name="trailing">The same over the others.</param>
readonly unsafe struct LeadingSpace<TLeading, TTrailing>(TLeading leading, TTrailing trailing) : ISpace
    where TLeading : struct, IDistance
    where TTrailing : struct, IDistance
{
    readonly TLeading _leading = leading;
    readonly TTrailing _trailing = trailing;

    public static bool HasRest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* front, byte* other) => _leading.One(front, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* front, byte* a, byte* b, byte* c, byte* d, float* results) => _leading.Four(front, a, b, c, d, results);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Rest(byte* rest, byte* other) => _trailing.One(rest, other);
}
