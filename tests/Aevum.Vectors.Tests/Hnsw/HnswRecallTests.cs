using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>How much of the exact answer is found, in the cases where graphs are known to lose it.</summary>
public sealed class HnswRecallTests
{
    static readonly VectorShape Shape = new(ElementType.Float32, Metric.L2, 64);
    static readonly HnswOptions Small = new() { M = 8, EfConstruction = 60, RotateAfterRows = 1000, ForcedWay = FilterWay.TwoHop };

    [Fact]
    public void Replacing_every_vector_three_times_costs_no_recall()
    {
        var clusters = new ClusteredVectors(64, 40, 14, 11);
        const int rows = 1600;
        var last = new float[rows][];
        using var index = new HnswIndex(Shape, Small);
        var random = new SeededRandom(4);
        for (var round = 0; round < 4; round++)
        {
            var order = Enumerable.Range(0, rows).ToArray();
            for (var i = rows - 1; i > 0; i--)
            {
                var j = random.Next(i + 1);
                (order[i], order[j]) = (order[j], order[i]);
            }
            foreach (var i in order)
            {
                last[i] = clusters.Next();
                // Half of them by putting again, half by deleting first.
                if (round > 0 && i % 2 == 0) Assert.True(index.Delete((ulong)i));
                index.Put((ulong)i, last[i]);
            }
        }
        // Places are reused: about one in ten more than there are rows, and never four times as many.
        Assert.InRange(index.RowCount, rows, rows * 5 / 4);
        using var fresh = new HnswIndex(Shape, Small);
        for (var i = 0; i < rows; i++) fresh.Put((ulong)i, last[i]);
        var queries = Enumerable.Range(0, 250).Select(_ => clusters.Next()).ToArray();
        var model = new HnswModel(Shape);
        for (var i = 0; i < rows; i++) model.Put((ulong)i, last[i]);
        var (replaced, built) = (Recall(index, model, queries, 40), Recall(fresh, model, queries, 40));
        Assert.InRange(built, 0.9, 1);
        Assert.True(replaced >= built - 0.005, $"recall {replaced} after replacing, {built} of a fresh build");
    }

    [Fact]
    public void Many_copies_of_a_vector_make_no_island()
    {
        var clusters = new ClusteredVectors(64, 10, 8, 2);
        using var index = new HnswIndex(Shape, Small);
        var model = new HnswModel(Shape);
        var copy = clusters.Next();
        for (var i = 0UL; i < 1500; i++)
        {
            var vector = i % 3 == 0 ? clusters.Next() : copy;
            index.Put(i, vector);
            model.Put(i, vector);
        }
        var queries = Enumerable.Range(0, 100).Select(_ => clusters.Next()).Append(copy).ToArray();
        Assert.InRange(Recall(index, model, queries, 60), 0.95, 1);
    }

    [Fact]
    public void Parts_that_lie_far_apart_are_both_found()
    {
        using var index = new HnswIndex(Shape, Small with { RotateAfterRows = 0 });
        var model = new HnswModel(Shape);
        var random = new SeededRandom(9);
        for (var i = 0UL; i < 1200; i++)
        {
            var vector = TestVectors.Random(Shape, random);
            for (var j = 0; j < 64; j++) vector[j] = (vector[j] * 0.01f) + (i % 2 == 0 ? 1000 : -1000);
            index.Put(i, vector);
            model.Put(i, vector);
        }
        var results = new VectorMatch[900];
        foreach (var side in (float[])[1000, -1000])
        {
            var query = new float[64];
            Array.Fill(query, side);
            Assert.Equal(900, index.Search(query, new(900), results));
            // Of the near part nearly everything (what no link leads to is found by no walk), of the far one the rest: 900 exist, so 900 come.
            Assert.InRange(results.Count(r => r.Id % 2 == (side > 0 ? 0UL : 1UL)), 590, 600);
        }
    }

    [Fact]
    public void What_is_left_after_a_massacre_is_found()
    {
        var clusters = new ClusteredVectors(64, 5, 6, 21);
        using var index = new HnswIndex(Shape, Small);
        var model = new HnswModel(Shape);
        for (var i = 0UL; i < 2000; i++)
        {
            var vector = clusters.Next();
            index.Put(i, vector);
            model.Put(i, vector);
        }
        // Everything near one point goes, so that searches there walk among the dead.
        var query = clusters.Next();
        var results = new VectorMatch[20];
        foreach (var (id, _) in model.Search(query, 1980))
        {
            Assert.True(index.Delete(id));
            model.Delete(id);
            if (id % 61 != 0) continue;
            var wanted = Math.Min(20, model.Count);
            Assert.Equal(wanted, index.Search(query, new(20) { Ef = 20 }, results));
            for (var i = 0; i < wanted; i++) Assert.True(model.Contains(results[i].Id));
        }
        Assert.Equal(20, index.Search(query, new(50), results));
        Assert.Equal(model.Ids.ToHashSet(), results.Select(r => r.Id).ToHashSet());
    }

    [Theory]
    [InlineData(FilterWay.Scan, 1.0)]
    [InlineData(FilterWay.OverFetch, 0.95)]
    [InlineData(FilterWay.TwoHop, 0.95)]
    internal void Every_way_to_filter_finds_what_matches(FilterWay way, double least)
    {
        var clusters = new ClusteredVectors(64, 20, 8, 31);
        using var index = new HnswIndex(Shape, Small with { ForcedWay = way, M = 12 });
        var model = new HnswModel(Shape);
        for (var i = 0UL; i < 2000; i++)
        {
            var vector = clusters.Next();
            index.Put(i, vector);
            model.Put(i, vector);
        }
        var random = new SeededRandom(6);
        var words = new ulong[(2000 / 64) + 1];
        foreach (ref var word in words.AsSpan()) word = random.NextUInt64() & random.NextUInt64();
        using var filter = new PreparedFilter(words);
        var (hits, asked) = (0, 0);
        var results = new VectorMatch[10];
        for (var i = 0; i < 100; i++)
        {
            var query = clusters.Next();
            Assert.Equal(10, index.Search(query, new(10) { Ef = 40, Filter = filter }, results));
            foreach (var result in results) Assert.True(filter.Contains(result.Row));
            hits += HnswModel.Hits(results, model.Search(query, 10, id => filter.Contains((uint)id)));
            asked += 10;
        }
        Assert.InRange(hits / (double)asked, least, 1);
    }

    static double Recall(HnswIndex index, HnswModel model, float[][] queries, int ef)
    {
        var results = new VectorMatch[10];
        var hits = 0;
        foreach (var query in queries)
        {
            Assert.Equal(10, index.Search(query, new(10) { Ef = ef }, results));
            hits += HnswModel.Hits(results, model.Search(query, 10));
        }
        return hits / (10.0 * queries.Length);
    }
}
