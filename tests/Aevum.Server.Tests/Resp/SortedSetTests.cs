using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class SortedSetTests : IDisposable
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Scores_are_given_under_conditions()
    {
        Assert.Equal("2", _world.Ask("ZADD z 1 a 2 b"));
        Assert.Equal("0", _world.Ask("ZADD z 3 a"));
        Assert.Equal("2", _world.Ask("ZADD z CH 4 a 5 c 2 b"));
        Assert.Equal("0", _world.Ask("ZADD z XX 1 new"));
        Assert.Equal("0", _world.Ask("ZADD z NX 1 a"));
        Assert.Equal("0", _world.Ask("ZADD z GT CH 3 a"));
        Assert.Equal("1", _world.Ask("ZADD z LT CH 3 a"));
        Assert.Equal("1", _world.Ask("ZADD z GT 7 d"));
        Assert.Equal("(nil)", _world.Ask("ZADD z GT INCR -1 a"));
        Assert.Equal("3.5", _world.Ask("ZADD z INCR 0.5 a"));
        Assert.Equal("(nil)", _world.Ask("ZADD z XX INCR 1 nobody"));
        Assert.Equal("4.5", _world.Ask("ZINCRBY z 1 a"));
        Assert.Equal("[b, 2, a, 4.5, c, 5, d, 7]", _world.Ask("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("(error) ERR XX and NX options at the same time are not compatible", _world.Ask("ZADD z XX NX 1 a"));
        Assert.Equal("(error) ERR GT, LT, and/or NX options at the same time are not compatible", _world.Ask("ZADD z GT LT 1 a"));
        Assert.Equal("(error) ERR INCR option supports a single increment-element pair", _world.Ask("ZADD z INCR 1 a 2 b"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZADD z 1 a 2"));
        Assert.Equal("(error) ERR value is not a valid float", _world.Ask("ZADD z 1 a x b"));
        Assert.Equal("(error) ERR value is not a valid float", _world.Ask("ZADD z nan a"));
        _world.Ask("ZADD z +inf i");
        Assert.Equal("(error) ERR resulting score is not a number (NaN)", _world.Ask("ZINCRBY z -inf i"));
        Assert.Equal("inf", _world.Ask("ZSCORE z i"));
        Assert.Equal("0", _world.Ask("ZINCRBY z -0 zero"));
    }

    [Fact]
    public void Members_are_found_counted_and_taken_out()
    {
        _world.Ask("ZADD z 1 a 2 b 3 c 4 d 5 e");
        Assert.Equal("5", _world.Ask("ZCARD z"));
        Assert.Equal("2", _world.Ask("ZSCORE z b"));
        Assert.Equal("(nil)", _world.Ask("ZSCORE z x"));
        Assert.Equal("[1, (nil), 3]", _world.Ask("ZMSCORE z a x c"));
        Assert.Equal("1", _world.Ask("ZRANK z b"));
        Assert.Equal("3", _world.Ask("ZREVRANK z b"));
        Assert.Equal("(nil)", _world.Ask("ZRANK z x"));
        Assert.Equal("3", _world.Ask("ZCOUNT z 2 4"));
        Assert.Equal("1", _world.Ask("ZCOUNT z (2 (4"));
        Assert.Equal("5", _world.Ask("ZCOUNT z -inf +inf"));
        Assert.Equal("0", _world.Ask("ZCOUNT z 4 2"));
        Assert.Equal("(error) ERR min or max is not a float", _world.Ask("ZCOUNT z a b"));
        Assert.Equal("2", _world.Ask("ZREM z a b x"));
        Assert.Equal("[c, 3]", _world.Ask("ZPOPMIN z"));
        Assert.Equal("[e, 5, d, 4]", _world.Ask("ZPOPMAX z 5"));
        Assert.Equal("[]", _world.Ask("ZPOPMAX z"));
        Assert.Equal("(error) ERR value is out of range, must be positive", _world.Ask("ZPOPMIN z -1"));
    }

    [Fact]
    public void Ranges_are_by_rank_by_score_or_by_member()
    {
        _world.Ask("ZADD z 1 a 2 b 3 c 4 d");
        Assert.Equal("[d, c]", _world.Ask("ZRANGE z 0 1 REV"));
        Assert.Equal("[b, c]", _world.Ask("ZRANGE z (1 3 BYSCORE"));
        Assert.Equal("[c, b]", _world.Ask("ZRANGE z 3 (1 BYSCORE REV"));
        Assert.Equal("[c]", _world.Ask("ZRANGE z -inf +inf BYSCORE LIMIT 2 1"));
        Assert.Equal("[b, c, d]", _world.Ask("ZRANGEBYSCORE z -inf +inf LIMIT 1 -1"));
        Assert.Equal("[d, 4, c, 3]", _world.Ask("ZREVRANGEBYSCORE z +inf 3 WITHSCORES"));
        Assert.Equal("[d]", _world.Ask("ZREVRANGE z 0 0"));
        Assert.Equal("[]", _world.Ask("ZRANGE z 3 1"));
        Assert.Equal("(error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX", _world.Ask("ZRANGE z 0 1 LIMIT 0 1"));
        Assert.Equal("(error) ERR syntax error, WITHSCORES not supported in combination with BYLEX", _world.Ask("ZRANGE z - + BYLEX WITHSCORES"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZRANGE z 0 1 x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZREVRANGE z 0 1 REV"));
        Assert.Equal("2", _world.Ask("ZRANGESTORE y z 1 2"));
        Assert.Equal("[b, 2, c, 3]", _world.Ask("ZRANGE y 0 -1 WITHSCORES"));
        Assert.Equal("0", _world.Ask("ZRANGESTORE y z 9 9"));
        Assert.Equal("0", _world.Ask("ZCARD y"));
        _world.Ask("ZADD l 0 a 0 b 0 c 0 d 0 e");
        Assert.Equal("[a, b, c]", _world.Ask("ZRANGEBYLEX l - [c"));
        Assert.Equal("[b]", _world.Ask("ZRANGEBYLEX l (a (c"));
        Assert.Equal("[e, d]", _world.Ask("ZREVRANGEBYLEX l + - LIMIT 0 2"));
        Assert.Equal("[]", _world.Ask("ZRANGEBYLEX l + -"));
        Assert.Equal("3", _world.Ask("ZLEXCOUNT l [b (e"));
        Assert.Equal("(error) ERR min or max not valid string range item", _world.Ask("ZLEXCOUNT l b c"));
        Assert.Equal("2", _world.Ask("ZREMRANGEBYLEX l [b [c"));
        Assert.Equal("1", _world.Ask("ZREMRANGEBYRANK l -1 -1"));
        Assert.Equal("3", _world.Ask("ZREMRANGEBYSCORE z (1 +inf"));
        Assert.Equal("[a]", _world.Ask("ZRANGE z 0 -1"));
        Assert.Equal("[a, d]", _world.Ask("ZRANGE l 0 -1"));
    }

    [Fact]
    public void The_third_version_has_numbers_and_pairs()
    {
        _world.First.Client.Version = 3;
        _world.Ask("ZADD z 1 a 2.5 b");
        Assert.Equal("[[a, 1], [b, 2.5]]", _world.Ask("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("[[a, 1], [b, 2.5]]", _world.Ask("ZUNION 1 z WITHSCORES"));
        _world.First.Receive("ZSCORE z b\r\n"u8);
        Assert.Equal(",2.5\r\n"u8.ToArray(), _world.First.Take());
        Assert.Equal("[a, 1, b, 2.5]", _world.Ask("ZSCAN z 0").Replace("[0, [", "[", StringComparison.Ordinal).Replace("]]", "]", StringComparison.Ordinal));
        Assert.Equal("[[b, 2.5]]", _world.Ask("ZPOPMAX z 1"));
        Assert.Equal("[a, 1]", _world.Ask("ZPOPMAX z"));
    }

    [Fact]
    public void Sorted_sets_and_sets_are_put_together()
    {
        _world.Ask("ZADD a 1 x 2 y 3 z");
        _world.Ask("ZADD b 10 y 20 z 30 w");
        _world.Ask("SADD s x z");
        Assert.Equal("[x, 1, y, 12, z, 23, w, 30]", _world.Ask("ZUNION 2 a b WITHSCORES"));
        Assert.Equal("[y, 24, z, 46]", _world.Ask("ZINTER 2 a b WEIGHTS 2 2 WITHSCORES"));
        Assert.Equal("[y, 2, z, 3]", _world.Ask("ZINTER 2 a b AGGREGATE MIN WITHSCORES"));
        Assert.Equal("[x, 2, z, 4]", _world.Ask("ZINTER 2 a s WITHSCORES"));
        Assert.Equal("[x]", _world.Ask("ZDIFF 2 a b"));
        Assert.Equal("2", _world.Ask("ZINTERCARD 2 a b"));
        Assert.Equal("1", _world.Ask("ZINTERCARD 2 a b LIMIT 1"));
        Assert.Equal("4", _world.Ask("ZUNIONSTORE a 2 a b AGGREGATE MAX"));
        Assert.Equal("[x, 1, y, 10, z, 20, w, 30]", _world.Ask("ZRANGE a 0 -1 WITHSCORES"));
        Assert.Equal("1", _world.Ask("ZDIFFSTORE d 2 a b"));
        Assert.Equal("0", _world.Ask("ZINTERSTORE d 2 d b"));
        Assert.Equal("0", _world.Ask("ZCARD d"));
        Assert.Equal("(error) ERR at least 1 input key is needed for 'zunionstore' command", _world.Ask("ZUNIONSTORE d 0 a"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZUNION 3 a b"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZUNION 1 a AGGREGATE avg"));
        Assert.Equal("(error) ERR weight value is not a float", _world.Ask("ZUNION 1 a WEIGHTS x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("ZDIFF 1 a WEIGHTS 1"));
        _world.Ask("SET v v");
        foreach (var request in (string[])["ZADD v 1 a", "ZUNION 2 a v", "ZRANGE v 0 -1", "ZPOPMIN v", "ZSCORE s x", "ZRANGESTORE x v 0 1", "BZPOPMIN v 1"])
            Assert.Equal(WrongType, _world.Ask(request));
    }

    [Fact]
    public void Scores_are_read_as_C_does()
    {
        foreach (var none in (string[])["1e400", "-1e400", "1e-400", "0x1p2000", "0x", "0x1g", "1e", "--1",
            new string('9', 400), new string('1', 5000), "0." + new string('0', 400) + "1"])
            Assert.Equal("(error) ERR value is not a valid float", _world.Ask("ZADD", "z", none, "a"));
        _world.Ask("ZADD", "numbers", "17976931348623157" + new string('0', 292) + "." + new string('0', 17), "max");
        Assert.Equal("1.7976931348623157e+308", _world.Ask("ZSCORE numbers max"));
        _world.Ask("ZADD", "numbers", new string('0', 5000) + "7", "seven", "0x10", "sixteen", "-0x1.8p1", "minus-three", "0e-999", "zero");
        Assert.Equal("[7, 16, -3, 0]", _world.Ask("ZMSCORE numbers seven sixteen minus-three zero"));
        // The ends of a range are the nearest that there are.
        Assert.Equal("4", _world.Ask("ZCOUNT numbers -1e999 0x1f"));
        Assert.Equal("4", _world.Ask("ZCOUNT numbers 1e-999 1e999"));
        Assert.Equal("3", _world.Ask("ZCOUNT", "numbers", "(", " +inf"));
        Assert.Equal("(error) ERR min or max is not a float", _world.Ask("ZCOUNT numbers nan 1"));
    }

    [Fact]
    public void What_came_and_became_something_else_wakes_nobody()
    {
        var (second, other) = (_world.Connect(), _world.Connect());
        Assert.Equal("", _world.Ask("BZPOPMIN b 0"));
        Assert.Equal("", second.Ask("BZMPOP 0 2 none b MAX"));
        foreach (var step in (string[])["MULTI", "ZADD b 1 x", "DEL b", "SET b foo", "EXEC"]) other.Ask(step);
        Assert.Equal("", ReplyText.Of(_world.First.Take()) + ReplyText.Of(second.Take()));
        Assert.Equal(WrongType, other.Ask("BZPOPMIN b 0"));
        other.Ask("DEL b");
        other.Ask("ZADD b 1 x 2 y");
        Assert.Equal("[b, x, 1]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[b, [[y, 2]]]", ReplyText.Of(second.Take()));
    }

    [Fact]
    public void Who_waits_gets_the_lowest_or_highest()
    {
        var (second, third) = (_world.Connect(), _world.Connect());
        Assert.Equal("", _world.Ask("BZPOPMAX a b 0"));
        Assert.Equal("", second.Ask("BZMPOP 2 1 b MIN COUNT 2"));
        Assert.Equal("3", third.Ask("ZADD b 1 x 2 y 3 z"));
        Assert.Equal("[b, z, 3]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[b, [[x, 1], [y, 2]]]", ReplyText.Of(second.Take()));
        Assert.Equal("", second.Ask("BZPOPMIN b 0.1"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", ReplyText.Of(second.Take()));
        third.Ask("ZADD b 1 x");
        Assert.Equal("[b, [[x, 1]]]", third.Ask("ZMPOP 2 a b MAX"));
        Assert.Equal("(nil)", third.Ask("ZMPOP 2 a b MAX"));
    }

    [Theory, Seeds(8)]
    public void It_does_what_a_sorted_list_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new Dictionary<string, double>();
        var members = random.OneIn(2) ? 400 : 60;
        var tail = members == 400 ? "" : new string('x', 100);
        var scores = random.OneIn(3) ? 1 : 50;
        string Some() => random.Next(members) + tail;
        double Score() => (random.Next(scores) - (scores / 2)) * (random.OneIn(5) ? 0.25 : 1) + 0.0;
        static string Text(double score) => score.ToString(CultureInfo.InvariantCulture);
        List<KeyValuePair<string, double>> Sorted() =>
            [.. model.OrderBy(m => m.Value).ThenBy(m => m.Key, StringComparer.Ordinal)];
        static string Told(IEnumerable<KeyValuePair<string, double>> elements) =>
            "[" + string.Join(", ", elements.Select(e => $"{e.Key}, {Text(e.Value)}")) + "]";
        for (var i = 0; i < 800; i++)
        {
            var member = Some();
            var sorted = Sorted();
            var n = sorted.Count;
            switch (random.Next(i % 500 < 300 ? 14 : 19))
            {
                case <= 4:
                    var pairs = Enumerable.Range(0, 1 + random.Next(8)).Select(_ => (Member: Some(), Score: Score())).DistinctBy(p => p.Member).ToArray();
                    var isNew = pairs.Count(p => !model.ContainsKey(p.Member));
                    Assert.Equal($"{isNew}", _world.Ask(["ZADD", "z", .. pairs.SelectMany(p => new[] { Text(p.Score), p.Member })]));
                    foreach (var (m, s) in pairs) model[m] = s;
                    break;
                case 5:
                    var delta = Score();
                    model[member] = model.GetValueOrDefault(member) + delta + 0.0;
                    Assert.Equal(Text(model[member]), _world.Ask("ZINCRBY", "z", Text(delta), member));
                    break;
                case 6 or 7:
                    Assert.Equal(model.TryGetValue(member, out var score) ? Text(score) : "(nil)", _world.Ask("ZSCORE", "z", member));
                    break;
                case 8:
                    var rank = sorted.FindIndex(e => e.Key == member);
                    Assert.Equal(rank < 0 ? "(nil)" : $"{rank}", _world.Ask("ZRANK", "z", member));
                    Assert.Equal(rank < 0 ? "(nil)" : $"{n - 1 - rank}", _world.Ask("ZREVRANK", "z", member));
                    break;
                case 9:
                    var (start, stop) = (random.Next(-n - 2, n + 2), random.Next(-n - 2, n + 2));
                    var (from, to) = (start < 0 ? Math.Max(0, start + n) : start, Math.Min(stop < 0 ? stop + n : stop, n - 1));
                    Assert.Equal(Told(from > to ? [] : sorted[from..(to + 1)]), _world.Ask("ZRANGE", "z", $"{start}", $"{stop}", "WITHSCORES"));
                    sorted.Reverse();
                    Assert.Equal(Told(from > to ? [] : sorted[from..(to + 1)]), _world.Ask("ZREVRANGE", "z", $"{start}", $"{stop}", "WITHSCORES"));
                    break;
                case 10:
                    var (min, max) = (Score(), Score());
                    var (noMin, noMax) = (random.OneIn(2), random.OneIn(2));
                    var within = sorted.Where(e => (noMin ? e.Value > min : e.Value >= min) && (noMax ? e.Value < max : e.Value <= max)).ToList();
                    var (low, high) = ((noMin ? "(" : "") + Text(min), (noMax ? "(" : "") + Text(max));
                    Assert.Equal($"{within.Count}", _world.Ask("ZCOUNT", "z", low, high));
                    Assert.Equal(Told(within.Skip(2).Take(5)), _world.Ask("ZRANGEBYSCORE", "z", low, high, "WITHSCORES", "LIMIT", "2", "5"));
                    within.Reverse();
                    Assert.Equal(Told(within), _world.Ask("ZREVRANGEBYSCORE", "z", high, low, "WITHSCORES"));
                    break;
                case 11 when scores == 1 && n > 0 && model.Values.Distinct().Count() == 1:
                    var (first, last) = (Some(), Some());
                    var between = sorted.Where(e => string.CompareOrdinal(e.Key, first) >= 0 && string.CompareOrdinal(e.Key, last) < 0).ToList();
                    Assert.Equal($"{between.Count}", _world.Ask("ZLEXCOUNT", "z", "[" + first, "(" + last));
                    between.Reverse();
                    Assert.Equal($"[{string.Join(", ", between.Select(e => e.Key))}]", _world.Ask("ZREVRANGEBYLEX", "z", "(" + last, "[" + first));
                    break;
                case 12:
                    Assert.Equal($"{n}", _world.Ask("ZCARD z"));
                    break;
                case 13 or 14:
                    Assert.Equal(model.Remove(member) ? "1" : "0", _world.Ask("ZREM", "z", member));
                    break;
                case 15:
                    var isMax = random.OneIn(2);
                    var count = random.Next(6);
                    if (isMax) sorted.Reverse();
                    Assert.Equal(Told(sorted.Take(count)), _world.Ask(isMax ? "ZPOPMAX" : "ZPOPMIN", "z", $"{count}"));
                    foreach (var (m, _) in sorted.Take(count)) model.Remove(m);
                    break;
                case 16 when n > 0:
                    var at = random.Next(n);
                    var until = Math.Min(n - 1, at + random.Next(12));
                    Assert.Equal($"{until - at + 1}", _world.Ask("ZREMRANGEBYRANK", "z", $"{at}", $"{until}"));
                    foreach (var (m, _) in sorted[at..(until + 1)]) model.Remove(m);
                    break;
                case 17 when random.OneIn(30):
                    Assert.Equal($"{n}", _world.Ask("ZUNIONSTORE y 1 z"));
                    Assert.Equal(Told(sorted), _world.Ask("ZRANGE y 0 -1 WITHSCORES"));
                    Assert.Equal($"{n}", _world.Ask("ZREMRANGEBYSCORE z -inf +inf"));
                    model.Clear();
                    break;
                default:
                    var drawn = _world.Ask("ZRANDMEMBER z");
                    Assert.True(n == 0 ? drawn == "(nil)" : model.ContainsKey(drawn));
                    break;
            }
            if (i % 80 != 0) continue;
            StructureChecker.Check(_world);
            Assert.Equal(Told(Sorted()), _world.Ask("ZRANGE z 0 -1 WITHSCORES"));
        }
    }
}
