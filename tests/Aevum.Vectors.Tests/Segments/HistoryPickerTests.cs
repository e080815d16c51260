using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

public sealed class HistoryPickerTests
{
    [Fact]
    public void Nothing_is_due_where_segments_are_few_or_of_different_tiers()
    {
        Assert.Equal((0, 0), HistoryPicker.Pick([], 100, 10_000));
        Assert.Equal((0, 0), HistoryPicker.Pick(Many(3, 100, life: 1000), 100, 10_000));
        Assert.Equal((0, 0), HistoryPicker.Pick([.. Many(2, 400, life: 9000), .. Many(3, 100, life: 9000)], 100, 10_000));
    }

    [Fact]
    public void Four_neighbours_of_a_tier_merge_oldest_first_where_entries_lived_long()
    {
        Assert.Equal((0, 4), HistoryPicker.Pick(Many(9, 100, life: 1000), 100, 10_000));
        Assert.Equal((1, 5), HistoryPicker.Pick([.. Many(1, 400, life: 9000), .. Many(4, 100, life: 9000)], 100, 10_000));
        Assert.Equal((0, 4), HistoryPicker.Pick([.. Many(4, 390, life: 9000), .. Many(3, 100, life: 9000)], 100, 10_000));
        Assert.Equal((0, 0), HistoryPicker.Pick(Many(4, 400, life: 9000), 100, 1_599));
    }

    [Fact]
    public void Short_lives_are_not_merged_until_there_are_too_many_segments()
    {
        // Each segment took 100 to end, four of them 400; entries lived for 199, or 200.
        Assert.Equal((0, 0), HistoryPicker.Pick(Many(8, 100, life: 199), 100, 10_000));
        Assert.Equal((0, 4), HistoryPicker.Pick(Many(8, 100, life: 200), 100, 10_000));
        Assert.Equal((0, 4), HistoryPicker.Pick(Many(HistoryPicker.SegmentsMax + 1, 100, life: 1), 100, 10_000));
    }

    [Fact]
    public void A_segment_that_the_floor_has_passed_by_half_is_written_anew()
    {
        var segments = Many(3, 100, life: 1000);
        Assert.Equal((0, 0), HistoryPicker.Pick([segments[0] with { Ended = 50 }, segments[1]], 100, 10_000));
        Assert.Equal((1, 2), HistoryPicker.Pick([segments[0], segments[1] with { Ended = 51 }], 100, 10_000));
    }

    [Fact]
    public void A_summary_counts_what_has_ended_by_any_floor()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 2);
        using var segment = new HistorySegment(shape, new HnswOptions(), MemoryBudget.Unlimited());
        ulong[] ends = [50, 40, 90, 60, 60];
        var stored = new byte[shape.Bytes];
        foreach (var end in ends) segment.TryAppend(1, stored, 30, end);
        segment.Seal();
        // Up and down again, each floor twice: what is remembered of one floor is right for it alone.
        foreach (ulong floor in new ulong[] { 0, 39, 40, 41, 59, 60, 60, 89, 90, 200, 200, 55, 10, 10, 60 })
            Assert.Equal(new(5, ends.Count(end => end <= floor), 150, 40, 90), segment.Summarize(floor));
    }

    static HistorySummary[] Many(int segments, long count, double life) =>
        [.. Enumerable.Range(0, segments).Select(i => new HistorySummary(count, 0, count * life, (ulong)(1000 + (100 * i)), (ulong)(1100 + (100 * i))))];
}
