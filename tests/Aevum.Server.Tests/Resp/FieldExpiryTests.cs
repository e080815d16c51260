// Fields of hashes that expire: what each command answers, against a plain table of fields with their times; in the head and as rows; and of the past.

using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Server.Resp;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class FieldExpiryTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    public void Fields_live_as_long_as_they_were_told(int others)
    {
        for (var i = 0; i < others; i++) _world.Ask($"HSET h other{i} v");
        _world.Ask("HSET h a 1 b 2 c 3");
        Assert.Equal("[1, 1, -2]", _world.Ask("HEXPIRE h 100 FIELDS 3 a b nothing"));
        Assert.Equal("[100, 100, -1, -2]", _world.Ask("HTTL h FIELDS 4 a b c nothing"));
        Assert.Equal("[0, 1]", _world.Ask("HPEXPIRE h 50000 NX FIELDS 2 a c"));
        Assert.Equal("[0, 0]", _world.Ask("HEXPIRE h 10 GT FIELDS 2 a c"));
        Assert.Equal("[0, 1]", _world.Ask("HEXPIRE h 60 GT FIELDS 2 a c"));
        Assert.Equal("[1, 1]", _world.Ask("HEXPIRE h 20 LT FIELDS 2 a c"));
        Assert.Equal("[1]", _world.Ask("HPEXPIRE h 20500 XX FIELDS 1 a"));
        Assert.Equal("[21, 20500]", $"[{_world.Ask("HTTL h FIELDS 1 a")[1..^1]}, {_world.Ask("HPTTL h FIELDS 1 a")[1..^1]}]");
        Assert.Equal("[1, -1, -2]", _world.Ask("HPERSIST h FIELDS 3 a a nothing"));
        Assert.Equal("2", _world.Ask("HINCRBY h c -1"));
        Assert.Equal("[20]", _world.Ask("HTTL h FIELDS 1 c"));
        _world.Ask("HSET h b 3");
        Assert.Equal("[-1]", _world.Ask("HTTL h FIELDS 1 b"));
        Assert.Equal("[2]", _world.Ask("HEXPIRE h 0 FIELDS 1 b"));
        Assert.Equal($"{2 + others}", _world.Ask("HLEN h"));
        _world.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal($"{1 + others}", _world.Ask("HLEN h"));
        Assert.Equal("[(nil), 1]", _world.Ask("HMGET h c a"));
        StructureChecker.Check(_world);
        Assert.Equal("1", _world.Ask("HSETNX h c 9"));
        Assert.Equal("[-1]", _world.Ask("HTTL h FIELDS 1 c"));
        Assert.Equal($"{2 + others}", _world.Ask("HLEN h"));
        StructureChecker.Check(_world);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(300)]
    public void A_hash_goes_with_its_last_field(int fields)
    {
        for (var i = 0; i < fields; i++) _world.Ask($"HSET h f{i} v");
        _world.Ask("EXPIRE h 1000");
        for (var i = 0; i < fields; i++) Assert.Equal("[1]", _world.Ask($"HPEXPIRE h {1000 + i} FIELDS 1 f{i}"));
        Assert.Equal("1000", _world.Ask("TTL h"));
        _world.Ask("COPY h same");
        _world.Pass(TimeSpan.FromMilliseconds(1000 + fields - 2));
        Assert.Equal("[1, 1, hash]", $"[{_world.Ask("HLEN h")}, {_world.Ask("HLEN same")}, {_world.Ask("TYPE h")}]");
        StructureChecker.Check(_world);
        _world.Pass(TimeSpan.FromMilliseconds(1));
        Assert.Equal("[0, none, 0]", $"[{_world.Ask("EXISTS h same")}, {_world.Ask("TYPE h")}, {_world.Ask("DBSIZE")}]");
        Assert.Equal("-2", _world.Ask("TTL h"));
        Assert.Equal("[0, []]", _world.Ask("SCAN 0"));
        _world.Ask("HSET h new v");
        Assert.Equal("[1, -1]", $"[{_world.Ask("HLEN h")}, {_world.Ask("TTL h")}]");
    }

    [Fact]
    public void A_field_that_stays_gives_the_hash_its_own_expiry_back()
    {
        _world.Ask("HSET h f v");
        _world.Ask("PEXPIREAT h 9223372036854775807");
        _world.Ask("HEXPIRE h 10 FIELDS 1 f");
        Assert.Equal("9223372036854775807", _world.Ask("PEXPIRETIME h"));
        _world.Ask("HSET h stays v");
        _world.Pass(TimeSpan.FromSeconds(11));
        Assert.Equal("[[stays, v], 9223372036854775807]", $"[{_world.Ask("HGETALL h")}, {_world.Ask("PEXPIRETIME h")}]");
        Assert.Equal("1", _world.Ask("PERSIST h"));
        Assert.Equal("-1", _world.Ask("PTTL h"));
        Assert.Equal("1", _world.Ask("EXPIRE h 5"));
        _world.Ask("HEXPIRE h 10 FIELDS 1 stays");
        _world.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal("0", _world.Ask("EXISTS h"));
    }

    [Fact]
    public void What_is_wrong_is_said()
    {
        _world.Ask("SET s v");
        _world.Ask("HSET h f v");
        foreach (var (request, reply) in (ReadOnlySpan<(string, string)>)[
            ("HEXPIRE s 1 FIELDS 1 f", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HEXPIRE h x FIELDS 1 f", "ERR value is not an integer or out of range"),
            ("HEXPIRE h -1 FIELDS 1 f", "ERR invalid expire time, must be >= 0"),
            ("HPEXPIRE h 281474976710655 FIELDS 1 f", "ERR invalid expire time in 'hpexpire' command"),
            ("HEXPIRE h 9223372036854775807 FIELDS 1 f", "ERR invalid expire time in 'hexpire' command"),
            ("HEXPIRE h 1 NX XX FIELDS 1 f", "ERR Mandatory argument FIELDS is missing or not at the right position"),
            ("HEXPIRE h 1 FIELDS 0 f", "ERR Parameter `numFields` should be greater than 0"),
            ("HEXPIRE h 1 FIELDS 2 f", "ERR The `numfields` parameter must match the number of arguments"),
            ("HTTL h FIELD 1 f", "ERR Mandatory argument FIELDS is missing or not at the right position"),
            ("HTTL h FIELDS 1", "ERR wrong number of arguments for 'httl' command")])
            Assert.Equal("(error) " + reply, _world.Ask(request));
        Assert.Equal("[-2]", _world.Ask("HEXPIRE nothing 1 FIELDS 1 f"));
        Assert.Equal("[-2]", _world.Ask("HPERSIST nothing FIELDS 1 f"));
    }

    [Fact]
    public void The_past_has_the_fields_that_it_had()
    {
        using (var session = _world.Database.OpenSession())
            session.CreateKeyspace(RespDatabases.NameOf(0), KeyspaceOptions.Default with { History = HistoryPolicy.Forever }, KeyspaceKind.Structures);
        for (var i = 0; i < 300; i++) _world.Ask($"HSET large f{i} v");
        _world.Ask("HSET small f v g w");
        var seen = new List<(SystemTime At, string Reply)>();
        string Look() => $"{_world.Ask("HLEN large")} {_world.Ask("HGETALL small")} {_world.Ask("EXISTS small")} {_world.Ask("HGET large f7")}";
        void Keep()
        {
            seen.Add((_world.Database.Clock.Now, Look()));
            _world.Pass(TimeSpan.FromSeconds(1));
        }
        Keep();
        for (var i = 0; i < 10; i++) _world.Ask($"HEXPIRE large {i + 1} FIELDS 1 f{i}");
        _world.Ask("HEXPIRE small 4 FIELDS 1 f");
        for (var i = 0; i < 4; i++) Keep();
        _world.Ask("HEXPIRE small 2 FIELDS 1 g");
        for (var i = 0; i < 4; i++) Keep();
        _world.Ask("HSET large f7 again");
        for (var i = 0; i < 4; i++) Keep();
        Assert.True(seen.Select(s => s.Reply).Distinct().Count() > 8);
        foreach (var (at, reply) in seen)
        {
            _world.First.Client.Moment = at;
            Assert.Equal(reply, Look());
        }
    }

    [Theory, Seeds(10)]
    public void Answers_are_those_of_a_table_of_fields_with_their_times(ulong seed)
    {
        var random = new SeededRandom(seed);
        var names = random.OneIn(2) ? 12 : 250;
        var table = new Dictionary<string, (long Value, long Until)>();   // 0: stays
        string[] keys = ["h", "g"];
        var key = keys[0];
        long Now() => (long)(_world.Database.Clock.Now.Microseconds / 1000);
        for (var i = 0; i < 1200; i++)
        {
            var field = $"f{random.Next(names)}";
            foreach (var gone in table.Where(f => f.Value.Until != 0 && f.Value.Until <= Now()).Select(f => f.Key).ToArray()) table.Remove(gone);
            var there = table.TryGetValue(field, out var old);
            switch (random.Next(12))
            {
                case 0 or 1 or 2 or 3:
                    Assert.Equal(there ? "0" : "1", _world.Ask($"HSET {key} {field} {i}"));
                    table[field] = (i, 0);
                    break;
                case 4:
                    Assert.Equal($"{old.Value + 5}", _world.Ask($"HINCRBY {key} {field} 5"));
                    table[field] = (old.Value + 5, old.Until);
                    break;
                case 5:
                    Assert.Equal(there ? "1" : "0", _world.Ask($"HDEL {key} {field}"));
                    table.Remove(field);
                    break;
                case 6 or 7 or 8:
                    var until = Now() + 1 + random.Next(200);
                    Assert.Equal(there ? "[1]" : "[-2]", _world.Ask($"HPEXPIREAT {key} {until} FIELDS 1 {field}"));
                    if (there) table[field] = (old.Value, until);
                    break;
                case 9:
                    Assert.Equal(!there ? "[-2]" : old.Until == 0 ? "[-1]" : "[1]", _world.Ask($"HPERSIST {key} FIELDS 1 {field}"));
                    if (there) table[field] = (old.Value, 0);
                    break;
                case 10 when table.Count > 0:
                    Assert.Equal("OK", _world.Ask($"RENAME {key} {keys[1]}"));
                    (keys[0], keys[1]) = (keys[1], keys[0]);
                    key = keys[0];
                    break;
                default:
                    _world.Pass(TimeSpan.FromMilliseconds(random.Next(random.OneIn(20) ? 300 : 10)));
                    continue;
            }
            var shown = !table.TryGetValue(field, out var next) ? "[-2]" : next.Until == 0 ? "[-1]" : $"[{next.Until}]";
            Assert.Equal(shown, _world.Ask($"HPEXPIRETIME {key} FIELDS 1 {field}"));
            Assert.Equal(table.Count.ToString(CultureInfo.InvariantCulture), _world.Ask($"HLEN {key}"));
            Assert.Equal(table.Count > 0 ? "1" : "0", _world.Ask($"EXISTS {key}"));
            if (i % 50 != 0) continue;
            StructureChecker.Check(_world);
            var all = _world.Ask($"HGETALL {key}")[1..^1].Split(", ", StringSplitOptions.RemoveEmptyEntries).Chunk(2).Select(p => string.Join('=', p));
            Assert.Equal(table.Select(f => $"{f.Key}={f.Value.Value}").Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
            Assert.Equal(table.Count, _world.Ask($"HRANDFIELD {key} 100000").Split(", ").Count(f => f != "[]"));
        }
    }
}
