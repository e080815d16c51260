using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Tests.Resp.Measuring;

public sealed class LatencyEventsTests
{
    [Fact]
    public void Each_second_keeps_its_longest_and_a_kind_its_longest_of_all()
    {
        var events = new LatencyEvents();
        events.Add("command", 10, 300);
        events.Add("command", 10, 200);
        events.Add("command", 12, 100);
        events.Add("commit", 11, 50);
        var all = events.All();
        Assert.Equal(["command", "commit"], all.Select(e => e.Name));
        Assert.Equal([new LatencySample(10, 300), new LatencySample(12, 100)], all[0].Samples);
        Assert.Equal(300, all[0].MillisecondsMax);
        Assert.True(events.Reset("commit"));
        Assert.False(events.Reset("commit"));
        Assert.Null(events.Find("commit"));
        Assert.Equal(1, events.Reset());
        Assert.Empty(events.All());
    }

    [Fact]
    public void A_kind_keeps_so_many_seconds_and_no_more()
    {
        var events = new LatencyEvents();
        for (var second = 0; second < 500; second++) events.Add("command", second, second == 3 ? 999 : 100);
        var found = events.Find("command")!;
        Assert.Equal(Enumerable.Range(500 - LatencyEvents.SamplesMax, LatencyEvents.SamplesMax).Select(s => (long)s), found.Samples.Select(s => s.UnixSeconds));
        Assert.Equal(999, found.MillisecondsMax);
    }
}
