using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

public sealed class HnswIndexTests
{
    static readonly VectorShape Floats = new(ElementType.Float32, Metric.L2, 96);

    [Fact]
    public void An_empty_index_finds_nothing()
    {
        using var index = new HnswIndex(Floats);
        Assert.Equal(0, index.Search(new float[96], new(10), new VectorMatch[10]));
        Assert.False(index.Delete(1));
        Assert.False(index.TryGet(1, new float[96]));
        Assert.Equal(0, index.Count);
    }

    [Fact]
    public void One_vector_is_found_put_again_and_forgotten()
    {
        using var index = new HnswIndex(Floats);
        var results = new VectorMatch[1];
        Assert.True(index.Put(ulong.MaxValue, Ones(1)));
        Assert.Equal(1, index.Search(Ones(2), new(1), results));
        Assert.Equal(new(ulong.MaxValue, 96, 0), results[0]);
        Assert.False(index.Put(ulong.MaxValue, Ones(2)));
        Assert.Equal(1, index.Search(Ones(2), new(5), results));
        Assert.Equal(0, results[0].Distance);
        Assert.True(index.Delete(ulong.MaxValue));
        Assert.Equal(0, index.Search(Ones(2), new(1), results));
        Assert.True(index.Put(ulong.MaxValue, Ones(3)));
        Assert.Equal(1, index.Search(Ones(2), new(1), results));
    }

    [Fact]
    public void Bad_input_is_refused_with_a_code()
    {
        using var index = new HnswIndex(Floats);
        for (var i = 0; i < 20; i++) index.Put((ulong)i, Ones(i));
        var results = new VectorMatch[20];
        Refused(() => index.Put(1, new float[95]));
        Refused(() => index.Put(1, Ones(float.NaN)));
        Refused(() => index.Put(1, Ones(float.PositiveInfinity)));
        Refused(() => index.Search(new float[97], new(1), results));
        Refused(() => index.Search(Ones(float.NaN), new(1), results));
        Refused(() => index.Search(Ones(1), new(-1), results));
        Refused(() => index.Search(Ones(1), new(1) { Ef = -1 }, results));
        Refused(() => index.Search(Ones(1), new(1) { Offset = -1 }, results));
        Refused(() => index.Search(Ones(1), new(1) { DistanceMax = float.NaN }, results));
        Refused(() => index.Search(Ones(1), new(10), new VectorMatch[9]));
        Refused(() => index.TryGet(1, new float[3]));
        Refused(() => new HnswIndex(Floats, new() { M = 1 }).Dispose());
        Refused(() => new HnswIndex(Floats, new() { EfConstruction = 0 }).Dispose());
        using var cosine = new HnswIndex(new(ElementType.Float32, Metric.Cosine, 4));
        Refused(() => cosine.Put(1, new float[4]));
        Assert.Equal(0, index.Search(Ones(1), new(0), []));
        Assert.Equal(20, index.Search(Ones(1), new(int.MaxValue) { Ef = HnswOptions.EfMax }, results));
        Assert.Equal(0, index.Search(Ones(1), new(10) { Offset = int.MaxValue }, results));
        Assert.Equal(20, index.Count);
    }

    [Fact]
    public void A_closed_index_says_so()
    {
        var index = new HnswIndex(Floats);
        index.Put(1, Ones(1));
        index.Dispose();
        index.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Put(2, Ones(1))).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Search(Ones(1), new(1), new VectorMatch[1])).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Delete(1)).Code);
    }

    [Fact]
    public void A_memory_budget_is_kept_and_what_was_there_stays()
    {
        var budget = new MemoryBudget(4 << 20);
        using (var index = new HnswIndex(Floats, new() { RotateAfterRows = 1000, M = 8, EfConstruction = 30 }, budget))
        {
            var clusters = new ClusteredVectors(96, 20, 8, 1);
            var put = new List<float[]>();
            var refusal = Assert.Throws<AevumException>((Action)(() =>
            {
                for (var i = 0; ; i++)
                {
                    var vector = clusters.Next();
                    index.Put((ulong)i, vector);
                    put.Add(vector);
                }
            }));
            Assert.Equal(ErrorCode.LimitExceeded, refusal.Code);
            Assert.True(put.Count > 2000);
            Assert.Equal(put.Count, index.Count);
            Assert.InRange(budget.UsedBytes, 1, budget.BytesMax);
            var results = new VectorMatch[1];
            for (var i = 0; i < put.Count; i += 97)
            {
                Assert.Equal(1, index.Search(put[i], new(1) { Ef = 100 }, results));
                Assert.InRange(results[0].Distance, 0, 1e-4f);
            }
            // Room that is given back can be used.
            for (var i = 0; i < 200; i++) Assert.True(index.Delete((ulong)i));
            index.Sweep();
            index.Sweep();
            for (var i = 0; i < 200; i++) Assert.True(index.Put((ulong)i, put[i]));
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void The_same_rows_in_the_same_order_make_the_same_graph()
    {
        var first = Results(7);
        Assert.Equal(first, Results(7));
        Assert.NotEqual(first, Results(8));

        static VectorMatch[] Results(ulong seed)
        {
            using var index = new HnswIndex(Floats, new() { Seed = seed, M = 4, EfConstruction = 20, RotateAfterRows = 700, ForcedWay = FilterWay.TwoHop });
            var clusters = new ClusteredVectors(96, 50, 12, 3);
            for (var i = 0; i < 1500; i++)
            {
                index.Put((ulong)i, clusters.Next());
                if (i % 3 == 0) index.Delete((ulong)i / 2);
            }
            var all = new List<VectorMatch>();
            var results = new VectorMatch[10];
            for (var i = 0; i < 50; i++)
            {
                var found = index.Search(clusters.Next(), new(10) { Ef = 10 }, results);
                all.AddRange(results[..found]);
            }
            return [.. all];
        }
    }

    [Fact]
    public void Vectors_come_back_also_when_they_were_turned()
    {
        using var index = new HnswIndex(Floats, new() { RotateAfterRows = 500 });
        var clusters = new ClusteredVectors(96, 10, 6, 5);
        var vectors = Enumerable.Range(0, 1200).Select(_ => clusters.Next()).ToArray();
        for (var i = 0; i < vectors.Length; i++) index.Put((ulong)i, vectors[i]);
        Assert.Equal(32, index.LeadingElements);
        var back = new float[96];
        for (var i = 0; i < vectors.Length; i++)
        {
            Assert.True(index.TryGet((ulong)i, back));
            for (var j = 0; j < back.Length; j++) Assert.Equal(vectors[i][j], back[j], 1e-5f);
        }
    }

    [Fact]
    public void A_flat_spectrum_is_not_turned()
    {
        using var index = new HnswIndex(Floats, new() { RotateAfterRows = 300, EfConstruction = 20, M = 4 });
        var random = new SeededRandom(3);
        for (var i = 0; i < 600; i++) index.Put((ulong)i, TestVectors.Random(Floats, random));
        Assert.Equal(0, index.LeadingElements);
    }

    [Fact]
    public void Searches_allocate_nothing()
    {
        using var index = new HnswIndex(Floats, new() { RotateAfterRows = 500, EfConstruction = 40 });
        var clusters = new ClusteredVectors(96, 10, 6, 5);
        for (var i = 0; i < 3000; i++) index.Put((ulong)i, clusters.Next());
        var words = new ulong[(index.RowCount / 64) + 1];
        Array.Fill(words, 0x5555555555555555UL);
        using var filter = new PreparedFilter(words);
        var query = clusters.Next();
        var results = new VectorMatch[10];
        for (var i = 0; i < 50; i++) Ask();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 200; i++) Ask();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Ask()
        {
            // Asserts allocate.
            var found = index.Search(query, new(10) { Ef = 30 }, results);
            found += index.Search(query, new(10) { Ef = 600 }, results);
            found += index.Search(query, new(10) { Ef = 30, Filter = filter }, results);
            if (found != 30) throw new InvalidOperationException($"{found} were found");
        }
    }

    static float[] Ones(float value)
    {
        var vector = new float[96];
        Array.Fill(vector, value);
        return vector;
    }

    static void Refused(Action action) => Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(action).Code);
}
