using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

public sealed class VectorIndexTests
{
    static readonly VectorShape Plane = new(ElementType.Float32, Metric.L2, 2);

    [Fact]
    public void What_was_replaced_or_deleted_is_found_as_of_then()
    {
        using var index = new VectorIndex(Plane);
        Assert.True(index.Put(7, [1, 0], new(10)));
        Assert.False(index.Put(7, [2, 0], new(20)));
        Assert.True(index.Delete(7, new(30)));
        Assert.Empty(Find(index, 9));
        Assert.Equal([new(7, 1)], Find(index, 10));
        Assert.Equal([new(7, 1)], Find(index, 19));
        Assert.Equal([new(7, 4)], Find(index, 20));
        Assert.Equal([new(7, 4)], Find(index, 29));
        Assert.Empty(Find(index, 30));
        Assert.Empty(Find(index, null));
        Assert.Equal(2, index.Statistics().HistoryEntries);
        Assert.Equal(new SystemTime(30), index.LastTime);
    }

    [Fact]
    public void A_write_that_was_applied_already_changes_nothing()
    {
        using var index = new VectorIndex(Plane);
        index.Put(7, [1, 0], new(10));
        index.Put(7, [2, 0], new(20));
        Assert.False(index.Put(7, [1, 0], new(10)));
        Assert.False(index.Put(7, [2, 0], new(20)));
        Assert.False(index.Delete(7, new(20)));
        Assert.Equal([new(7, 4)], Find(index, null));
        Assert.Equal([new(7, 1)], Find(index, 15));
        Assert.Equal(1, index.Statistics().HistoryEntries);
    }

    [Fact]
    public void Nothing_is_told_from_below_the_floor()
    {
        using var index = new VectorIndex(Plane, new() { SealRows = 1 });
        index.Put(7, [1, 0], new(10));
        index.Put(7, [2, 0], new(20));
        index.Put(7, [3, 0], new(30));
        index.RaiseFloor(new(20));
        Assert.Equal(ErrorCode.HistoryUnavailable, CodeOf(() => Find(index, 19)));
        Assert.Equal([new(7, 4)], Find(index, 20));
        Assert.Equal(1, index.Statistics().HistoryEntries);
        index.RaiseFloor(new(5));
        Assert.Equal(new SystemTime(20), index.HistoryFloor);
    }

    [Fact]
    public void Without_history_a_moment_is_refused_and_nothing_is_kept()
    {
        using var index = new VectorIndex(Plane, new() { KeepHistory = false });
        index.Put(7, [1, 0]);
        index.Put(7, [2, 0]);
        Assert.Equal([new(7, 4)], Find(index, null));
        Assert.True(index.Delete(7));
        Assert.Equal(0, index.Statistics().HistoryEntries);
        Assert.Equal(ErrorCode.HistoryUnavailable, CodeOf(() => Find(index, 10)));
    }

    [Fact]
    public void Senseless_arguments_are_refused()
    {
        using var index = new VectorIndex(Plane);
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Put(1, [1, 2, 3], new(1))));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Put(1, [1, float.NaN], new(1))));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Put(1, [1, 2])));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Delete(1)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Search([1, 2], new(-1), new VectorHit[1])));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => index.Search([1], new(1), new VectorHit[1])));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => new VectorIndex(Plane, new() { SealRows = 0 }).Dispose()));
        Assert.Equal(0, index.Search([1, 2], new(0), []));
        Assert.Equal(0, index.Search([1, 2], new(int.MaxValue), new VectorHit[3]));
        index.Put(1, [1, 2], new(1));
        Assert.Equal(1, index.Search([1, 2], new(int.MaxValue) { AsOf = new(5) }, new VectorHit[3]));
        index.Dispose();
        Assert.Equal(ErrorCode.Closed, CodeOf(() => index.Search([1, 2], new(1), new VectorHit[1])));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => index.Put(1, [1, 2], new(9))));
    }

    [Fact]
    public void A_memory_limit_refuses_and_leaves_what_is_there()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        var budget = new MemoryBudget(2 << 20);
        using var index = new VectorIndex(shape, null, budget);
        var stored = 0UL;
        var vector = new float[64];
        Assert.Equal(ErrorCode.LimitExceeded, CodeOf(() =>
        {
            while (true)
            {
                vector[0] = stored;
                index.Put(stored, vector, new(stored + 1));
                stored++;
            }
        }));
        Assert.Equal((long)stored, index.Count);
        var results = new VectorHit[1];
        vector[0] = 5;
        Assert.Equal(1, index.Search(vector, new(1), results));
        Assert.Equal(new VectorHit(5, 0), results[0]);
        Assert.InRange(index.Statistics().UsedBytes, 1, budget.BytesMax);
        index.Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Searches_as_of_a_moment_allocate_nothing(bool coded)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 32);
        var codes = coded ? new CodedOptions(new(QuantizationKind.Scalar)) : null;
        using var index = new VectorIndex(shape, new() { Graph = new() { M = 8, EfConstruction = 40 }, SealRows = 1500, Codes = codes });
        var clusters = new ClusteredVectors(32, 10, 6, 5);
        // Each id is put twice, and a third of them once more: by the first moments all that holds is history, by the last nearly all is live.
        for (var i = 0; i < 7000; i++) index.Put((ulong)(i % 3000), clusters.Next(), new((ulong)(i + 1)));
        while (coded && index.Statistics().CodedSegments == 0) Assert.True(index.Maintain());
        Assert.InRange(index.Statistics().HistorySegments, coded ? 1 : 2, 5);
        var query = clusters.Next();
        var results = new VectorHit[10];
        foreach (var moment in (ulong[])[40, 700, 2999, 4500, 6990, 7000])
        {
            var asked = new VectorQuery(10) { AsOf = new(moment) };
            // Codes of history and scratches are made now.
            for (var i = 0; i < 50; i++) index.Search(query, asked, results);
            var (least, found) = (long.MaxValue, 0);
            for (var i = 0; i < 20; i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                found = index.Search(query, asked, results);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }
            Assert.Equal((moment, 10, 0L), (moment, found, least));
        }
    }

    static VectorHit[] Find(VectorIndex index, int? asOf)
    {
        var results = new VectorHit[10];
        var found = index.Search([0, 0], new(10) { AsOf = asOf is null ? null : new((ulong)asOf) }, results);
        return results[..found];
    }

    static ErrorCode CodeOf(Action action) => Assert.ThrowsAny<AevumException>(action).Code;
}
