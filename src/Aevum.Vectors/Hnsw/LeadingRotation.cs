// LeadingRotation: turns vectors so that their first few elements hold most of what tells them apart. Distances do not change, because the turn is
// orthogonal; but the distance of the leading elements alone is then a lower bound that is nearly the whole, and most comparisons end with it.
//
// Only the leading directions matter, so the whole matrix of principal axes is never made. From the first `cut` axes follow `cut` Householder reflections
// whose product maps axis i to unit vector i (up to its sign) and everything else to some orthonormal completion. In compact form (Schreiber and Van
// Loan 1989) the turn is
//
//   y = x - Z^T z,   z = T (Z x)      Z: [cut x d], one reflection a row;  T: [cut x cut], lower triangular
//
// 2 cut d multiplications instead of d d; and its inverse is the same with T transposed.
//
// Always true: the same input gives the same output, bit for bit, for queries and for stored vectors, so a vector is at distance 0 of itself.
// Learning the axes: PrincipalAxes.

using System.Runtime.Intrinsics;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class LeadingRotation : IDisposable
{
    readonly NativeBlock _block;
    readonly float* _reflections;
    readonly float* _triangle;
    readonly int _stride;

    /// <param name="axes">Shape [cut][d]: orthonormal.</param>
    /// <param name="energy">The share of the variance that lies along the axes.</param>
    public LeadingRotation(double[][] axes, double energy, MemoryBudget budget)
    {
        (Cut, Dimension, Energy) = (axes.Length, axes[0].Length, energy);
        _stride = (Dimension + 15) & -16;
        _block = new(((long)Cut * _stride * sizeof(float)) + ((long)Cut * Cut * sizeof(float)), budget, zeroed: true);
        _reflections = (float*)_block.Pointer;
        _triangle = _reflections + (Cut * (long)_stride);
        Factor(axes);
    }

    /// <param name="learnt">What <see cref="Learnt"/> gave.</param>
    public LeadingRotation(int cut, int dimension, double energy, ReadOnlySpan<float> learnt, MemoryBudget budget)
    {
        (Cut, Dimension, Energy) = (cut, dimension, energy);
        _stride = (Dimension + 15) & -16;
        _block = new(LearntCount(cut, dimension) * sizeof(float), budget);
        _reflections = (float*)_block.Pointer;
        _triangle = _reflections + (Cut * (long)_stride);
        learnt.CopyTo(new(_reflections, checked((int)LearntCount(cut, dimension))));
    }

    /// <summary>How many numbers make up a rotation.</summary>
    public static long LearntCount(int cut, int dimension) => ((long)cut * ((dimension + 15) & -16)) + ((long)cut * cut);

    /// <summary>The reflections, each padded with zeros to 16 numbers, and the triangle behind them.</summary>
    public ReadOnlySpan<float> Learnt => new(_reflections, checked((int)LearntCount(Cut, Dimension)));

    /// <summary>How many leading elements.</summary>
    public int Cut { get; }

    public int Dimension { get; }

    public double Energy { get; }

    public long Bytes => _block.Bytes;

    /// <summary>Turns a vector.</summary>
    /// <param name="source">Shape [d].</param>
    /// <param name="target">Shape [d]; may be <paramref name="source"/>.</param>
    public void Apply(float* source, float* target) => Apply(source, target, inverse: false);

    public void ApplyInverse(float* source, float* target) => Apply(source, target, inverse: true);

    public void Dispose() => _block.Dispose();

    void Apply(float* source, float* target, bool inverse)
    {
        // Padded, so that sums over them run in whole registers.
        var padded = (Cut + 15) & -16;
        var products = stackalloc float[padded];
        var weights = stackalloc float[padded];
        for (var i = 0; i < padded; i++) products[i] = weights[i] = 0;
        for (var i = 0; i < Cut; i++) products[i] = Dot(_reflections + (i * (long)_stride), source, Dimension);
        if (inverse)
            // The transpose, row by row: row j adds to the weights up to j; what lies above the triangle is zero.
            for (var j = 0; j < Cut; j++) AddRow(_triangle + (j * Cut), products[j], weights);
        else
            for (var i = 0; i < Cut; i++) weights[i] = Dot(_triangle + (i * Cut), products, Math.Min(Cut, (i + 16) & -16));
        var at = 0;
        for (; at <= Dimension - 16; at += 16)
        {
            var sum = Vector512.Load(source + at);
            for (var i = 0; i < Cut; i++)
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(-weights[i]), Vector512.Load(_reflections + (i * (long)_stride) + at), sum);
            Vector512.Store(sum, target + at);
        }
        for (; at < Dimension; at++)
        {
            var sum = source[at];
            for (var i = 0; i < Cut; i++) sum = MathF.FusedMultiplyAdd(-weights[i], _reflections[(i * (long)_stride) + at], sum);
            target[at] = sum;
        }
    }

    void AddRow(float* row, float factor, float* sums)
    {
        var at = 0;
        for (; at <= Cut - 16; at += 16)
            Vector512.Store(Vector512.FusedMultiplyAdd(Vector512.Create(factor), Vector512.Load(row + at), Vector512.Load(sums + at)), sums + at);
        for (; at < Cut; at++) sums[at] = MathF.FusedMultiplyAdd(factor, row[at], sums[at]);
    }

    static float Dot(float* a, float* b, int length)
    {
        var (first, second) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var at = 0;
        for (; at <= length - 32; at += 32)
        {
            first = Vector512.FusedMultiplyAdd(Vector512.Load(a + at), Vector512.Load(b + at), first);
            second = Vector512.FusedMultiplyAdd(Vector512.Load(a + at + 16), Vector512.Load(b + at + 16), second);
        }
        for (; at <= length - 16; at += 16) first = Vector512.FusedMultiplyAdd(Vector512.Load(a + at), Vector512.Load(b + at), first);
        var sum = Vector512.Sum(first + second);
        for (; at < length; at++) sum = MathF.FusedMultiplyAdd(a[at], b[at], sum);
        return sum;
    }

    // Householder's QR of the matrix whose columns are the axes: H_1 H_2 .. H_cut = I - V T V^T, columns of V in Z, T upper triangular. The turn is the
    // transpose of the product, so what is kept is T transposed.
    void Factor(double[][] axes)
    {
        var columns = axes.Select(a => (double[])a.Clone()).ToArray();
        var reflections = new double[Cut][];
        var triangle = new double[Cut, Cut];
        for (var k = 0; k < Cut; k++)
        {
            var v = new double[Dimension];
            var length = 0.0;
            for (var i = k; i < Dimension; i++) length += columns[k][i] * columns[k][i];
            length = Math.Sqrt(length);
            for (var i = k; i < Dimension; i++) v[i] = columns[k][i];
            v[k] += columns[k][k] >= 0 ? length : -length;
            var squares = 0.0;
            for (var i = k; i < Dimension; i++) squares += v[i] * v[i];
            var beta = squares == 0 ? 0 : 2 / squares;
            for (var c = k; c < Cut; c++)
            {
                var dot = 0.0;
                for (var i = k; i < Dimension; i++) dot += v[i] * columns[c][i];
                for (var i = k; i < Dimension; i++) columns[c][i] -= beta * dot * v[i];
            }
            // T grows by a column: t = -beta T (V^T v), and beta below it.
            for (var i = 0; i < k; i++)
            {
                var dot = 0.0;
                for (var e = k; e < Dimension; e++) dot += reflections[i][e] * v[e];
                for (var j = 0; j <= i; j++) triangle[j, k] -= beta * triangle[j, i] * dot;
            }
            triangle[k, k] = beta;
            reflections[k] = v;
        }
        for (var k = 0; k < Cut; k++)
            for (var i = 0; i < Dimension; i++) _reflections[(k * (long)_stride) + i] = (float)reflections[k][i];
        for (var i = 0; i < Cut; i++)
            for (var j = 0; j <= i; j++) _triangle[(i * Cut) + j] = (float)triangle[j, i];
    }
}
