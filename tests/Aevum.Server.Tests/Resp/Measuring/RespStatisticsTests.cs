using Aevum.Server.Resp;

namespace Aevum.Server.Tests.Resp.Measuring;

public sealed class RespStatisticsTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    RespStatistics Statistics => _world.Server.Statistics;

    CommandCounts Counts(string name) =>
        Statistics.CountsOf(_world.Server.Commands.Find(System.Text.Encoding.ASCII.GetBytes(name))!, sinceReset: true);

    (long Calls, long Rejected, long Failed) Told(string name) => (Counts(name).Calls, Counts(name).Rejected, Counts(name).Failed);

    [Fact]
    public void Commands_are_counted_by_what_came_of_them()
    {
        _world.Ask("SET a x");
        _world.Ask("SET a");
        _world.Ask("INCR a");
        _world.Ask("LPUSH a 1");
        _world.Ask("GET a");
        _world.Ask("GET b");
        _world.Ask("NOPE");
        Assert.Equal((1, 1, 0), Told("set"));
        Assert.Equal((1, 0, 1), Told("incr"));
        Assert.Equal((1, 0, 1), Told("lpush"));
        Assert.Equal((2, 0, 0), Told("get"));
        var totals = Statistics.Totals(sinceReset: true);
        Assert.Equal(5, totals.Commands);
        Assert.Equal(4, totals.ErrorReplies);
        Assert.Equal((1, 1), (totals.KeyspaceHits, totals.KeyspaceMisses));
        Assert.Equal(3, Statistics.Errors(true)["ERR"]);
        Assert.Equal(1, Statistics.Errors(true)["WRONGTYPE"]);
        Assert.All(Statistics.All(true), c => Assert.Equal(c.Calls, c.Latency.Count));
    }

    [Fact]
    public void A_pipeline_of_reads_and_writes_is_counted_whole()
    {
        var text = string.Concat(Enumerable.Range(0, 100).Select(i => $"SET k{i} v\r\nGET k{i}\r\nDEL k{i}\r\n"));
        _world.First.Receive(System.Text.Encoding.ASCII.GetBytes(text));
        _world.First.Take();
        Assert.Equal((100, 0, 0), Told("set"));
        Assert.Equal((100, 0, 0), Told("get"));
        Assert.Equal((100, 0, 0), Told("del"));
        Assert.Equal(text.Length, Statistics.Totals(true).InputBytes);
        // A read behind writes is counted as a read, in the sequencer too.
        Assert.Equal((100, 0), (Statistics.Totals(true).KeyspaceHits, Statistics.Totals(true).KeyspaceMisses));
    }

    [Fact]
    public void What_is_queued_is_counted_when_it_runs()
    {
        _world.Ask("MULTI");
        _world.Ask("SET a 1");
        _world.Ask("INCR a");
        _world.Ask("LPUSH a 1");
        Assert.Equal((0, 0, 0), Told("set"));
        _world.Ask("EXEC");
        Assert.Equal((1, 0, 0), Told("set"));
        Assert.Equal((1, 0, 0), Told("incr"));
        Assert.Equal((1, 0, 1), Told("lpush"));
        Assert.Equal((1, 0, 0), Told("exec"));
        Assert.Equal((1, 0, 0), Told("multi"));
    }

    [Fact]
    public void Connections_and_bytes_are_counted()
    {
        var before = Statistics.Totals(true);
        Assert.Equal((1, 1), (before.ConnectionsAccepted, before.Connections));
        var second = _world.Connect();
        second.Ask("PING");
        var totals = Statistics.Totals(true);
        Assert.Equal((2, 2), (totals.ConnectionsAccepted, totals.Connections));
        Assert.Equal("PING\r\n".Length, totals.InputBytes - before.InputBytes);
        Assert.Equal("+PONG\r\n".Length, totals.OutputBytes - before.OutputBytes);
        second.Leave();
        Assert.Equal((2, 1), (Statistics.Totals(true).ConnectionsAccepted, Statistics.Totals(true).Connections));
    }

    [Fact]
    public void A_wait_is_counted_once_and_its_waiting_not_at_all()
    {
        var waiting = _world.Connect();
        waiting.Receive("BLPOP l 0\r\n"u8);
        _world.Settle();
        _world.Pass(TimeSpan.FromSeconds(5));
        _world.Ask("LPUSH l v");
        _world.Settle();
        Assert.Equal((1, 0, 0), Told("blpop"));
        Assert.True(Counts("blpop").Microseconds < 1e6);
    }

    [Fact]
    public void Measuring_a_command_allocates_nothing()
    {
        _world.Ask("SET a 1");
        _world.Ask("GET a");
        _world.Loop.EndTurn();
        var meter = _world.Server.EngineOf(_world.Loop).Meter;
        var get = _world.Server.Commands.Find("get"u8)!;
        Run(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int times)
        {
            for (var i = 0; i < times; i++)
            {
                meter.IsLastOfBurst = i % 16 == 15;
                meter.Begin(get);
                meter.End(_world.First.Client, get, default, "$-1\r\n"u8);
            }
        }
    }
}
