using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Distances;
using Aevum.Vectors.Tests.Quantization;

namespace Aevum.Vectors.Tests.Coded;

public sealed unsafe class CodedGraphTests
{
    const int Rows = 800;

    public static TheoryData<QuantizationKind, CodedLayout?, Metric> Forms() => new()
    {
        { QuantizationKind.Scalar, null, Metric.L2 },
        { QuantizationKind.Scalar, CodedLayout.Packed, Metric.Cosine },
        { QuantizationKind.Scalar, CodedLayout.Records, Metric.InnerProduct },
        { QuantizationKind.Scalar, CodedLayout.Records, Metric.L1 },
        { QuantizationKind.Product, null, Metric.L2 },
        { QuantizationKind.Product, CodedLayout.Records, Metric.Cosine },
        { QuantizationKind.Product, CodedLayout.Packed, Metric.InnerProduct },
        { QuantizationKind.Binary, null, Metric.L2 },
        { QuantizationKind.Binary, CodedLayout.Records, Metric.Cosine },
    };

    [Theory, MemberData(nameof(Forms))]
    public void It_finds_what_exact_search_finds(QuantizationKind kind, CodedLayout? layout, Metric metric)
    {
        var random = new SeededRandom(11);
        using var world = new World(new(ElementType.Float32, metric, 24), random);
        using var graph = world.Code(new(Options(kind)) { Layout = layout });
        Assert.Equal((world.Vectors.Count, Rows), (graph.Count, graph.Count));
        var hits = 0;
        for (var i = 0; i < 50; i++)
        {
            var query = world.Made(random);
            var exact = world.Exact(query, 10, null);
            var found = Search(graph, query, new(10) { Ef = kind == QuantizationKind.Scalar ? 60 : 150 });
            AssertInOrder(world, query, found, 10);
            hits += found.Count(f => exact.Contains(f.Id));
        }
        Assert.True(hits >= 475, $"{hits} of 500");
    }

    [Theory]
    [InlineData(QuantizationKind.Scalar), InlineData(QuantizationKind.Product), InlineData(QuantizationKind.Binary)]
    public void As_many_as_exist_are_found_whatever_is_asked_for(QuantizationKind kind)
    {
        var random = new SeededRandom(12);
        using var world = new World(new(ElementType.Float32, Metric.L2, 16), random, 300);
        // Deleted and replaced rows before: their places must not show.
        for (ulong id = 0; id < 100; id++) world.Delete(id * 2);
        for (ulong id = 1; id < 80; id += 2) world.Put(id, world.Made(random));
        using var graph = world.Code(new(Options(kind)));
        Assert.Equal(200, graph.Count);
        var query = world.Made(random);
        foreach (var k in (int[])[1, 10, 199, 200, 1_000])
        {
            var found = Search(graph, query, new(k) { Ef = 10 });
            AssertInOrder(world, query, found, Math.Min(k, 200));
        }
        Assert.Equal(world.Exact(query, 200, null), Search(graph, query, new(1_000)).Select(f => f.Id));

        // Offsets and a greatest distance, over everything: exactly the oracle's.
        var all = world.Exact(query, 200, null);
        Assert.Equal(all[5..12], Search(graph, query, new(7) { Offset = 5, Ef = 400, RerankCount = 400 }).Select(f => f.Id));
        Assert.Empty(Search(graph, query, new(7) { Offset = 200 }));
        var limit = world.Distance(query, all[3]);
        Assert.Equal(all[..4], Search(graph, query, new(50) { DistanceMax = limit, Ef = 400, RerankCount = 400 }).Select(f => f.Id));
        Assert.Empty(Search(graph, query, new(0)));
    }

    [Theory]
    [InlineData(QuantizationKind.Scalar), InlineData(QuantizationKind.Product), InlineData(QuantizationKind.Binary)]
    public void A_filter_keeps_its_rows_and_no_others(QuantizationKind kind)
    {
        var random = new SeededRandom(13);
        using var world = new World(new(ElementType.Float32, Metric.L2, 16), random, 600);
        using var graph = world.Code(new(Options(kind)));
        foreach (var kept in (int[])[0, 1, 12, 100, 300, 590, 600])
        {
            var rows = new BitmapBuilder();
            while (rows.Count < kept) rows.Add((uint)random.Next(600));
            var bitmap = rows.ToBitmap();
            using var filter = new PreparedFilter(bitmap, graph.Count);
            var ids = new HashSet<ulong>();
            foreach (var row in bitmap) ids.Add(graph.Id(row));
            double hits = 0, wanted = 0;
            for (var i = 0; i < 8; i++)
            {
                var query = world.Made(random);
                var found = Search(graph, query, new(10) { Filter = filter, Ef = 100 });
                AssertInOrder(world, query, found, Math.Min(10, kept));
                Assert.All(found, f => Assert.True(ids.Contains(f.Id) && bitmap.Contains(f.Row)));
                var exact = world.Exact(query, 10, ids);
                hits += found.Count(f => exact.Contains(f.Id));
                wanted += exact.Length;
            }
            Assert.True(hits >= 0.93 * wanted, $"{hits} of {wanted} where {kept} are kept");
        }
    }

    [Fact]
    public void Vectors_may_lie_elsewhere_and_may_be_gone()
    {
        var random = new SeededRandom(14);
        using var world = new World(new(ElementType.Float32, Metric.Cosine, 16), random, 200);
        using var graph = world.Code(new(Options(QuantizationKind.Product)), world);
        world.Graph = graph;
        Assert.Equal(0, graph.VectorBytes);
        var query = world.Made(random);
        Assert.Equal(world.Exact(query, 10, null), Search(graph, query, new(10) { Ef = 200 }).Select(f => f.Id));
        // What has no vector any more is no result, and the others still come.
        foreach (var gone in world.Exact(query, 5, null)) world.Delete(gone);
        Assert.Equal(world.Exact(query, 10, null), Search(graph, query, new(10) { Ef = 200 }).Select(f => f.Id));
    }

    [Fact]
    public void The_first_graph_may_go_and_its_turned_vectors_are_coded_as_they_were_put()
    {
        // Few directions hold everything, so that the graph turns its vectors.
        var random = new SeededRandom(15);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        using var world = new World(shape, random, 0, new() { RotateAfterRows = 500, M = 8, EfConstruction = 60 });
        var basis = Codes.Clustered(4, 64, random);
        float[] Flat() => [.. Enumerable.Range(0, 4).Select(_ => (float)TestVectors.Normal(random))
            .Zip(basis, (x, b) => b.Select(c => x * c).ToArray()).Aggregate((a, b) => [.. a.Zip(b, (x, y) => x + y)])];
        for (ulong id = 0; id < 600; id++) world.Put(id, Flat());
        Assert.NotEqual(0, world.Index.LeadingElements);
        using var graph = world.Code(new(Options(QuantizationKind.Scalar)));
        var used = world.Index.MemoryBytes;
        world.Index.Dispose();
        Assert.True(graph.MemoryBytes < used / 2);
        for (var i = 0; i < 10; i++)
        {
            var query = Flat();
            var found = Search(graph, query, new(5) { Ef = 100 });
            AssertInOrder(world, query, found, 5);
            Assert.True(found.Count(f => world.Exact(query, 5, null).Contains(f.Id)) >= 4);
        }
    }

    [Fact]
    public void Searches_allocate_nothing_and_run_beside_each_other()
    {
        var random = new SeededRandom(16);
        using var world = new World(new(ElementType.Float32, Metric.L2, 32), random, 600);
        foreach (var kind in Enum.GetValues<QuantizationKind>())
        {
            using var graph = world.Code(new(Options(kind)));
            var query = world.Made(random);
            var expected = Search(graph, query, new(10)).Select(f => f.Id).ToArray();
            var results = new VectorMatch[10];
            for (var i = 0; i < 50; i++) graph.Search(query, new(10), results);
            var least = long.MaxValue;
            for (var i = 0; i < 20; i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                graph.Search(query, new(10), results);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }
            Assert.Equal(0, least);
            Parallel.For(0, 200, _ => Assert.Equal(expected, Search(graph, query, new(10)).Select(f => f.Id)));
        }
    }

    [Fact]
    public void The_same_graph_and_seed_give_the_same_codes()
    {
        var random = new SeededRandom(17);
        using var world = new World(new(ElementType.Float32, Metric.L2, 16), random, 300);
        using var one = world.Code(new(Options(QuantizationKind.Product)));
        using var two = world.Code(new(Options(QuantizationKind.Product)));
        Assert.Equal(CodebookFormat.ToBytes(one.Quantizer), CodebookFormat.ToBytes(two.Quantizer));
    }

    [Fact]
    public void A_budget_without_room_refuses_and_leaves_nothing()
    {
        var random = new SeededRandom(18);
        using var world = new World(new(ElementType.Float32, Metric.L2, 32), random, 500);
        for (var bytes = 1_000; ; bytes += 30_000)
        {
            var budget = new MemoryBudget(bytes);
            try
            {
                world.Code(new(Options(QuantizationKind.Scalar)), null, budget).Dispose();
            }
            catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
            {
                Assert.Equal(0, budget.UsedBytes);
                continue;
            }
            Assert.Equal(0, budget.UsedBytes);
            Assert.NotEqual(1_000, bytes);
            return;
        }
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var random = new SeededRandom(19);
        using var empty = new World(new(ElementType.Float32, Metric.L2, 4), random, 0);
        Refused(ErrorCode.InvalidArgument, () => empty.Code(new(Options(QuantizationKind.Scalar))));
        using var bits = new HnswIndex(new(ElementType.Bit, Metric.Hamming, 8));
        Refused(ErrorCode.InvalidArgument, () => CodedGraph.From(bits, new(Options(QuantizationKind.Scalar))));
        using var world = new World(new(ElementType.Float32, Metric.L2, 4), random, 50);
        var graph = world.Code(new(Options(QuantizationKind.Scalar)));
        var results = new VectorMatch[10];
        foreach (var query in (CodedQuery[])[new(-1), new(1) { Ef = -1 }, new(1) { Offset = -1 }, new(1) { RerankCount = -1 }, new(1) { Patience = -1 },
            new(1) { DistanceMax = float.NaN }, new(11)])
            Refused(ErrorCode.InvalidArgument, () => graph.Search(new float[4], query, results));
        Refused(ErrorCode.InvalidArgument, () => graph.Search(new float[5], new(1), results));
        Refused(ErrorCode.InvalidArgument, () => graph.Search([1, 2, float.NaN, 4], new(1), results));
        Refused(ErrorCode.InvalidArgument, () => graph.Id(50));
        graph.Dispose();
        graph.Dispose();
        Refused(ErrorCode.Closed, () => graph.Search(new float[4], new(1), results));
    }

    static void Refused(ErrorCode code, Action action) => Assert.Equal(code, Assert.Throws<AevumException>(action).Code);

    static QuantizationOptions Options(QuantizationKind kind) => new(kind, 8, 256, 5);

    static VectorMatch[] Search(CodedGraph graph, float[] query, CodedQuery asked)
    {
        var results = new VectorMatch[asked.K];
        return results[..graph.Search(query, asked, results)];
    }

    // The right number, nearest first, every distance exact, no id twice.
    static void AssertInOrder(World world, float[] query, VectorMatch[] found, int count)
    {
        Assert.Equal(count, found.Length);
        Assert.Equal(count, found.Select(f => f.Id).Distinct().Count());
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(world.Distance(query, found[i].Id), found[i].Distance, 1e-4f * (1 + Math.Abs(found[i].Distance)));
            if (i > 0) Assert.True(found[i - 1].Distance <= found[i].Distance);
        }
    }

    sealed class World : IVectorSource, IDisposable
    {
        readonly VectorShape _shape;
        readonly float[][] _centres;
        readonly Dictionary<ulong, NativeBlock> _stored = [];

        public World(VectorShape shape, SeededRandom random, int rows = Rows, HnswOptions? options = null)
        {
            _shape = shape;
            _centres = Codes.Clustered(30, shape.Dimension, random, clusters: 30);
            Index = new(shape, options ?? new() { M = 8, EfConstruction = 60 });
            for (var id = 0; id < rows; id++) Put((ulong)id, Made(random));
        }

        public HnswIndex Index { get; }

        public CodedGraph? Graph { get; set; }

        public Dictionary<ulong, float[]> Vectors { get; } = [];

        public float[] Made(SeededRandom random) => [.. _centres[random.Next(30)].Select(c => c + (0.5f * (float)TestVectors.Normal(random)))];

        public void Put(ulong id, float[] vector)
        {
            Vectors[id] = vector;
            if (_stored.Remove(id, out var old)) old.Dispose();
            var block = new NativeBlock(_shape.Bytes, MemoryBudget.Unlimited());
            VectorEncoder.Encode(_shape, vector, new Span<byte>(block.Pointer, _shape.Bytes));
            _stored[id] = block;
            Index.Put(id, vector);
        }

        public void Delete(ulong id)
        {
            Vectors.Remove(id);
            if (_stored.Remove(id, out var old)) old.Dispose();
            Index.Delete(id);
        }

        public byte* Vector(uint row) => _stored.TryGetValue(Graph!.Id(row), out var block) ? block.Pointer : null;

        public CodedGraph Code(CodedOptions options, IVectorSource? source = null, MemoryBudget? budget = null) =>
            CodedGraph.From(Index, options, source, budget);

        public float Distance(float[] query, ulong id) => Kernels.One(_shape, query, Vectors[id], null, true);

        public ulong[] Exact(float[] query, int count, HashSet<ulong>? ids) =>
            [.. Vectors.Keys.Where(id => ids is null || ids.Contains(id)).OrderBy(id => Distance(query, id)).Take(count)];

        public void Dispose()
        {
            Index.Dispose();
            foreach (var block in _stored.Values) block.Dispose();
        }
    }
}
