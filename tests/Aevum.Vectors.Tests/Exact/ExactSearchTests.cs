// Exact search against sorting everything: random shapes, pieces, filters, limits and batches, by seed.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Tests.Distances;
using Aevum.Vectors.Tests.Elements;

namespace Aevum.Vectors.Tests.Exact;

public sealed unsafe class ExactSearchTests
{
    [Theory, Seeds(60)]
    public void What_is_found_is_what_sorting_everything_gives(ulong seed)
    {
        var random = new SeededRandom(seed);
        var shapes = VectorShapeTests.Supported.ToArray();
        var (element, metric) = shapes[random.Next(shapes.Length)];
        var shape = new VectorShape(element, metric, random.Next(1, 70));
        var world = new World(shape, random, random.Next(0, 700));
        using (world)
        {
            var queries = Enumerable.Range(0, random.Next(1, 5)).Select(_ => TestVectors.Stored(shape, random)).ToArray();
            var limits = new SearchLimits(random.Next(1, 40), random.OneIn(2) ? 0 : random.Next(30));
            if (random.OneIn(2) && world.Count > 0) limits = limits with { DistanceMax = world.Distance(queries[0], random.Next(world.Count)) };
            var kept = random.Next(4) switch
            {
                0 => null,
                1 => world.Filter(_ => random.OneIn(20)),
                2 => world.Filter(_ => !random.OneIn(20)),
                _ => world.Filter(r => r % 128 < 64),   // whole words of ones, and of zeros
            };
            var budget = MemoryBudget.Unlimited();
            using (var search = new ExactSearch(shape, budget))
            {
                search.Begin(queries.SelectMany(q => q).ToArray(), limits);
                foreach (var piece in world.Pieces(random))
                    fixed (ulong* words = kept) search.Scan(piece, new RowFilter(words, words == null ? 0 : world.Count));
                for (var i = 0; i < queries.Length; i++)
                {
                    var results = new Neighbour[limits.K];
                    var found = search.Take(i, results);
                    Assert.Equal(world.Expected(queries[i], limits, kept), results[..found]);
                }
            }
            Assert.Equal(0, budget.UsedBytes);
        }
    }

    // Whole numbers, so that the sum of two parts has the same bits as the whole.
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(48)]
    public void Stopping_early_loses_nothing(int cut)
    {
        var random = new SeededRandom(5);
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        using var world = new World(shape, random, 900, i => i < cut ? random.Next(-50, 50) : random.Next(-2, 3));
        var query = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, Enumerable.Range(0, 64).Select(i => (float)random.Next(-5, 5)).ToArray(), query);
        using ExactSearch whole = new(shape, MemoryBudget.Unlimited()), early = new(shape, MemoryBudget.Unlimited(), cut);
        foreach (var kept in (ulong[]?[])[null, world.Filter(_ => random.OneIn(3))])
            foreach (var limits in (SearchLimits[])[new(1), new(10), new(10, 5), new(7, 0, 1000), new(2000)])
                fixed (ulong* words = kept)
                {
                    var filter = new RowFilter(words, world.Count);
                    Neighbour[] a = new Neighbour[limits.K], b = new Neighbour[limits.K];
                    var found = whole.Find(query, limits, world.Rows, filter, a);
                    Assert.Equal(found, early.Find(query, limits, world.Rows, filter, b));
                    Assert.Equal(a, b);
                    Assert.Equal(world.Expected(query, limits, kept), a[..found]);
                }
    }

    [Fact]
    public void Equal_distances_come_by_row()
    {
        var shape = new VectorShape(ElementType.Int8, Metric.L2, 8);
        using var world = new World(shape, new SeededRandom(1), 300, _ => 3);
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        var results = new Neighbour[5];
        Assert.Equal(5, search.Find(world.Stored(0), new SearchLimits(5, 2), world.Rows, default, results));
        Assert.Equal([2u, 3u, 4u, 5u, 6u], results.Select(r => r.Row));
        // The same from the other end.
        search.Begin(world.Stored(0), new SearchLimits(5));
        search.Scan(world.Piece(150, 150), default);
        search.Scan(world.Piece(0, 150), default);
        search.Take(0, results);
        Assert.Equal([0u, 1u, 2u, 3u, 4u], results.Select(r => r.Row));
    }

    [Fact]
    public void An_empty_index_finds_nothing()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.Cosine, 3);
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        Assert.Equal(0, search.Find(TestVectors.Stored(shape, new SeededRandom(1)), new SearchLimits(3), default, default, new Neighbour[3]));
    }

    [Theory]
    [InlineData(0, 0, 1f, ErrorCode.InvalidArgument)]
    [InlineData(-1, 0, 1f, ErrorCode.InvalidArgument)]
    [InlineData(1, -1, 1f, ErrorCode.InvalidArgument)]
    [InlineData(1, 0, float.NaN, ErrorCode.InvalidArgument)]
    [InlineData(int.MaxValue, int.MaxValue, 1f, ErrorCode.LimitExceeded)]
    [InlineData(SearchLimits.ResultsMax, 1, 1f, ErrorCode.LimitExceeded)]
    public void Senseless_limits_are_refused(int k, int offset, float max, ErrorCode code)
    {
        using var search = new ExactSearch(new VectorShape(ElementType.Float32, Metric.L2, 1), MemoryBudget.Unlimited());
        Assert.Equal(code, Assert.Throws<AevumException>(() => search.Begin(new byte[4], new SearchLimits(k, offset, max))).Code);
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 2);
        using var search = new ExactSearch(shape, new MemoryBudget(40_000));
        Refused(ErrorCode.InvalidArgument, () => search.Scan(default, default));
        Refused(ErrorCode.InvalidArgument, () => search.Begin(new byte[9], new SearchLimits(1)));
        Refused(ErrorCode.InvalidArgument, () => search.Begin([], new SearchLimits(1)));
        Refused(ErrorCode.LimitExceeded, () => search.Begin(new byte[8], new SearchLimits(100_000)));
        Refused(ErrorCode.InvalidArgument, () => search.Scan(default, default));   // what was refused has not begun
        search.Begin(new byte[8], new SearchLimits(3));
        Refused(ErrorCode.InvalidArgument, () => search.Take(1, new Neighbour[3]));
        Refused(ErrorCode.InvalidArgument, () => search.Take(0, new Neighbour[2]));
        Assert.Equal(0, search.Take(0, new Neighbour[3]));
        Refused(ErrorCode.InvalidArgument, () => search.Scan(default, default));
        Refused(ErrorCode.InvalidArgument,
            () => _ = new ExactSearch(new VectorShape(ElementType.Float32, Metric.InnerProduct, 64), MemoryBudget.Unlimited(), 32));

        static void Refused(ErrorCode code, Action action) => Assert.Equal(code, Assert.Throws<AevumException>(action).Code);
    }

    [Fact]
    public void A_search_allocates_nothing()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 32);
        using var world = new World(shape, new SeededRandom(2), 500);
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        using var early = new ExactSearch(shape, MemoryBudget.Unlimited(), 16);
        var results = new Neighbour[10];
        var query = world.Stored(7);
        var kept = world.Filter(r => r % 3 == 0);
        fixed (ulong* words = kept)
            for (var round = 0; round < 3; round++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 20; i++)
                {
                    search.Find(query, new SearchLimits(10), world.Rows, default, results);
                    search.Find(query, new SearchLimits(10), world.Rows, new RowFilter(words, world.Count), results);
                    early.Find(query, new SearchLimits(10), world.Rows, default, results);
                }
                if (round == 2) Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            }
    }

    /// <summary>Rows in native memory, and the slow answer.</summary>
    sealed class World : IDisposable
    {
        readonly VectorShape _shape;
        readonly NativeBlock _block;

        public World(VectorShape shape, SeededRandom random, int count, Func<int, int>? component = null)
        {
            _shape = shape;
            Count = count;
            _block = new NativeBlock((long)count * shape.Stride, MemoryBudget.Unlimited());
            for (var i = 0; i < count; i++)
            {
                var target = new Span<byte>(At(i), shape.Bytes);
                if (component is null) TestVectors.Stored(shape, random).CopyTo(target);
                else VectorEncoder.Encode(shape, Enumerable.Range(0, shape.Dimension).Select(c => (float)component(c)).ToArray(), target);
            }
        }

        public int Count { get; }

        public VectorRows Rows => Piece(0, Count);

        public VectorRows Piece(int first, int count) => new(At(first), _shape.Stride, (uint)first, count);

        public byte[] Stored(int row) => new Span<byte>(At(row), _shape.Bytes).ToArray();

        public float Distance(byte[] query, int row)
        {
            fixed (byte* q = query) return Kernels.One(_shape, q, At(row), null, false);
        }

        public ulong[] Filter(Func<int, bool> keeps)
        {
            var words = new ulong[(Count / 64) + 1];
            for (var i = 0; i < Count; i++)
                if (keeps(i)) words[i / 64] |= 1UL << (i % 64);
            words[^1] |= Count % 64 == 0 ? 0 : ulong.MaxValue << (Count % 64);   // what lies beyond the last row means nothing
            return words;
        }

        public IEnumerable<VectorRows> Pieces(SeededRandom random)
        {
            List<(int First, int Count)> pieces = [];
            for (var first = 0; first < Count;)
            {
                var count = Math.Min(Count - first, random.Next(1, 400));
                pieces.Add((first, count));
                first += count;
            }
            for (; pieces.Count > 0;)
            {
                var next = random.Next(pieces.Count);
                yield return Piece(pieces[next].First, pieces[next].Count);
                pieces.RemoveAt(next);
            }
        }

        public Neighbour[] Expected(byte[] query, SearchLimits limits, ulong[]? kept) =>
        [
            .. Enumerable.Range(0, Count).Where(r => kept is null || (kept[r / 64] >> (r % 64) & 1) != 0)
                .Select(r => new Neighbour((uint)r, Distance(query, r) + 0f)).Where(n => n.Distance <= limits.DistanceMax)
                .OrderBy(n => n.Distance).ThenBy(n => n.Row).Skip(limits.Offset).Take(limits.K),
        ];

        public void Dispose() => _block.Dispose();

        byte* At(int row) => _block.Pointer + ((nint)row * _shape.Stride);
    }
}
