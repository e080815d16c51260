// FloatDistance: the kernels over float32 and float16, written once for all widths, metrics and forms of the query.
//
//   TLanes    width of the registers                                  FloatLanes128, FloatLanes256, FloatLanes512
//   TQuery    how components of the query are read                    Float32Source, Float16Source
//   TStored   how components of a stored vector are read              the same
//   TTerm     what a pair of components adds, and what becomes of the sum
//
// Each distance has two running sums, one for the even and one for the odd registers, in One as in Four, and the lanes are added in one order; so
// both give the same bits. Four needs eight sums, which is what hides the latency of a multiply-add (four cycles, two begun in each).
//
// A tail that fills no register is read again together with what stands before it, and what was counted already is set to zero. Hence
// the one thing that must hold: dimension >= TLanes.Count.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

readonly unsafe struct FloatDistance<TLanes, TVector, TQuery, TStored, TTerm> : IDistance
    where TLanes : struct, IFloatLanes<TVector>
    where TVector : struct
    where TQuery : struct, IFloatSource
    where TStored : struct, IFloatSource
    where TTerm : struct, IFloatTerm
{
    readonly int _dimension;
    readonly int _queryTail;
    readonly int _storedTail;

    /// <param name="dimension">At least the lanes of a register.</param>
    /// <param name="queryTail">Where the query's 1 / length stands; 0: it carries none.</param>
    /// <param name="storedTail">The same for stored vectors.</param>
    public FloatDistance(int dimension, int queryTail, int storedTail)
    {
        Debug.Assert(dimension >= TLanes.Count, "a vector shorter than a register needs a narrower kernel");
        _dimension = dimension;
        _queryTail = queryTail;
        _storedTail = storedTail;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* vector)
    {
        TVector even = TLanes.Zero, odd = TLanes.Zero;
        nint i = 0, dimension = _dimension;
        for (; i <= dimension - (2 * TLanes.Count); i += 2 * TLanes.Count)
        {
            even = Add(even, Query(query, i), Stored(vector, i));
            odd = Add(odd, Query(query, i + TLanes.Count), Stored(vector, i + TLanes.Count));
        }
        if (i <= dimension - TLanes.Count)
        {
            even = Add(even, Query(query, i), Stored(vector, i));
            i += TLanes.Count;
        }
        if (i < dimension)
        {
            var left = (int)(dimension - i);
            i = dimension - TLanes.Count;
            odd = Add(odd, TLanes.KeepLast(Query(query, i), left), TLanes.KeepLast(Stored(vector, i), left));
        }
        var sum = TLanes.Sum(TLanes.Add(even, odd));
        if (_storedTail != 0) sum *= Inverse(query, _queryTail) * Inverse(vector, _storedTail);
        return TTerm.Finish(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        TVector evenA = TLanes.Zero, evenB = TLanes.Zero, evenC = TLanes.Zero, evenD = TLanes.Zero;
        TVector oddA = TLanes.Zero, oddB = TLanes.Zero, oddC = TLanes.Zero, oddD = TLanes.Zero;
        nint i = 0, dimension = _dimension;
        for (; i <= dimension - (2 * TLanes.Count); i += 2 * TLanes.Count)
        {
            var even = Query(query, i);
            evenA = Add(evenA, even, Stored(a, i));
            evenB = Add(evenB, even, Stored(b, i));
            evenC = Add(evenC, even, Stored(c, i));
            evenD = Add(evenD, even, Stored(d, i));
            var odd = Query(query, i + TLanes.Count);
            oddA = Add(oddA, odd, Stored(a, i + TLanes.Count));
            oddB = Add(oddB, odd, Stored(b, i + TLanes.Count));
            oddC = Add(oddC, odd, Stored(c, i + TLanes.Count));
            oddD = Add(oddD, odd, Stored(d, i + TLanes.Count));
        }
        if (i <= dimension - TLanes.Count)
        {
            var even = Query(query, i);
            evenA = Add(evenA, even, Stored(a, i));
            evenB = Add(evenB, even, Stored(b, i));
            evenC = Add(evenC, even, Stored(c, i));
            evenD = Add(evenD, even, Stored(d, i));
            i += TLanes.Count;
        }
        if (i < dimension)
        {
            var left = (int)(dimension - i);
            i = dimension - TLanes.Count;
            var odd = TLanes.KeepLast(Query(query, i), left);
            oddA = Add(oddA, odd, TLanes.KeepLast(Stored(a, i), left));
            oddB = Add(oddB, odd, TLanes.KeepLast(Stored(b, i), left));
            oddC = Add(oddC, odd, TLanes.KeepLast(Stored(c, i), left));
            oddD = Add(oddD, odd, TLanes.KeepLast(Stored(d, i), left));
        }
        var sums = TLanes.SumFour(TLanes.Add(evenA, oddA), TLanes.Add(evenB, oddB), TLanes.Add(evenC, oddC), TLanes.Add(evenD, oddD));
        if (_storedTail != 0)
            sums *= Vector128.Create(Inverse(query, _queryTail))
                * Vector128.Create(Inverse(a, _storedTail), Inverse(b, _storedTail), Inverse(c, _storedTail), Inverse(d, _storedTail));
        TTerm.Finish(sums).Store(results);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TVector Query(byte* query, nint index) => TQuery.Load<TLanes, TVector>(query, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TVector Stored(byte* vector, nint index) => TStored.Load<TLanes, TVector>(vector, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TVector Add(TVector sum, TVector a, TVector b) => TTerm.Add<TLanes, TVector>(sum, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Inverse(byte* vector, int tail) => Unsafe.ReadUnaligned<float>(vector + tail);
}

/// <summary>How components stand in memory.</summary>
unsafe interface IFloatSource
{
    /// <param name="index">Of the first component.</param>
    static abstract TVector Load<TLanes, TVector>(byte* elements, nint index)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct;
}

readonly unsafe struct Float32Source : IFloatSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* elements, nint index)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => TLanes.Load((float*)elements + index);
}

readonly unsafe struct Float16Source : IFloatSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* elements, nint index)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => TLanes.LoadHalves((ushort*)elements + index);
}

/// <summary>What a metric makes of pairs of components.</summary>
interface IFloatTerm
{
    static abstract TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct;

    static abstract float Finish(float sum);

    static abstract Vector128<float> Finish(Vector128<float> sums);
}

readonly struct SquaredDifference : IFloatTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct
    {
        var difference = TLanes.Subtract(a, b);
        return TLanes.MultiplyAdd(difference, difference, sum);
    }

    public static float Finish(float sum) => sum;

    public static Vector128<float> Finish(Vector128<float> sums) => sums;
}

readonly struct AbsoluteDifference : IFloatTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => TLanes.Add(sum, TLanes.Abs(TLanes.Subtract(a, b)));

    public static float Finish(float sum) => sum;

    public static Vector128<float> Finish(Vector128<float> sums) => sums;
}

readonly struct NegativeProduct : IFloatTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => TLanes.MultiplyAdd(a, b, sum);

    public static float Finish(float sum) => -sum;

    public static Vector128<float> Finish(Vector128<float> sums) => -sums;
}

readonly struct OneMinusProduct : IFloatTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Add<TLanes, TVector>(TVector sum, TVector a, TVector b)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct => TLanes.MultiplyAdd(a, b, sum);

    public static float Finish(float sum) => 1 - sum;

    public static Vector128<float> Finish(Vector128<float> sums) => Vector128<float>.One - sums;
}
