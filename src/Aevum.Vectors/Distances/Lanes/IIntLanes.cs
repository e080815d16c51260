// IIntLanes: what the int8 kernels need of a register of some width: components widened to 16 bits, and pairs of products added into 32 bits.
//
// A difference of two int8 fits in 16 bits, its square and the sum of two squares in 32; so no step saturates, and results are exact. Sums over a
// vector may pass 2^31, where they go on as numbers without a sign (VectorShape.DimensionMax keeps them below 2^32).

using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

unsafe interface IIntLanes<TShort, TInt>
    where TShort : struct
    where TInt : struct
{
    /// <summary>How many components, of 16 bits each, a register holds.</summary>
    static abstract int Count { get; }

    static abstract TInt Zero { get; }

    static abstract TShort One { get; }

    static abstract TShort Load(short* source);

    /// <summary>Loads <see cref="Count"/> bytes and widens them.</summary>
    static abstract TShort LoadBytes(sbyte* source);

    static abstract TShort Subtract(TShort a, TShort b);

    static abstract TShort Abs(TShort a);

    /// <summary>sum[i] + a[2i] * b[2i] + a[2i + 1] * b[2i + 1].</summary>
    static abstract TInt MultiplyAdd(TShort a, TShort b, TInt sum);

    static abstract TInt Add(TInt a, TInt b);

    /// <summary>The last <paramref name="count"/> lanes as they are, the others 0.</summary>
    static abstract TShort KeepLast(TShort a, int count);

    static abstract int Sum(TInt a);

    static abstract Vector128<int> SumFour(TInt a, TInt b, TInt c, TInt d);
}
