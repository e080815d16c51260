using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Tests;

public sealed class RowResultTests
{
    static readonly Row Beside = new() { Name = "r", Scenario = "s", Unit = "ns/op", What = "", AtLeast = 2, Aim = 4 };
    static readonly Row Alone = new() { Name = "r", Scenario = "s", Unit = "ms", What = "", AtMost = 200 };

    [Theory]
    [InlineData(new double[] { }, double.NaN)]
    [InlineData(new[] { 3.0 }, 3)]
    [InlineData(new[] { 9.0, 1, 5 }, 5)]
    [InlineData(new[] { 4.0, 1, 3, 100 }, 3.5)]
    public void Medians(double[] values, double expected) => Assert.Equal(expected, Median.Of(values));

    [Theory]
    [InlineData(100, 199, Verdict.Missed)]
    [InlineData(100, 200, Verdict.Met)]
    [InlineData(100, 399, Verdict.Met)]
    [InlineData(100, 400, Verdict.Aimed)]
    internal void A_ratio_is_judged_from_below(double ours, double peer, Verdict verdict)
    {
        var result = RowResult.Create(Beside, "", [Round("cpu", ours)], [Round("cpu", peer)], "");
        Assert.Equal(verdict, result.Verdict);
        Assert.Equal(peer / ours, result.Ratio);
    }

    [Theory]
    [InlineData(200, Verdict.Met)]
    [InlineData(200.1, Verdict.Missed)]
    internal void Our_own_figure_is_judged_from_above(double ours, Verdict verdict)
    {
        var result = RowResult.Create(Alone, "", [Round("cpu", ours)], [Round("cpu", 1)], "");
        Assert.Equal(verdict, result.Verdict);
        Assert.Null(result.Ratio);
        Assert.Null(result.Peer);
        Assert.Contains(new("beside_peer", 1), result.Beside);
    }

    [Theory]
    [InlineData(199, Verdict.Missed)]
    [InlineData(200, Verdict.Met)]
    [InlineData(400, Verdict.Aimed)]
    internal void Our_own_figure_may_be_judged_from_below(double ours, Verdict verdict)
    {
        var row = new Row { Name = "r", Scenario = "s", Unit = "q/s", What = "", AtLeast = 200, Aim = 400, BoundsOurs = true };
        var result = RowResult.Create(row, "", [Round("cpu", ours)], [Round("cpu", 1)], "");
        Assert.Equal(verdict, result.Verdict);
        Assert.Null(result.Ratio);
        Assert.Equal("ours >= 200 q/s", row.BoundText);
    }

    [Fact]
    public void A_second_bound_that_does_not_hold_is_a_miss()
    {
        var result = RowResult.Create(Beside, "", [Round("cpu", 1)], [Round("cpu", 9)], "") with { Exceeded = "too much" };
        Assert.Equal((Verdict.Missed, 9), (result.Verdict, result.Ratio!.Value));
    }

    [Fact]
    public void The_ratio_is_that_of_the_medians_and_the_spread_that_of_the_rounds()
    {
        var result = RowResult.Create(Beside, "", [Round("cpu", 10), Round("cpu", 20), Round("cpu", 12)],
            [Round("cpu", 30), Round("cpu", 100), Round("cpu", 36)], "");
        Assert.Equal(3, result.Ratio);                  // 36 / 12
        Assert.Equal((5 - 3) / 3.0, result.Spread);     // rounds: 3, 5, 3
        Assert.Equal(3, result.Rounds);
    }

    [Theory]
    [InlineData(5, 3, "to_last_put", 3)]
    [InlineData(3, 5, "cpu", 3)]
    public void Of_two_fields_the_worse_judges(double ratioToIdle, double ratioToLastPut, string judge, double ratio)
    {
        var row = Beside with { Fields = ["cpu", "to_last_put"] };
        var result = RowResult.Create(row, "", [[.. Round("cpu", 10), .. Round("to_last_put", 7)]],
            [[.. Round("cpu", 10 * ratioToIdle), .. Round("to_last_put", 7 * ratioToLastPut)]], "");
        Assert.Equal(ratio, result.Ratio!.Value, 9);
        Assert.Equal(judge == "cpu" ? 10 : 7, result.Ours);
        var (name, value) = judge == "cpu" ? ("ours_to_last_put", 7.0) : ("ours_to_idle", 10.0);
        Assert.Contains(new(name, value), result.Beside);
    }

    [Fact]
    public void Wall_time_and_other_fields_are_told_beside()
    {
        var result = RowResult.Create(Beside, " (quick)", [[.. Round("cpu", 10), .. Round("wall", 20), .. Round("open_ms", 4)]],
            [[.. Round("cpu", 30), .. Round("wall", 50)]], "");
        Assert.Equal("r (quick)", result.Name);
        Assert.Equal([new("wall_ratio", 2.5), new("ours_wall", 20), new("peer_wall", 50), new("ours_open_ms", 4)], result.Beside);
    }

    [Fact]
    public void Readings_of_other_rows_do_not_count() =>
        Assert.Equal(10, RowResult.Create(Beside, "", [[new("other", "cpu", 99), .. Round("cpu", 10)]], [Round("cpu", 30)], "").Ours);

    [Fact]
    public void One_side_alone_is_not_judged() => Assert.Equal(Verdict.NoBound, RowResult.Create(Beside, "", [], [Round("cpu", 3)], "").Verdict);

    [Fact]
    public void An_error_or_silence_is_a_failure()
    {
        Assert.Equal(Verdict.Failed, RowResult.Create(Beside, "", [Round("cpu", 10)], [Round("cpu", 30)], "it broke").Verdict);
        Assert.Equal(Verdict.Failed, RowResult.Create(Beside, "", [[]], [[]], "").Verdict);
    }

    static Reading[] Round(string field, double value) => [new("r", field, value)];
}
