namespace Aevum.Server.Tests.Resp;

public sealed class ServerCommandTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("SLOWLOG GET -2", "ERR count should be greater than or equal to -1")]
    [InlineData("SLOWLOG foo", "ERR unknown subcommand 'foo'. Try SLOWLOG HELP.")]
    [InlineData("LATENCY GRAPH x", "ERR No samples available for event 'x'")]
    [InlineData("LATENCY foo", "ERR unknown subcommand 'foo'. Try LATENCY HELP.")]
    [InlineData("COMMAND GETKEYS get", "ERR wrong number of arguments for 'command|getkeys' command")]
    [InlineData("COMMAND GETKEYS foo a", "ERR Invalid command specified")]
    [InlineData("COMMAND GETKEYS ping a", "ERR The command has no key arguments")]
    [InlineData("COMMAND GETKEYS get a b", "ERR Invalid number of arguments specified for command")]
    [InlineData("COMMAND LIST FILTERBY foo a", "ERR syntax error")]
    [InlineData("COMMAND foo", "ERR unknown subcommand 'foo'. Try COMMAND HELP.")]
    [InlineData("MEMORY USAGE k SAMPLES x", "ERR value is not an integer or out of range")]
    [InlineData("MEMORY USAGE k SAMPLES", "ERR syntax error")]
    [InlineData("SAVE x", "ERR wrong number of arguments for 'save' command")]
    [InlineData("BGSAVE foo", "ERR syntax error")]
    [InlineData("CLUSTER INFO", "ERR This instance has cluster support disabled")]
    [InlineData("EVAL \"return 1\" 0", "ERR EVAL is not available: scripts come with a later version")]
    [InlineData("SCRIPT LOAD x", "ERR SCRIPT is not available: scripts come with a later version")]
    [InlineData("FCALL f 0", "ERR FCALL is not available: functions come with a later version")]
    [InlineData("REPLICAOF host 1", "ERR REPLICAOF is not available: replication comes with a later version")]
    public void What_is_wrong_or_not_here_is_told(string request, string error) => Assert.Equal("(error) " + error, _world.Ask(request));

    [Theory]
    [InlineData("SCRIPT EXISTS a b", "[0, 0]")]
    [InlineData("SCRIPT FLUSH", "OK")]
    [InlineData("FUNCTION FLUSH", "OK")]
    [InlineData("FUNCTION LIST", "[]")]
    [InlineData("MODULE LIST", "[]")]
    [InlineData("REPLICAOF NO ONE", "OK")]
    [InlineData("ROLE", "[master, 0, []]")]
    [InlineData("BGSAVE", "Background saving started")]
    [InlineData("BGREWRITEAOF", "Background append only file rewriting started")]
    [InlineData("LATENCY LATEST", "[]")]
    [InlineData("LATENCY HISTORY x", "[]")]
    [InlineData("LATENCY RESET", "0")]
    [InlineData("MEMORY USAGE nothing", "(nil)")]
    [InlineData("MEMORY PURGE", "OK")]
    [InlineData("COMMAND GETKEYS mset a 1 b 2", "[a, b]")]
    [InlineData("COMMAND GETKEYSANDFLAGS set a b", "[[a, [OW, update]]]")]
    [InlineData("COMMAND GETKEYSANDFLAGS set a b get", "[[a, [RW, access, update]]]")]
    [InlineData("COMMAND GETKEYSANDFLAGS copy a b", "[[a, [RO, access]], [b, [OW, update]]]")]
    [InlineData("COMMAND INFO foo get", "[(nil), [get, 2, [readonly, fast], 1, 1, 1, [@read, @string, @fast], [], [[flags, [RO, access], begin_search, "
        + "[type, index, spec, [index, 1]], find_keys, [type, range, spec, [lastkey, 0, keystep, 1, limit, 0]]]], []]]")]
    [InlineData("COMMAND LIST FILTERBY MODULE x", "[]")]
    public void What_is_there_is_told(string request, string reply) => Assert.Equal(reply, _world.Ask(request));

    [Fact]
    public void Commands_are_told_from_one_table()
    {
        var count = _world.Ask("COMMAND COUNT");
        Assert.Equal($"{_world.Server.Commands.All.Count}", count);
        Assert.Equal(_world.Server.Commands.Flat.Count, _world.Ask("COMMAND LIST").Split(", ").Length);
        Assert.StartsWith("[[acl, -2, ", _world.Ask("COMMAND"), StringComparison.Ordinal);
        Assert.StartsWith("[get, [summary, ", _world.Ask("COMMAND DOCS get foo"), StringComparison.Ordinal);
        Assert.Contains("subcommands", _world.Ask("COMMAND DOCS config"), StringComparison.Ordinal);
        Assert.Contains("lpush", _world.Ask("COMMAND LIST FILTERBY ACLCAT list"), StringComparison.Ordinal);
        Assert.Equal("[hget, hgetall]", _world.Ask("COMMAND LIST FILTERBY PATTERN hget*"));
        _world.Ask("HELLO 3");
        Assert.StartsWith("[[get, 2, ~[readonly, fast], 1,", _world.Ask("COMMAND INFO get"), StringComparison.Ordinal);
    }

    [Fact]
    public void Info_has_sections()
    {
        _world.Ask("SET a 1");
        _world.Ask("SET b 1 PX 10000");
        _world.Ask("SELECT 2");
        _world.Ask("SET c 1");
        _world.Ask("GET nothing");
        _world.Ask("INCR");
        var all = _world.Ask("INFO everything");
        foreach (var line in new[] { "# Server", "redis_version:7.0.15", "# Clients", "connected_clients:1", "# Memory", "used_memory:",
            "# Persistence", "loading:0", "aof_enabled:1",
            "# Stats", "keyspace_misses:1", "# Replication", "role:master", "# CPU", "# Commandstats", "cmdstat_set:calls=3,", "# Errorstats",
                "errorstat_ERR:count=1",
            "# Latencystats", "latency_percentiles_usec_set:p50=", "# Cluster", "cluster_enabled:0", "# Keyspace", "db0:keys=2,expires=1,avg_ttl=",
                "db2:keys=1,expires=0,avg_ttl=0" })
            Assert.Contains(line, all, StringComparison.Ordinal);
        Assert.Equal("# Cluster\r\ncluster_enabled:0\r\n", _world.Ask("INFO cluster"));
        Assert.Equal("", _world.Ask("INFO nothing"));
        Assert.DoesNotContain("cmdstat_", _world.Ask("INFO"), StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask("CONFIG RESETSTAT"));
        Assert.Contains("keyspace_misses:0", _world.Ask("INFO stats"), StringComparison.Ordinal);
        _world.Ask("FLUSHALL");
        Assert.Equal("# Keyspace\r\n", _world.Ask("INFO keyspace"));
    }

    [Fact]
    public void Memory_of_a_key_grows_with_it()
    {
        _world.Ask("SET", "k", new string('x', 100));
        Assert.InRange(int.Parse(_world.Ask("MEMORY USAGE k"), System.Globalization.CultureInfo.InvariantCulture), 100, 200);
        for (var i = 0; i < 100; i++) _world.Ask([.. new[] { "SADD", "s" }.Concat(Enumerable.Range(0, 10).Select(j => $"member:{i}:{j}"))]);
        var sampled = int.Parse(_world.Ask("MEMORY USAGE s"), System.Globalization.CultureInfo.InvariantCulture);
        var whole = int.Parse(_world.Ask("MEMORY USAGE s SAMPLES 0"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(sampled, whole / 2, whole * 2);
        Assert.InRange(whole, 10_000, 200_000);
    }

    [Fact]
    public void Some_commands_are_never_part_of_a_transaction()
    {
        _world.Ask("MULTI");
        Assert.Equal("(error) ERR Command not allowed inside a transaction", _world.Ask("SAVE"));
        Assert.Equal("(error) EXECABORT Transaction discarded because of previous errors.", _world.Ask("EXEC"));
        _world.Ask("MULTI");
        _world.Ask("INFO cluster");
        _world.Ask("BGSAVE");
        _world.Ask("ACL SETUSER u >pw");
        Assert.Equal("[# Cluster\r\ncluster_enabled:0\r\n, Background saving started, OK]", _world.Ask("EXEC"));
    }

    [Fact]
    public void Time_goes_on_and_saving_is_dated()
    {
        var before = _world.Ask("LASTSAVE");
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal("OK", _world.Ask("SAVE"));
        Assert.NotEqual(before, _world.Ask("LASTSAVE"));
        Assert.Matches(@"^\[15778\d{5}, \d+\]$", _world.Ask("TIME"));
        Assert.EndsWith("Redis ver. 7.0.15\n", _world.Ask("LOLWUT"), StringComparison.Ordinal);
    }

    [Fact]
    public void Slow_requests_are_told()
    {
        Assert.Equal("OK", _world.Ask("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3"));
        _world.Ask("SET k v");
        _world.Ask("AUTH user password");
        for (var i = 0; i < 5; i++) _world.Ask("GET k");
        Assert.Equal("3", _world.Ask("SLOWLOG LEN"));
        var told = _world.Ask("SLOWLOG GET -1");
        Assert.Contains("[GET, k]", told, StringComparison.Ordinal);
        Assert.DoesNotContain("password", told, StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask("CONFIG SET slowlog-log-slower-than -1"));
        Assert.Equal("OK", _world.Ask("SLOWLOG RESET"));
        Assert.Equal("[]", _world.Ask("SLOWLOG GET"));
    }

    [Fact]
    public void Every_group_has_help()
    {
        foreach (var group in new[] { "config", "client", "pubsub", "acl", "memory", "slowlog", "latency", "command", "debug" })
            Assert.StartsWith($"[{group.ToUpperInvariant()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", _world.Ask($"{group} help"),
                StringComparison.Ordinal);
    }
}
