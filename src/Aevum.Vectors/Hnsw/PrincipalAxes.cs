// PrincipalAxes: the directions in which a sample of vectors varies most, and how many of them are worth leading with.
//
//   1. covariance of the sample, centred (without centring the mean would be the first axis, and tell nothing apart)
//   2. its leading eigenvectors by orthogonal iteration (Golub and Van Loan, 8.2.4) on a block a little wider than is asked for
//   3. the energy (share of the variance) along the first c of them, for each c in steps of a cache line
//
// The cut is the least c, at least 32 and a sixteenth of the dimension, whose energy is EnergyWanted; else a quarter of the dimension if that holds
// EnergyMin; else none: a flat spectrum gains nothing from an early end.

using System.Runtime.Intrinsics;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Hnsw;

static unsafe class PrincipalAxes
{
    public const double EnergyWanted = 0.985;
    public const double EnergyMin = 0.90;

    /// <summary>Below this a vector is so few cache lines that leading with some saves none; above, the covariance is too large.</summary>
    public const int DimensionMin = 64;
    public const int DimensionMax = 2048;

    const int Line = 16;
    const int Rounds = 12;

    /// <summary>The rotation that fits a sample, or null if its spectrum is too flat.</summary>
    /// <param name="sample">Shape [count][d].</param>
    public static LeadingRotation? Learn(float*[] sample, int dimension, SeededRandom random, MemoryBudget budget)
    {
        if (dimension is < DimensionMin or > DimensionMax || sample.Length < 2 * dimension) return null;
        using var covariance = new NativeBlock((long)dimension * dimension * sizeof(float), budget, zeroed: true);
        var matrix = (float*)covariance.Pointer;
        var variance = Covariance(sample, dimension, matrix, budget);
        if (!(variance > 0) || !double.IsFinite(variance)) return null;
        var least = Math.Max(32, ((dimension / 16) + Line - 1) / Line * Line);
        var most = Math.Max(least, dimension / 4 / Line * Line);
        for (var width = least; ;)
        {
            var axes = Iterate(matrix, dimension, Math.Min(width + 8, dimension), random, out var energies);
            var energy = 0.0;
            for (var i = 0; i < width; i++)
            {
                energy += Math.Max(0, energies[i]) / variance;
                if (i + 1 >= least && (i + 1) % Line == 0 && energy >= EnergyWanted) return new(axes[..(i + 1)], energy, budget);
            }
            if (width == most) return energy >= EnergyMin ? new(axes[..width], energy, budget) : null;
            width = Math.Min(most, width * 2);
        }
    }

    /// <summary>The share of the sample's variance in the leading elements of a rotation.</summary>
    public static double EnergyOf(float*[] sample, LeadingRotation rotation)
    {
        var turned = new float[rotation.Dimension];
        var (sums, squares) = (new double[turned.Length], new double[turned.Length]);
        foreach (var vector in sample)
        {
            fixed (float* target = turned) rotation.Apply(vector, target);
            for (var i = 0; i < turned.Length; i++)
            {
                sums[i] += turned[i];
                squares[i] += turned[i] * (double)turned[i];
            }
        }
        var (leading, all) = (0.0, 0.0);
        for (var i = 0; i < turned.Length; i++)
        {
            var variance = squares[i] - (sums[i] * sums[i] / sample.Length);
            all += variance;
            if (i < rotation.Cut) leading += variance;
        }
        return all > 0 ? leading / all : 0;
    }

    // Upper half and then both; returns the trace.
    static double Covariance(float*[] sample, int d, float* matrix, MemoryBudget budget)
    {
        using var block = new NativeBlock(5L * d * sizeof(float), budget, zeroed: true);
        var mean = (float*)block.Pointer;
        foreach (var vector in sample)
            for (var i = 0; i < d; i++) mean[i] += vector[i] / sample.Length;
        var four = mean + d;
        for (var s = 0; s + 4 <= sample.Length; s += 4)
        {
            for (var j = 0; j < 4; j++)
                for (var i = 0; i < d; i++) four[(j * d) + i] = sample[s + j][i] - mean[i];
            for (var i = 0; i < d; i++)
            {
                var (a, b, c, e) = (four[i], four[d + i], four[(2 * d) + i], four[(3 * d) + i]);
                var row = matrix + ((long)i * d);
                var at = i & -8;
                for (; at <= d - 8; at += 8)
                {
                    var sum = Vector256.Load(row + at);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(a), Vector256.Load(four + at), sum);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(b), Vector256.Load(four + d + at), sum);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(c), Vector256.Load(four + (2 * d) + at), sum);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(e), Vector256.Load(four + (3 * d) + at), sum);
                    Vector256.Store(sum, row + at);
                }
                for (; at < d; at++)
                    row[at] += (a * four[at]) + (b * four[d + at]) + (c * four[(2 * d) + at]) + (e * four[(3 * d) + at]);
            }
        }
        var trace = 0.0;
        for (var i = 0; i < d; i++)
        {
            trace += matrix[((long)i * d) + i];
            for (var j = 0; j < i; j++) matrix[((long)i * d) + j] = matrix[((long)j * d) + i];
        }
        return trace;
    }

    // Orthogonal iteration; energies are the Rayleigh quotients of the axes.
    static double[][] Iterate(float* matrix, int d, int width, SeededRandom random, out double[] energies)
    {
        var axes = new double[width][];
        for (var i = 0; i < width; i++)
        {
            axes[i] = new double[d];
            for (var j = 0; j < d; j++) axes[i][j] = random.NextDouble() - 0.5;
        }
        Orthonormalize(axes, random);
        energies = new double[width];
        var narrow = new float[d];
        for (var round = 0; ; round++)
        {
            for (var i = 0; i < width; i++)
            {
                for (var j = 0; j < d; j++) narrow[j] = (float)axes[i][j];
                var image = new double[d];
                fixed (float* axis = narrow)
                    for (var j = 0; j < d; j++) image[j] = Dot(matrix + ((long)j * d), axis, d);
                energies[i] = 0;
                for (var j = 0; j < d; j++) energies[i] += image[j] * axes[i][j];
                if (round < Rounds) axes[i] = image;
            }
            if (round == Rounds) return axes;
            Orthonormalize(axes, random);
        }
    }

    static float Dot(float* a, float* b, int d)
    {
        var sum = Vector256<float>.Zero;
        var at = 0;
        for (; at <= d - 8; at += 8) sum = Vector256.FusedMultiplyAdd(Vector256.Load(a + at), Vector256.Load(b + at), sum);
        var total = Vector256.Sum(sum);
        for (; at < d; at++) total += a[at] * b[at];
        return total;
    }

    // Modified Gram-Schmidt, twice. What has no length left (data of fewer dimensions) becomes a random direction.
    static void Orthonormalize(double[][] axes, SeededRandom random)
    {
        for (var i = 0; i < axes.Length; i++)
        {
            var before = Math.Sqrt(Product(axes[i], axes[i]));
            for (var pass = 0; pass < 2; pass++)
                for (var j = 0; j < i; j++)
                {
                    var dot = Product(axes[i], axes[j]);
                    for (var e = 0; e < axes[i].Length; e++) axes[i][e] -= dot * axes[j][e];
                }
            var length = Math.Sqrt(Product(axes[i], axes[i]));
            if (!(length > 1e-10 * before) || length == 0)
            {
                for (var e = 0; e < axes[i].Length; e++) axes[i][e] = random.NextDouble() - 0.5;
                i--;
                continue;
            }
            for (var e = 0; e < axes[i].Length; e++) axes[i][e] /= length;
        }
    }

    static double Product(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
