using Aevum.Core.Files;

namespace Aevum.Server.Tests.Resp;

public sealed class PubSubTests : IDisposable
{
    const string Refused = "(error) ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string Read(TestChannel channel) => ReplyText.Of(channel.Take());

    [Fact]
    public void Messages_go_to_those_who_listen()
    {
        var listener = _world.Connect();
        Assert.Equal("[subscribe, a, 1] [subscribe, b, 2]", listener.Ask("SUBSCRIBE a b"));
        Assert.Equal("[psubscribe, x*, 3]", listener.Ask("PSUBSCRIBE x*"));
        Assert.Equal("[ssubscribe, s, 1]", listener.Ask("SSUBSCRIBE s"));
        Assert.Equal(Refused, listener.Ask("GET k"));
        Assert.Equal("[pong, ]", listener.Ask("PING"));
        Assert.Equal("[pong, hi]", listener.Ask("PING hi"));
        Assert.Equal("1", _world.Ask("PUBLISH a one"));
        Assert.Equal("1", _world.Ask("PUBLISH xyz two"));
        Assert.Equal("1", _world.Ask("SPUBLISH s three"));
        Assert.Equal("0", _world.Ask("PUBLISH s no"));
        Assert.Equal("0", _world.Ask("SPUBLISH a no"));
        Assert.Equal("[message, a, one] [pmessage, x*, xyz, two] [smessage, s, three]", Read(listener));
        Assert.Equal("[unsubscribe, a, 2] [unsubscribe, b, 1]", listener.Ask("UNSUBSCRIBE"));
        Assert.Equal("[unsubscribe, (nil), 1]", listener.Ask("UNSUBSCRIBE"));
        Assert.Equal("[punsubscribe, x*, 0]", listener.Ask("PUNSUBSCRIBE"));
        Assert.Equal("[sunsubscribe, s, 0]", listener.Ask("SUNSUBSCRIBE"));
        Assert.Equal("PONG", listener.Ask("PING"));
        Assert.Equal("0", _world.Ask("PUBLISH a gone"));
    }

    [Fact]
    public void In_the_third_version_messages_are_pushes_and_everything_is_allowed()
    {
        _world.Ask("HELLO 3");
        Assert.Equal(">[subscribe, a, 1] >[subscribe, a, 1]", _world.Ask("SUBSCRIBE a a"));
        Assert.Equal(">[message, a, hi] 1", _world.Ask("PUBLISH a hi"));
        Assert.Equal("(nil)", _world.Ask("GET k"));
        Assert.Equal("PONG", _world.Ask("PING"));
        Assert.Equal("RESET", _world.Ask("RESET"));
        Assert.Equal("[a, 0]", _world.Ask("PUBSUB NUMSUB a"));
    }

    [Fact]
    public void Who_listens_is_told()
    {
        var (one, two) = (_world.Connect(), _world.Connect(_world.AddLoop()));
        one.Ask("SUBSCRIBE news.a news.b");
        two.Ask("SUBSCRIBE news.a");
        two.Ask("PSUBSCRIBE n* m*");
        one.Ask("PSUBSCRIBE n*");
        two.Ask("SSUBSCRIBE shard");
        Assert.Equal("[news.a, 2, news.b, 1, none, 0]", _world.Ask("PUBSUB NUMSUB news.a news.b none"));
        Assert.Equal("2", _world.Ask("PUBSUB NUMPAT"));
        Assert.Equal("[news.b]", _world.Ask("PUBSUB CHANNELS *b"));
        Assert.Equal("[shard]", _world.Ask("PUBSUB SHARDCHANNELS"));
        Assert.Equal("[shard, 1]", _world.Ask("PUBSUB SHARDNUMSUB shard"));
        Assert.Equal("[]", _world.Ask("PUBSUB NUMSUB"));
        Assert.Equal("(error) ERR unknown subcommand 'x'. Try PUBSUB HELP.", _world.Ask("PUBSUB x"));
        one.Leave();
        Assert.Equal("[news.a, 1, news.b, 0]", _world.Ask("PUBSUB NUMSUB news.a news.b"));
    }

    [Fact]
    public void Messages_of_one_publisher_come_in_order_on_every_loop()
    {
        var listeners = new[] { _world.Connect(), _world.Connect(_world.AddLoop()), _world.Connect(_world.AddLoop()) };
        listeners[1].Ask("HELLO 3");
        foreach (var listener in listeners) listener.Ask("SUBSCRIBE a");
        for (var i = 0; i < 100; i++) Assert.Equal("3", _world.Ask($"PUBLISH a {i}"));
        var wanted = Enumerable.Range(0, 100).Select(i => $"[message, a, {i}]");
        Assert.Equal(string.Join(' ', wanted), Read(listeners[0]));
        Assert.Equal(string.Join(' ', wanted.Select(w => ">" + w)), Read(listeners[1]));
        Assert.Equal(string.Join(' ', wanted), Read(listeners[2]));
    }

    [Fact]
    public void Who_takes_messages_too_slowly_is_ended()
    {
        var (slow, quick) = (_world.Connect(), _world.Connect());
        slow.Ask("SUBSCRIBE a");
        quick.Ask("SUBSCRIBE a");
        Assert.Equal("OK", _world.Ask("CONFIG SET client-output-buffer-limit \"pubsub 1000 500 10\""));
        slow.ExtraPending = 600;
        Assert.Equal("2", _world.Ask("PUBLISH a x"));
        Assert.False(slow.IsClosed);
        _world.Pass(TimeSpan.FromSeconds(11));
        _world.Ask("PUBLISH a x");
        Assert.True(slow.IsClosed);   // above the soft limit for more than its seconds
        quick.ExtraPending = 5000;
        _world.Ask("PUBLISH a x");
        Assert.True(quick.IsClosed);
    }

    [Fact]
    public void Subscriptions_answer_also_those_who_want_no_replies()
    {
        var quiet = _world.Connect();
        Assert.Equal("", quiet.Ask("CLIENT REPLY OFF"));
        Assert.Equal("", quiet.Ask("PING"));
        Assert.Equal("[subscribe, a, 1]", quiet.Ask("SUBSCRIBE a"));
        _world.Ask("PUBLISH a x");
        Assert.Equal("[message, a, x]", Read(quiet));
        Assert.Equal("", quiet.Ask("PING"));
        var skipping = _world.Connect();
        Assert.Equal("", skipping.Ask("CLIENT REPLY SKIP"));
        Assert.Equal("", skipping.Ask("SET k v"));
        Assert.Equal("v", skipping.Ask("GET k"));
        Assert.Equal("OK", skipping.Ask("CLIENT REPLY ON"));
    }

    [Fact]
    public void Events_of_keys_are_published_as_settings_say()
    {
        var listener = _world.Connect(_world.AddLoop());
        listener.Ask("PSUBSCRIBE __key*");
        _world.Ask("SET k v");
        Assert.Equal("", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events KEA");
        _world.Ask("SET k v");
        Assert.Equal("[pmessage, __key*, __keyspace@0__:k, set] [pmessage, __key*, __keyevent@0__:set, k]", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events Kl");
        _world.Ask("SELECT 3");
        _world.Ask("SET k v");
        _world.Ask("LPUSH l a");
        Assert.Equal("[pmessage, __key*, __keyspace@3__:l, lpush]", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events Em");
        _world.Ask("GET k");
        _world.Ask("GET nothing");
        Assert.Equal("[pmessage, __key*, __keyevent@3__:keymiss, nothing]", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events En");
        _world.Ask("SET k again");
        _world.Ask("SET fresh v");
        Assert.Equal("[pmessage, __key*, __keyevent@3__:new, fresh]", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events E$");
        _world.Ask("MULTI");
        _world.Ask("SET a 1");
        _world.Ask("SET b 1");
        _world.Ask("EXEC");
        Assert.Equal("[pmessage, __key*, __keyevent@3__:set, a] [pmessage, __key*, __keyevent@3__:set, b]", Read(listener));
    }

    [Fact]
    public void Expiry_is_told_at_its_time()
    {
        var listener = _world.Connect();
        _world.Ask("SET before v PX 500");      // there when somebody begins to want to know
        _world.Ask("CONFIG SET notify-keyspace-events Ex");
        listener.Ask("SUBSCRIBE __keyevent@0__:expired");
        _world.Ask("SET k v PX 100");
        _world.Ask("SET kept v PX 100");
        _world.Ask("PERSIST kept");
        _world.Ask("SET later v PX 100");
        _world.Ask("PEXPIRE later 300");
        _world.Ask("SET gone v PX 100");
        _world.Ask("DEL gone");
        _world.Pass(TimeSpan.FromMilliseconds(50));
        Assert.Equal("", Read(listener));
        _world.Pass(TimeSpan.FromMilliseconds(100));
        Assert.Equal("[message, __keyevent@0__:expired, k]", Read(listener));
        _world.Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal("[message, __keyevent@0__:expired, later]", Read(listener));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("[message, __keyevent@0__:expired, before]", Read(listener));
        _world.Ask("DEBUG SET-ACTIVE-EXPIRE 0");
        _world.Ask("SET quiet v PX 100");
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", _world.Ask("GET quiet"));
        Assert.Equal("", Read(listener));
        _world.Ask("DEBUG SET-ACTIVE-EXPIRE 1");
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("[message, __keyevent@0__:expired, quiet]", Read(listener));
        _world.Ask("CONFIG SET notify-keyspace-events \"\"");
        _world.Ask("SET short v PX 1");
        var left = _world.Database.Clock.Now;
        _world.Pass(TimeSpan.FromMilliseconds(5));
        _world.Ask("CONFIG SET notify-keyspace-events Ex");
        for (var signal = 0; signal < 2; signal++)
        {
            _world.Server.Expiries.Follow(_world.Server.Databases.IdOf(0), "short"u8.ToArray(), left, left);   // over before anybody looks
            _world.Settle();
            Assert.Equal(signal == 0 ? "[message, __keyevent@0__:expired, short]" : "", Read(listener));
        }
        _world.Ask("SET flushed v PX 100");
        _world.Ask("FLUSHALL");
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("", Read(listener));
        Assert.True(_world.Server.Expiries.IsOn);
        _world.Ask("CONFIG SET notify-keyspace-events \"\"");
        Assert.False(_world.Server.Expiries.IsOn);
    }

    [Fact]
    public void Expiry_is_told_late_where_the_disk_fails_for_a_while()
    {
        var files = new FaultyFileSystem(1);
        files.Plan.FilesCanBeMapped = false;
        using var world = new RespWorld(new DatabaseOptions { Files = files });
        for (var i = 0; i < 50; i++) world.Ask("SET", $"k{i}", new string('v', 2000), "PX", "5000");
        world.Database.Flush();
        var listener = world.Connect();
        listener.Ask("SUBSCRIBE __keyevent@0__:expired");
        files.Plan.FailWithProbability(FileOperation.Read, 1);
        world.Ask("CONFIG SET notify-keyspace-events Ex");
        world.Pass(TimeSpan.FromSeconds(2));   // what there is cannot be read
        files.Plan.Heal();
        world.Pass(TimeSpan.FromSeconds(2));
        files.Plan.FailWithProbability(FileOperation.Read, 1);
        world.Pass(TimeSpan.FromSeconds(2));
        files.Plan.Heal();
        world.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(50, Read(listener).Split("[message").Length - 1);
    }

    [Theory]
    [InlineData("SET k w", true)]
    [InlineData("SET k w PX 100", true)]
    [InlineData("MULTI;SET k w;SET k x PX 100;EXEC", true)]
    [InlineData("RENAME other k", true)]
    [InlineData("GET k;DEL k;PEXPIRE k 100", false)]
    public void A_key_that_had_expired_when_it_was_written_is_told_as_expired_first(string requests, bool writes)
    {
        var listener = _world.Connect();
        _world.Ask("CONFIG SET notify-keyspace-events E$xg");
        _world.Ask("SET other v");
        _world.Ask("DEBUG SET-ACTIVE-EXPIRE 0");   // nobody tells of it before
        _world.Ask("SET k v PX 100");
        listener.Ask("PSUBSCRIBE __keyevent@0__:*");
        _world.Pass(TimeSpan.FromSeconds(1));
        foreach (var request in requests.Split(';')) _world.Ask(request);
        var told = Read(listener);
        if (writes) Assert.Equal(told.IndexOf(", k]", StringComparison.Ordinal), told.IndexOf("expired, k]", StringComparison.Ordinal) + "expired".Length);
        Assert.Equal(writes ? 1 : 0, told.Split("expired").Length - 1);
        _world.Ask("DEBUG SET-ACTIVE-EXPIRE 1");
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(requests.Contains("PX 100", StringComparison.Ordinal) || !writes ? "[pmessage, __keyevent@0__:*, __keyevent@0__:expired, k]" : "",
            Read(listener));
    }
}
