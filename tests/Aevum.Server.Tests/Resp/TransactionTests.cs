namespace Aevum.Server.Tests.Resp;

public sealed class TransactionTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_is_queued_runs_at_one_instant()
    {
        var other = _world.Connect();
        Assert.Equal("OK", _world.Ask("MULTI"));
        Assert.Equal("QUEUED", _world.Ask("SET a 1"));
        Assert.Equal("QUEUED", _world.Ask("INCR a"));
        Assert.Equal("QUEUED", _world.Ask("PING between"));
        Assert.Equal("QUEUED", _world.Ask("GET a"));
        Assert.Equal("(nil)", other.Ask("GET a"));
        var before = _world.Position;
        Assert.Equal("[OK, 2, between, 2]", _world.Ask("EXEC"));
        Assert.Equal(before + 1, _world.Position);
        Assert.Equal("2", other.Ask("GET a"));
        Assert.Equal("(error) ERR EXEC without MULTI", _world.Ask("EXEC"));
    }

    [Fact]
    public void An_error_of_one_command_does_not_hold_up_the_others()
    {
        _world.Ask("SET text hello");
        _world.Ask("MULTI");
        _world.Ask("INCR text");
        _world.Ask("SET b 1");
        Assert.Equal("[(error) ERR value is not an integer or out of range, OK]", _world.Ask("EXEC"));
        Assert.Equal("1", _world.Ask("GET b"));
    }

    [Fact]
    public void A_request_that_is_refused_while_queueing_discards_all()
    {
        _world.Ask("MULTI");
        _world.Ask("SET a 1");
        Assert.StartsWith("(error) ERR unknown command", _world.Ask("NOPE"), StringComparison.Ordinal);
        Assert.Equal("(error) EXECABORT Transaction discarded because of previous errors.", _world.Ask("EXEC"));
        Assert.Equal("(nil)", _world.Ask("GET a"));
        Assert.Equal("(error) ERR DISCARD without MULTI", _world.Ask("DISCARD"));
        _world.Ask("MULTI");
        Assert.Equal("(error) ERR MULTI calls can not be nested", _world.Ask("MULTI"));
        Assert.Equal("(error) ERR WATCH inside MULTI is not allowed", _world.Ask("WATCH a"));
        Assert.Equal("OK", _world.Ask("DISCARD"));
    }

    [Theory]
    [InlineData("SET w 2", false)]
    [InlineData("GET w", true)]
    [InlineData("SET other 2", true)]
    [InlineData("SET w 1", false)]   // the same value is a change, too
    public void A_watched_key_that_changes_lets_nothing_happen(string meanwhile, bool runs)
    {
        var other = _world.Connect();
        _world.Ask("SET w 1");
        Assert.Equal("OK", _world.Ask("WATCH w nothing"));
        other.Ask(meanwhile);
        _world.Ask("MULTI");
        _world.Ask("SET done yes");
        Assert.Equal(runs ? "[OK]" : "(nil)", _world.Ask("EXEC"));
        Assert.Equal(runs ? "yes" : "(nil)", _world.Ask("GET done"));
        _world.Ask("MULTI");
        _world.Ask("SET done again");
        Assert.Equal("[OK]", _world.Ask("EXEC"));   // EXEC ended the watch
    }

    [Theory]
    [InlineData("FLUSHALL")]
    [InlineData("FLUSHDB")]
    public void Flushing_touches_watched_keys_that_are_there(string flush)
    {
        var other = _world.Connect();
        _world.Ask("SET other 1");

        string Exec(params string[] meanwhile)
        {
            _world.Ask("WATCH w");
            foreach (var request in meanwhile) other.Ask(request);
            _world.Ask("MULTI");
            _world.Ask("PING");
            return _world.Ask("EXEC");
        }
        Assert.Equal("[PONG]", Exec(flush));
        Assert.Equal("[PONG]", Exec(flush, "SET other 2", flush));
        Assert.Equal("(nil)", Exec("SET w 1", flush));      // there and gone again
        Assert.Equal("(nil)", Exec(flush, "SET w 1"));
        Assert.Equal("(nil)", Exec(flush));
        Assert.Equal("[PONG]", Exec(flush));
        Assert.Equal("(nil)", Exec("SET w 1", "DEL w"));
    }

    [Fact]
    public void Commands_that_write_are_counted_until_they_are_saved()
    {
        long Changes()
        {
            var told = _world.Ask("INFO persistence").Split("rdb_changes_since_last_save:")[1].Split('\r', '\n')[0];
            return long.Parse(told, System.Globalization.CultureInfo.InvariantCulture);
        }
        var before = Changes();
        foreach (var request in (string[])["SET a 1", "SETBIT b 0 0", "GET a", "DEL nothing", "INCR a"]) _world.Ask(request);
        Assert.Equal(before + 3, Changes());
        foreach (var request in (string[])["SETBIT b 0 0", "SADD s x", "SADD s x", "SET a 1 NX", "LPUSH a x"]) _world.Ask(request);
        Assert.Equal(before + 4, Changes());
        foreach (var request in (string[])["MULTI", "SET a 1", "GET a", "RPUSH l 1", "EXEC"]) _world.Ask(request);
        Assert.Equal(before + 6, Changes());
        _world.Ask("SAVE");
        Assert.Equal(0, Changes());
    }

    [Fact]
    public void A_watched_key_that_expires_or_appears_is_a_change()
    {
        _world.Ask("SET w 1 PX 100");
        _world.Ask("WATCH w");
        _world.Pass(TimeSpan.FromSeconds(1));
        _world.Ask("MULTI");
        _world.Ask("SET done yes");
        Assert.Equal("(nil)", _world.Ask("EXEC"));
        _world.Ask("WATCH new");
        _world.Ask("SET new 1");
        _world.Ask("MULTI");
        Assert.Equal("(nil)", _world.Ask("EXEC"));
        _world.Ask("WATCH new");
        _world.Ask("SET new 2");
        Assert.Equal("OK", _world.Ask("UNWATCH"));
        _world.Ask("MULTI");
        _world.Ask("GET new");
        Assert.Equal("[2]", _world.Ask("EXEC"));
    }

    [Fact]
    public void A_command_that_fails_when_the_others_are_done_fails_alone()
    {
        var (waiter, listener) = (_world.Connect(), _world.Connect());
        _world.Ask("CONFIG SET notify-keyspace-events E$");
        listener.Ask("SUBSCRIBE __keyevent@0__:set");
        waiter.Receive("BLPOP l 0\r\n"u8);
        foreach (var request in (string[])["MULTI", "SET a 1", "AEVUM.ASOF v:1", "RPUSH l x", "ECHO b"]) _world.Ask(request);
        Assert.Matches(@"^\[OK, \(error\) [^,]*, 1, b\]$", _world.Ask("EXEC"));
        Assert.Equal("[message, __keyevent@0__:set, a]", ReplyText.Of(listener.Take()));
        Assert.Equal("[l, x]", ReplyText.Of(waiter.Take()));
    }

    [Fact]
    public void Others_hear_of_a_transaction_when_it_is_committed_however_long_its_reply_takes()
    {
        var (waiter, listener) = (_world.Connect(), _world.Connect());
        _world.Ask("CONFIG SET notify-keyspace-events El");
        listener.Ask("SUBSCRIBE __keyevent@0__:rpush");
        waiter.Receive("BLPOP l 0\r\n"u8);
        _world.Settle();
        _world.First.Receive("MULTI\r\nRPUSH l x y\r\nINFO server\r\nINFO clients\r\nEXEC\r\n"u8);
        _world.Loop.EndTurn();   // no worker has run yet
        Assert.EndsWith("+QUEUED\r\n", System.Text.Encoding.ASCII.GetString(_world.First.Sent), StringComparison.Ordinal);
        Assert.Equal("*2\r\n$1\r\nl\r\n$1\r\nx\r\n", System.Text.Encoding.ASCII.GetString(waiter.Sent));
        Assert.Contains("[2, ", ReplyText.Of(_world.First.Take()), StringComparison.Ordinal);
        Assert.Equal("[message, __keyevent@0__:rpush, l]", ReplyText.Of(listener.Take()));
    }

    [Fact]
    public void Databases_are_apart_also_inside_a_transaction()
    {
        _world.Ask("SET a zero");
        _world.Ask("MULTI");
        _world.Ask("SELECT 3");
        _world.Ask("SET a three");
        _world.Ask("GET a");
        Assert.Equal("[OK, OK, three]", _world.Ask("EXEC"));
        Assert.Equal("three", _world.Ask("GET a"));
        Assert.Equal("OK", _world.Ask("SELECT 0"));
        Assert.Equal("zero", _world.Ask("GET a"));
        Assert.Equal("(error) ERR DB index is out of range", _world.Ask("SELECT 16"));
    }

    [Fact]
    public void Who_says_hello_is_answered_in_the_third_version()
    {
        Assert.Equal("(error) NOPROTO unsupported protocol version", _world.Ask("HELLO 4"));
        Assert.Equal("{server: redis, version: 7.0.15, proto: 3, id: 1, mode: standalone, role: master, modules: []}", _world.Ask("HELLO 3"));
        Assert.Equal("(nil)", _world.Ask("GET nothing"));
        Assert.Equal("RESET", _world.Ask("RESET"));
        Assert.Equal("OK", _world.Ask("QUIT"));
        Assert.True(_world.First.IsClosed);
    }
}
