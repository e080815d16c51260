namespace Aevum.Server.Tests.Resp;

/// <summary>What large objects leave behind when they go, and that it is taken away: by DEL, overwriting, expiry, STORE.</summary>
public sealed class CollectorTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    void Fill(string key, int members)
    {
        for (var from = 0; from < members; from += 100)
            _world.Ask(["SADD", key, .. Enumerable.Range(from, Math.Min(100, members - from)).Select(i => $"member {i}")]);
    }

    void Collect() => _world.Pass(TimeSpan.FromSeconds(3));

    [Theory]
    [InlineData(200)]     // each row by itself
    [InlineData(1000)]    // one range delete
    public void Elements_of_what_is_deleted_go(int members)
    {
        Fill("s", members);
        Fill("t", 150);
        Assert.Equal(members + 150, RowCounter.Elements(_world));
        _world.Ask("DEL s");
        Assert.Equal(members + 150, RowCounter.Elements(_world));   // only the head went at once
        Assert.Equal(1, RowCounter.Garbage(_world));
        Collect();
        Assert.Equal(150, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
        Assert.Equal("150", _world.Ask("SCARD t"));
        StructureChecker.Check(_world);
    }

    [Fact]
    public void What_takes_the_key_anew_keeps_its_own()
    {
        Fill("s", 200);
        _world.Ask("DEL s");
        Fill("s", 300);
        _world.Ask("SET t x");
        Collect();
        Assert.Equal(300, RowCounter.Elements(_world));
        Assert.Equal("300", _world.Ask("SCARD s"));
        StructureChecker.Check(_world);
    }

    [Fact]
    public void What_expires_goes_when_it_has_expired()
    {
        Fill("s", 200);
        _world.Ask("EXPIRE s 10");
        Collect();
        Assert.Equal(200, RowCounter.Elements(_world));
        _world.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(0, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void What_was_to_expire_and_lives_on_stays()
    {
        Fill("s", 200);
        Fill("t", 200);
        _world.Ask("EXPIRE s 10");
        _world.Ask("EXPIRE t 10");
        _world.Ask("PERSIST s");
        _world.Ask("EXPIRE t 30");
        _world.Pass(TimeSpan.FromSeconds(15));
        Assert.Equal(400, RowCounter.Elements(_world));
        Assert.Equal("200", _world.Ask("SCARD t"));
        _world.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(200, RowCounter.Elements(_world));
        Assert.Equal("200", _world.Ask("SCARD s"));
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void Rows_of_databases_that_were_flushed_go_too()
    {
        Fill("s", 200);
        _world.Ask("DEL s");
        _world.Ask("FLUSHDB");
        Collect();
        Assert.Equal(0, RowCounter.Garbage(_world));
    }
}
