using System.Text;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Tests.Resp.Measuring;

public sealed class SlowLogTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    SlowLog Log => _world.Server.Statistics.SlowLog;

    string[] Texts(int index) => [.. Log.Newest(10)[index].Arguments.Select(a => Encoding.Latin1.GetString(a))];

    [Fact]
    public void Nothing_is_logged_that_is_not_slow_and_everything_if_that_is_asked_for()
    {
        _world.Ask("SET a 1");
        Assert.Equal(0, Log.Length);
        _world.Server.Statistics.SlowMicroseconds = 0;
        _world.Ask("SADD set 3 4 5");
        _world.Ask("GET a");
        _world.Ask("PING");
        Assert.Equal(["PING"], Texts(0));
        Assert.Equal(["GET", "a"], Texts(1));
        Assert.Equal(["SADD", "set", "3", "4", "5"], Texts(2));
        Assert.Equal([2, 1, 0], Log.Newest(10).Select(e => e.Id));
        _world.Server.Statistics.SlowMicroseconds = -1;
        _world.Ask("PING");
        Assert.Equal(3, Log.Length);
        Log.Reset();
        _world.Server.Statistics.SlowMicroseconds = 0;
        _world.Ask("PING");
        Assert.Equal(3, Log.Newest(1)[0].Id);   // ids go on
    }

    [Fact]
    public void It_keeps_the_newest()
    {
        Log.LengthMax = 3;
        _world.Server.Statistics.SlowMicroseconds = 0;
        for (var i = 0; i < 10; i++) _world.Ask($"SET k{i} v");
        Assert.Equal(["k9", "k8", "k7"], Log.Newest(5).Select(e => Encoding.Latin1.GetString(e.Arguments[1])));
        Assert.Single(Log.Newest(1));
        Log.LengthMax = 1;
        Assert.Equal(1, Log.Length);
        Log.LengthMax = 0;
        _world.Ask("PING");
        Assert.Equal(0, Log.Length);
    }

    [Fact]
    public void Arguments_are_cut_as_redis_cuts_them()
    {
        _world.Server.Statistics.SlowMicroseconds = 0;
        _world.Ask("SADD set " + string.Join(' ', Enumerable.Range(3, 31)));
        Assert.Equal(32, Texts(0).Length);
        Assert.Equal("... (2 more arguments)", Texts(0)[31]);
        _world.Ask("SADD set " + string.Join(' ', Enumerable.Range(3, 30)));
        Assert.Equal("32", Texts(0)[31]);
        _world.Ask("SADD set foo " + new string('A', 129));
        Assert.Equal(new string('A', 128) + "... (1 more bytes)", Texts(0)[3]);
        _world.Ask("SADD set foo " + new string('A', 128));
        Assert.Equal(new string('A', 128), Texts(0)[3]);
    }

    [Fact]
    public void What_a_transaction_does_is_logged_and_its_EXEC_is_not()
    {
        _world.Server.Statistics.SlowMicroseconds = 0;
        _world.Ask("MULTI");
        _world.Ask("SET a 1");
        _world.Ask("PING");
        Log.Reset();
        _world.Ask("EXEC");
        Assert.Equal(["PING"], Texts(0));
        Assert.Equal(["SET", "a", "1"], Texts(1));
        Assert.Equal(2, Log.Length);
    }

    [Fact]
    public void An_entry_names_its_client()
    {
        _world.Ask("HELLO 2 SETNAME somebody");
        _world.Server.Statistics.SlowMicroseconds = 0;
        _world.Ask("SET a 1");
        var entry = Log.Newest(1)[0];
        Assert.Equal("somebody", entry.ClientName);
        Assert.Equal("127.0.0.1:50000", entry.Address);
        Assert.Equal(_world.Scheduler.Time.GetUtcNow().ToUnixTimeSeconds(), entry.UnixSeconds);
    }
}
