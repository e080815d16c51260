using Aevum.Core.Time;

namespace Aevum.Server.Tests.Resp;

/// <summary>What Redis has not: moments, versions, compare-and-set by version, retention, notes.</summary>
public sealed class HistoryTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    // The version of a key, as GETV answers it.
    string VersionOf(string key) => Words(_world.Ask($"AEVUM.GETV {key}"))[0];

    static string[] Words(string reply) => reply.Trim('[', ']').Split(", ");

    [Fact]
    public void A_connection_that_stands_at_a_moment_reads_what_was_and_writes_nothing()
    {
        _world.Ask("AEVUM.RETENTION forever");
        _world.Ask("SET k old");
        _world.Ask("HSET h f 1");
        var then = VersionOf("h");
        _world.Pass(TimeSpan.FromSeconds(1));
        _world.Ask("SET k new");
        _world.Ask("DEL h");
        Assert.Equal(then, _world.Ask($"AEVUM.ASOF {then}"));
        Assert.Equal("old", _world.Ask("GET k"));
        Assert.Equal("1", _world.Ask("HGET h f"));
        Assert.Contains("ERR this connection reads as of", _world.Ask("SET k x"));
        Assert.Contains("ERR this connection reads as of", _world.Ask("BLPOP l 0"));
        Assert.Equal("OK", _world.Ask("AEVUM.ASOF now"));
        Assert.Equal("new", _world.Ask("GET k"));
    }

    [Fact]
    public void A_large_object_that_was_deleted_and_collected_is_there_in_the_past()
    {
        _world.Ask("AEVUM.RETENTION forever");
        for (var i = 0; i < 300; i++) _world.Ask($"SADD s m{i}");
        var then = _world.Ask("AEVUM.ASOF " + SystemTimeText.ToRfc3339(_world.Database.Now));
        _world.Ask("AEVUM.ASOF NOW");
        _world.Ask("DEL s");
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(0, RowCounter.Elements(_world));
        _world.Ask("AEVUM.ASOF " + then);
        Assert.Equal("300", _world.Ask("SCARD s"));
        Assert.Equal("1", _world.Ask("SISMEMBER s m7"));
    }

    [Theory]
    [InlineData("1772366400")]
    [InlineData("v:")]
    [InlineData("v:99999999999999999999")]
    [InlineData("yesterday")]
    [InlineData("1772366400h")]
    [InlineData("-5s")]
    [InlineData("2026-03-01")]
    public void What_is_no_moment_is_refused_with_the_forms_listed(string text) =>
        Assert.Contains("v:<system time>", _world.Ask("AEVUM.ASOF", text));

    [Theory]
    [InlineData("1s", 1_000_000)]
    [InlineData("1500ms", 1_500_000)]
    [InlineData("1500000us", 1_500_000)]
    [InlineData("1970-01-01T00:00:01.5Z", 1_500_000)]
    [InlineData("1970-01-01T02:00:01.5+02:00", 1_500_000)]
    public void Every_form_of_a_moment_is_taken(string text, ulong microseconds)
    {
        // It is understood: that nothing is known of that time is another matter.
        Assert.Contains("history at " + SystemTime.FromMicroseconds(microseconds, SystemTime.CounterMax), _world.Ask("AEVUM.ASOF", text));
    }

    [Fact]
    public void The_future_and_what_lies_below_the_floor_are_refused()
    {
        Assert.Contains("future", _world.Ask("AEVUM.ASOF 9000000000s"));
        _world.Ask("SET k 1");
        var then = VersionOf("k");
        _world.Pass(TimeSpan.FromSeconds(1));
        _world.Ask("SET k 2");
        Assert.Contains("floor", _world.Ask($"AEVUM.ASOF {then}"));   // no history is kept unless it is asked for
        Assert.Equal("2", _world.Ask("GET k"));
    }

    [Fact]
    public void History_lists_versions_newest_first_with_who_wrote_them()
    {
        _world.Ask("AEVUM.RETENTION forever");
        _world.Ask("AEVUM.NOTE planner run-7 \"\"");
        _world.Ask("SET k a");
        _world.Ask("AEVUM.NOTE");
        _world.Ask("SET k b PXAT 9000000000000");
        _world.Ask("DEL k");
        _world.Ask("HSET k f v");
        var reply = _world.Ask("AEVUM.HISTORY k");
        var types = new[] { "hash", "none", "string", "string" };
        var at = 0;
        foreach (var type in types)
        {
            at = reply.IndexOf(type, at, StringComparison.Ordinal);
            Assert.True(at > 0, $"{type} in {reply}");
            at++;
        }
        Assert.Contains("planner", reply);
        Assert.Contains("9000000000000", reply);
        Assert.DoesNotContain("source", reply);
        Assert.DoesNotContain("none", _world.Ask("AEVUM.HISTORY k LIMIT 1"));
        Assert.Contains("LIMIT", _world.Ask("AEVUM.HISTORY k LIMIT 0"));
        Assert.Contains("syntax", _world.Ask("AEVUM.HISTORY k 1"));
    }

    [Fact]
    public void History_within_a_transaction_is_in_its_place()
    {
        _world.Ask("AEVUM.RETENTION forever");
        _world.Ask("SET k a");
        _world.Ask("MULTI");
        _world.Ask("SET k b");
        _world.Ask("AEVUM.HISTORY k LIMIT 1");
        _world.Ask("GET k");
        var reply = _world.Ask("EXEC");
        Assert.Contains("v:", reply);
        Assert.EndsWith("b]", reply);
    }

    [Fact]
    public void A_compare_and_set_is_done_by_who_saw_the_last_version()
    {
        var first = _world.Ask("AEVUM.CAS k v:0 one");
        Assert.StartsWith("v:", first);
        Assert.Equal(first, VersionOf("k"));
        Assert.DoesNotContain("v:", _world.Ask("AEVUM.CAS k v:0 two"));
        Assert.DoesNotContain("v:", _world.Ask("AEVUM.CAS k v:12345 two"));
        Assert.Equal("one", _world.Ask("GET k"));
        var second = _world.Ask($"AEVUM.CAS k {first} two");
        Assert.StartsWith("v:", second);
        Assert.Equal("two", _world.Ask("GET k"));
        Assert.DoesNotContain("v:", _world.Ask($"AEVUM.CAS k {first} three"));
        Assert.Contains("v:<system time>", _world.Ask("AEVUM.CAS k 5 three"));
        _world.Ask("HSET h f v");
        Assert.Contains("WRONGTYPE", _world.Ask("AEVUM.CAS h v:0 x"));
    }

    [Fact]
    public void Retention_is_told_and_changed()
    {
        Assert.Equal("none", _world.Ask("AEVUM.RETENTION"));
        _world.Ask("AEVUM.RETENTION 7d");
        Assert.Equal("7d", _world.Ask("AEVUM.RETENTION"));
        _world.Ask("SELECT 1");
        Assert.Equal("none", _world.Ask("AEVUM.RETENTION"));
        Assert.Contains("duration", _world.Ask("AEVUM.RETENTION 7"));
        Assert.Contains("duration", _world.Ask("AEVUM.RETENTION -1d"));
        Assert.Contains("duration", _world.Ask("AEVUM.RETENTION 99999999999d"));
    }

    [Fact]
    public void A_note_has_three_fields_of_bounded_length()
    {
        Assert.Contains("actor", _world.Ask("AEVUM.NOTE a"));
        Assert.Contains("1024", _world.Ask("AEVUM.NOTE", new string('x', 1025), "", ""));
    }
}
