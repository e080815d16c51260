// CentroidTable: centroids laid out so that one vector is compared with sixteen of them at a time.
//
//   block b:   component 0 of centroids 16b .. 16b+15 | component 1 of the same | ... | component d-1
//
// The last block is filled up with infinities, which are never nearest. Differences are taken before they are squared: the form |c|^2 - 2 xc needs one
// operation less and loses all its digits where the data lies far from the origin.
//
// Who uses it: k-means, the encoder and the query tables of product codes, the lists of IVF.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors.Quantization;

sealed unsafe class CentroidTable : IDisposable
{
    const int Lanes = 16;

    float* _values;

    /// <param name="centroids">Shape [count, dimension].</param>
    public CentroidTable(ReadOnlySpan<float> centroids, int dimension)
    {
        Dimension = dimension;
        Count = centroids.Length / dimension;
        Blocks = (Count + Lanes - 1) / Lanes;
        _values = (float*)NativeMemory.AlignedAlloc((nuint)((long)Blocks * dimension * Lanes * sizeof(float)), NativeBlock.Alignment);
        Set(centroids);
    }

    ~CentroidTable() => Free();

    public int Count { get; }

    public int Dimension { get; }

    int Blocks { get; }

    /// <summary>Room that <see cref="Distances"/> asks for: <see cref="Count"/> rounded up to sixteen.</summary>
    public int PaddedCount => Blocks * Lanes;

    public void Set(ReadOnlySpan<float> centroids)
    {
        for (var c = 0; c < PaddedCount; c++)
            for (var i = 0; i < Dimension; i++)
                _values[((((nint)c / Lanes * Dimension) + i) * Lanes) + (c % Lanes)] = c < Count ? centroids[(c * Dimension) + i] : float.PositiveInfinity;
    }

    public float Component(int centroid, int index) => _values[((((nint)centroid / Lanes * Dimension) + index) * Lanes) + (centroid % Lanes)];

    public void Read(int centroid, float* target)
    {
        for (var i = 0; i < Dimension; i++) target[i] = Component(centroid, i);
    }

    /// <summary>The centroid nearest by squared Euclidean distance; of several the first.</summary>
    public int Nearest(float* vector, out float distance)
    {
        var best = Vector512.Create(float.PositiveInfinity);
        var bestBlock = Vector512<int>.Zero;
        var block = 0;
        for (; block + 4 <= Blocks; block += 4)
        {
            var from = _values + ((nint)block * Dimension * Lanes);
            nint step = (nint)Dimension * Lanes;
            Vector512<float> a = default, b = default, c = default, d = default;
            for (nint i = 0; i < Dimension; i++, from += Lanes)
            {
                var x = Vector512.Create(vector[i]);
                a = AddSquare(a, x - Vector512.Load(from));
                b = AddSquare(b, x - Vector512.Load(from + step));
                c = AddSquare(c, x - Vector512.Load(from + (2 * step)));
                d = AddSquare(d, x - Vector512.Load(from + (3 * step)));
            }
            Keep(a, block, ref best, ref bestBlock);
            Keep(b, block + 1, ref best, ref bestBlock);
            Keep(c, block + 2, ref best, ref bestBlock);
            Keep(d, block + 3, ref best, ref bestBlock);
        }
        for (; block < Blocks; block++) Keep(BlockDistances(vector, block), block, ref best, ref bestBlock);
        distance = float.PositiveInfinity;
        var nearest = 0;
        for (var lane = 0; lane < Lanes; lane++)
        {
            var centroid = (bestBlock[lane] * Lanes) + lane;
            if (best[lane] > distance || (best[lane] == distance && centroid > nearest)) continue;
            (distance, nearest) = (best[lane], centroid);
        }
        return nearest;
    }

    /// <summary>Squared Euclidean distances to all centroids.</summary>
    /// <param name="distances">Room for <see cref="PaddedCount"/>; those behind the last centroid are infinite.</param>
    public void Distances(float* vector, float* distances)
    {
        if (Dimension == 4)
        {
            // What most product codes have: the components stay in registers.
            Vector512<float> x = Vector512.Create(vector[0]), y = Vector512.Create(vector[1]), z = Vector512.Create(vector[2]), w = Vector512.Create(vector[3]);
            var from = _values;
            for (var block = 0; block < Blocks; block++, from += 4 * Lanes)
            {
                var first = x - Vector512.Load(from);
                var second = z - Vector512.Load(from + (2 * Lanes));
                var even = AddSquare(first * first, y - Vector512.Load(from + Lanes));
                var odd = AddSquare(second * second, w - Vector512.Load(from + (3 * Lanes)));
                (even + odd).Store(distances + (block * Lanes));
            }
            return;
        }
        for (var block = 0; block < Blocks; block++) BlockDistances(vector, block).Store(distances + (block * Lanes));
    }

    /// <summary>Negative dot products with all centroids. Behind the last one stands garbage.</summary>
    public void NegativeProducts(float* vector, float* products)
    {
        for (var block = 0; block < Blocks; block++)
        {
            var from = _values + ((nint)block * Dimension * Lanes);
            Vector512<float> sum = default;
            for (nint i = 0; i < Dimension; i++, from += Lanes) sum = Vector512.MultiplyAddEstimate(Vector512.Create(-vector[i]), Vector512.Load(from), sum);
            sum.Store(products + (block * Lanes));
        }
    }

    /// <summary>Sums of absolute differences to all centroids. Behind the last one stands infinity.</summary>
    public void AbsoluteDistances(float* vector, float* distances)
    {
        for (var block = 0; block < Blocks; block++)
        {
            var from = _values + ((nint)block * Dimension * Lanes);
            Vector512<float> sum = default;
            for (nint i = 0; i < Dimension; i++, from += Lanes) sum += Vector512.Abs(Vector512.Create(vector[i]) - Vector512.Load(from));
            sum.Store(distances + (block * Lanes));
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<float> BlockDistances(float* vector, int block)
    {
        var from = _values + ((nint)block * Dimension * Lanes);
        Vector512<float> even = default, odd = default;
        nint i = 0;
        for (; i + 2 <= Dimension; i += 2, from += 2 * Lanes)
        {
            even = AddSquare(even, Vector512.Create(vector[i]) - Vector512.Load(from));
            odd = AddSquare(odd, Vector512.Create(vector[i + 1]) - Vector512.Load(from + Lanes));
        }
        if (i < Dimension) even = AddSquare(even, Vector512.Create(vector[i]) - Vector512.Load(from));
        return even + odd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> AddSquare(Vector512<float> sum, Vector512<float> difference) => Vector512.MultiplyAddEstimate(difference, difference, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Keep(Vector512<float> distances, int block, ref Vector512<float> best, ref Vector512<int> bestBlock)
    {
        var nearer = Vector512.LessThan(distances, best);
        best = Vector512.ConditionalSelect(nearer, distances, best);
        bestBlock = Vector512.ConditionalSelect(nearer.AsInt32(), Vector512.Create(block), bestBlock);
    }

    void Free()
    {
        NativeMemory.AlignedFree(_values);
        _values = null;
    }
}
