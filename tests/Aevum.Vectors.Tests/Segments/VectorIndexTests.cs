using Aevum.Core.Errors;
using Aevum.Core.Time;

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

    static VectorHit[] Find(VectorIndex index, int? asOf)
    {
        var results = new VectorHit[10];
        var found = index.Search([0, 0], new(10) { AsOf = asOf is null ? null : new((ulong)asOf) }, results);
        return results[..found];
    }

    static ErrorCode CodeOf(Action action) => Assert.ThrowsAny<AevumException>(action).Code;
}
