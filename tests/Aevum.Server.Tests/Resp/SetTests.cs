using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class SetTests : IDisposable
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Members_come_and_go()
    {
        Assert.Equal("3", _world.Ask("SADD s a b c a"));
        Assert.Equal("1", _world.Ask("SADD s a d"));
        Assert.Equal("4", _world.Ask("SCARD s"));
        Assert.Equal("[a, b, c, d]", _world.Ask("SMEMBERS s"));
        Assert.Equal("1", _world.Ask("SISMEMBER s a"));
        Assert.Equal("[1, 0, 1]", _world.Ask("SMISMEMBER s a x d"));
        Assert.Equal("[0]", _world.Ask("SMISMEMBER nothing a"));
        Assert.Equal("2", _world.Ask("SREM s a b x"));
        Assert.Equal("1", _world.Ask("SMOVE s t c"));
        Assert.Equal("0", _world.Ask("SMOVE s t c"));
        Assert.Equal("1", _world.Ask("SMOVE s s d"));
        Assert.Equal("1", _world.Ask("SMOVE s t d"));
        Assert.Equal("0", _world.Ask("SCARD s"));
        Assert.Equal("[c, d]", _world.Ask("SMEMBERS t"));
        _world.First.Client.Version = 3;
        Assert.Equal("~[c, d]", _world.Ask("SMEMBERS t"));
        Assert.Equal("~[]", _world.Ask("SMEMBERS s"));
    }

    [Fact]
    public void Sets_are_put_together_told_and_stored()
    {
        _world.Ask("SADD a 1 2 3 4");
        _world.Ask("SADD b 3 4 5");
        _world.Ask("SADD c 4 5 6");
        Assert.Equal("[4]", _world.Ask("SINTER a b c"));
        Assert.Equal("[]", _world.Ask("SINTER a nothing"));
        Assert.Equal("[1, 2, 3, 4, 5, 6]", _world.Ask("SUNION a b c nothing"));
        Assert.Equal("[1, 2]", _world.Ask("SDIFF a b c"));
        Assert.Equal("[]", _world.Ask("SDIFF nothing a"));
        Assert.Equal("2", _world.Ask("SINTERSTORE d a b"));
        Assert.Equal("[3, 4]", _world.Ask("SMEMBERS d"));
        Assert.Equal("5", _world.Ask("SUNIONSTORE a a b"));
        Assert.Equal("1", _world.Ask("SDIFFSTORE d c a"));
        Assert.Equal("0", _world.Ask("SDIFFSTORE d d d"));
        Assert.Equal("[]", _world.Ask("SMEMBERS d"));
        Assert.Equal("2", _world.Ask("SINTERCARD 2 b c"));
        Assert.Equal("1", _world.Ask("SINTERCARD 2 b c LIMIT 1"));
        Assert.Equal("2", _world.Ask("SINTERCARD 2 b c LIMIT 0"));
        Assert.Equal("(error) ERR LIMIT can't be negative", _world.Ask("SINTERCARD 2 b c LIMIT -1"));
        Assert.Equal("(error) ERR numkeys should be greater than 0", _world.Ask("SINTERCARD 0 b"));
        Assert.Equal("(error) ERR Number of keys can't be greater than number of args", _world.Ask("SINTERCARD 3 b c"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("SINTERCARD 1 b c"));
        _world.Ask("SET s v");
        foreach (var request in (string[])["SADD s a", "SMEMBERS s", "SPOP s", "SINTER a s", "SUNIONSTORE x a s", "SMOVE a s 1", "SSCAN s 0", "SRANDMEMBER s"])
            Assert.Equal(WrongType, _world.Ask(request));
        // A result may take the place of anything.
        Assert.Equal("3", _world.Ask("SUNIONSTORE s b"));
        Assert.Equal("[3, 4, 5]", _world.Ask("SMEMBERS s"));
    }

    [Fact]
    public void Members_are_drawn()
    {
        _world.Ask("SADD s a b c d e");
        Assert.Contains(_world.Ask("SRANDMEMBER s"), "abcde", StringComparison.Ordinal);
        Assert.Equal(5, Words(_world.Ask("SRANDMEMBER s 9")).Distinct().Count());
        Assert.Equal(9, Words(_world.Ask("SRANDMEMBER s -9")).Length);
        Assert.Equal(3, Words(_world.Ask("SRANDMEMBER s 3")).Distinct().Count());
        Assert.Equal("[]", _world.Ask("SRANDMEMBER s 0"));
        var popped = _world.Ask("SPOP s");
        Assert.Equal("0", _world.Ask("SISMEMBER s " + popped));
        Assert.Equal(2, Words(_world.Ask("SPOP s 2")).Length);
        Assert.Equal("2", _world.Ask("SCARD s"));
        Assert.Equal(2, Words(_world.Ask("SPOP s 5")).Length);
        Assert.Equal("(nil)", _world.Ask("SPOP s"));
        Assert.Equal("[]", _world.Ask("SPOP s 3"));
        Assert.Equal("(error) ERR value is out of range, must be positive", _world.Ask("SPOP s -3"));
    }

    [Fact]
    public void A_large_set_is_scanned_and_emptied_by_draws()
    {
        for (var i = 0; i < 30; i++) _world.Ask(["SADD", "s", .. Enumerable.Range(0, 50).Select(j => $"m{(i * 50) + j}")]);
        Assert.Equal(1, StructureChecker.Check(_world));
        var seen = new List<string>();
        var cursor = "0";
        do
        {
            var reply = Words(_world.Ask($"SSCAN s {cursor} COUNT 100"));
            cursor = reply[0];
            seen.AddRange(reply[1..]);
        }
        while (cursor != "0");
        Assert.Equal(Enumerable.Range(0, 1500).Select(i => $"m{i}").Order(), seen.Order());
        Assert.Equal("[0, []]", _world.Ask("SSCAN s 18446744073709551615"));
        Assert.Equal(1500, Words(_world.Ask("SMEMBERS s")).Length);
        var drawn = new List<string>();
        while (drawn.Count < 1500)
        {
            drawn.AddRange(Words(_world.Ask(drawn.Count % 2 == 0 ? "SPOP s 7" : "SPOP s 41")));
            if (drawn.Count % 5 == 0) StructureChecker.Check(_world);
        }
        Assert.Equal(1500, drawn.Distinct().Count());
        Assert.Equal("0", _world.Ask("SCARD s"));
    }

    [Theory, Seeds(8)]
    public void It_does_what_sets_do(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new Dictionary<string, SortedSet<string>>();
        foreach (var name in (string[])["a", "b", "c"]) model[name] = new(StringComparer.Ordinal);
        var names = random.OneIn(2) ? 400 : 40;
        var tail = names == 400 ? "" : new string('x', 100);
        string Some() => random.Next(names) + tail;
        string Key() => "abc"[random.Next(3)].ToString();
        for (var i = 0; i < 600; i++)
        {
            var (key, other) = (Key(), Key());
            var set = model[key];
            switch (random.Next(14))
            {
                case <= 4:
                    var added = Enumerable.Range(0, 1 + random.Next(12)).Select(_ => Some()).ToArray();
                    Assert.Equal($"{added.Distinct().Count(m => !set.Contains(m))}", _world.Ask(["SADD", key, .. added]));
                    set.UnionWith(added);
                    break;
                case <= 6:
                    var removed = Enumerable.Range(0, 1 + random.Next(8)).Select(_ => Some()).ToArray();
                    Assert.Equal($"{removed.Distinct().Count(set.Contains)}", _world.Ask(["SREM", key, .. removed]));
                    set.ExceptWith(removed);
                    break;
                case 7:
                    var moved = Some();
                    Assert.Equal(set.Contains(moved) ? "1" : "0", _world.Ask("SMOVE", key, other, moved));
                    if (set.Remove(moved)) model[other].Add(moved);
                    break;
                case 8:
                    var what = random.Next(3);
                    var third = Key();
                    var result = new SortedSet<string>(model[other], StringComparer.Ordinal);
                    if (what == 0) result.UnionWith(model[third]);
                    else if (what == 1) result.IntersectWith(model[third]);
                    else result.ExceptWith(model[third]);
                    var name = what switch { 0 => "SUNION", 1 => "SINTER", _ => "SDIFF" };
                    Assert.Equal(result, Words(_world.Ask(name, other, third)).Order(StringComparer.Ordinal));
                    Assert.Equal($"{result.Count}", _world.Ask(name + "STORE", key, other, third));
                    model[key] = result;
                    break;
                case 9:
                    var popped = Words(_world.Ask("SPOP", key, $"{random.Next(9)}"));
                    Assert.All(popped, m => Assert.True(set.Remove(m)));
                    break;
                case 10:
                    Assert.All(Words(_world.Ask("SRANDMEMBER", key, $"{random.Next(-9, 9)}")), m => Assert.Contains(m, set));
                    break;
                case 11:
                    var member = Some();
                    Assert.Equal(set.Contains(member) ? "1" : "0", _world.Ask("SISMEMBER", key, member));
                    break;
                case 12 when random.OneIn(5):
                    Assert.Equal(set.Count > 0 ? "1" : "0", _world.Ask("DEL", key));
                    set.Clear();
                    break;
                case 12 when random.OneIn(8):
                    _world.Ask("SET", key, "v", "PX", "1");
                    _world.Pass(TimeSpan.FromSeconds(1));
                    set.Clear();
                    break;
                default:
                    Assert.Equal($"{set.Count}", _world.Ask("SCARD", key));
                    break;
            }
            if (i % 60 != 0) continue;
            StructureChecker.Check(_world);
            foreach (var (name, members) in model) Assert.Equal(members, Words(_world.Ask("SMEMBERS", name)).Order(StringComparer.Ordinal));
        }
    }

    static string[] Words(string reply) => reply.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
        .Split(", ", StringSplitOptions.RemoveEmptyEntries);
}
