// KMeans: finds centroids such that points lie near the nearest of them (Lloyd 1982), started by k-means++ (Arthur and Vassilvitskii 2007: each next
// start is a point, drawn with a chance that rises with the square of its distance to the starts before).
//
//   few points    every round looks at all of them, until the mean squared error falls by less than one part in a thousand, or the rounds end
//   many points   mini-batches (Sculley 2010): a round looks at a random batch; a centroid moves towards each of its points by 1 / points it has seen
//
// A centroid that no point is nearest to is moved to the point that lies farthest from its own centroid: so no code is wasted, unless there are
// fewer different points than centroids; then some centroids are equal.
//
// Always true: given points and seed, the same centroids on one kind of machine (rounding differs between register widths); every centroid is finite.

using System.Runtime.Intrinsics;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

/// <param name="Count">How many centroids.</param>
/// <param name="RoundsMax">Rounds at most. Each costs points x centroids x dimension.</param>
/// <param name="BatchFrom">From this many points on, rounds look at batches.</param>
readonly record struct KMeansOptions(int Count, int RoundsMax = 20, int BatchFrom = 200_000);

static unsafe class KMeans
{
    const double EnoughGain = 1e-3;
    const int SeedPointsPerCentroid = 32;
    const int BatchPerCentroid = 64;
    const int BatchRoundsFactor = 4;

    /// <summary>Trains on points that lie side by side.</summary>
    /// <param name="points">Shape [count, dimension], a point every <paramref name="stride"/> floats.</param>
    /// <param name="error">The mean squared distance of the points to their centroids (in mini-batches: of the last batch).</param>
    /// <returns>Shape [options.Count, dimension].</returns>
    public static float[] Train(float* points, int count, int dimension, int stride, KMeansOptions options, SeededRandom random, out double error)
    {
        if (count < 1) Throw.Invalid("k-means of no points");
        if (options.Count < 1) Throw.Invalid("k-means with no centroids");
        var centroids = Seed(points, count, dimension, stride, options.Count, random);
        using var table = new CentroidTable(centroids, dimension);
        error = count < options.BatchFrom
            ? Rounds(points, count, dimension, stride, options, centroids, table)
            : Batches(points, count, dimension, stride, options, centroids, table, random);
        return centroids;
    }

    static float[] Seed(float* points, int count, int dimension, int stride, int k, SeededRandom random)
    {
        // Of many points a few for each centroid are enough to start from.
        var chosen = new int[(int)Math.Min(count, Math.Max(1024L, (long)k * SeedPointsPerCentroid))];
        for (var i = 0; i < chosen.Length; i++) chosen[i] = chosen.Length == count ? i : random.Next(count);
        var nearest = new double[chosen.Length];
        Array.Fill(nearest, double.PositiveInfinity);
        var centroids = new float[k * dimension];
        var next = chosen[random.Next(chosen.Length)];
        for (var c = 0; c < k; c++)
        {
            var centroid = new ReadOnlySpan<float>(points + ((nint)next * stride), dimension);
            centroid.CopyTo(centroids.AsSpan(c * dimension));
            if (c == k - 1) break;
            var sum = 0.0;
            for (var i = 0; i < chosen.Length; i++)
            {
                nearest[i] = Math.Min(nearest[i], SquaredDistance(points + ((nint)chosen[i] * stride), centroid));
                sum += nearest[i];
            }
            next = chosen[Draw(nearest, sum, random)];
        }
        return centroids;
    }

    static int Draw(double[] weights, double sum, SeededRandom random)
    {
        if (!(sum > 0)) return random.Next(weights.Length);   // all points are starts already
        var at = random.NextDouble() * sum;
        for (var i = 0; i < weights.Length; i++)
        {
            at -= weights[i];
            if (at < 0) return i;
        }
        return Array.FindLastIndex(weights, w => w > 0);   // rounding
    }

    static double Rounds(float* points, int count, int dimension, int stride, KMeansOptions options, float[] centroids, CentroidTable table)
    {
        var sums = new double[centroids.Length];
        var counts = new int[options.Count];
        var distances = new float[count];
        var before = double.PositiveInfinity;
        for (var round = 0; ; round++)
        {
            Array.Clear(sums);
            Array.Clear(counts);
            var error = 0.0;
            for (var p = 0; p < count; p++)
            {
                var point = points + ((nint)p * stride);
                var nearest = table.Nearest(point, out distances[p]);
                error += distances[p];
                counts[nearest]++;
                for (var i = 0; i < dimension; i++) sums[(nearest * dimension) + i] += point[i];
            }
            error /= count;
            if (round >= options.RoundsMax || (error >= before * (1 - EnoughGain) && !counts.Contains(0))) return error;
            before = error;
            for (var c = 0; c < options.Count; c++)
                for (var i = 0; i < dimension && counts[c] > 0; i++)
                    centroids[(c * dimension) + i] = (float)(sums[(c * dimension) + i] / counts[c]);
            if (!Repair(points, dimension, stride, centroids, counts, distances) && error == 0) return 0;
            table.Set(centroids);
        }
    }

    // Centroids without points take the points that are worst off, one each.
    static bool Repair(float* points, int dimension, int stride, float[] centroids, int[] counts, float[] distances)
    {
        var repaired = false;
        for (var c = 0; c < counts.Length; c++)
        {
            if (counts[c] > 0) continue;
            var worst = 0;
            for (var p = 1; p < distances.Length; p++)
                if (distances[p] > distances[worst]) worst = p;
            if (distances[worst] <= 0) return repaired;
            new ReadOnlySpan<float>(points + ((nint)worst * stride), dimension).CopyTo(centroids.AsSpan(c * dimension));
            distances[worst] = 0;
            repaired = true;
        }
        return repaired;
    }

    static double Batches(
        float* points, int count, int dimension, int stride, KMeansOptions options, float[] centroids, CentroidTable table, SeededRandom random)
    {
        var batch = (int)Math.Min(count, Math.Max(4096L, (long)options.Count * BatchPerCentroid));
        var seen = new long[options.Count];
        var counts = new int[options.Count];
        var distances = new float[batch];
        var chosen = new int[batch];
        var error = 0.0;
        for (var round = 0; round < options.RoundsMax * BatchRoundsFactor; round++)
        {
            Array.Clear(counts);
            error = 0;
            var nearest = new int[batch];
            for (var b = 0; b < batch; b++)
            {
                chosen[b] = random.Next(count);
                nearest[b] = table.Nearest(points + ((nint)chosen[b] * stride), out distances[b]);
                error += distances[b];
            }
            for (var b = 0; b < batch; b++)
            {
                var c = nearest[b];
                counts[c]++;
                var rate = 1.0 / ++seen[c];
                var point = points + ((nint)chosen[b] * stride);
                for (var i = 0; i < dimension; i++)
                    centroids[(c * dimension) + i] += (float)(rate * (point[i] - centroids[(c * dimension) + i]));
            }
            error /= batch;
            // Only what never saw a point is without one; a small cluster may just have missed this batch.
            for (var c = 0; c < counts.Length; c++) counts[c] = seen[c] > 0 ? 1 : 0;
            if (counts.Contains(0)) RepairFromBatch(points, dimension, stride, centroids, counts, distances, chosen);
            table.Set(centroids);
        }
        return error;
    }

    static void RepairFromBatch(float* points, int dimension, int stride, float[] centroids, int[] counts, float[] distances, int[] chosen)
    {
        var gathered = new float[chosen.Length * dimension];
        fixed (float* g = gathered)
        {
            for (var b = 0; b < chosen.Length; b++)
                new ReadOnlySpan<float>(points + ((nint)chosen[b] * stride), dimension).CopyTo(gathered.AsSpan(b * dimension));
            Repair(g, dimension, dimension, centroids, counts, distances);
        }
    }

    static double SquaredDistance(float* point, ReadOnlySpan<float> centroid)
    {
        var sum = 0f;
        var i = 0;
        fixed (float* c = centroid)
        {
            var lanes = Vector256<float>.Zero;
            for (; i + 8 <= centroid.Length; i += 8)
            {
                var difference = Vector256.Load(point + i) - Vector256.Load(c + i);
                lanes += difference * difference;
            }
            for (; i < centroid.Length; i++) sum += (point[i] - c[i]) * (point[i] - c[i]);
            return sum + Vector256.Sum(lanes);
        }
    }
}
