using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Quantization;

public sealed unsafe class KMeansTests
{
    [Theory, Seeds(20)]
    public void The_nearest_centroid_is_what_a_plain_loop_finds(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (count, dimension) = (random.Next(1, 150), random.Next(1, 40));
        var centroids = Codes.Clustered(count, dimension, random, offset: seed % 2 == 0 ? 1000 : 0);
        using var table = new CentroidTable(centroids.SelectMany(c => c).ToArray(), dimension);
        var distances = new float[table.PaddedCount];
        foreach (var point in Codes.Clustered(20, dimension, random, offset: seed % 2 == 0 ? 1000 : 0))
        {
            fixed (float* p = point)
            fixed (float* d = distances)
            {
                var nearest = table.Nearest(p, out var distance);
                var exact = centroids.Select(c => Codes.Exact(Metric.L2, point, c)).ToArray();
                Assert.Equal(exact.Min(), exact[nearest], exact.Min() * 1e-5);
                Assert.Equal(exact[nearest], distance, exact[nearest] * 1e-4);
                table.Distances(p, d);
                for (var c = 0; c < count; c++) Assert.Equal(exact[c], distances[c], exact[c] * 1e-4);
                Assert.All(distances[count..], padded => Assert.True(float.IsPositiveInfinity(padded) || float.IsNaN(padded)));
                table.NegativeProducts(p, d);
                for (var c = 0; c < count; c++)
                    Assert.Equal(Codes.Exact(Metric.InnerProduct, point, centroids[c]), distances[c], 1e-4 * Size(point, centroids[c]));
                table.AbsoluteDistances(p, d);
                for (var c = 0; c < count; c++) Assert.Equal(Codes.Exact(Metric.L1, point, centroids[c]), distances[c], 1e-3);
            }
        }
        var first = new float[dimension];
        fixed (float* f = first) table.Read(count - 1, f);
        Assert.Equal(centroids[^1], first);
    }

    [Theory]
    [InlineData(200_000)]
    [InlineData(100)]   // mini-batches
    public void Clusters_far_apart_are_found(int batchFrom)
    {
        var random = new SeededRandom(7);
        float[][] centres = [[0, 0, 0], [50, 0, 0], [0, 50, 0], [0, 0, 50], [50, 50, 50]];
        var points = Enumerable.Range(0, 1000).Select(i => centres[i % 5].Select(x => x + (float)TestVectors.Normal(random)).ToArray()).ToArray();
        var found = Train(points, new(5, 20, batchFrom), 3, out var error);
        foreach (var centre in centres) Assert.True(found.Min(c => Codes.Exact(Metric.L2, c, centre)) < 0.5);
        Assert.InRange(error, 2, 4);   // three components of variance 1
    }

    [Fact]
    public void No_centroid_is_wasted()
    {
        // Two points far away and many at one place: plain rounds would leave centroids at the crowd.
        float[][] points = [.. Enumerable.Repeat(new float[] { 1, 1 }, 500), [100, 100], [-100, 50], [30, 3], [7, 7]];
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var found = Train(points, new(5), seed, out var error);
            Assert.Equal(0, error);
            Assert.Equal(5, found.Select(c => (c[0], c[1])).Distinct().Count());
        }
    }

    [Fact]
    public void Fewer_points_than_centroids_are_centroids_themselves()
    {
        float[][] points = [[1], [2], [2]];
        var found = Train(points, new(16), 1, out var error);
        Assert.Equal(0, error);
        Assert.Equal([1f, 2f], found.Select(c => c[0]).Distinct().Order());
    }

    [Fact]
    public void The_error_is_that_of_its_centroids_and_below_that_of_chance()
    {
        var random = new SeededRandom(3);
        var points = Codes.Clustered(600, 6, random, clusters: 30);
        var found = Train(points, new(16), 5, out var error);
        var exact = points.Average(p => found.Min(c => Codes.Exact(Metric.L2, p, c)));
        Assert.Equal(exact, error, exact * 1e-3);
        var chance = Enumerable.Range(0, 10).Min(_ =>
        {
            var some = Enumerable.Range(0, 16).Select(_ => points[random.Next(600)]).ToArray();
            return points.Average(p => some.Min(c => Codes.Exact(Metric.L2, p, c)));
        });
        Assert.True(error < chance * 0.9, $"{error} against {chance}");
    }

    [Fact]
    public void The_same_seed_gives_the_same_centroids()
    {
        var points = Codes.Clustered(300, 5, new SeededRandom(9));
        Assert.Equal(Train(points, new(20), 4, out _), Train(points, new(20), 4, out _));
        Assert.Equal(Train(points, new(20, 5, 100), 4, out _), Train(points, new(20, 5, 100), 4, out _));
    }

    [Fact]
    public void Nothing_to_do_is_refused()
    {
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => KMeans.Train(null, 0, 1, 1, new(1), new(1), out _)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Train([[1f]], new(0), 1, out _)).Code);
    }

    static float[][] Train(float[][] points, KMeansOptions options, ulong seed, out double error)
    {
        var dimension = points[0].Length;
        fixed (float* p = points.SelectMany(x => x).ToArray())
            return [.. KMeans.Train(p, points.Length, dimension, dimension, options, new(seed), out error).Chunk(dimension)];
    }

    static double Size(float[] a, float[] b) => Math.Max(1, Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x)));
}
