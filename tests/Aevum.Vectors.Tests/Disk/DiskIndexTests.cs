using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Disk;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Disk;

public sealed class DiskIndexTests
{
    static VectorShape Floats(int dimension, Metric metric = Metric.L2) => new(ElementType.Float32, metric, dimension);

    [Theory]
    [InlineData(ElementType.Float32, Metric.L2), InlineData(ElementType.Float32, Metric.Cosine), InlineData(ElementType.Float32, Metric.InnerProduct)]
    [InlineData(ElementType.Float32, Metric.L1), InlineData(ElementType.Float16, Metric.Cosine), InlineData(ElementType.Int8, Metric.L2)]
    public void It_finds_what_exact_search_finds_and_reads_few_pages(ElementType element, Metric metric)
    {
        var random = new SeededRandom(21);
        using var world = new DiskWorld(new(element, metric, 24), random, 800);
        using var index = world.Open();
        Assert.Equal(800, index.Count);
        var (hits, reads) = (0, 0);
        for (var i = 0; i < 50; i++)
        {
            var query = world.Made(random);
            var exact = world.Distance(query, world.Exact(query, 10)[^1]);
            var found = new VectorMatch[10];
            Assert.Equal(10, index.Search(query, new(10) { Ef = 100 }, found, out var cost));
            world.AssertInOrder(query, found, 10);
            // Rows at the same distance are as good as each other.
            hits += found.Count(f => f.Distance <= exact + (1e-5f * (1 + Math.Abs(exact))));
            reads += cost.Reads;
            Assert.InRange(cost.Reads, 1, 60);
            Assert.InRange(cost.Rounds, 1, cost.Reads);
            Assert.InRange(cost.Compared, cost.Reads, cost.Reads * index.RowsPerPage);
        }
        Assert.True(hits >= 475, $"{hits} of 500");
        Assert.True(reads <= 50 * 25, $"{reads}");
    }

    [Fact]
    public void As_many_as_exist_are_found_whatever_is_asked_for()
    {
        var random = new SeededRandom(22);
        using var world = new DiskWorld(Floats(16), random, 300);
        // Deleted and replaced rows before: their places must not show.
        for (ulong id = 0; id < 100; id++) world.Delete(id * 6);
        for (ulong id = 1; id < 80; id += 2) world.Put(id * 3, world.Made(random));
        using var index = world.Open();
        Assert.Equal(200, index.Count);
        var query = world.Made(random);
        foreach (var k in (int[])[1, 10, 199, 200, 1_000]) world.AssertInOrder(query, DiskWorld.Search(index, query, new(k) { Ef = 10 }), Math.Min(k, 200));
        Assert.Equal(world.Exact(query, 200), DiskWorld.Search(index, query, new(1_000)).Select(f => f.Id));

        // Offsets and a greatest distance, everything read: exactly the oracle's.
        var all = world.Exact(query, 200);
        var thorough = new DiskQuery(7) { Ef = 400, Assurance = 1e6, ReadsMax = 1_000 };
        Assert.Equal(all[5..12], DiskWorld.Search(index, query, thorough with { Offset = 5 }).Select(f => f.Id));
        Assert.Empty(DiskWorld.Search(index, query, thorough with { Offset = 200 }));
        var limit = world.Distance(query, all[3]);
        Assert.Equal(all[..4], DiskWorld.Search(index, query, thorough with { K = 50, DistanceMax = limit }).Select(f => f.Id));
        Assert.Empty(DiskWorld.Search(index, query, thorough with { DistanceMax = -1 }));
        Assert.Empty(DiskWorld.Search(index, query, new(0)));
    }

    [Fact]
    public void A_filter_keeps_its_rows_and_no_others()
    {
        var random = new SeededRandom(23);
        using var world = new DiskWorld(Floats(16), random, 600);
        using var index = world.Open();
        var ids = new ulong[600];
        index.ReadIds(0, ids);
        Assert.Equal(world.Vectors.Keys.Order(), ids.Order());
        foreach (var kept in (int[])[0, 1, 12, 100, 300, 590, 600])
        {
            var rows = new BitmapBuilder();
            while (rows.Count < kept) rows.Add((uint)random.Next(600));
            var bitmap = rows.ToBitmap();
            using var filter = new PreparedFilter(bitmap, index.Count);
            var (hits, wanted) = (0, 0);
            for (var i = 0; i < 8; i++)
            {
                var query = world.Made(random);
                var found = DiskWorld.Search(index, query, new(10) { Filter = filter, Ef = 100 });
                world.AssertInOrder(query, found, Math.Min(10, kept));
                Assert.All(found, f => Assert.True(bitmap.Contains(f.Row) && ids[f.Row] == f.Id));
                var exact = world.Exact(query, 10, id => bitmap.Contains((uint)Array.IndexOf(ids, id)));
                hits += found.Count(f => exact.Contains(f.Id));
                wanted += exact.Length;
            }
            Assert.True(hits >= 0.93 * wanted, $"{hits} of {wanted} where {kept} are kept");
        }
    }

    [Fact]
    public void Fewer_reads_are_made_where_fewer_are_allowed()
    {
        var random = new SeededRandom(24);
        using var world = new DiskWorld(Floats(64), random, 500);
        using var index = world.Open(options: new() { SubCount = 2 });
        var results = new VectorMatch[3];
        var (few, many) = (0, 0);
        for (var i = 0; i < 20; i++)
        {
            var query = world.Made(random);
            index.Search(query, new(3) { ReadsMax = 3, Assurance = 10 }, results, out var cost);
            Assert.InRange(cost.Reads, 1, 3);
            few += cost.Reads;
            world.AssertInOrder(query, results, 3);
            index.Search(query, new(3) { Assurance = 10 }, results, out cost);
            many += cost.Reads;
        }
        Assert.True(many > few * 2, $"{many} and {few}");
    }

    [Fact]
    public void Vectors_and_ids_come_back()
    {
        var random = new SeededRandom(25);
        using var world = new DiskWorld(Floats(20), random, 200);
        using var index = world.Open();
        var ids = new ulong[200];
        index.ReadIds(0, ids);
        var few = new ulong[20];
        index.ReadIds(33, few);
        Assert.Equal(ids[33..53], few);
        var vector = new float[20];
        for (uint row = 0; row < 200; row++)
        {
            index.ReadVector(row, vector);
            for (var i = 0; i < 20; i++) Assert.Equal(world.Vectors[ids[row]][i], vector[i], 1e-5f);
        }
        index.CheckPages();
        Refused(ErrorCode.InvalidArgument, () => index.ReadVector(200, vector));
        Refused(ErrorCode.InvalidArgument, () => index.ReadIds(190, new ulong[11]));
    }

    [Fact]
    public void Memory_is_capped_when_it_is_made_and_when_it_is_opened()
    {
        var random = new SeededRandom(26);
        using var world = new DiskWorld(Floats(256), random, 4_000, new() { M = 6, EfConstruction = 20 });
        var files = new MemoryFileSystem();
        DiskIndex.Write(files, "a", world.Index, new() { MemoryShare = 0.25, SampleMax = 300 });
        using (var index = DiskIndex.Open(files, "a"))
        {
            Assert.InRange(index.MemoryBytes, 0, (long)(0.25 * 4_000 * 1024));
            Assert.Equal(96, index.CodeBytes);
        }
        // With less room codes get shorter; then it is refused, and nothing is left of the file.
        DiskIndex.Write(files, "b", world.Index, new() { MemoryShare = 0.18, SampleMax = 300 });
        using (var index = DiskIndex.Open(files, "b", 0.18))
        {
            Assert.InRange(index.CodeBytes, 1, 48);
            Assert.InRange(index.MemoryBytes, 0, (long)(0.18 * 4_000 * 1024));
        }
        Refused(ErrorCode.LimitExceeded, () => DiskIndex.Write(files, "c", world.Index, new() { MemoryShare = 0.03, SampleMax = 300 }));
        Refused(ErrorCode.LimitExceeded, () => DiskIndex.Write(files, "c", world.Index, new() { MemoryShare = 0.18, SubCount = 96, SampleMax = 300 }));
        Assert.Equal(["a", "b"], files.ListFiles(""));
        Refused(ErrorCode.LimitExceeded, () => DiskIndex.Open(files, "a", 0.18));
        var budget = new MemoryBudget(500_000);
        Refused(ErrorCode.LimitExceeded, () => DiskIndex.Open(files, "a", budget: budget));
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void Searches_run_side_by_side_and_allocate_nothing()
    {
        var random = new SeededRandom(27);
        using var world = new DiskWorld(Floats(16), random, 500);
        using var index = world.Open();
        var queries = Enumerable.Range(0, 40).Select(_ => world.Made(random)).ToArray();
        var alone = queries.Select(q => DiskWorld.Search(index, q, new(10))).ToArray();
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < queries.Length; i++) Assert.Equal(alone[i], DiskWorld.Search(index, queries[i], new(10)));
        });
        var results = new VectorMatch[10];
        for (var i = 0; i < 20; i++) index.Search(queries[i], new(10), results);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) index.Search(queries[i], new(10), results);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(7)]
    public void Few_rows_are_enough(int rows)
    {
        var random = new SeededRandom(28);
        using var world = new DiskWorld(Floats(5, Metric.Cosine), random, rows);
        using var index = world.Open();
        var query = world.Made(random);
        Assert.Equal(world.Exact(query, rows), DiskWorld.Search(index, query, new(10)).Select(f => f.Id));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var random = new SeededRandom(29);
        var files = new MemoryFileSystem();
        using var empty = new DiskWorld(Floats(4), random, 0);
        Refused(ErrorCode.InvalidArgument, () => empty.Open());
        using var bits = new HnswIndex(new(ElementType.Bit, Metric.Hamming, 8));
        Refused(ErrorCode.InvalidArgument, () => DiskIndex.Write(files, "a", bits));
        using var world = new DiskWorld(Floats(4), random, 50);
        foreach (var options in (DiskIndexOptions[])[new() { MemoryShare = 0 }, new() { MemoryShare = double.NaN }, new() { SubCount = -1 },
            new() { SampleMax = 0 }, new() { PageBytes = 4095 }, new() { PageBytes = 1 << 20 }, new() { PageBytes = -4096 }])
            Refused(ErrorCode.InvalidArgument, () => DiskIndex.Write(files, "a", world.Index, options));
        using var wide = new DiskWorld(Floats(1100), random, 2);
        Refused(ErrorCode.InvalidArgument, () => wide.Open(options: new() { PageBytes = 4096 }));
        using var many = new DiskWorld(Floats(4), random, 2, new() { M = 128 });
        Refused(ErrorCode.LimitExceeded, () => many.Open());
        Refused(ErrorCode.NotFound, () => DiskIndex.Open(files, "a"));
        Refused(ErrorCode.InvalidArgument, () => DiskIndex.Open(files, "a", -1));

        var index = world.Open();
        var results = new VectorMatch[10];
        foreach (var query in (DiskQuery[])[new(-1), new(1) { Ef = -1 }, new(1) { Offset = -1 }, new(1) { ReadsMax = -1 }, new(1) { Patience = -1 },
            new(1) { DistanceMax = float.NaN }, new(1) { Assurance = double.NaN }, new(11)])
            Refused(ErrorCode.InvalidArgument, () => index.Search(new float[4], query, results));
        Refused(ErrorCode.InvalidArgument, () => index.Search(new float[5], new(1), results));
        Refused(ErrorCode.InvalidArgument, () => index.Search([1, 2, float.NaN, 4], new(1), results));
        index.Dispose();
        index.Dispose();
        Refused(ErrorCode.Closed, () => index.Search(new float[4], new(1), results));
        Refused(ErrorCode.Closed, () => index.ReadVector(0, new float[4]));
    }

    static void Refused(ErrorCode code, Action action) => Assert.Equal(code, Assert.Throws<AevumException>(action).Code);
}
