using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>Searches beside inserts, updates, deletes, sweeps and a turn of the vectors. What never changes must always be found; nothing that was never there
/// may be; every distance must be that of a vector the id had.</summary>
public sealed class HnswConcurrencyTests
{
    static readonly VectorShape Shape = new(ElementType.Float32, Metric.L2, 64);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Searches_beside_writers_see_whole_vectors_of_live_ids(ulong seed)
    {
        // The k-th vector of id i has i * 64 + k in every component: any mixture of two is, but for luck, at a distance that no
        // vector has.
        const int stable = 300;
        const int moving = 300;
        using var index = new HnswIndex(Shape, new() { M = 8, EfConstruction = 30, RotateAfterRows = 450, ForcedWay = FilterWay.TwoHop });
        for (var i = 0; i < stable; i++) index.Put((ulong)i, Vector(i, 0));
        var writersLeft = 2;
        var failures = new List<string>();
        var searches = 0L;
        var threads = new List<Thread>();
        for (var w = 0; w < 2; w++)
        {
            var writer = w;
            threads.Add(new(() => Guard(() =>
            {
                var random = new SeededRandom((seed * 10) + (ulong)writer);
                for (var step = 0; step < 2500; step++)
                {
                    // Each writer has ids of its own.
                    var i = stable + (random.Next(moving / 2) * 2) + writer;
                    if (random.OneIn(3)) index.Delete((ulong)i);
                    else index.Put((ulong)i, Vector(i, random.Next(60)));
                    if (writer == 0 && step % 700 == 699) index.Sweep();
                }
            }, () => Interlocked.Decrement(ref writersLeft))));
        }
        for (var s = 0; s < 2; s++)
        {
            var searcher = s;
            threads.Add(new(() => Guard(() =>
            {
                var random = new SeededRandom((seed * 100) + (ulong)searcher);
                var results = new VectorMatch[20];
                while (Volatile.Read(ref writersLeft) > 0)
                {
                    var i = random.Next(stable);
                    var query = Vector(i, 0);
                    // Distances here are differences of numbers: the nearest 1 is the id itself, at 0.
                    var found = index.Search(query, new(20) { Ef = 200 }, results);
                    Check(found == 20, $"{found} were found");
                    Check(results.Take(found).Select(r => r.Id).Distinct().Count() == found, "an id was named twice");
                    Check(results[0] is { Distance: 0 } && results[0].Id == (ulong)i, $"{i} was not found: {results[0]}");
                    for (var n = 0; n < found; n++) Check(IsWhole(i, results[n]), $"{results[n]} from {i} is at a distance that no vector of it has");
                    Interlocked.Increment(ref searches);
                }
            }, () => { })));
        }
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Empty(failures);
        Assert.NotEqual(0, searches);
        Assert.Equal(32, index.LeadingElements);

        void Check(bool holds, string otherwise)
        {
            if (holds) return;
            lock (failures) failures.Add(otherwise);
            throw new InvalidOperationException(otherwise);
        }

        void Guard(Action body, Action end)
        {
            try
            {
                body();
            }
            catch (Exception e)
            {
                lock (failures) failures.Add(e.ToString());
            }
            finally
            {
                end();
            }
        }
    }

    [Fact]
    public void Two_threads_build_as_good_a_graph_as_one()
    {
        var clusters = new ClusteredVectors(64, 20, 10, 5);
        var vectors = Enumerable.Range(0, 3000).Select(_ => clusters.Next()).ToArray();
        var model = new HnswModel(Shape);
        for (var i = 0; i < vectors.Length; i++) model.Put((ulong)i, vectors[i]);
        using var index = new HnswIndex(Shape, new() { M = 8, EfConstruction = 60, RotateAfterRows = 1000, ForcedWay = FilterWay.TwoHop });
        var next = -1;
        var threads = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < vectors.Length;) index.Put((ulong)i, vectors[i]);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(vectors.Length, index.Count);
        var results = new VectorMatch[10];
        var (hits, asked) = (0, 0);
        for (var q = 0; q < 200; q++)
        {
            var query = clusters.Next();
            Assert.Equal(10, index.Search(query, new(10) { Ef = 40 }, results));
            hits += HnswModel.Hits(results, model.Search(query, 10));
            asked += 10;
        }
        Assert.InRange(hits / (double)asked, 0.95, 1);
    }

    [Fact]
    public void Closing_waits_for_searches()
    {
        var index = new HnswIndex(Shape, new() { M = 8, EfConstruction = 30 });
        for (var i = 0; i < 500; i++) index.Put((ulong)i, Vector(i, 0));
        var searched = 0;
        var searcher = new Thread(() =>
        {
            var results = new VectorMatch[10];
            try
            {
                while (true)
                {
                    index.Search(Vector(7, 0), new(10), results);
                    Volatile.Write(ref searched, 1);
                }
            }
            catch (Core.Errors.AevumException e) when (e.Code == Core.Errors.ErrorCode.Closed)
            {
            }
        });
        searcher.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref searched) == 1);
        index.Dispose();
        searcher.Join();
    }

    static float[] Vector(int id, int version)
    {
        var vector = new float[64];
        for (var i = 0; i < 64; i++) vector[i] = (id * 64) + version;
        return vector;
    }

    // Squared distance of the k-th vector of an id from vector 0 of another: 64 (64 (id - other) + k)^2.
    static bool IsWhole(int from, VectorMatch match)
    {
        var along = Math.Sqrt(match.Distance / 64.0);
        var apart = Math.Abs(64.0 * ((long)match.Id - from));
        // To either side: the version adds to the id's value.
        var version = (long)match.Id >= from ? along - apart : apart - along;
        return version is > -0.05 and < 60.05 && Math.Abs(version - Math.Round(version)) < 0.05;
    }
}
