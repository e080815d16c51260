using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class HashTests : IDisposable
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Fields_are_put_read_and_taken_out()
    {
        Assert.Equal("2", _world.Ask("HSET h a 1 b 2"));
        Assert.Equal("1", _world.Ask("HSET h a 3 c 4"));
        Assert.Equal("3", _world.Ask("HGET h a"));
        Assert.Equal("(nil)", _world.Ask("HGET h nothing"));
        Assert.Equal("(nil)", _world.Ask("HGET nothing a"));
        Assert.Equal("[a, 3, b, 2, c, 4]", _world.Ask("HGETALL h"));
        Assert.Equal("[a, b, c]", _world.Ask("HKEYS h"));
        Assert.Equal("[3, 2, 4]", _world.Ask("HVALS h"));
        Assert.Equal("[3, (nil), 4]", _world.Ask("HMGET h a x c"));
        Assert.Equal("[(nil)]", _world.Ask("HMGET nothing x"));
        Assert.Equal("0", _world.Ask("HSETNX h a 9"));
        Assert.Equal("1", _world.Ask("HSETNX h d hello"));
        Assert.Equal("5", _world.Ask("HSTRLEN h d"));
        Assert.Equal("4", _world.Ask("HLEN h"));
        Assert.Equal("2", _world.Ask("HDEL h a a b nothing"));
        Assert.Equal("2", _world.Ask("HDEL h c d"));
        Assert.Equal("0", _world.Ask("HLEN h"));
        Assert.Equal("[]", _world.Ask("HGETALL h"));
    }

    [Fact]
    public void Numbers_in_fields_are_added_to()
    {
        Assert.Equal("5", _world.Ask("HINCRBY h n 5"));
        Assert.Equal("3", _world.Ask("HINCRBY h n -2"));
        Assert.Equal("3.5", _world.Ask("HINCRBYFLOAT h n 0.5"));
        Assert.Equal("(error) ERR hash value is not an integer", _world.Ask("HINCRBY h n 1"));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("HINCRBY h n x"));
        Assert.Equal("(error) ERR value is not a valid float", _world.Ask("HINCRBYFLOAT h n x"));
        Assert.Equal("(error) ERR value is NaN or Infinity", _world.Ask("HINCRBYFLOAT h n inf"));
        _world.Ask("HSET h t text m 9223372036854775807");
        Assert.Equal("(error) ERR hash value is not a float", _world.Ask("HINCRBYFLOAT h t 1"));
        Assert.Equal("(error) ERR increment or decrement would overflow", _world.Ask("HINCRBY h m 1"));
        Assert.Equal("10.6", _world.Ask("HINCRBYFLOAT g f 10.5").Length == 4 ? _world.Ask("HINCRBYFLOAT g f 0.1") : "");
        Assert.Equal("5200", _world.Ask("HSET g e 5.0e3") == "1" ? _world.Ask("HINCRBYFLOAT g e 2.0e2") : "");
        Assert.Equal("-0.3", _world.Ask("HINCRBYFLOAT g z -0.3"));
        Assert.Equal("0", _world.Ask("HINCRBYFLOAT g z 0.3"));
    }

    [Fact]
    public void Raised_bounds_keep_a_hash_in_one_piece()
    {
        string[] Fields() => [.. Enumerable.Range(0, 300).Select(i => $"f{i * 7919 % 300}")];
        void Fill(string key)
        {
            foreach (var field in Fields()) _world.Ask("HSET", key, field, "v");
        }
        string Names(string key) => _world.Ask("HKEYS", key);
        var inOrder = "[" + string.Join(", ", Fields()) + "]";

        Fill("by-itself");
        Assert.NotEqual(inOrder, Names("by-itself"));
        _world.Ask("CONFIG SET hash-max-listpack-entries 1000 hash-max-listpack-value 100000");
        Fill("raised");
        Assert.Equal(inOrder, Names("raised"));
        _world.Ask("HSET", "raised", "f0", new string('x', 90_000));
        Assert.Equal(inOrder, Names("raised"));
        Assert.Equal("90000", _world.Ask("HSTRLEN raised f0"));
        // Not beyond what is asked, and not beyond 128 KiB.
        _world.Ask("HSET", "raised", "f1", new string('x', 50_000));
        Assert.NotEqual(inOrder, Names("raised"));
        _world.Ask("HSET", "long", "f", new string('x', 60_000), "g", "v");
        _world.Ask("CONFIG SET hash-max-listpack-value 64 hash-max-listpack-entries 512");
        _world.Ask("HSET long h 1");
        Assert.Equal("3", _world.Ask("HLEN long"));
        Assert.Equal("60000", _world.Ask("HSTRLEN long f"));
        Assert.Equal("300", _world.Ask("HLEN raised"));
    }

    [Fact]
    public void What_is_wrong_is_told_and_changes_nothing()
    {
        _world.Ask("SET s v");
        foreach (var request in (string[])["HSET s a b", "HGET s a", "HDEL s a", "HGETALL s", "HINCRBY s a 1", "HSCAN s 0", "HRANDFIELD s", "HMGET s a"])
            Assert.Equal(WrongType, _world.Ask(request));
        _world.Ask("HSET h a b");
        Assert.Equal(WrongType, _world.Ask("GET h"));
        Assert.Equal("(error) ERR wrong number of arguments for 'hset' command", _world.Ask("HSET h a b c"));
        Assert.Equal("(error) ERR wrong number of arguments for 'hmset' command", _world.Ask("HMSET h a b c"));
        Assert.Equal("(error) ERR invalid cursor", _world.Ask("HSCAN h x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("HSCAN h 0 COUNT 0"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("HSCAN h 0 MATCH"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("HRANDFIELD h 1 x"));
        Assert.Equal("(error) ERR value is out of range", _world.Ask("HRANDFIELD h -9223372036854775807"));
        Assert.Equal("[a, b]", _world.Ask("HGETALL h"));
    }

    [Fact]
    public void The_third_version_has_maps_and_pairs()
    {
        _world.First.Client.Version = 3;
        _world.Ask("HSET h a 1 b 2");
        Assert.Equal("{a: 1, b: 2}", _world.Ask("HGETALL h"));
        Assert.Equal("(nil)", _world.Ask("HGET h x"));
        Assert.Equal("{}", _world.Ask("HGETALL x"));
        Assert.Equal("[[a, 1], [b, 2]]", _world.Ask("HRANDFIELD h 5 WITHVALUES"));
        Assert.Equal("[0, [a, 1]]", _world.Ask("HSCAN h 0 MATCH a"));
    }

    [Fact]
    public void A_large_hash_is_scanned_piece_by_piece_and_drawn_from()
    {
        for (var i = 0; i < 1500; i++) _world.Ask($"HSET h f{i} {i}");
        Assert.Equal(1, StructureChecker.Check(_world));
        Assert.Equal("1500", _world.Ask("HLEN h"));
        var all = _world.Ask("HGETALL h");
        Assert.True(all.Split(", ").Length == 3000, all);
        var seen = new List<string>();
        var cursor = "0";
        do
        {
            var reply = _world.Ask($"HSCAN h {cursor} COUNT 50").TrimStart('[').TrimEnd(']').Replace("[", "", StringComparison.Ordinal).Split(", ");
            cursor = reply[0];
            seen.AddRange(reply[1..].Where((_, i) => i % 2 == 0));
            _world.Ask($"HSET h new{seen.Count} x");
            _world.Ask($"HDEL h new{seen.Count}");
        }
        while (cursor != "0");
        Assert.Equal(Enumerable.Range(0, 1500).Select(i => $"f{i}").Order(), seen.Order());
        var drawn = _world.Ask("HRANDFIELD h 20").TrimStart('[').TrimEnd(']').Split(", ");
        Assert.Equal(20, drawn.Distinct().Count());
        Assert.All(drawn, f => Assert.StartsWith("f", f, StringComparison.Ordinal));
    }

    [Fact]
    public void Draws_are_about_even()
    {
        for (var i = 0; i < 200; i++) _world.Ask($"HSET h f{i} {i}");
        var counts = _world.Ask("HRANDFIELD h -20000").TrimStart('[').TrimEnd(']').Split(", ").CountBy(f => f).ToDictionary();
        Assert.Equal(200, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 40, 200));
        // One at a time, from a place of the order: less even, but nobody is left out.
        counts = Enumerable.Range(0, 4000).Select(_ => _world.Ask("HRANDFIELD h")).CountBy(f => f).ToDictionary();
        Assert.Equal(200, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 1, 80));
    }

    [Theory, Seeds(8)]
    public void It_does_what_a_dictionary_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new Dictionary<string, Dictionary<string, string>> { ["x"] = [], ["y"] = [] };
        var size = random.OneIn(2) ? 400 : 12;      // small values cross the bound of elements, large ones that of bytes
        var fields = size == 12 ? 300 : 40;
        for (var i = 0; i < 1200; i++)
        {
            var key = random.OneIn(2) ? "x" : "y";
            var hash = model[key];
            var field = $"f{random.Next(fields)}";
            var value = new string((char)('a' + random.Next(26)), random.Next(size));
            switch (random.Next(12))
            {
                case <= 4:
                    Assert.Equal(hash.ContainsKey(field) ? "0" : "1", _world.Ask("HSET", key, field, value));
                    hash[field] = value;
                    break;
                case <= 6:
                    Assert.Equal(hash.Remove(field) ? "1" : "0", _world.Ask("HDEL", key, field));
                    break;
                case 7:
                    Assert.Equal(hash.GetValueOrDefault(field) ?? "(nil)", _world.Ask("HGET", key, field));
                    break;
                case 8:
                    Assert.Equal(hash.Count.ToString(CultureInfo.InvariantCulture), _world.Ask("HLEN", key));
                    break;
                case 9:
                    var all = _world.Ask("HKEYS", key).Trim('[', ']').Split(", ", StringSplitOptions.RemoveEmptyEntries);
                    Assert.Equal(hash.Keys.Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
                    break;
                case 10 when random.OneIn(5):
                    Assert.Equal(hash.Count > 0 ? "1" : "0", _world.Ask(random.OneIn(2) ? "DEL" : "UNLINK", key));
                    hash.Clear();
                    break;
                case 10 when random.OneIn(10):
                    Assert.Equal("OK", _world.Ask("SET", key, "v", "PX", "5"));
                    Assert.Equal(WrongType, _world.Ask("HGET", key, field));
                    _world.Pass(TimeSpan.FromSeconds(1));
                    hash.Clear();
                    break;
                default:
                    // Taken in one turn, so in one batch.
                    _world.First.Receive(TestChannel.Request("HDEL", key, field));
                    _world.First.Receive(TestChannel.Request("HSET", key, field, value, "g", value));
                    _ = _world.First.Take();
                    hash[field] = value;
                    hash["g"] = value;
                    break;
            }
            if (i % 100 == 0) StructureChecker.Check(_world);
        }
        StructureChecker.Check(_world);
    }
}
