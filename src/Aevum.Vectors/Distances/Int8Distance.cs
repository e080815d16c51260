// Int8Distance: the kernels over int8, written once for all widths, metrics and forms of the query.
//
//   TQuery    Int8Source: a stored vector, widened as it is read; Int16Source: a prepared query, which is wide already
//
// Exact: whole numbers until the end (IIntLanes). A square sum may pass 2^31 and is read without a sign; products stay within 2^30. The tail
// is handled as in FloatDistance: the last register is read again, and what was counted already is set to zero. Dimension >= TLanes.Count.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

readonly unsafe struct Int8Distance<TLanes, TShort, TInt, TQuery, TTerm> : IDistance
    where TLanes : struct, IIntLanes<TShort, TInt>
    where TShort : struct
    where TInt : struct
    where TQuery : struct, IIntSource
    where TTerm : struct, IIntTerm
{
    readonly int _dimension;
    readonly int _queryTail;
    readonly int _storedTail;

    /// <param name="dimension">At least the components of a register.</param>
    /// <param name="queryTail">Where the query's 1 / length stands; 0: it carries none.</param>
    /// <param name="storedTail">The same for stored vectors.</param>
    public Int8Distance(int dimension, int queryTail, int storedTail)
    {
        Debug.Assert(dimension >= TLanes.Count, "a vector shorter than a register needs a narrower kernel");
        _dimension = dimension;
        _queryTail = queryTail;
        _storedTail = storedTail;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* vector)
    {
        TInt even = TLanes.Zero, odd = TLanes.Zero;
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
        var sum = TTerm.Finish(TLanes.Sum(TLanes.Add(even, odd)));
        if (_storedTail != 0) sum = 1 - (sum * (Inverse(query, _queryTail) * Inverse(vector, _storedTail)));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        TInt sumA = TLanes.Zero, sumB = TLanes.Zero, sumC = TLanes.Zero, sumD = TLanes.Zero;
        nint i = 0, dimension = _dimension;
        for (; i <= dimension - TLanes.Count; i += TLanes.Count)
        {
            var part = Query(query, i);
            sumA = Add(sumA, part, Stored(a, i));
            sumB = Add(sumB, part, Stored(b, i));
            sumC = Add(sumC, part, Stored(c, i));
            sumD = Add(sumD, part, Stored(d, i));
        }
        if (i < dimension)
        {
            var left = (int)(dimension - i);
            i = dimension - TLanes.Count;
            var part = TLanes.KeepLast(Query(query, i), left);
            sumA = Add(sumA, part, TLanes.KeepLast(Stored(a, i), left));
            sumB = Add(sumB, part, TLanes.KeepLast(Stored(b, i), left));
            sumC = Add(sumC, part, TLanes.KeepLast(Stored(c, i), left));
            sumD = Add(sumD, part, TLanes.KeepLast(Stored(d, i), left));
        }
        var sums = TTerm.Finish(TLanes.SumFour(sumA, sumB, sumC, sumD));
        if (_storedTail != 0)
            sums = Vector128<float>.One - (sums * (Vector128.Create(Inverse(query, _queryTail))
                * Vector128.Create(Inverse(a, _storedTail), Inverse(b, _storedTail), Inverse(c, _storedTail), Inverse(d, _storedTail))));
        sums.Store(results);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TShort Query(byte* query, nint index) => TQuery.Load<TLanes, TShort, TInt>(query, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TShort Stored(byte* vector, nint index) => TLanes.LoadBytes((sbyte*)vector + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TInt Add(TInt sum, TShort a, TShort b) => TTerm.Add<TLanes, TShort, TInt>(sum, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Inverse(byte* vector, int tail) => Unsafe.ReadUnaligned<float>(vector + tail);
}

/// <summary>How components of a query stand in memory.</summary>
unsafe interface IIntSource
{
    static abstract TShort Load<TLanes, TShort, TInt>(byte* elements, nint index)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct;
}

readonly unsafe struct Int8Source : IIntSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TShort Load<TLanes, TShort, TInt>(byte* elements, nint index)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct => TLanes.LoadBytes((sbyte*)elements + index);
}

readonly unsafe struct Int16Source : IIntSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TShort Load<TLanes, TShort, TInt>(byte* elements, nint index)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct => TLanes.Load((short*)elements + index);
}

/// <summary>What a metric makes of pairs of components.</summary>
interface IIntTerm
{
    static abstract TInt Add<TLanes, TShort, TInt>(TInt sum, TShort a, TShort b)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct;

    static abstract float Finish(int sum);

    static abstract Vector128<float> Finish(Vector128<int> sums);
}

readonly struct IntSquaredDifference : IIntTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Add<TLanes, TShort, TInt>(TInt sum, TShort a, TShort b)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct
    {
        var difference = TLanes.Subtract(a, b);
        return TLanes.MultiplyAdd(difference, difference, sum);
    }

    public static float Finish(int sum) => (uint)sum;

    public static Vector128<float> Finish(Vector128<int> sums) => Vector128.ConvertToSingle(sums.AsUInt32());
}

readonly struct IntAbsoluteDifference : IIntTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Add<TLanes, TShort, TInt>(TInt sum, TShort a, TShort b)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct => TLanes.MultiplyAdd(TLanes.Abs(TLanes.Subtract(a, b)), TLanes.One, sum);

    public static float Finish(int sum) => sum;

    public static Vector128<float> Finish(Vector128<int> sums) => Vector128.ConvertToSingle(sums);
}

readonly struct IntProduct : IIntTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Add<TLanes, TShort, TInt>(TInt sum, TShort a, TShort b)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct => TLanes.MultiplyAdd(a, b, sum);

    public static float Finish(int sum) => sum;

    public static Vector128<float> Finish(Vector128<int> sums) => Vector128.ConvertToSingle(sums);
}

readonly struct IntNegativeProduct : IIntTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Add<TLanes, TShort, TInt>(TInt sum, TShort a, TShort b)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct => TLanes.MultiplyAdd(a, b, sum);

    public static float Finish(int sum) => -(float)sum;

    public static Vector128<float> Finish(Vector128<int> sums) => -Vector128.ConvertToSingle(sums);
}
