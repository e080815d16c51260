using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Ivf;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Distances;
using Aevum.Vectors.Tests.Quantization;

namespace Aevum.Vectors.Tests.Ivf;

public sealed unsafe class IvfTests
{
    public static TheoryData<ElementType, Metric, bool> Shapes()
    {
        var data = new TheoryData<ElementType, Metric, bool>();
        foreach (var coded in (bool[])[false, true])
        {
            foreach (var metric in (Metric[])[Metric.L2, Metric.Cosine, Metric.InnerProduct, Metric.L1]) data.Add(ElementType.Float32, metric, coded);
            data.Add(ElementType.Float16, Metric.Cosine, coded);
            data.Add(ElementType.Int8, Metric.L2, coded);
        }
        return data;
    }

    // Random changes and searches; with every list probed and every row reranked, answers must be those of a plain loop over all rows.
    [Theory, MemberData(nameof(Shapes))]
    public void With_all_lists_probed_it_is_exact_search(ElementType element, Metric metric, bool coded)
    {
        var random = new SeededRandom((ulong)metric);
        var shape = new VectorShape(element, metric, 13);
        using var world = new World(shape, new() { Lists = 9, IsCoded = coded, SubCount = 5, RoundsMax = 4 }, random);
        for (var step = 0; step < 40; step++)
        {
            for (var change = 0; change < 25; change++)
            {
                var row = (uint)random.Next(random.OneIn(20) ? 200_000 : 300);
                if (random.OneIn(3)) world.Delete(row);
                else world.Put(row, random);
            }
            Assert.Equal(world.Rows.Count, world.Index.Count);
            var limits = new SearchLimits(random.Next(1, 12), random.OneIn(3) ? random.Next(5) : 0);
            var query = world.Made(random);
            var filter = random.OneIn(2) ? null : RandomFilter(random);
            var exact = world.Exact(query, limits, filter);
            if (random.OneIn(4) && exact.Length > 2) limits = limits with { DistanceMax = exact[1].Distance };
            exact = world.Exact(query, limits, filter);
            Assert.Equal(exact, world.Search(query, new(limits) { Probes = random.OneIn(2) ? 9 : 100, RerankCount = 1_000 }, filter));
        }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void As_many_rows_as_exist_are_found_however_few_lists_are_probed(bool coded)
    {
        var random = new SeededRandom(4);
        using var world = new World(new(ElementType.Float32, Metric.L2, 8), new() { Lists = 20, Probes = 1, IsCoded = coded, SubCount = 4 }, random);
        for (uint row = 0; row < 300; row++) world.Put(row, random);
        Assert.Equal(300, world.Search(world.Made(random), new(new(400)), null).Length);
        var few = Bitmap.Of(7, 150, 299, 5_000);
        Assert.Equal([7u, 150u, 299u], world.Search(world.Made(random), new(new(10)), few).Select(n => n.Row).Order());
    }

    [Theory]
    [InlineData(false, 6, 0.95), InlineData(true, 6, 0.9)]
    public void A_few_lists_give_most_of_the_nearest(bool coded, int probes, double recall)
    {
        var random = new SeededRandom(5);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 24);
        var vectors = Codes.Clustered(3_000, 24, random, clusters: 60);
        using var world = new World(shape, new() { Lists = 50, IsCoded = coded, SubCount = 12 }, random, vectors);
        for (uint row = 0; row < 2_900; row++) world.Put(row, vectors[row]);
        double hits = 0;
        for (var i = 2_900; i < 3_000; i++)
        {
            var exact = world.Exact(vectors[i], new(10), null).Select(n => n.Row).ToHashSet();
            hits += world.Search(vectors[i], new(new(10)) { Probes = probes, RerankCount = 60 }, null).Count(n => exact.Contains(n.Row));
        }
        Assert.True(hits / 1_000 >= recall, $"recall {hits / 1_000}");
    }

    [Fact]
    public void Without_vectors_to_rerank_with_estimates_are_answered()
    {
        var random = new SeededRandom(6);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 16);
        var vectors = Codes.Clustered(400, 16, random);
        using var sample = Codes.Sample(shape, vectors, random);
        using var index = IvfIndex.Train(shape, new() { Lists = 4, IsCoded = true, SubCount = 8 }, sample, random, null, MemoryBudget.Unlimited());
        for (uint row = 0; row < 400; row++) index.Put(row, Stored(shape, vectors[row]));
        var results = new Neighbour[20];
        var found = index.Search(Stored(shape, vectors[3]), new(new(20)) { Probes = 4 }, results);
        Assert.Equal(20, found);
        for (var i = 1; i < found; i++) Assert.True(results[i - 1].Distance <= results[i].Distance);
        var exact = Enumerable.Range(0, 400).OrderBy(r => Codes.Exact(Metric.L2, vectors[3], vectors[r])).Take(20).Select(r => (uint)r).ToHashSet();
        Assert.True(results.Count(n => exact.Contains(n.Row)) >= 10, "estimates that tell nothing");
    }

    [Fact]
    public void A_search_allocates_nothing()
    {
        var random = new SeededRandom(7);
        using var world = new World(new(ElementType.Float32, Metric.Cosine, 16), new() { Lists = 8, IsCoded = true, SubCount = 8 }, random);
        for (uint row = 0; row < 500; row++) world.Put(row, random);
        var query = Stored(world.Index.Shape, world.Made(random));
        var results = new Neighbour[10];
        for (var i = 0; i < 50; i++) world.Index.Search(query, new(new(10)), results);
        var least = long.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            world.Index.Search(query, new(new(10)), results);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void A_budget_that_is_used_up_refuses_and_harms_nothing()
    {
        var random = new SeededRandom(8);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        var vectors = Codes.Clustered(600, 64, random);
        using var sample = Codes.Sample(shape, vectors, random);
        var budget = new MemoryBudget(700_000);
        using (var index = IvfIndex.Train(shape, new() { Lists = 3 }, sample, random, null, budget))
        {
            uint row = 0;
            var refused = Assert.Throws<AevumException>(() =>
            {
                for (; row < 100_000; row++) index.Put(row, Stored(shape, vectors[row % 600]));
            });
            Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
            Assert.Equal(row, index.Count);
            Assert.False(index.Contains(row));
            for (uint r = 0; r < row; r += 2) Assert.True(index.Delete(r));
            var results = new Neighbour[10];
            Assert.Equal(10, index.Search(Stored(shape, vectors[1]), new(new(10)) { Probes = 3 }, results));
            Assert.All(results, n => Assert.Equal(1u, n.Row % 2));
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void A_list_that_is_full_refuses_and_one_that_grows_to_its_limit_asks_for_no_more()
    {
        var entry = stackalloc byte[4];
        var budget = new MemoryBudget(1 << 20);
        // Rows that are nowhere: nobody looks at them.
        using var full = new IvfList(4, false, budget);
        full.Adopt(null, null, IvfList.RowsMax);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => full.Add(1, entry)).Code);
        using var half = new IvfList(4, false, budget);
        half.Adopt(null, null, (IvfList.RowsMax / 2) + 1);
        var refused = Assert.Throws<AevumException>(() => half.Add(1, entry));
        Assert.StartsWith($"{(long)IvfList.RowsMax * sizeof(uint)} bytes", refused.Message, StringComparison.Ordinal);
        Assert.Equal((IvfList.RowsMax, (IvfList.RowsMax / 2) + 1, 0), (full.Count, half.Count, budget.UsedBytes));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var random = new SeededRandom(9);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 4);
        using var sample = Codes.Sample(shape, Codes.Clustered(20, 4, random), random);
        using var none = Codes.Sample(shape, [], random);
        Invalid(() => IvfIndex.Train(shape, new() { Lists = 0 }, sample, random, null, MemoryBudget.Unlimited()));
        Invalid(() => IvfIndex.Train(shape, new() { Probes = 0 }, sample, random, null, MemoryBudget.Unlimited()));
        Invalid(() => IvfIndex.Train(shape, new(), none, random, null, MemoryBudget.Unlimited()));
        var index = IvfIndex.Train(shape, new() { Lists = 2 }, sample, random, null, MemoryBudget.Unlimited());
        var stored = new byte[16];
        Assert.Equal(0, index.Search(stored, new(new(1)), new Neighbour[1]));
        Assert.False(index.Delete(3));
        Invalid(() => index.Put(0, new byte[15]));
        Invalid(() => index.Search(new byte[15], new(new(1)), new Neighbour[1]));
        Invalid(() => index.Search(stored, new(new(0)), new Neighbour[1]));
        Invalid(() => index.Search(stored, new(new(2)), new Neighbour[1]));
        Invalid(() => index.Search(stored, new(new(1)) { Probes = -1 }, new Neighbour[1]));
        index.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Put(0, stored)).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Search(stored, new(new(1)), new Neighbour[1])).Code);
    }

    static Bitmap RandomFilter(SeededRandom random)
    {
        var builder = new BitmapBuilder();
        for (var i = random.Next(200); i > 0; i--) builder.Add((uint)random.Next(300));
        return builder.ToBitmap();
    }

    static byte[] Stored(VectorShape shape, float[] vector)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        return stored;
    }

    static void Invalid(Action action) => Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(action).Code);

    /// <summary>An index, and the rows it ought to hold.</summary>
    sealed class World : IVectorSource, IDisposable
    {
        readonly VectorShape _shape;

        public World(VectorShape shape, IvfOptions options, SeededRandom random, float[][]? vectors = null)
        {
            _shape = shape;
            vectors ??= [.. Enumerable.Range(0, 200).Select(_ => Made(random))];
            using var sample = Codes.Sample(shape, Codes.InSpace(shape, vectors), random);
            Index = IvfIndex.Train(shape, options, sample, random, this, MemoryBudget.Unlimited());
        }

        public IvfIndex Index { get; }

        public SortedDictionary<uint, float[]> Rows { get; } = [];

        readonly Dictionary<uint, NativeBlock> _stored = [];

        public float[] Made(SeededRandom random) => TestVectors.Random(_shape, random);

        public void Put(uint row, SeededRandom random) => Put(row, Made(random));

        public void Put(uint row, float[] vector)
        {
            Rows[row] = vector;
            var stored = Stored(_shape, vector);
            if (_stored.Remove(row, out var old)) old.Dispose();
            var block = new NativeBlock(_shape.Bytes, MemoryBudget.Unlimited());
            stored.CopyTo(new Span<byte>(block.Pointer, stored.Length));
            _stored[row] = block;
            Index.Put(row, stored);
            Assert.True(Index.Contains(row));
        }

        public void Delete(uint row)
        {
            Assert.Equal(Rows.Remove(row), Index.Delete(row));
            Assert.False(Index.Contains(row));
        }

        public byte* Vector(uint row) => _stored.TryGetValue(row, out var block) ? block.Pointer : null;

        public Neighbour[] Exact(float[] query, SearchLimits limits, Bitmap? filter) =>
            [.. Rows.Where(r => filter is null || filter.Contains(r.Key))
                .Select(r => new Neighbour(r.Key, Kernels.One(_shape, query, r.Value, null, true)))
                .Where(n => n.Distance <= limits.DistanceMax)
                .OrderBy(n => DistanceKey.Of(n.Distance, n.Row)).Skip(limits.Offset).Take(limits.K)];

        public Neighbour[] Search(float[] query, IvfQuery asked, Bitmap? filter)
        {
            var results = new Neighbour[asked.Limits.K];
            var words = new ulong[filter is null || filter.IsEmpty ? 1 : (filter.Max / 64) + 1];
            fixed (ulong* w = words)
            {
                if (filter is not null)
                {
                    filter.CopyTo(w, words.Length * 64L);
                    asked = asked with { Filter = new(w, words.Length * 64L) };
                }
                return results[..Index.Search(Stored(_shape, query), asked, results)];
            }
        }

        public void Dispose()
        {
            Index.Dispose();
            foreach (var block in _stored.Values) block.Dispose();
        }
    }
}
