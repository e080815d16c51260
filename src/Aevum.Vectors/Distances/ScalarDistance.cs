// ScalarDistance: every distance as the plain loop that its definition is. The oracle of the wide kernels, and what runs where a machine has no
// wide registers at all.
//
// Numbers are summed in double (whole numbers in long), so that an answer from here is right to the last bit or two of a float.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aevum.Vectors;

/// <summary>How a scalar kernel reads one component.</summary>
unsafe interface IScalarElement
{
    static abstract double Read(byte* elements, int index);
}

unsafe readonly struct ScalarFloat32 : IScalarElement
{
    public static double Read(byte* elements, int index) => Unsafe.ReadUnaligned<float>(elements + ((nint)index * 4));
}

unsafe readonly struct ScalarFloat16 : IScalarElement
{
    public static double Read(byte* elements, int index) => (double)Unsafe.ReadUnaligned<Half>(elements + ((nint)index * 2));
}

unsafe readonly struct ScalarInt8 : IScalarElement
{
    public static double Read(byte* elements, int index) => (sbyte)elements[index];
}

/// <summary>The query of an Int8 shape in its prepared form.</summary>
unsafe readonly struct ScalarInt16 : IScalarElement
{
    public static double Read(byte* elements, int index) => Unsafe.ReadUnaligned<short>(elements + ((nint)index * 2));
}

readonly unsafe struct ScalarNumbers<TQuery, TStored>(Metric metric, int dimension, int queryTail, int storedTail) : IDistance
    where TQuery : struct, IScalarElement
    where TStored : struct, IScalarElement
{
    // The tails are where 1 / length stands behind the elements; 0: the vectors have length 1 and carry none.
    readonly Metric _metric = metric;
    readonly int _dimension = dimension;
    readonly int _queryTail = queryTail;
    readonly int _storedTail = storedTail;

    public float One(byte* query, byte* vector)
    {
        var sum = 0.0;
        for (var i = 0; i < _dimension; i++)
        {
            var a = TQuery.Read(query, i);
            var b = TStored.Read(vector, i);
            sum += _metric switch
            {
                Metric.L2 => (a - b) * (a - b),
                Metric.L1 => Math.Abs(a - b),
                _ => a * b,
            };
        }
        if (_storedTail != 0)
            sum *= (double)Unsafe.ReadUnaligned<float>(query + _queryTail) * Unsafe.ReadUnaligned<float>(vector + _storedTail);
        return (float)(_metric switch
        {
            Metric.Cosine => 1 - sum,
            Metric.InnerProduct => -sum,
            _ => sum,
        });
    }

    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}

readonly unsafe struct ScalarBits(Metric metric, int bytes) : IDistance
{
    readonly Metric _metric = metric;
    readonly int _bytes = bytes;

    public float One(byte* query, byte* vector)
    {
        int differing = 0, common = 0, any = 0;
        for (var i = 0; i < _bytes; i++)
        {
            differing += BitOperations.PopCount((uint)(query[i] ^ vector[i]));
            common += BitOperations.PopCount((uint)(query[i] & vector[i]));
            any += BitOperations.PopCount((uint)(query[i] | vector[i]));
        }
        if (_metric == Metric.Hamming) return differing;
        return any == 0 ? 0 : (float)((double)(any - common) / any);
    }

    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}
