// MONITOR, idle times, what clients may hold together: what an operator looks at and sets.

using System.Text;
using System.Text.RegularExpressions;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Tests.Resp;

public sealed partial class MonitorTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string[] Shown(TestChannel monitor) =>
        [.. Encoding.Latin1.GetString(monitor.Take()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(l => Time().Replace(l, "+T"))];

    [GeneratedRegex(@"^\+\d+\.\d{6}")]
    private static partial Regex Time();

    // As Redis 7.0.15 shows the same requests, but that a transaction's EXEC stands where it is asked for.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Requests_are_shown_as_they_are_done(bool onAnotherLoop)
    {
        var monitor = onAnotherLoop ? _world.Connect(_world.AddLoop()) : _world.Connect();
        Assert.Equal("OK", monitor.Ask("MONITOR"));
        Assert.Equal("", monitor.Ask("MONITOR"));
        _world.Ask("SET", "a\"b", "x\ny\\z\u0001\u00e9");
        _world.Ask("NOPE");
        _world.Ask("GET");
        _world.Ask("SELECT 3");
        _world.Ask("MULTI");
        _world.Ask("INCR n");
        _world.Ask("PING");
        _world.Ask("EXEC");
        _world.Ask("MULTI");
        _world.Ask("NOPE");
        _world.Ask("EXEC");
        _world.Ask("AUTH x y");
        _world.Ask("HELLO 3 AUTH x y");
        _world.Ask("CONFIG GET port");
        Assert.Equal(
        [
            """+T [0 127.0.0.1:50000] "SET" "a\"b" "x\ny\\z\x01\xe9" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "SELECT" "3" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "MULTI" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "INCR" "n" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "PING" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "EXEC" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "MULTI" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "EXEC" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "AUTH" "(redacted)" "(redacted)" """.TrimEnd(),
            """+T [3 127.0.0.1:50000] "HELLO" "3" "AUTH" "(redacted)" "(redacted)" """.TrimEnd(),
        ], Shown(monitor));
    }

    [Fact]
    public void Who_is_shown_requests_has_no_keys_and_ends_with_reset()
    {
        var monitor = _world.Connect();
        monitor.Ask("MONITOR");
        Assert.StartsWith("(error) ERR Replica can't interact with the keyspace", monitor.Ask("GET a"), StringComparison.Ordinal);
        Assert.Contains("flags=O", monitor.Ask("CLIENT INFO"), StringComparison.Ordinal);
        monitor.Ask("RESET");
        monitor.Take();
        _world.Ask("SET a 1");
        Assert.Equal("1", monitor.Ask("GET a"));
        _world.Ask("MULTI");
        _world.Ask("MONITOR");
        Assert.Equal("[(error) ERR MONITOR isn't allowed for DENY BLOCKING client]", _world.Ask("EXEC"));
        var other = _world.Connect();
        other.Ask("MONITOR");
        other.Leave();
        Assert.False(_world.Server.Monitors.IsOn);
    }

    [Fact]
    public void A_key_is_idle_since_it_was_written_or_read()
    {
        _world.Ask("SET a 1");
        _world.Ask("SET b 1");
        _world.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal("10", _world.Ask("OBJECT IDLETIME a"));
        foreach (var look in (string[])["TTL a", "TYPE a", "EXISTS a", "OBJECT ENCODING a"]) _world.Ask(look);
        Assert.Equal("10", _world.Ask("OBJECT IDLETIME a"));
        _world.Ask("GET a");
        Assert.Equal("0", _world.Ask("OBJECT IDLETIME a"));
        Assert.Equal("10", _world.Ask("OBJECT IDLETIME b"));
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal("1", _world.Ask("TOUCH b"));
        _world.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("7", _world.Ask("OBJECT IDLETIME a"));
        Assert.Equal("2", _world.Ask("OBJECT IDLETIME b"));
        _world.Ask("CLIENT NO-TOUCH ON");
        _world.Ask("GET a");
        Assert.Equal("7", _world.Ask("OBJECT IDLETIME a"));
        _world.Ask("APPEND a 2");
        Assert.Equal("0", _world.Ask("OBJECT IDLETIME a"));
        Assert.Equal("(nil)", _world.Ask("OBJECT IDLETIME none"));
        _world.Ask("SELECT 1");
        _world.Ask("SET b 1");
        _world.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal("3", _world.Ask("OBJECT IDLETIME b"));
    }

    [Fact]
    public void Another_key_in_the_same_place_is_not_taken_for_it()
    {
        var accesses = new KeyAccesses();
        accesses.Note(default, "early"u8, 1);
        Assert.Equal(0, accesses.LastOf(default, "early"u8));
        accesses.SwitchOn();
        for (var i = 0; i < 300_000; i++) accesses.Note(default, Encoding.ASCII.GetBytes($"k{i}"), i + 1);
        var known = 0;
        for (var i = 0; i < 300_000; i++)
        {
            var last = accesses.LastOf(default, Encoding.ASCII.GetBytes($"k{i}"));
            Assert.True(last == 0 || last == i + 1);
            if (last != 0) known++;
        }
        Assert.InRange(known, 50_000, 65_536);
    }

    [Fact]
    public void The_largest_clients_go_when_all_hold_too_much()
    {
        var (large, larger, kept) = (_world.Connect(), _world.Connect(), _world.Connect());
        large.ExtraPending = 300_000;
        larger.ExtraPending = 500_000;
        kept.Ask("CLIENT NO-EVICT ON");
        kept.ExtraPending = 900_000;
        Assert.Equal("OK", _world.Ask("CONFIG SET maxmemory-clients 50%"));
        Assert.Equal("[maxmemory-clients, 50%]", _world.Ask("CONFIG GET maxmemory-clients"));
        _world.Pass(TimeSpan.FromSeconds(2));
        Assert.False(larger.IsClosed);   // half of no limit
        Assert.Equal("OK", _world.Ask("CONFIG SET maxmemory 2600000"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((false, true, false), (large.IsClosed, larger.IsClosed, kept.IsClosed));
        larger.Leave();
        Assert.Contains("evicted_clients:1", _world.Ask("INFO stats"), StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask("CONFIG SET maxmemory-clients 1mb"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((true, false), (large.IsClosed, kept.IsClosed));
        large.Leave();
        kept.Leave();
        Assert.Equal("OK", _world.Ask("CONFIG SET maxmemory-clients 0 maxmemory 0"));
    }
}
