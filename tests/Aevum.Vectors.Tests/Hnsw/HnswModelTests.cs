using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>Random puts, updates, deletes, sweeps and searches, plain and filtered, against exact search.</summary>
public sealed class HnswModelTests
{
    static readonly VectorShape[] Shapes =
    [
        new(ElementType.Float32, Metric.L2, 80), new(ElementType.Float32, Metric.Cosine, 72), new(ElementType.Float32, Metric.L2, 7),
        new(ElementType.Float32, Metric.InnerProduct, 24), new(ElementType.Float32, Metric.L1, 16), new(ElementType.Float16, Metric.L2, 33),
        new(ElementType.Float16, Metric.Cosine, 20), new(ElementType.Int8, Metric.L2, 40), new(ElementType.Int8, Metric.Cosine, 19),
        new(ElementType.Bit, Metric.Hamming, 100), new(ElementType.Bit, Metric.Jaccard, 64), new(ElementType.Float16, Metric.InnerProduct, 12),
    ];

    [Theory, Seeds(300)]
    public void An_index_holds_what_the_model_holds(ulong seed)
    {
        var random = new SeededRandom(seed);
        var shape = Shapes[seed % (ulong)Shapes.Length];
        var options = new HnswOptions
        {
            M = random.Next(4, 17), EfConstruction = random.Next(30, 80), Seed = seed, RotateAfterRows = random.OneIn(3) ? 0 : 170,
            KeepLengths = !random.OneIn(4), ForcedWay = random.OneIn(5) ? null : (FilterWay)random.Next(3),
        };
        using var index = new HnswIndex(shape, options);
        var model = new HnswModel(shape);
        var clusters = new ClusteredVectors(shape.Dimension, 6, 6, seed);
        // Some worlds grow, some shrink again and again.
        var deletes = random.Next(5, 45);
        var ids = random.Next(50, 400);
        var (hits, asked) = (0, 0);
        for (var step = 0; step < 320; step++)
        {
            var id = (ulong)random.Next(ids);
            var turn = random.Next(100);
            if (turn < deletes) Assert.Equal(model.Delete(id), index.Delete(id));
            else if (turn < 88)
            {
                // Now and then a copy of what is there.
                var vector = model.Contains(id) && random.OneIn(8) ? model.Vector(id) : Draw();
                Assert.Equal(!model.Contains(id), index.Put(id, vector));
                model.Put(id, vector);
            }
            else if (turn == 88 && random.OneIn(3)) index.Sweep();
            else if (turn == 89 && random.OneIn(10)) index.Trim();
            else
            {
                var (hit, all) = CheckSearch(index, model, shape, Draw(), random);
                hits += hit;
                asked += all;
            }
            Assert.Equal(model.Count, index.Count);
        }
        foreach (var id in model.Ids) Assert.True(index.Contains(id));
        // Exact search is found nearly always at this size; a broken graph is not near it.
        Assert.True(hits >= asked * 0.9, $"{hits} of {asked} nearest rows were found");

        float[] Draw() => shape.Element == ElementType.Float32 ? clusters.Next() : TestVectors.Random(shape, random);
    }

    static (int Hits, int Asked) CheckSearch(HnswIndex index, HnswModel model, VectorShape shape, float[] query, SeededRandom random)
    {
        PreparedFilter? filter = null;
        HashSet<ulong>? kept = null;
        if (random.OneIn(2))
        {
            var words = new ulong[((int)index.RowCount / 64) + 1];
            kept = [];
            var percent = random.Next(0, 101);
            foreach (var id in model.Ids)
            {
                if (random.Next(100) >= percent) continue;
                kept.Add(id);
                var row = index.RowOf(id)!.Value;
                words[row / 64] |= 1UL << (int)(row % 64);
            }
            filter = new(words);
        }
        using var owned = filter;
        var k = random.OneIn(6) ? random.Next(0, 600) : random.Next(1, 12);
        var offset = random.OneIn(5) ? random.Next(20) : 0;
        var all = model.Search(query, int.MaxValue, kept is null ? null : kept.Contains);
        var distances = all.ToDictionary(a => a.Id, a => a.Distance);
        var exact = all[..Math.Min(all.Length, k + offset)];
        var distanceMax = float.PositiveInfinity;
        if (random.OneIn(5) && exact.Length > 3) distanceMax = exact[exact.Length / 2].Distance;
        var results = new VectorMatch[Math.Max(1, Math.Min(k, model.Count))];
        var found = index.Search(query, new(k)
        {
            Ef = random.OneIn(3) ? 0 : random.Next(40, 120), Offset = offset, DistanceMax = distanceMax, Filter = filter,
            Patience = random.OneIn(4) ? random.Next(10, 40) : 0,
        }, results);

        var existing = Math.Max(0, exact.Length - offset);
        if (float.IsPositiveInfinity(distanceMax)) Assert.Equal(existing, found);
        Assert.InRange(found, 0, existing);
        for (var i = 0; i < found; i++)
        {
            var neighbour = results[i];
            Assert.True(distances.TryGetValue(neighbour.Id, out var distance), $"{neighbour.Id} is not there, or not in the filter");
            Assert.True(neighbour.Distance <= distanceMax);
            Assert.InRange(neighbour.Distance, distance - HnswModel.Tolerance(distance), distance + HnswModel.Tolerance(distance));
            Assert.Equal(neighbour.Row, index.RowOf(neighbour.Id));
            if (i > 0) Assert.True(results[i - 1].Distance <= neighbour.Distance);
        }
        Assert.Equal(found, results[..found].Select(r => r.Id).Distinct().Count());
        return offset > 0 || !float.IsPositiveInfinity(distanceMax) ? (0, 0) : (HnswModel.Hits(results.AsSpan(0, found), exact), exact.Length);
    }
}
