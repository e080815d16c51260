// Threads beside each other on one index, by seed: writers, searchers (now, in a filter, as of moments), one who maintains, one who saves. Ids belong to one
// writer each, times rise for all together, so the model knows what each moment held, once everybody has stopped.
//
//   while they run     what always holds: never fewer than k, for half of the ids are never deleted; no id that never held; an id that is not written any more
//                      is found where it is, each one once, nearest first; as of a moment long past the very rows of that moment, at its distances
//   at quiet points    everything against the exact oracle, now and as of moments; then what was saved last is opened beside, brought up to date from its
//                      position, and held against the same oracle
//
// Which of them comes first is the machine's affair; what each of them does is the seed's.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

public sealed class VectorIndexThreadTests
{
    [Theory, Seeds(8)]
    public void Writers_searchers_upkeep_and_saves_beside_each_other(ulong seed)
    {
        using var world = new World(seed);
        for (var phase = 0; phase < 2; phase++)
        {
            world.RunBeside();
            world.CheckQuiet();
        }
    }

    sealed class World : IDisposable
    {
        const int Writers = 2;
        const int IdsOfWriter = 150;          // even ones are never deleted
        const int WritesOfPhase = 250;
        const int Lasting = 40;               // ids above all writers', put once
        const int K = 10;

        readonly VectorShape _shape;
        readonly VectorIndexOptions _options;
        readonly SeededRandom _random;
        readonly ulong _seed;
        readonly DirectoryInfo? _folder;
        readonly IFileSystem _files;          // half of the seeds on the disk, where what is saved is mapped at once
        readonly string _directory;
        readonly List<(ulong Time, ulong Id, float[]? Vector)>[] _written = [[], []];   // by writer
        readonly Dictionary<ulong, float[]> _lasting = [];
        readonly List<(ulong Time, ulong Id, float[]? Vector)> _before = [];
        VectorIndex _index;
        VectorIndexModel _model;
        long _time = 1000;
        ulong _quiet;                         // nothing at or below it is written any more
        int _phase;
        volatile bool _stop;
        Exception? _failure;

        public World(ulong seed)
        {
            _seed = seed;
            _random = new(seed);
            _folder = seed % 4 >= 2 ? Directory.CreateTempSubdirectory("aevum-threads") : null;
            _files = _folder is null ? new MemoryFileSystem() : new DiskFileSystem();
            _directory = _folder is null ? "index" : Path.Combine(_folder.FullName, "index");
            _shape = new(ElementType.Float32, seed % 3 == 0 ? Metric.Cosine : Metric.L2, seed % 2 == 0 ? 12 : 66);
            var kind = seed % 4 == 1 ? QuantizationKind.Product : QuantizationKind.Scalar;
            _options = new()
            {
                Graph = new() { M = 8, EfConstruction = 40, RotateAfterRows = 200 }, SealRows = _random.Next(40, 150), MergeRowsMax = 2000,
                Codes = seed % 4 == 0 ? null : new CodedOptions(new QuantizationOptions(kind, _shape.Dimension / 2, 256, 3)),
                Keeping = new(50, 200, 2, 30),
            };
            _index = new(_shape, _options);
            _model = new(_shape);
            for (var i = 0; i < Lasting; i++)
            {
                var id = (ulong)((Writers * IdsOfWriter) + i);
                _lasting[id] = TestVectors.Random(_shape, _random);
                _before.Add((++_quiet, id, _lasting[id]));
            }
            for (var id = 0UL; id < Writers * IdsOfWriter; id++) _before.Add((++_quiet, id, TestVectors.Random(_shape, _random)));
            foreach (var (time, id, vector) in _before) _index.Put(id, vector, new(time));
            Replay(_before);
        }

        public void Dispose()
        {
            _index.Dispose();
            _folder?.Delete(recursive: true);
        }

        public void RunBeside()
        {
            _phase++;
            _stop = false;
            var writers = Enumerable.Range(0, Writers).Select(w => Start($"writer {w}", random => Write(w, random))).ToArray();
            Thread[] others =
            [
                Start("searcher", random => Repeat(() => Search(random))), Start("searcher of the past", random => Repeat(() => SearchPast(random))),
                Start("upkeep", _ => Repeat(() =>
                {
                    if (!_index.Maintain()) Thread.Yield();
                })),
                Start("saves", _ => Repeat(() => _index.Save(_files, _directory, _index.SavedPosition + 1))),
            ];
            foreach (var writer in writers) writer.Join();
            _stop = true;
            foreach (var other in others) other.Join();
            if (_failure is not null) throw new InvalidOperationException($"seed {_seed}: {_failure.Message}", _failure);
            foreach (var written in _written)
            {
                Replay(written);
                _before.AddRange(written);
                written.Clear();
            }
            _quiet = (ulong)_time;
        }

        public void CheckQuiet()
        {
            Check(_index);
            // What a save noted while others wrote holds all that was there when the save began, so writing everything again brings it up to date.
            using var opened = VectorIndex.Open(_files, _directory, _shape, _options);
            foreach (var (time, id, vector) in _before.OrderBy(w => w.Time))
                if (vector is null) opened.Delete(id, new(time));
                else opened.Put(id, vector, new(time));
            Check(opened);
        }

        Thread Start(string name, Action<SeededRandom> body)
        {
            var random = new SeededRandom((_seed * 1000) + ((ulong)_phase * 10) + (ulong)name.Length + (ulong)name[^1]);
            var thread = new Thread(() =>
            {
                try
                {
                    body(random);
                }
                catch (Exception failure)
                {
                    Interlocked.CompareExchange(ref _failure, failure, null);
                    _stop = true;
                }
            }) { Name = name };
            thread.Start();
            return thread;
        }

        void Repeat(Action body)
        {
            do body();
            while (!_stop);
        }

        void Write(int writer, SeededRandom random)
        {
            for (var i = 0; i < WritesOfPhase && _failure is null; i++)
            {
                var id = (ulong)((random.Next(IdsOfWriter) * Writers) + writer);
                var time = (ulong)Interlocked.Increment(ref _time);
                if ((id / Writers) % 2 == 1 && random.OneIn(3))
                {
                    _index.Delete(id, new(time));
                    _written[writer].Add((time, id, null));
                    continue;
                }
                var vector = TestVectors.Random(_shape, random);
                _index.Put(id, vector, new(time));
                _written[writer].Add((time, id, vector));
                // Own writes are seen at once.
                if (!_index.Contains(id)) throw new InvalidOperationException($"{id} was put and is not there");
            }
        }

        void Search(SeededRandom random)
        {
            var results = new VectorHit[K];
            var (last, vector) = _lasting.ElementAt(random.Next(Lasting));
            using var filter = random.OneIn(2) ? null : new VectorFilter(Enumerable.Range(0, (Writers * IdsOfWriter) + Lasting)
                .Where(id => random.OneIn(2) || (ulong)id == last).Select(id => (ulong)id));
            var stays = Enumerable.Range(0, Writers * IdsOfWriter).Where(id => id / Writers % 2 == 0);
            var kept = filter is null ? int.MaxValue : stays.Count(id => filter.Contains((ulong)id));
            var found = _index.Search(vector, new(K) { Ef = 80, Filter = filter, Exact = random.OneIn(5) }, results);
            if (found < Math.Min(K, kept)) throw new InvalidOperationException($"{found} of {K} were found");
            if (results[0].Id != last) throw new InvalidOperationException($"{last} holds the very vector, and {results[0]} was found first");
            RequireOrder(results[..found]);
            foreach (var result in results[..found])
                if (filter is not null && !filter.Contains(result.Id)) throw new InvalidOperationException($"{result.Id} is not in the filter");
        }

        // Of moments at which nothing can change any more the model knows everything.
        void SearchPast(SeededRandom random)
        {
            var moment = (ulong)random.Next((int)Math.Min(_quiet, 300), (int)_quiet + 1);
            var results = new VectorHit[K];
            var query = TestVectors.Random(_shape, random);
            var found = _index.Search(query, new(K) { Ef = 80, AsOf = new(moment), Exact = random.OneIn(5) }, results);
            RequireHeld(query, moment, results.AsSpan(0, found), Math.Min(K, 300), out _);
            RequireOrder(results[..found]);
        }

        void RequireHeld(float[] query, ulong moment, Span<VectorHit> results, int least, out float farthest)
        {
            var all = _model.Search(query, new SystemTime(moment));
            var expected = Math.Min(least, all.Length);
            if (results.Length < expected) throw new InvalidOperationException($"{results.Length} of {expected} were found as of {moment}");
            farthest = expected == 0 ? 0 : all[expected - 1].Distance;
            var distances = all.ToDictionary(a => a.Id, a => a.Distance);
            foreach (var result in results)
                if (!distances.TryGetValue(result.Id, out var distance) || Math.Abs(distance - result.Distance) > HnswModel.Tolerance(distance))
                    throw new InvalidOperationException($"{result} did not hold so as of {moment}");
        }

        static void RequireOrder(VectorHit[] results)
        {
            for (var i = 1; i < results.Length; i++)
                if (results[i].Distance < results[i - 1].Distance) throw new InvalidOperationException("farther ones before nearer ones");
            if (results.Select(r => r.Id).Distinct().Count() != results.Length) throw new InvalidOperationException("an id was found twice");
        }

        void Check(VectorIndex index)
        {
            Assert.Equal(_model.Count, index.Count);
            foreach (var id in _model.Ids) Assert.True(index.Contains(id));
            var (hits, asked) = (0, 0);
            var results = new VectorHit[K];
            for (var q = 0; q < 40; q++)
            {
                var query = TestVectors.Random(_shape, _random);
                var moment = q % 2 == 0 ? _quiet : (ulong)_random.Next(300, (int)_quiet + 1);
                var exact = q % 5 == 0;
                var found = index.Search(query, new(K) { Ef = 80, AsOf = q % 4 == 0 ? null : new SystemTime(moment), Exact = exact }, results);
                RequireHeld(query, moment, results.AsSpan(0, found), K, out var farthest);
                var near = results[..found].Count(r => r.Distance <= farthest + HnswModel.Tolerance(farthest));
                if (exact) Assert.Equal(found, near);
                (hits, asked) = (hits + near, asked + found);
            }
            Assert.True(hits >= asked * 0.9, $"{hits} of {asked} nearest were found");
        }

        void Replay(List<(ulong Time, ulong Id, float[]? Vector)> writes)
        {
            foreach (var (time, id, vector) in writes)
                if (vector is null) _model.Delete(id, time);
                else _model.Put(id, vector, time);
        }
    }
}
