using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Tests.Resp;

public sealed class SettingsTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Parameters_are_read_by_patterns()
    {
        Assert.Equal("[maxclients, 10000]", _world.Ask("CONFIG GET maxclients"));
        Assert.Equal("[maxclients, 10000, timeout, 0]", _world.Ask("CONFIG GET MAXCL* timeout maxclients"));
        Assert.Equal("[]", _world.Ask("CONFIG GET nothing"));
        Assert.Equal("[]", _world.Ask("CONFIG GET key-load-*"));
        Assert.Equal("[key-load-delay, 0]", _world.Ask("CONFIG GET key-load-delay"));
        Assert.Equal("[zset-max-listpack-value, 64, zset-max-ziplist-value, 64]", _world.Ask("CONFIG GET zset-max-*-value"));
        _world.Ask("HELLO 3");
        Assert.Equal("{appendonly: yes}", _world.Ask("CONFIG GET appendonly"));
    }

    [Theory]
    [InlineData("CONFIG", "ERR wrong number of arguments for 'config' command")]
    [InlineData("CONFIG GET", "ERR wrong number of arguments for 'config|get' command")]
    [InlineData("CONFIG SET timeout", "ERR wrong number of arguments for 'config|set' command")]
    [InlineData("CONFIG FOO", "ERR unknown subcommand 'FOO'. Try CONFIG HELP.")]
    [InlineData("CONFIG RESETSTAT x", "ERR wrong number of arguments for 'config|resetstat' command")]
    [InlineData("CONFIG REWRITE", "ERR The server is running without a config file")]
    [InlineData("CONFIG SET a b", "ERR Unknown option or number of arguments for CONFIG SET - 'a'")]
    [InlineData("CONFIG SET timeout 1 2 3", "ERR Unknown option or number of arguments for CONFIG SET - '2'")]
    [InlineData("CONFIG SET timeout 1 maxclients", "ERR syntax error")]
    [InlineData("CONFIG SET maxclients abc", "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer")]
    [InlineData("CONFIG SET maxclients 0", "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be between 1 and "
        + "4294967295 inclusive")]
    [InlineData("CONFIG SET port 1", "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port: where clients "
        + "are taken is said when the server is started.")]
    [InlineData("CONFIG SET maxmemory 5 maxmemory-clients 200%", "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - percentage "
        + "argument must be less or equal to 100")]
    [InlineData("CONFIG SET maxmemory-clients -5%", "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - argument must be a memory "
        + "or percent value")]
    [InlineData("CONFIG SET databases 5", "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config")]
    [InlineData("CONFIG SET dir /tmp", "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config")]
    [InlineData("CONFIG SET timeout 1 timeout 2", "ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter")]
    [InlineData("CONFIG SET maxmemory 5x", "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value")]
    [InlineData("CONFIG SET appendonly maybe", "ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'")]
    [InlineData("CONFIG SET appendonly no", "ERR CONFIG SET failed (possibly related to argument 'appendonly') - every write that was answered is in "
        + "the log, which cannot be switched off")]
    [InlineData("CONFIG SET appendfsync foo", "ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the "
        + "following: everysec, always, no")]
    [InlineData("CONFIG SET notify-keyspace-events KEq", "ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid "
        + "event class character. Use 'Ag$lshzxeKEtmdn'.")]
    [InlineData("CONFIG SET client-output-buffer-limit foo", "ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "
        + "Wrong number of arguments in buffer limit configuration.")]
    [InlineData("CONFIG SET client-output-buffer-limit \"foo 0 0 0\"", "ERR CONFIG SET failed (possibly related to argument "
        + "'client-output-buffer-limit') - Invalid client class specified in buffer limit configuration.")]
    [InlineData("CONFIG SET client-output-buffer-limit \"normal 0 x 0\"", "ERR CONFIG SET failed (possibly related to argument "
        + "'client-output-buffer-limit') - Error in hard, soft or soft_seconds setting in buffer limit configuration.")]
    [InlineData("CONFIG SET save foo", "ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters")]
    [InlineData("CONFIG SET proto-max-bulk-len 1", "ERR CONFIG SET failed (possibly related to argument 'proto-max-bulk-len') - argument must be "
        + "between 1048576 and 9223372036854775807 inclusive")]
    [InlineData("CONFIG SET latency-tracking-info-percentiles 101", "ERR CONFIG SET failed (possibly related to argument "
        + "'latency-tracking-info-percentiles') - latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")]
    public void What_cannot_be_set_is_refused_in_words_that_clients_know(string request, string error) =>
        Assert.Equal("(error) " + error, _world.Ask(request));

    [Fact]
    public void Several_are_set_together_or_none_is()
    {
        Assert.Equal("OK", _world.Ask("CONFIG SET timeout 5 slowlog-max-len 7 ZSET-MAX-ZIPLIST-ENTRIES 3"));
        var port = _world.Ask("CONFIG GET port")[1..^1].Split(", ")[1];
        Assert.Equal("OK", _world.Ask($"CONFIG SET port {port}"));   // as it is: no error
        Assert.Equal("[zset-max-listpack-entries, 3]", _world.Ask("CONFIG GET zset-max-listpack-entries"));
        Assert.StartsWith("(error)", _world.Ask("CONFIG SET timeout 6 slowlog-max-len -1"), StringComparison.Ordinal);
        Assert.Equal("[slowlog-max-len, 7, timeout, 5]", _world.Ask("CONFIG GET timeout slowlog-max-len"));
        Assert.StartsWith("(error)", _world.Ask("CONFIG SET zset-max-ziplist-entries 1 zset-max-listpack-entries 2"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("notify-keyspace-events", "AKE", "AKE")]
    [InlineData("notify-keyspace-events", "KEg$lszxe", "g$lszxeKE")]
    [InlineData("notify-keyspace-events", "KEAmn", "AKEm")]
    [InlineData("notify-keyspace-events", "dtK", "tdK")]
    [InlineData("client-output-buffer-limit", "pubsub 1mb 2k 5 NORMAL 4 5 6", "normal 4 5 6 slave 268435456 67108864 60 pubsub 1048576 2000 5")]
    [InlineData("maxmemory", "100mb", "104857600")]
    [InlineData("save", "3600 1 60 1000", "3600 1 60 1000")]
    [InlineData("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru")]
    public void What_is_set_is_told_in_its_usual_form(string name, string text, string told)
    {
        Assert.Equal("OK", _world.Ask("CONFIG", "SET", name, text));
        Assert.Equal($"[{name}, {told}]", _world.Ask("CONFIG", "GET", name));
    }

    [Fact]
    public void Every_setting_says_what_it_means_and_takes_what_it_tells()
    {
        var settings = new RespSettings(RespOptions.Default);
        foreach (var (name, setting) in settings.All)
        {
            Assert.NotEqual("", setting.Meaning);
            Assert.True(setting.Check(setting.Text) is null, name);
        }
    }

    [Theory]
    [InlineData("1", 1), InlineData("5k", 5000), InlineData("5KB", 5120), InlineData("2mb", 2 << 20), InlineData("1g", 1_000_000_000)]
    [InlineData("", null), InlineData("k", null), InlineData("1kk", null), InlineData("99999999999999999999", null), InlineData("9223372036854775807kb", null)]
    public void Sizes_have_units(string text, int? bytes)
    {
        Assert.Equal(bytes is not null, ByteSizes.TryRead(text, out var read));
        if (bytes is { } wanted) Assert.Equal(wanted, read);
    }

    [Fact]
    public void A_write_that_nobody_hears_of_copies_no_key()
    {
        var interest = new SignalInterest();
        Assert.False(interest.Wants(NotificationClass.All, isReady: true));
        interest.SetWaiters(true);
        Assert.True(interest.Wants(NotificationClass.List, isReady: true));
        Assert.False(interest.Wants(NotificationClass.List, isReady: false));
        interest.SetWaiters(false);
        interest.SetNotified(NotificationClass.String);
        Assert.False(interest.Wants(NotificationClass.String, isReady: true));   // neither K nor E: nowhere to publish
        interest.SetNotified(NotificationClass.String | NotificationClass.Keyevent);
        Assert.True(interest.Wants(NotificationClass.String, isReady: false));
        Assert.False(interest.Wants(NotificationClass.Hash, isReady: true));
        interest.SetNotified(NotificationClass.None);
        interest.AddTrackers(1);
        Assert.True(interest.Wants(NotificationClass.Hash, isReady: false));
        Assert.False(interest.Wants(NotificationClass.KeyMiss, isReady: false));
        interest.AddTrackers(-1);
        Assert.False(interest.Wants(NotificationClass.All, isReady: true));
        for (var i = 0; i < 10; i++) _world.Ask("SET k v");
        Assert.Empty(CommandProcedure.Signals);
    }

    [Fact]
    public void Debug_does_what_it_says()
    {
        Assert.Equal("(error) ERR no such key", _world.Ask("DEBUG OBJECT nothing"));
        _world.Ask("HSET h a 1 b 2");
        _world.Ask("HSET g b 2 a 1");
        _world.Ask("SET s text");
        Assert.StartsWith("Value at:0x0 refcount:1 encoding:", _world.Ask("DEBUG OBJECT h"), StringComparison.Ordinal);
        Assert.Equal("1", _world.Ask("DEBUG STRINGMATCH-LEN 100 A*A"));
        Assert.Equal("0", _world.Ask("DEBUG STRINGMATCH-LEN 100 B*"));
        Assert.StartsWith("(error) ERR unknown subcommand or wrong number of arguments for 'FOO'", _world.Ask("DEBUG FOO"), StringComparison.Ordinal);
        var digests = _world.Ask("DEBUG DIGEST-VALUE h g s nothing").Trim('[', ']').Split(", ");
        Assert.Equal(digests[0], digests[1]);
        Assert.NotEqual(digests[0], digests[2]);
        Assert.Equal(new string('0', 40), digests[3]);
        var all = _world.Ask("DEBUG DIGEST");
        Assert.Equal("OK", _world.Ask("DEBUG RELOAD"));
        Assert.Equal(all, _world.Ask("DEBUG DIGEST"));
        Assert.Equal("2", _world.Ask("HGET h b"));
        _world.Ask("HSET g b 3");
        Assert.NotEqual(all, _world.Ask("DEBUG DIGEST"));
        _world.Ask("SET gone v PX 100");
        Assert.Equal("OK", _world.Ask("DEBUG SLEEP 0.2"));
        Assert.Equal("(nil)", _world.Ask("GET gone"));
    }

    [Fact]
    public void Debug_is_for_those_who_may()
    {
        using var database = Database.OpenInMemory(new DatabaseOptions { Scheduler = _world.Scheduler });
        using var server = new RespServer(database, _world.Scheduler, RespOptions.Default with { DebugCommand = "no" });
        var client = new TestChannel(_world, server, new TestLoop());
        Assert.StartsWith("(error) ERR DEBUG command not allowed.", client.Ask("DEBUG SLEEP 0"), StringComparison.Ordinal);
    }
}
