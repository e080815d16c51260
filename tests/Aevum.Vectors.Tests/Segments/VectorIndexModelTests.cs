using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Random puts, updates, deletes and searches, filtered and as of moments, against a list of all versions.</summary>
public sealed class VectorIndexModelTests
{
    static readonly VectorShape[] Shapes =
    [
        new(ElementType.Float32, Metric.L2, 72), new(ElementType.Float32, Metric.Cosine, 66), new(ElementType.Float32, Metric.L2, 6),
        new(ElementType.Float32, Metric.InnerProduct, 12), new(ElementType.Float16, Metric.L2, 19), new(ElementType.Int8, Metric.Cosine, 16),
        new(ElementType.Bit, Metric.Hamming, 90),
    ];

    [Theory, Seeds(300)]
    public void An_index_answers_as_the_model_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var world = new World(seed, random);
        using (world)
        {
            for (var step = 0; step < 240; step++) world.Step();
            world.CheckAll();
        }
    }

    sealed class World : IDisposable
    {
        readonly SeededRandom _random;
        readonly VectorShape _shape;
        readonly VectorIndexModel _model;
        readonly ClusteredVectors _clusters;
        readonly VectorIndexOptions _options;
        readonly int _deletes;
        readonly int _ids;
        VectorIndex _index;
        ulong _time = 1000;
        ulong _floor;
        int _hits, _asked;

        public World(ulong seed, SeededRandom random)
        {
            _random = random;
            _shape = Shapes[seed % (ulong)Shapes.Length];
            _options = new()
            {
                Graph = new()
                {
                    M = random.Next(4, 13), EfConstruction = random.Next(30, 60), Seed = seed, RotateAfterRows = random.OneIn(3) ? 0 : 150,
                    ForcedWay = random.OneIn(4) ? null : (FilterWay)random.Next(3),
                },
                SealRows = random.Next(10, 120),
            };
            _model = new(_shape);
            _clusters = new(_shape.Dimension, 5, 5, seed);
            _deletes = random.Next(5, 40);
            _ids = random.Next(30, 250);
            _index = new(_shape, _options);
        }

        public void Step()
        {
            var id = (ulong)_random.Next(_ids);
            var turn = _random.Next(100);
            _time += (ulong)_random.Next(1, 5);
            if (turn < _deletes) Assert.Equal(_model.Delete(id, _time), _index.Delete(id, new(_time)));
            else if (turn < 85)
            {
                var vector = _model.Contains(id) && _random.OneIn(8) ? _model.Vector(id) : Draw();
                Assert.Equal(_model.Put(id, vector, _time), _index.Put(id, vector, new(_time)));
                // The same write again, as when a stream is read from an earlier position: nothing happens.
                if (_random.OneIn(10)) Assert.False(_index.Put(id, Draw(), new(_time - (ulong)_random.Next(2))));
            }
            else if (turn == 85 && _random.OneIn(3)) _index.RaiseFloor(new(_floor = Math.Max(_floor, (ulong)_random.Next(1000, (int)_time))));
            else Search();
            Assert.Equal(_model.Count, _index.Count);
        }

        public void CheckAll()
        {
            foreach (var id in _model.Ids) Assert.True(_index.Contains(id));
            // Exact search is found nearly always at this size; a broken graph is not near it.
            Assert.True(_hits >= _asked * 0.9, $"{_hits} of {_asked} nearest were found");
        }

        public void Dispose() => _index.Dispose();

        float[] Draw() => _shape.Element == ElementType.Float32 ? _clusters.Next() : TestVectors.Random(_shape, _random);

        void Search()
        {
            SystemTime? asOf = _random.OneIn(3) ? null : new((ulong)_random.Next((int)Math.Max(999, _floor), (int)_time + 2));
            HashSet<ulong>? kept = null;
            if (_random.OneIn(2))
            {
                var percent = _random.Next(101);
                kept = [.. Enumerable.Range(0, _ids).Where(_ => _random.Next(100) < percent).Select(i => (ulong)i)];
            }
            using var filter = kept is null ? null : new VectorFilter(kept);
            var exact = _random.OneIn(5);
            var (k, offset) = (_random.OneIn(6) ? _random.Next(400) : _random.Next(1, 12), _random.OneIn(5) ? _random.Next(20) : 0);
            var query = Draw();
            var all = _model.Search(query, asOf, kept is null ? null : kept.Contains);
            var distances = all.ToDictionary(a => a.Id, a => a.Distance);
            var expected = all.Skip(offset).Take(k).ToArray();
            var distanceMax = _random.OneIn(5) && expected.Length > 3 ? expected[expected.Length / 2].Distance : float.PositiveInfinity;
            var results = new VectorHit[k];
            var found = _index.Search(query, new(k)
            {
                Ef = _random.OneIn(3) ? 0 : _random.Next(40, 90), Offset = offset, DistanceMax = distanceMax, Filter = filter, AsOf = asOf, Exact = exact,
            }, results);

            if (float.IsPositiveInfinity(distanceMax)) Assert.Equal(expected.Length, found);
            Assert.InRange(found, 0, expected.Length);
            for (var i = 0; i < found; i++)
            {
                Assert.True(distances.TryGetValue(results[i].Id, out var distance), $"{results[i].Id} was not there as of {asOf}, or is not in the filter");
                Assert.InRange(results[i].Distance, distance - HnswModel.Tolerance(distance), distance + HnswModel.Tolerance(distance));
                Assert.True(results[i].Distance <= distanceMax);
                if (i > 0) Assert.True(results[i - 1].Distance <= results[i].Distance);
                if (exact) Assert.InRange(results[i].Distance, 0 + expected[i].Distance - HnswModel.Tolerance(distance), expected[i].Distance + HnswModel.Tolerance(distance));
            }
            Assert.Equal(found, results[..found].Select(r => r.Id).Distinct().Count());
            if (offset > 0 || !float.IsPositiveInfinity(distanceMax) || expected.Length == 0) return;
            var limit = expected[^1].Distance;
            _hits += results[..found].Count(r => r.Distance <= limit + HnswModel.Tolerance(limit));
            _asked += expected.Length;
        }
    }
}
