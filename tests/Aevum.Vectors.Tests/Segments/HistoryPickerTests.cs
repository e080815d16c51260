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

    static HistorySummary[] Many(int segments, long count, double life) =>
        [.. Enumerable.Range(0, segments).Select(i => new HistorySummary(count, 0, count * life, (ulong)(1000 + (100 * i)), (ulong)(1100 + (100 * i))))];
}
