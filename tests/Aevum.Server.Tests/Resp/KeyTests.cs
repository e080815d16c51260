namespace Aevum.Server.Tests.Resp;

public sealed class KeyTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void An_answer_of_many_keys_comes_whole()
    {
        var names = Enumerable.Range(0, 12_000).Select(i => $"key:{i:D6}").ToArray();
        _world.Ask([.. names.SelectMany(n => new[] { n, "" }).Prepend("MSET")]);
        Assert.Equal($"[{string.Join(", ", names)}]", _world.Ask("KEYS *"));
    }

    [Fact]
    public void Keys_are_there_until_they_are_deleted()
    {
        _world.Ask("SET a 1");
        _world.Ask("SET b 2");
        Assert.Equal("3", _world.Ask("EXISTS a b a nothing"));
        Assert.Equal("string", _world.Ask("TYPE a"));
        Assert.Equal("none", _world.Ask("TYPE nothing"));
        Assert.Equal("2", _world.Ask("TOUCH a b"));
        Assert.Equal("1", _world.Ask("DEL a nothing"));
        Assert.Equal("1", _world.Ask("UNLINK b b"));
        Assert.Equal("0", _world.Ask("DBSIZE"));
    }

    [Fact]
    public void A_key_lives_as_long_as_it_was_told()
    {
        _world.Ask("SET a 1");
        Assert.Equal("-1", _world.Ask("TTL a"));
        Assert.Equal("-2", _world.Ask("TTL nothing"));
        Assert.Equal("0", _world.Ask("EXPIRE nothing 10"));
        Assert.Equal("1", _world.Ask("EXPIRE a 100"));
        Assert.Equal("100", _world.Ask("TTL a"));
        Assert.Equal("0", _world.Ask("EXPIRE a 10 NX"));
        Assert.Equal("0", _world.Ask("EXPIRE a 10 GT"));
        Assert.Equal("1", _world.Ask("EXPIRE a 10 LT"));
        Assert.Equal("0", _world.Ask("PEXPIRE a 20000 LT"));
        Assert.Equal("1", _world.Ask("PEXPIRE a 20000 XX"));
        Assert.Equal("(error) ERR NX and XX, GT or LT options at the same time are not compatible", _world.Ask("EXPIRE a 1 NX XX"));
        Assert.Equal("(error) ERR Unsupported option AB", _world.Ask("EXPIRE a 1 AB"));
        Assert.Equal("(error) ERR invalid expire time in 'expire' command", _world.Ask("EXPIRE a 9223372036854775807"));
        Assert.Equal("1", _world.Ask("PERSIST a"));
        Assert.Equal("0", _world.Ask("PERSIST a"));
        Assert.Equal("1", _world.Ask("EXPIREAT a 3317711742"));
        Assert.Equal("3317711742", _world.Ask("EXPIRETIME a"));
        Assert.Equal("1", _world.Ask("EXPIRE a -1"));
        Assert.Equal("0", _world.Ask("EXISTS a"));
        _world.Ask("SET b 1");
        _world.Ask("PEXPIRE b 50");
        _world.Pass(TimeSpan.FromMilliseconds(60));
        Assert.Equal("(nil)", _world.Ask("GET b"));
        Assert.Equal("0", _world.Ask("DBSIZE"));
    }

    [Fact]
    public void Expiries_behind_the_last_system_time_are_exact()
    {
        for (var i = 0; i < 200; i++) _world.Ask($"SADD large m{i}");
        _world.Ask("SADD small m");
        _world.Ask("SET text v");
        foreach (var key in (string[])["large", "small", "text"])
        {
            Assert.Equal("1", _world.Ask($"PEXPIREAT {key} 9007199254740993"));
            Assert.Equal("0", _world.Ask($"PEXPIREAT {key} 9007199254740993 GT"));
            Assert.Equal("0", _world.Ask($"PEXPIREAT {key} 9007199254740993 LT"));
            Assert.Equal("1", _world.Ask($"PEXPIREAT {key} 9223372036854775807 GT"));
            Assert.Equal("9223372036854775807", _world.Ask($"PEXPIRETIME {key}"));
            Assert.Equal("1", _world.Ask($"PEXPIREAT {key} 9007199254740992 LT"));
            Assert.Equal("9007199254740992", _world.Ask($"PEXPIRETIME {key}"));
            Assert.Equal("9007199254741", _world.Ask($"EXPIRETIME {key}"));
            _world.Ask($"RENAME {key} other");
            _world.Ask($"RENAME other {key}");
            Assert.Equal("9007199254740992", _world.Ask($"PEXPIRETIME {key}"));
        }
        _world.Ask("SREM large m1");
        _world.Ask("SADD small n");
        _world.Ask("APPEND text w");
        foreach (var key in (string[])["large", "small", "text"]) Assert.Equal("9007199254740992", _world.Ask($"PEXPIRETIME {key}"));
        for (var i = 0; i < 200; i++) _world.Ask($"SADD small m{i}");
        Assert.Equal("9007199254740992", _world.Ask("PEXPIRETIME small"));
        Assert.Equal("vw", _world.Ask("GET text"));
        Assert.Equal(2, StructureChecker.Check(_world));
        Assert.Equal("1", _world.Ask("EXPIRE large 10"));
        Assert.Equal("1", _world.Ask("PERSIST small"));
        Assert.Equal("[10, -1]", $"[{_world.Ask("TTL large")}, {_world.Ask("TTL small")}]");
        Assert.Equal("(error) ERR invalid expire time in 'set' command", _world.Ask("SET text v PX 9223372036854775807"));
        Assert.Equal("(error) ERR invalid expire time in 'pexpire' command", _world.Ask("PEXPIRE text 9223372036854775807"));
        _world.Pass(TimeSpan.FromSeconds(11));
        Assert.Equal("2", _world.Ask("EXISTS large small text"));
    }

    [Fact]
    public void A_key_gets_another_name()
    {
        Assert.Equal("(error) ERR no such key", _world.Ask("RENAME a b"));
        _world.Ask("SET a 1 EX 100");
        _world.Ask("SET b 2");
        Assert.Equal("0", _world.Ask("RENAMENX a b"));
        Assert.Equal("OK", _world.Ask("RENAME a b"));
        Assert.Equal("1", _world.Ask("GET b"));
        Assert.Equal("100", _world.Ask("TTL b"));
        Assert.Equal("1", _world.Ask("RENAMENX b c"));
        Assert.Equal("OK", _world.Ask("RENAME c c"));
        Assert.Equal("[c]", _world.Ask("KEYS *"));
    }

    [Fact]
    public void All_keys_are_listed_and_flushed()
    {
        foreach (var key in new[] { "one", "two", "three", "\0zero\0", "" }) _world.Ask("SET", key, "x");
        Assert.Equal("[, \0zero\0, one, three, two]", _world.Ask("KEYS *"));
        Assert.Equal("[three, two]", _world.Ask("KEYS t*"));
        Assert.Equal("[one]", _world.Ask("KEYS [m-p]?e"));
        Assert.Equal("5", _world.Ask("DBSIZE"));
        _world.Ask("SELECT 1");
        Assert.Equal("0", _world.Ask("DBSIZE"));
        _world.Ask("SELECT 0");
        Assert.Equal("OK", _world.Ask("FLUSHDB"));
        Assert.Equal("0", _world.Ask("DBSIZE"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("FLUSHDB NOW"));
    }
}
