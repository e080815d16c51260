using System.Runtime.Intrinsics.X86;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>Codes of history rows: every row that held at a moment is offered and no other, its estimate is what plain sums give and near its
/// distance; and searches by codes find what looking at every entry finds.</summary>
public sealed unsafe class PastCodesTests
{
    static readonly VectorShape[] Shapes =
    [
        new(ElementType.Float32, Metric.L2, 72), new(ElementType.Float32, Metric.Cosine, 66), new(ElementType.Float32, Metric.L2, 6),
        new(ElementType.Float32, Metric.InnerProduct, 13), new(ElementType.Float32, Metric.L2, 1),
    ];

    [Theory, Seeds(40)]
    public void All_that_held_and_nothing_else_is_offered_and_estimated_well(ulong seed)
    {
        var random = new SeededRandom(seed);
        var shape = Shapes[seed % (ulong)Shapes.Length];
        var count = random.Next(1, 500);
        var clusters = new ClusteredVectors(shape.Dimension, 5, 4, seed);
        using var index = new HnswIndex(shape, new() { M = 4, EfConstruction = 10, RotateAfterRows = random.OneIn(2) ? 0 : 150 });
        using var times = new LifetimeTable(LifetimeKind.FromTo, MemoryBudget.Unlimited());
        times.Ensure(count, exact: true);
        var (risesToo, hasFar) = (random.OneIn(2), random.OneIn(2));
        for (var i = 0; i < count; i++)
        {
            var vector = clusters.Next();
            if (hasFar && random.OneIn(100)) vector[random.Next(vector.Length)] *= 1000;
            index.Put((ulong)i, vector);
            var to = risesToo ? 1000 + ((ulong)i / 3) : (ulong)random.Next(2, 2000);
            times.Set((uint)i, (ulong)random.Next(1, (int)to), to);
        }
        for (var i = 0; i < count; i++)
            if (random.OneIn(30)) index.Delete((ulong)i);
        index.WhileStill(still =>
        {
            var first = (uint)random.Next(count);
            using var codes = new PastCodes(still.Graph, still.Rows, times, shape, first, random.Next(1, (int)(count - first) + 1), MemoryBudget.Unlimited());
            Assert.Equal(codes.Count, codes.Coded + codes.OtherCount);
            for (var i = 0; i < 20; i++) Check(still, codes, times, shape, (ulong)random.Next(2200), random.OneIn(3), clusters.Next());
            return 0;
        });
    }

    static void Check(StillGraph still, PastCodes codes, LifetimeTable times, VectorShape shape, ulong asOf, bool isFiltered, float[] asked)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, asked, stored);
        var query = Turned(still.Graph, stored);
        var words = new ulong[(still.RowEnd + 63) / 64];
        Array.Fill(words, 0x5555_5555_5555_5555UL);
        using var filter = isFiltered ? new PreparedFilter(words) : null;
        var held = new PastRows(codes, times, asOf, filter);
        var room = stackalloc int[codes.Groups + 4];
        PastCodesQuery prepared;
        fixed (float* vector = query) prepared = PastCodesScan.Prepare(codes, vector, room);
        var words1 = new Collecting([]);
        PastCodesScan.Run<WordDots, Collecting>(codes, prepared, room, held, float.PositiveInfinity, ref words1);
        if (AvxVnni.IsSupported)
        {
            var vnni = new Collecting([]);
            PastCodesScan.Run<VnniDots, Collecting>(codes, prepared, room, held, float.PositiveInfinity, ref vnni);
            Assert.Equal(words1.Found, vnni.Found);
        }

        var others = new ReadOnlySpan<ushort>(codes.Others, codes.OtherCount).ToArray().Select(o => codes.First + o).ToHashSet();
        var expected = Enumerable.Range((int)codes.First, codes.Count).Select(r => (uint)r)
            .Where(r => !others.Contains(r) && times.From(r) <= asOf && asOf < times.To(r) && (filter is null || r % 2 == 0));
        Assert.Equal(expected, words1.Found.Keys.Order());
        Assert.All(others, o => Assert.True(!still.IsLive(o) || Vector(still, shape, o).Any(x => Math.Abs(x) > 1)));
        foreach (var (row, estimate) in words1.Found)
        {
            // Rounding by half a step on either side, and the products of what has no code.
            var vector = Vector(still, shape, row);
            var (exact, rests, size) = (0.0, 0.0, 0.0);
            for (var i = 0; i < query.Length; i++)
            {
                exact += codes.IsProduct ? -query[i] * vector[i] : (query[i] - vector[i]) * (double)(query[i] - vector[i]);
                size += Math.Abs(query[i]) + Math.Abs(vector[i]) + Math.Abs(codes.Mean[i]);
                var from = codes.IsProduct ? 0 : codes.Mean[i];
                if (i >= codes.Groups * PastCodes.GroupSize) rests += 2 * Math.Abs((query[i] - from) * (vector[i] - codes.Mean[i]));
            }
            var queryStep = query.Select((x, i) => Math.Abs(x - codes.Mean[i]) + Math.Abs(x)).Max() / 127;
            Assert.InRange(estimate - exact, -rests - (2 * size * (codes.Step + queryStep)) - 1e-4, rests + (2 * size * (codes.Step + queryStep)) + 1e-4);
        }
    }

    static float[] Turned(Graph graph, byte[] stored)
    {
        var vector = new float[stored.Length / sizeof(float)];
        Buffer.BlockCopy(stored, 0, vector, 0, stored.Length);
        fixed (float* x = vector) graph.Rotation?.Apply(x, x);
        return vector;
    }

    static float[] Vector(StillGraph still, VectorShape shape, uint row)
    {
        var stored = new byte[shape.Bytes];
        fixed (byte* bytes = stored) still.Graph.Read(row, bytes);
        var vector = new float[shape.Dimension];
        Buffer.BlockCopy(stored, 0, vector, 0, stored.Length);
        return vector;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void History_of_several_pieces_that_grows_is_searched_by_codes(bool inOrder)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        var random = new SeededRandom(7);
        var clusters = new ClusteredVectors(64, 20, 8, 3);
        using var index = new HnswIndex(shape, new()
        {
            M = 3, EfConstruction = 6, RotateAfterRows = 600, Lifetimes = LifetimeKind.FromTo, ForcedWay = FilterWay.Codes, KeepLengths = false,
        });
        var entries = new List<(float[] Vector, ulong From, ulong To)>();
        var (hits, wanted) = (0, 0);
        var results = new VectorMatch[20];
        while (entries.Count < 9000)
        {
            for (var i = 0; i < 300; i++)
            {
                var to = inOrder ? 10_000 + (ulong)entries.Count : (ulong)random.Next(10_000, 19_000);
                var entry = (clusters.Next(), to - (ulong)random.Next(1, 9000), to);
                entries.Add(entry);
                Assert.True(index.TryAppend((ulong)entries.Count, Bytes(shape, entry.Item1), entry.Item2, to));
            }
            var asOf = (ulong)random.Next(8000, 19_100);
            var query = clusters.Next();
            var right = entries.Select((e, i) => (Id: (ulong)i + 1, Distance: Distance(query, e.Vector), e.From, e.To))
                .Where(e => e.From <= asOf && asOf < e.To).OrderBy(e => e.Distance).Take(20).ToArray();
            var found = index.SearchPast(Bytes(shape, query), new(20) { Ef = 30, AsOf = asOf }, results, out var isWhole);
            Assert.True(isWhole);
            Assert.Equal(right.Length, found);
            for (var i = 0; i < found; i++)
            {
                var entry = entries[(int)results[i].Id - 1];
                Assert.True(entry.From <= asOf && asOf < entry.To);
                Assert.InRange(results[i].Distance, 0.999 * Distance(query, entry.Vector) - 1e-3, 1.001 * Distance(query, entry.Vector) + 1e-3);
            }
            hits += results[..found].Count(r => right.Any(e => e.Id == r.Id));
            wanted += right.Length;
        }
        Assert.True(hits >= 0.98 * wanted, $"{hits} of {wanted} nearest were found");
        Assert.InRange(index.MemoryBytes, 9000, long.MaxValue);
    }

    [Fact]
    public void Without_room_for_codes_the_search_does_without()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 16);
        var budget = new MemoryBudget(64 << 20);
        using (var index = new HnswIndex(shape, new()
        {
            M = 4, EfConstruction = 10, Lifetimes = LifetimeKind.FromTo, ForcedWay = FilterWay.Codes,
        }, budget))
        {
            var random = new SeededRandom(2);
            for (var i = 0; i < 600; i++) index.TryAppend((ulong)i, Bytes(shape, TestVectors.Random(shape, random)), 1, 10 + (ulong)i);
            var (query, results) = (Bytes(shape, TestVectors.Random(shape, random)), new VectorMatch[5]);
            // Then there is room for scratches, but for no codes.
            Assert.Equal(5, index.SearchPast(query, new(5) { AsOf = 20, Exact = true }, results, out _));
            var taken = budget.BytesMax - budget.UsedBytes - 6000;
            budget.Reserve(taken);
            var found = new VectorMatch[5];
            Assert.Equal(5, index.SearchPast(query, new(5) { AsOf = 20, Ef = 8 }, found, out _));
            Assert.Equal(results, found);
            budget.Release(taken);
            Assert.Equal(5, index.SearchPast(query, new(5) { AsOf = 20, Ef = 8 }, found, out _));
            Assert.Equal(results, found);
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void Codes_are_made_only_while_a_sixteenth_of_the_budget_is_free_and_used_as_long_as_they_are_good()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 16);
        var budget = new MemoryBudget(4 << 20);
        var random = new SeededRandom(3);
        using var index = new HnswIndex(shape, new() { M = 4, EfConstruction = 10 });
        using var times = new LifetimeTable(LifetimeKind.FromTo, MemoryBudget.Unlimited());
        const int rows = PastCodes.RowsMax + 900;
        times.Ensure(rows, exact: true);
        for (var i = 0; i < rows; i++)
        {
            index.Put((ulong)i, TestVectors.Random(shape, random));
            times.Set((uint)i, 1, i < PastCodes.RowsMax ? 100u : 200u);
        }
        index.WhileStill(still =>
        {
            var readers = new Readers(MemoryBudget.Unlimited());
            using var codes = new PastCodesList(times, still.Rows, shape, readers, budget);
            var graph = still.Graph;
            var limit = budget.BytesMax * 15 / 16;
            var most = PastCodes.BytesMax(16, PastCodes.RowsMax);
            budget.Reserve(limit - most + 1);   // one byte less than a piece may take
            Assert.False(codes.IsReady(graph, rows, 150));
            Assert.False(codes.TryGet(0, graph, rows, out _));
            Assert.Equal((0, limit - most + 1), (codes.Bytes, budget.UsedBytes));
            budget.Release(1);
            Assert.True(codes.IsReady(graph, rows, 150));
            Assert.True(codes.TryGet(1, graph, rows, out var last));
            Assert.InRange(codes.Bytes, 900 * 16, most);
            budget.Reserve(budget.BytesMax - budget.UsedBytes);
            // What held at 150 is in the piece that is there; at 50 the other is wanted, too, and so it is when rows were added.
            Assert.Equal((true, false), (codes.IsReady(graph, rows, 150), codes.IsReady(graph, rows, 50)));
            Assert.False(codes.IsReady(graph, rows + PastCodesList.LagMax, 150));
            Assert.True(codes.TryGet(1, graph, rows, out var again) && again == last);
            Assert.False(codes.TryGet(0, graph, rows, out _));
            budget.Release(budget.BytesMax / 2);
            Assert.True(codes.IsReady(graph, rows, 50) && codes.TryGet(0, graph, rows, out _));
            readers.Dispose();
            return 0;
        });
    }

    [Fact]
    public void What_a_piece_takes_at_most_is_no_less_than_what_it_takes()
    {
        var random = new SeededRandom(4);
        foreach (var dimension in (int[])[1, 3, 4, 17, 64])
        {
            var shape = new VectorShape(ElementType.Float32, Metric.L2, dimension);
            using var index = new HnswIndex(shape, new() { M = 4, EfConstruction = 10, RotateAfterRows = 0 });
            using var times = new LifetimeTable(LifetimeKind.FromTo, MemoryBudget.Unlimited());
            times.Ensure(200, exact: true);
            for (var i = 0; i < 200; i++)
            {
                index.Put((ulong)i, TestVectors.Random(shape, random));
                times.Set((uint)i, 1, 2);
            }
            index.WhileStill(still =>
            {
                foreach (var count in (int[])[1, 31, 32, 33, 200])
                {
                    using var codes = new PastCodes(still.Graph, still.Rows, times, shape, 0, count, MemoryBudget.Unlimited());
                    // Of numbers that are all alike every component is wanted, or nearly; of one row none is.
                    var most = PastCodes.BytesMax(dimension, count);
                    Assert.InRange(codes.Bytes, count == 1 ? 1 : most / 2, most);
                }
                return 0;
            });
        }
    }

    static byte[] Bytes(VectorShape shape, float[] vector)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        return stored;
    }

    static float Distance(float[] a, float[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();

    // Keeps everything.
    readonly struct Collecting(Dictionary<uint, float> found) : IPool
    {
        public Dictionary<uint, float> Found => found;

        public float Bound => float.PositiveInfinity;

        public int Improvements => 0;

        public bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

        public void Offer(float distance, uint row) => found.Add(row, distance);
    }
}
