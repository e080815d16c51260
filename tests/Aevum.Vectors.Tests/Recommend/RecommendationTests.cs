using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Recommend;
using Aevum.Vectors.Tests.Distances;

namespace Aevum.Vectors.Tests.Recommend;

public sealed class RecommendationTests
{
    // Against the formulas over every row, with a search that is exact.
    [Theory, Seeds(12)]
    public void Both_strategies_are_their_formulas(ulong seed)
    {
        var random = new SeededRandom(seed);
        var shape = new VectorShape(ElementType.Float32, (Metric)(1 + (seed % 4)), 6);
        var rows = Enumerable.Range(0, 80).ToDictionary(id => (ulong)id, _ => TestVectors.Random(shape, random));
        var recommendation = Over(shape, rows);
        var positives = Examples(random.Next(1, 4));
        var negatives = Examples(random.Next(3));
        var ids = positives.Concat(negatives).Where(e => e.Id is not null).Select(e => e.Id!.Value).ToHashSet();
        var likes = positives.Select(Vector).ToArray();
        var dislikes = negatives.Select(Vector).ToArray();

        var query = Enumerable.Range(0, 6).Select(i =>
        {
            var p = likes.Average(v => v[i] / Length(v));
            return (float)(dislikes.Length == 0 ? p : (2 * p) - dislikes.Average(v => v[i] / Length(v)));
        }).ToArray();
        var byAverage = rows.Keys.Where(id => !ids.Contains(id)).OrderBy(id => Kernels.One(shape, query, rows[id])).Take(10);
        Assert.Equal(byAverage, recommendation.Find(positives, negatives, 10, RecommendStrategy.AverageVector).Select(r => r.Id));

        // Candidates are the four times ten nearest of each positive example; the oracle has the same.
        var candidates = likes.SelectMany(v => rows.Keys.OrderBy(id => Kernels.One(shape, v, rows[id])).Take(40 + ids.Count))
            .Where(id => !ids.Contains(id)).ToHashSet();
        var byScore = candidates.OrderByDescending(id => Score(id)).ThenBy(id => id).Take(10).ToArray();
        var found = recommendation.Find(positives, negatives, 10, RecommendStrategy.BestScore);
        Assert.Equal(byScore, found.Select(r => r.Id));
        foreach (var (id, score) in found.Select(r => (r.Id, r.Score))) Assert.Equal(Score(id), score, 1e-4f);

        float Score(ulong id)
        {
            var near = likes.Min(v => Kernels.One(shape, v, rows[id]));
            var far = dislikes.Length == 0 ? float.PositiveInfinity : dislikes.Min(v => Kernels.One(shape, v, rows[id]));
            float Nearness(float d) => shape.Metric == Metric.InnerProduct ? 1 / (1 + MathF.Exp(d)) : 1 / (1 + d);
            return near <= far ? Nearness(near) : -Nearness(far);
        }
        double Length(float[] v) => shape.Metric == Metric.Cosine ? Math.Sqrt(v.Sum(x => (double)x * x)) : 1;
        float[] Vector(Example e) => e.Vector ?? rows[e.Id!.Value];
        Example[] Examples(int count) =>
            [.. Enumerable.Range(0, count).Select(_ => random.OneIn(2) ? Example.Of((ulong)random.Next(80)) : Example.Of(TestVectors.Random(shape, random)))];
    }

    [Fact]
    public void Over_a_graph_it_finds_the_liked_and_leaves_out_the_disliked()
    {
        var random = new SeededRandom(2);
        var shape = new VectorShape(ElementType.Float32, Metric.Cosine, 16);
        using var index = new HnswIndex(shape, new() { M = 8, EfConstruction = 50 });
        // Three tastes, told apart by their first components; ids say which.
        for (ulong id = 0; id < 600; id++)
        {
            var vector = Array.ConvertAll(new float[16], _ => 0.2f * (float)TestVectors.Normal(random));
            vector[id % 3] += 3;
            index.Put(id, vector);
        }
        var recommendation = new Recommendation(shape, (v, results) => index.Search(v, new(results.Length), results), index.TryGet);
        foreach (var strategy in Enum.GetValues<RecommendStrategy>())
        {
            var found = recommendation.Find([Example.Of(0), Example.Of(3)], [Example.Of(1)], 20, strategy);
            Assert.Equal(20, found.Length);
            Assert.All(found, r => Assert.True(r.Id % 3 == 0 && r.Id is not (0 or 3)));
        }
        // Two tastes at once: the best score keeps both, an average would lie between them.
        var both = recommendation.Find([Example.Of(0), Example.Of(1)], [], 40, RecommendStrategy.BestScore);
        Assert.All(both, r => Assert.NotEqual(2u, r.Id % 3));
        Assert.InRange(both.Count(r => r.Id % 3 == 0), 5, 35);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.Cosine, 2);
        var recommendation = Over(shape, new() { [1] = [1, 0], [2] = [0, 1] });
        var good = new[] { Example.Of(1) };
        foreach (var strategy in Enum.GetValues<RecommendStrategy>())
        {
            Refused(ErrorCode.InvalidArgument, () => recommendation.Find([], good, 1, strategy));
            Refused(ErrorCode.InvalidArgument, () => recommendation.Find(good, [], -1, strategy));
            Refused(ErrorCode.InvalidArgument, () => recommendation.Find([default], [], 1, strategy));
            Refused(ErrorCode.InvalidArgument, () => recommendation.Find([Example.Of([1f])], [], 1, strategy));
            Refused(ErrorCode.InvalidArgument, () => recommendation.Find([Example.Of([float.NaN, 1])], [], 1, strategy));
            Refused(ErrorCode.NotFound, () => recommendation.Find([Example.Of(9)], [], 1, strategy));
            Refused(ErrorCode.LimitExceeded, () => recommendation.Find(Enumerable.Repeat(good[0], 1025).ToArray(), [], 1, strategy));
            Assert.Empty(recommendation.Find(good, [], 0, strategy));
        }
        Refused(ErrorCode.InvalidArgument, () => recommendation.Find(good, [], 1, (RecommendStrategy)9));
        // Opposite examples have no direction between them.
        Refused(ErrorCode.InvalidArgument, () => recommendation.Find([Example.Of([1f, 0]), Example.Of([-1f, 0])], [], 1, RecommendStrategy.AverageVector));
        var bits = new VectorShape(ElementType.Bit, Metric.Hamming, 2);
        var overBits = Over(bits, new() { [1] = [1, 0], [2] = [0, 1], [3] = [1, 1] });
        Refused(ErrorCode.InvalidArgument, () => overBits.Find(good, [], 1, RecommendStrategy.AverageVector));
        Assert.Equal(3u, Assert.Single(overBits.Find(good, [Example.Of(2)], 1, RecommendStrategy.BestScore)).Id);
    }

    static Recommendation Over(VectorShape shape, Dictionary<ulong, float[]> rows) => new(shape,
        (vector, results) =>
        {
            var query = vector.ToArray();
            // What an index checks.
            VectorEncoder.Encode(shape, query, new byte[shape.Bytes]);
            var nearest = rows.Keys.OrderBy(id => Kernels.One(shape, query, rows[id])).Take(results.Length).ToArray();
            for (var i = 0; i < nearest.Length; i++) results[i] = new(nearest[i], Kernels.One(shape, query, rows[nearest[i]]), (uint)nearest[i]);
            return nearest.Length;
        },
        (id, vector) =>
        {
            if (!rows.TryGetValue(id, out var row)) return false;
            row.CopyTo(vector);
            return true;
        });

    static void Refused(ErrorCode code, Action action) => Assert.Equal(code, Assert.Throws<AevumException>(action).Code);
}
