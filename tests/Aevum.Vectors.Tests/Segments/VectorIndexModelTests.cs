using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Random puts, updates, deletes and searches, filtered and as of moments, saves and reopens with failing files, against a list of all
/// versions.</summary>
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
            for (var step = 0; step < 220; step++) world.Step();
            world.CheckAll();
        }
    }

    [Fact]
    public void The_seeds_bring_about_every_state_of_codes()
    {
        var seen = new HashSet<string>();
        for (ulong seed = 1; seed <= 60; seed++)
        {
            var random = new SeededRandom(seed);
            using var world = new World(seed, random);
            for (var step = 0; step < 220; step++) world.Step();
            seen.UnionWith(world.Seen);
        }
        string[] all = ["codes", "several codes", "dead codes", "frozen", "a frozen graph opened", "codes opened", "dead codes opened", "learnt again"];
        Assert.Empty(all.Except(seen));
    }

    sealed class World : IDisposable
    {
        readonly SeededRandom _random;
        readonly VectorShape _shape;
        readonly VectorIndexModel _model;
        readonly ClusteredVectors _clusters;
        readonly VectorIndexOptions _options;
        readonly bool _drifts;
        readonly int _deletes;
        readonly int _ids;
        readonly List<Action> _writes = [];   // of the index, by position
        FaultyFileSystem _files;
        VectorIndex _index;
        ulong _saved;
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
                    ForcedWay = random.OneIn(4) ? null : (FilterWay)random.Next(4),
                },
                SealRows = random.Next(4, 60), MergeRowsMax = random.Next(60, 400), KeepHistory = true,
                Codes = seed % 2 == 0 || _shape.Element == ElementType.Bit ? null : DrawCodes(),
                Keeping = new(random.Next(1, 50), 60, 1, 10),
            };
            _drifts = random.OneIn(4);
            _model = new(_shape);
            _clusters = new(_shape.Dimension, 5, 5, seed);
            _deletes = random.Next(5, 40);
            _ids = random.Next(30, 250);
            _index = new(_shape, _options);
            _files = new(seed);
        }

        public HashSet<string> Seen { get; } = [];

        void See(string suffix)
        {
            var all = _index.Statistics();
            if (all.CodedSegments > 0) Seen.Add("codes" + suffix);
            if (all.CodedSegments > 1) Seen.Add("several codes" + suffix);
            if (all.CodedDead > 0) Seen.Add("dead codes" + suffix);
            if (_index.HasFrozen) Seen.Add(suffix.Length == 0 ? "frozen" : "a frozen graph" + suffix);
            if (_index.CodebookGeneration > 1) Seen.Add("learnt again");
        }

        public void Step()
        {
            var id = (ulong)_random.Next(_ids);
            var turn = _random.Next(100);
            _time += (ulong)_random.Next(1, 5);
            var time = _time;
            if (turn < _deletes)
            {
                Assert.Equal(_model.Delete(id, _time), _index.Delete(id, new(_time)));
                _writes.Add(() => _index.Delete(id, new(time)));
            }
            else if (turn < 84)
            {
                var vector = _model.Contains(id) && _random.OneIn(8) ? _model.Vector(id) : Draw();
                Assert.Equal(_model.Put(id, vector, _time), _index.Put(id, vector, new(_time)));
                _writes.Add(() => _index.Put(id, vector, new(time)));
                // The same write again, as when a stream is read from an earlier position: nothing happens.
                if (_random.OneIn(10)) Assert.False(_index.Put(id, Draw(), new(_time - (ulong)_random.Next(2))));
            }
            else if (turn == 85 && _random.OneIn(3)) _index.RaiseFloor(new(_floor = Math.Max(_floor, (ulong)_random.Next(1000, (int)_time))));
            else if (turn == 85 || (turn == 84 && _random.OneIn(2)))
            {
                // All there is to do, or a piece of it.
                while (_index.Maintain() && !_random.OneIn(3))
                {
                }
                if (!_random.OneIn(3)) return;
                Save();
                Reopen();
            }
            else if (turn == 86) Save();
            else if (turn == 87) Reopen();
            else Search();
            See("");
            Assert.Equal(_model.Count, _index.Count);
        }

        public void CheckAll()
        {
            foreach (var id in _model.Ids) Assert.True(_index.Contains(id));
            // Exact search is found nearly always at this size; a broken graph is not near it.
            Assert.True(_hits >= _asked * 0.9, $"{_hits} of {_asked} nearest were found");
        }

        public void Dispose() => _index.Dispose();

        void Save()
        {
            var isFailing = _random.OneIn(3);
            if (isFailing) _files.Plan.FailNth((FileOperation)_random.Next(Enum.GetValues<FileOperation>().Length), _random.Next(1, 6));
            try
            {
                _index.Save(_files, "index", (ulong)_writes.Count);
                _saved = (ulong)_writes.Count;
            }
            catch (AevumException e) when (isFailing && e.Code == ErrorCode.InputOutput)
            {
                // Whether the new manifest is in force is for the next Open to see.
            }
            _files.Plan.Heal();
        }

        // As after a clean end, a killed process or a power cut.
        void Reopen()
        {
            if (_random.OneIn(2)) _files = _files.PowerCut();
            else if (_random.OneIn(2)) _files = _files.KillProcess();
            if (!VectorIndex.Exists(_files, "index"))
            {
                Assert.Equal(0UL, _saved);
                return;
            }
            _index.Dispose();
            if (_random.OneIn(4))
            {
                _files.Plan.FlipOnReadProbability = 0.3;
                try
                {
                    VectorIndex.Open(_files, "index").Dispose();
                }
                catch (AevumException e) when (e.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat)
                {
                }
                _files.Plan.Heal();
            }
            _index = VectorIndex.Open(_files, "index", _shape, _options);
            Assert.True(_index.SavedPosition >= _saved, $"{_saved} was saved, {_index.SavedPosition} was opened");
            _saved = _index.SavedPosition;
            See(" opened");
            for (var i = (int)_saved - _random.Next((int)Math.Min(5, _saved + 1)); i < _writes.Count; i++) _writes[i]();
            _index.RaiseFloor(new(_floor));
            Assert.Equal(_model.Count, _index.Count);
        }

        CodedOptions DrawCodes() => new(new QuantizationOptions(
            _random.OneIn(2) ? QuantizationKind.Scalar : QuantizationKind.Product, _random.Next(2, 6), _random.OneIn(2) ? 16 : 256, 3));

        // Of some seeds vectors grow, so that codebooks have to be learnt again.
        float[] Draw()
        {
            if (_shape.Element != ElementType.Float32) return TestVectors.Random(_shape, _random);
            var vector = _clusters.Next();
            if (_drifts)
                for (var i = 0; i < vector.Length; i++) vector[i] *= 1 + (_writes.Count / 25);
            return vector;
        }

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
                if (exact) Assert.InRange(results[i].Distance - expected[i].Distance, -HnswModel.Tolerance(distance), HnswModel.Tolerance(distance));
            }
            Assert.Equal(found, results[..found].Select(r => r.Id).Distinct().Count());
            if (offset > 0 || !float.IsPositiveInfinity(distanceMax) || expected.Length == 0) return;
            var limit = expected[^1].Distance;
            _hits += results[..found].Count(r => r.Distance <= limit + HnswModel.Tolerance(limit));
            _asked += expected.Length;
        }
    }
}
