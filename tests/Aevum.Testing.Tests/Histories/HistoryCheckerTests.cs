// Hand-made histories of each anomaly, which the checker must find, and their neighbours, in which there is none.
//
//   "x1"    a version of x; written "x:1" at time 1 unless told otherwise

using Aevum.Testing.Histories;

namespace Aevum.Testing.Tests.Histories;

public sealed class HistoryCheckerTests
{
    const HistoryLevel RC = HistoryLevel.ReadCommitted, SI = HistoryLevel.Snapshot, SER = HistoryLevel.Serializable;

    static HistoryTransaction T(string name, HistoryLevel level, params HistoryStep[] steps) => new() { Name = name, Level = level, Steps = steps };

    static HistoryTransaction GivenUp(string name, params HistoryStep[] steps) => new() { Name = name, IsCommitted = false, Steps = steps };

    static KeyRead R(string key, string? tag) => new(key, tag);

    static KeyWrite W(string tag, ulong time) => new(tag[..1], tag, time);

    static KeyWrite D(string tag, ulong time) => new(tag[..1], tag, time, IsDelete: true);

    static RangeRead All(params string[] tags) => new("a", "zz", tags.ToDictionary(t => t[..1], t => t));

    static string Names(params HistoryTransaction[] history) => string.Join(' ', HistoryChecker.Check(history).Select(a => a.Name).Distinct());

    static readonly HistoryTransaction Initial = T("initial", RC, W("x0", 1), W("y0", 1));

    [Fact]
    public void Nothing_is_found_where_nothing_is_wrong()
    {
        Assert.Equal("", Names());
        Assert.Equal("", Names(Initial, T("1", SER, R("x", "x0"), W("x1", 2)),
            T("2", SER, R("x", "x1"), R("y", "y0"), W("y2", 3)), T("3", SER, All("x1", "y2"))));
    }

    [Fact]
    public void G0_one_time_for_two_versions_and_writes_in_two_orders()
    {
        Assert.Equal("G0", Names(Initial, T("1", RC, W("x1", 2)), T("2", RC, W("x2", 2))));
        Assert.Equal("G0", Names(Initial, T("1", RC, W("x1", 2), W("y1", 5)), T("2", RC, W("x2", 3), W("y2", 4))).Split(' ')[0]);
    }

    [Fact]
    public void G1a_a_read_of_what_was_given_up()
    {
        Assert.Equal("G1a", Names(Initial, GivenUp("1", W("x1", 0)), T("2", RC, R("x", "x1"))));
        Assert.Equal("thin air", Names(Initial, T("2", RC, R("x", "x7"))));
    }

    [Fact]
    public void G1b_a_read_of_what_was_not_final()
    {
        Assert.Equal("G1b", Names(Initial, T("1", RC, W("x1", 2), W("x2", 2)), T("2", RC, R("x", "x1"))));
        Assert.Equal("", Names(Initial, T("1", RC, W("x1", 2), W("x2", 2)), T("2", RC, R("x", "x2"))));
    }

    [Fact]
    public void G1c_two_that_have_read_each_other() =>
        Assert.Equal("G1c", Names(Initial, T("1", RC, W("x1", 2), R("y", "y2")), T("2", RC, W("y2", 3), R("x", "x1"))).Split(' ')[0]);

    [Fact]
    public void A_lost_update()
    {
        foreach (var level in new[] { SI, SER })
            Assert.StartsWith("G-single", Names(
                Initial, T("1", level, R("x", "x0"), W("x1", 2)), T("2", level, R("x", "x0"), W("x2", 3))), StringComparison.Ordinal);
        // Not promised otherwise; and the first one's reader is in order.
        Assert.Equal("", Names(Initial, T("1", RC, R("x", "x0"), W("x1", 2)), T("2", RC, R("x", "x0"), W("x2", 3))));
        Assert.Equal("", Names(Initial, T("1", SI, R("x", "x0"), W("x1", 2)), T("2", SI, R("x", "x1"), W("x2", 3))));
    }

    [Fact]
    public void A_read_of_two_moments()
    {
        var writer = T("1", SI, W("x1", 2), W("y1", 2));
        Assert.StartsWith("G-single", Names(Initial, writer, T("2", SI, R("x", "x0"), R("y", "y1"))), StringComparison.Ordinal);
        Assert.Equal("", Names(Initial, writer, T("2", RC, R("x", "x0"), R("y", "y1"))));
        Assert.Equal("internal", Names(Initial, T("1", SI, W("x1", 2)), T("2", SI, R("x", "x0"), R("x", "x1"))).Split(' ')[0]);
    }

    [Fact]
    public void A_write_skew()
    {
        HistoryTransaction[] Skew(HistoryLevel one, HistoryLevel two) =>
        [
            Initial, T("1", one, R("x", "x0"), R("y", "y0"), W("x1", 2)), T("2", two, R("x", "x0"), R("y", "y0"), W("y2", 3)),
        ];
        Assert.Equal("G2-item", Names(Skew(SER, SER)));
        Assert.Equal("", Names(Skew(SI, SI)));
        // The one that was promised less may have missed the other.
        Assert.Equal("", Names(Skew(SER, SI)));
    }

    [Fact]
    public void A_phantom()
    {
        HistoryTransaction[] Phantoms(HistoryLevel level) =>
        [
            Initial, T("1", level, All("x0", "y0"), W("a1", 2)), T("2", level, All("x0", "y0"), W("b2", 3)),
        ];
        Assert.Equal("G2", Names(Phantoms(SER)));
        Assert.Equal("", Names(Phantoms(SI)));
        // Of a range that does not reach it there is none.
        var narrow = new RangeRead("x", "z", new Dictionary<string, string> { ["x"] = "x0", ["y"] = "y0" });
        Assert.Equal("", Names(Initial, T("1", SER, narrow, W("a1", 2)), T("2", SER, narrow, W("b2", 3))));
        // Somebody whom a delete hides is one, too.
        Assert.Equal("G2", Names(Initial, T("1", SER, All("x0", "y0"), D("x1", 2)), T("2", SER, All("x0", "y0"), D("y2", 3))));
    }

    // Fekete, O'Neil, O'Neil, "A read-only transaction anomaly under snapshot isolation", SIGMOD Record 2004.
    [Fact]
    public void The_read_only_anomaly()
    {
        HistoryTransaction[] Accounts(HistoryLevel level, bool withReport)
        {
            HistoryTransaction[] both =
            [
                Initial,
                T("withdraw", level, R("x", "x0"), R("y", "y0"), W("x1", 5)),
                T("deposit", level, R("y", "y0"), W("y2", 3)),
            ];
            return withReport ? [.. both, T("report", level, R("x", "x0"), R("y", "y2"))] : both;
        }
        Assert.Equal("", Names(Accounts(SER, withReport: false)));
        Assert.Equal("G2-item", Names(Accounts(SER, withReport: true)));
        Assert.Equal("", Names(Accounts(SI, withReport: true)));
    }

    [Fact]
    public void A_long_fork()
    {
        HistoryTransaction[] Fork(HistoryLevel level) =>
        [
            Initial, T("1", level, W("x1", 2)), T("2", level, W("y2", 3)),
            T("3", level, R("x", "x1"), R("y", "y0")), T("4", level, R("x", "x0"), R("y", "y2")),
        ];
        Assert.StartsWith("G-nonadjacent", Names(Fork(SI)), StringComparison.Ordinal);
        Assert.StartsWith("G-nonadjacent", Names(Fork(SER)), StringComparison.Ordinal);
        Assert.Equal("", Names(Fork(RC)));
    }

    [Fact]
    public void Own_writes_are_read_back()
    {
        Assert.Equal("", Names(Initial, T("1", SER, W("x1", 2), R("x", "x1"), W("x2", 2), R("x", "x2"), D("x3", 2), R("x", null))));
        Assert.Equal("internal", Names(Initial, T("1", SER, W("x1", 2), R("x", "x0"))));
        Assert.Equal("internal", Names(Initial, T("1", RC, D("x1", 2), All("x0", "y0"))));
    }

    [Fact]
    public void An_absence_is_told_by_the_moment()
    {
        HistoryTransaction[] Deleted(ulong moment) =>
        [
            Initial, T("1", SER, D("x1", 2)), T("2", SER, R("z", "z4"), W("x2", 3)), T("3", SER, D("x3", 4)),
            new() { Name = "4", Level = SER, Moment = moment, Steps = [R("x", null), W("z4", 2)] },
        ];
        Assert.Equal("", Names(Deleted(2)));
        Assert.Equal("G1c", Names(Deleted(4)).Split(' ')[0]);
        // Something stood there.
        Assert.Equal("G-single", Names(Deleted(3)));
        // Nobody can tell which.
        Assert.Equal("", Names(Deleted(0)));
    }

    [Fact]
    public void Strictness_is_held_against_real_time()
    {
        HistoryTransaction Timed(string name, long began, long? ended, params HistoryStep[] steps) =>
            new() { Name = name, Level = SER, Began = began, Ended = ended, Steps = steps };
        Assert.Equal("strict", Names(Initial, Timed("1", 1, 2, W("x1", 2)), Timed("2", 3, 4, R("x", "x0"))));
        Assert.Equal("", Names(Initial, Timed("1", 1, 3, W("x1", 2)), Timed("2", 2, 4, R("x", "x0"))));
        Assert.Equal("", Names(Initial, Timed("1", 1, null, W("x1", 2)), Timed("2", 3, 4, R("x", "x0"))));
        Assert.Empty(HistoryChecker.Check([Initial, Timed("1", 1, 2, W("x1", 2)), Timed("2", 3, 4, R("x", "x0"))], strict: false));
    }

    // Histories of a toy that does what it should, or leaves one thing out: none of the first may be flagged, of the others enough.
    [Theory, Seeds(30)]
    public void A_toy_database_is_judged_as_it_is_built(ulong seed)
    {
        Assert.Equal("", string.Join("; ", HistoryChecker.Check(new ToyDatabase(seed, ToyFault.None).Run())));
        Assert.Contains(HistoryChecker.Check(new ToyDatabase(seed, ToyFault.NoReadChecks).Run()), a => a.Name is "G2" or "G2-item");
        Assert.Contains(HistoryChecker.Check(new ToyDatabase(seed, ToyFault.NoWriteChecks).Run()), a => a.Name == "G-single");
        Assert.Contains(HistoryChecker.Check(new ToyDatabase(seed, ToyFault.SeesThePresent).Run()), a => a.Name is "G-single" or "G-nonadjacent" or "internal");
    }
}
