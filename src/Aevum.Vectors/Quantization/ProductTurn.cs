// ProductTurn: turns vectors before they are cut into parts, so that every part has about as much to tell (optimized product quantization: Ge, He, Ke and Sun
// 2014, section 3.2.2, "parametric solution").
//
//   1. the turn to principal axes (Hnsw/LeadingRotation, learnt by PrincipalAxes): the few leading components hold nearly all that varies
//   2. components dealt out to parts: in order of variance, each to the part whose variances multiply to least so far and which has room
//
// Without (2) the turn would be harmful: the leading axes would share a part and the others have nothing to tell. Without (1) there is nothing to deal out
// by. Where the data has no leading directions (PrincipalAxes finds none) vectors are coded as they are.
//
// Always true: distances between turned vectors are those of the vectors, to rounding; under L1 that does not hold, and nothing is turned. The turn is made
// from axes rounded to float32, as they are stored, so a codebook read again turns in the same way.

using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Quantization;

sealed unsafe class ProductTurn : IDisposable
{
    readonly LeadingRotation _rotation;
    readonly float[] _axes;
    readonly int[] _order;

    /// <param name="axes">Shape [cut, dimension], orthonormal to rounding.</param>
    /// <param name="order">Place i of what is cut into parts holds component order[i] of the turned vector.</param>
    public ProductTurn(float[] axes, int[] order)
    {
        (_axes, _order) = (axes, order);
        _rotation = new([.. axes.Chunk(order.Length).Select(a => Array.ConvertAll(a, x => (double)x))], 0, MemoryBudget.Unlimited());
    }

    /// <summary>Above, nothing is turned (<see cref="PrincipalAxes"/>), and scratch for turning lies on the stack.</summary>
    public const int DimensionMax = PrincipalAxes.DimensionMax;

    public int Dimension => _order.Length;

    public ReadOnlySpan<float> Axes => _axes;

    public ReadOnlySpan<int> Order => _order;

    /// <summary>The turn that fits a sample; null where there is no gain to expect.</summary>
    /// <param name="starts">Of the parts, and the dimension at the end.</param>
    public static ProductTurn? Learn(VectorSample sample, int[] starts, SeededRandom random)
    {
        if (sample.Shape.Metric == Metric.L1) return null;
        var vectors = new float*[Math.Min(sample.Count, 8192)];
        for (var i = 0; i < vectors.Length; i++) vectors[i] = sample[i];
        using var learnt = PrincipalAxes.Learn(vectors, sample.Dimension, random, MemoryBudget.Unlimited());
        if (learnt is null) return null;
        var dimension = sample.Dimension;
        var axes = new float[learnt.Cut * dimension];
        for (var i = 0; i < learnt.Cut; i++)
        {
            fixed (float* axis = axes.AsSpan(i * dimension, dimension))
            {
                axis[i] = 1;
                learnt.ApplyInverse(axis, axis);
            }
        }
        var inOrder = Enumerable.Range(0, dimension).ToArray();
        using var turn = new ProductTurn(axes, inOrder);
        return new(axes, Deal(turn.Variances(vectors), starts));
    }

    /// <summary>Whether axes are of length 1 and at right angles, as nearly as rounding leaves them.</summary>
    public static bool AreOrthonormal(float[] axes, int dimension)
    {
        var count = axes.Length / dimension;
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var product = 0.0;
                for (var c = 0; c < dimension; c++) product += (double)axes[(i * dimension) + c] * axes[(j * dimension) + c];
                if (!(Math.Abs(product - (i == j ? 1 : 0)) < 1e-3)) return false;
            }
        }
        return true;
    }

    /// <param name="target">Not the source.</param>
    public void Apply(float* source, float* target)
    {
        var turned = stackalloc float[Dimension];
        _rotation.Apply(source, turned);
        for (var i = 0; i < _order.Length; i++) target[i] = turned[_order[i]];
    }

    public void ApplyInverse(float* source, float* target)
    {
        var turned = stackalloc float[Dimension];
        for (var i = 0; i < _order.Length; i++) turned[_order[i]] = source[i];
        _rotation.ApplyInverse(turned, target);
    }

    public void Dispose() => _rotation.Dispose();

    double[] Variances(float*[] vectors)
    {
        var (sums, squares) = (new double[Dimension], new double[Dimension]);
        var turned = new float[Dimension];
        fixed (float* target = turned)
        {
            foreach (var vector in vectors)
            {
                _rotation.Apply(vector, target);
                for (var i = 0; i < turned.Length; i++)
                {
                    sums[i] += turned[i];
                    squares[i] += (double)turned[i] * turned[i];
                }
            }
        }
        return [.. squares.Select((s, i) => Math.Max(0, (s / vectors.Length) - (sums[i] / vectors.Length * (sums[i] / vectors.Length))))];
    }

    static int[] Deal(double[] variances, int[] starts)
    {
        var parts = starts.Length - 1;
        var logs = new double[parts];
        var filled = new int[parts];
        var order = new int[variances.Length];
        // A product of variances is compared by its logarithm, counted from the least variance so that each component adds to it.
        var least = Math.Max(variances.Max() * 1e-12, double.Epsilon);
        foreach (var component in Enumerable.Range(0, variances.Length).OrderByDescending(i => variances[i]))
        {
            var best = -1;
            for (var p = 0; p < parts; p++)
                if (filled[p] < starts[p + 1] - starts[p] && (best < 0 || logs[p] < logs[best])) best = p;
            order[starts[best] + filled[best]++] = component;
            logs[best] += Math.Log(Math.Max(variances[component], least) / least);
        }
        return order;
    }
}
