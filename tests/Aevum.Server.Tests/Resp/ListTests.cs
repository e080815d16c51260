using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class ListTests : IDisposable
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Values_are_pushed_and_popped_at_both_ends()
    {
        Assert.Equal("3", _world.Ask("RPUSH l a b c"));
        Assert.Equal("5", _world.Ask("LPUSH l x y"));
        Assert.Equal("[y, x, a, b, c]", _world.Ask("LRANGE l 0 -1"));
        Assert.Equal("y", _world.Ask("LPOP l"));
        Assert.Equal("[c, b]", _world.Ask("RPOP l 2"));
        Assert.Equal("[]", _world.Ask("LPOP l 0"));
        Assert.Equal("[x, a]", _world.Ask("LPOP l 9"));
        Assert.Equal("(nil)", _world.Ask("LPOP l"));
        Assert.Equal("(nil)", _world.Ask("LPOP l 2"));
        Assert.Equal("0", _world.Ask("LPUSHX l a"));
        Assert.Equal("0", _world.Ask("LLEN l"));
        Assert.Equal("(error) ERR value is out of range, must be positive", _world.Ask("LPOP l -1"));
        Assert.Equal("(error) ERR wrong number of arguments for 'lpop' command", _world.Ask("LPOP l 1 2"));
    }

    [Fact]
    public void Places_are_read_and_changed()
    {
        _world.Ask("RPUSH l a b c d");
        Assert.Equal("d", _world.Ask("LINDEX l -1"));
        Assert.Equal("(nil)", _world.Ask("LINDEX l 4"));
        Assert.Equal("OK", _world.Ask("LSET l -2 x"));
        Assert.Equal("(error) ERR index out of range", _world.Ask("LSET l 4 x"));
        Assert.Equal("(error) ERR no such key", _world.Ask("LSET nothing 0 x"));
        Assert.Equal("[b, x]", _world.Ask("LRANGE l 1 2"));
        Assert.Equal("[]", _world.Ask("LRANGE l 3 1"));
        Assert.Equal("[d]", _world.Ask("LRANGE l 3 100"));
        Assert.Equal("5", _world.Ask("LINSERT l BEFORE b new"));
        Assert.Equal("6", _world.Ask("LINSERT l after d end"));
        Assert.Equal("-1", _world.Ask("LINSERT l AFTER nothing x"));
        Assert.Equal("0", _world.Ask("LINSERT nothing AFTER a x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("LINSERT l beside a x"));
        Assert.Equal("[a, new, b, x, d, end]", _world.Ask("LRANGE l 0 -1"));
        Assert.Equal("OK", _world.Ask("LTRIM l 1 -2"));
        Assert.Equal("[new, b, x, d]", _world.Ask("LRANGE l 0 -1"));
        Assert.Equal("OK", _world.Ask("LTRIM l 5 9"));
        Assert.Equal("0", _world.Ask("LLEN l"));
    }

    [Fact]
    public void Values_are_found_and_taken_out()
    {
        _world.Ask("RPUSH l a b c 1 2 3 c c");
        Assert.Equal("2", _world.Ask("LPOS l c"));
        Assert.Equal("6", _world.Ask("LPOS l c RANK 2"));
        Assert.Equal("7", _world.Ask("LPOS l c RANK -1"));
        Assert.Equal("[2, 6]", _world.Ask("LPOS l c COUNT 2"));
        Assert.Equal("[7, 6, 2]", _world.Ask("LPOS l c COUNT 0 RANK -1"));
        Assert.Equal("(nil)", _world.Ask("LPOS l c MAXLEN 2"));
        Assert.Equal("[]", _world.Ask("LPOS l x COUNT 1"));
        Assert.StartsWith("(error) ERR RANK can't be zero: use 1", _world.Ask("LPOS l c RANK 0"), StringComparison.Ordinal);
        Assert.Equal("(error) ERR COUNT can't be negative", _world.Ask("LPOS l c COUNT -1"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("LPOS l c COUNT"));
        Assert.Equal("1", _world.Ask("LREM l -1 c"));
        Assert.Equal("1", _world.Ask("LREM l 1 c"));
        Assert.Equal("[a, b, 1, 2, 3, c]", _world.Ask("LRANGE l 0 -1"));
        Assert.Equal("1", _world.Ask("LREM l 0 c"));
        Assert.Equal("0", _world.Ask("LREM l 0 nothing"));
    }

    [Fact]
    public void Values_move_from_list_to_list()
    {
        _world.Ask("RPUSH a 1 2 3");
        Assert.Equal("3", _world.Ask("RPOPLPUSH a b"));
        Assert.Equal("1", _world.Ask("LMOVE a b LEFT RIGHT"));
        Assert.Equal("[3, 1]", _world.Ask("LRANGE b 0 -1"));
        Assert.Equal("1", _world.Ask("RPOPLPUSH b b"));
        Assert.Equal("[1, 3]", _world.Ask("LRANGE b 0 -1"));
        Assert.Equal("2", _world.Ask("LMOVE a a LEFT LEFT"));
        Assert.Equal("(nil)", _world.Ask("LMOVE nothing b LEFT LEFT"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("LMOVE a b LEFT UP"));
        _world.Ask("SET s v");
        Assert.Equal(WrongType, _world.Ask("LMOVE a s LEFT LEFT"));
        Assert.Equal("[2]", _world.Ask("LRANGE a 0 -1"));
        Assert.Equal("[b, [3, 1]]", _world.Ask("LMPOP 2 nothing b RIGHT COUNT 5"));
        Assert.Equal("(nil)", _world.Ask("LMPOP 1 nothing LEFT"));
        Assert.Equal("(error) ERR numkeys should be greater than 0", _world.Ask("LMPOP 0 a LEFT"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("LMPOP 2 a LEFT"));
        Assert.Equal("(error) ERR count should be greater than 0", _world.Ask("LMPOP 1 a LEFT COUNT 0"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("LMPOP 1 a LEFT COUNT 1 COUNT 1"));
    }

    [Fact]
    public void Who_waits_longest_gets_what_is_pushed_first()
    {
        var (second, third) = (_world.Connect(), _world.Connect());
        Assert.Equal("", _world.Ask("BLPOP a b 0"));
        Assert.Equal("", second.Ask("BRPOP b 5"));
        Assert.Equal("3", third.Ask("RPUSH b 1 2 3"));
        Assert.Equal("[b, 1]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[b, 3]", ReplyText.Of(second.Take()));
        Assert.Equal("[2]", third.Ask("LRANGE b 0 -1"));
        // What came in meanwhile is done behind it.
        Assert.Equal("", _world.Ask("BLPOP a 0"));
        _world.First.Receive("LLEN b\r\n"u8);
        Assert.Equal("", ReplyText.Of(_world.First.Take()));
        third.Ask("LPUSH a x");
        Assert.Equal("[a, x] 1", ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void A_wait_ends_with_its_time_or_with_an_error()
    {
        var second = _world.Connect();
        Assert.Equal("", _world.Ask("BLPOP a 0.5"));
        Assert.Equal("", second.Ask("BLMOVE a b LEFT RIGHT 2"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", ReplyText.Of(_world.First.Take()));
        Assert.Equal("", ReplyText.Of(second.Take()));
        _world.Ask("SET b v");
        _world.Ask("RPUSH a 1");
        Assert.Equal(WrongType, ReplyText.Of(second.Take()));
        Assert.Equal("[a, 1]", second.Ask("BLPOP a 1"));
        Assert.Equal("(error) ERR timeout is negative", _world.Ask("BLPOP a -1"));
        Assert.Equal("(error) ERR timeout is not a float or out of range", _world.Ask("BLPOP a x"));
        Assert.Equal("(error) ERR timeout is out of range", _world.Ask("BLPOP a 1e300"));
        Assert.Equal(WrongType, _world.Ask("BLPOP b 1"));
    }

    [Theory]
    [InlineData("BLPOP list 0", "[list, b]")]
    [InlineData("BRPOP none list 0", "[list, b]")]
    [InlineData("BLMPOP 0 1 list LEFT", "[list, [b]]")]
    [InlineData("BLMOVE list target LEFT RIGHT 0", "b")]
    [InlineData("BRPOPLPUSH list target 0", "b")]
    public void What_came_and_became_something_else_wakes_nobody(string request, string answer)
    {
        var other = _world.Connect();
        Assert.Equal("", _world.Ask(request));
        foreach (var step in (string[])["MULTI", "LPUSH list a", "DEL list", "SET list foo", "EXEC"]) other.Ask(step);
        Assert.Equal("", ReplyText.Of(_world.First.Take()));
        Assert.Equal(WrongType, other.Ask(request));
        other.Ask("DEL list");
        other.Ask("LPUSH list b");
        Assert.Equal(answer, ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void One_who_waits_wakes_another()
    {
        var (second, third) = (_world.Connect(), _world.Connect());
        Assert.Equal("", _world.Ask("BRPOPLPUSH a b 0"));
        Assert.Equal("", second.Ask("BLMPOP 0 2 x b LEFT COUNT 3"));
        Assert.Equal("1", third.Ask("LPUSH a v"));
        Assert.Equal("v", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[b, [v]]", ReplyText.Of(second.Take()));
        Assert.Equal("0", third.Ask("LLEN b"));
    }

    [Theory, Seeds(8)]
    public void It_does_what_a_list_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var list = new List<string>();
        var size = random.OneIn(2) ? 300 : 3;
        string Text() => "[" + string.Join(", ", list) + "]";
        for (var i = 0; i < 900; i++)
        {
            // Grows for a while, then shrinks.
            var value = random.Next(8) + new string('v', random.Next(size));
            var n = list.Count;
            switch (i % 600 < 350 ? random.Next(13) : random.Next(5, 22))
            {
                case <= 4:
                    var left = random.OneIn(2);
                    var more = random.OneIn(3) ? 10 : 1;
                    for (var j = 0; j < more; j++) list.Insert(left ? 0 : list.Count, value);
                    Assert.Equal($"{list.Count}", _world.Ask([left ? "LPUSH" : "RPUSH", "l", .. Enumerable.Repeat(value, more)]));
                    break;
                case 5:
                    var pivot = n == 0 ? "x" : list[random.Next(n)];
                    var at = list.IndexOf(pivot);
                    if (at >= 0) list.Insert(random.OneIn(2) ? at : at + 1, value);
                    var isAfter = at >= 0 && list[at] == pivot && (list[at + 1] == value || list[at] != value);
                    if (at >= 0 && list[at] == pivot && list[at + 1] == value) isAfter = true;
                    Assert.Equal(n == 0 ? "0" : $"{list.Count}", _world.Ask("LINSERT", "l", isAfter ? "AFTER" : "BEFORE", pivot, value));
                    break;
                case 6 when n > 0:
                    var place = random.Next(n);
                    list[place] = value;
                    Assert.Equal("OK", _world.Ask("LSET", "l", $"{(random.OneIn(2) ? place : place - n)}", value));
                    break;
                case 7 or 8:
                    var (start, stop) = (random.Next(-n - 2, n + 2), random.Next(-n - 2, n + 2));
                    Assert.Equal("[" + string.Join(", ", Slice(list, start, stop)) + "]", _world.Ask("LRANGE", "l", $"{start}", $"{stop}"));
                    break;
                case 9 when n > 0:
                    var index = random.Next(n);
                    Assert.Equal(list[index], _world.Ask("LINDEX", "l", $"{index}"));
                    break;
                case 10:
                    var sought = n == 0 ? "x" : list[random.Next(n)];
                    Assert.Equal(n == 0 ? "(nil)" : $"{list.IndexOf(sought)}", _world.Ask("LPOS", "l", sought));
                    break;
                case 11 or 12:
                    Assert.Equal($"{n}", _world.Ask("LLEN l"));
                    break;
                case 13 or 14:
                    var what = n == 0 ? "x" : list[random.Next(n)];
                    var count = random.Next(-3, 4);
                    Assert.Equal($"{Remove(list, what, count)}", _world.Ask("LREM", "l", $"{count}", what));
                    break;
                case 15 when random.OneIn(3):
                    var (from, to) = (random.Next(0, 12), random.Next(-12, 0));
                    list = Slice(list, from, to);
                    Assert.Equal("OK", _world.Ask("LTRIM", "l", $"{from}", $"{to}"));
                    break;
                case 16 when n > 0:
                    var moved = list[^1];
                    list.RemoveAt(n - 1);
                    list.Insert(0, moved);
                    Assert.Equal(moved, _world.Ask("RPOPLPUSH l l"));
                    break;
                case 17 when random.OneIn(40):
                    // Overwritten and begun anew within one batch.
                    _world.First.Receive("DEL l\r\nRPUSH l x y\r\n"u8);
                    _ = _world.First.Take();
                    list = ["x", "y"];
                    break;
                default:
                    var isLeft = random.OneIn(2);
                    var taken = Math.Min(n, random.OneIn(10) ? random.Next(1, 100) : 1);
                    var popped = isLeft ? list[..taken] : list[(n - taken)..].AsEnumerable().Reverse().ToList();
                    list = isLeft ? list[taken..] : list[..(n - taken)];
                    Assert.Equal(n == 0 ? "(nil)" : $"[{string.Join(", ", popped)}]", _world.Ask(isLeft ? "LPOP" : "RPOP", "l", n == 0 ? "1" : $"{taken}"));
                    break;
            }
            if (i % 50 != 0) continue;
            StructureChecker.Check(_world);
            Assert.Equal(Text(), _world.Ask("LRANGE l 0 -1"));
        }
        Assert.Equal(Text(), _world.Ask("LRANGE l 0 -1"));
    }

    static List<string> Slice(List<string> list, int start, int stop)
    {
        if (start < 0) start = Math.Max(0, start + list.Count);
        if (stop < 0) stop += list.Count;
        stop = Math.Min(stop, list.Count - 1);
        return start > stop ? [] : list[start..(stop + 1)];
    }

    static int Remove(List<string> list, string value, int count)
    {
        var removed = 0;
        while (count == 0 || removed < Math.Abs(count))
        {
            var at = count < 0 ? list.LastIndexOf(value) : list.IndexOf(value);
            if (at < 0) break;
            list.RemoveAt(at);
            removed++;
        }
        return removed;
    }

    // As Redis serves them: after each command, not after a whole pipeline.
    [Fact]
    public void Who_waits_is_served_before_the_next_request_of_a_pipeline()
    {
        var waiter = _world.Connect();
        Assert.Equal("", waiter.Ask("BLPOP l other 0"));
        _world.First.Receive("LPUSH l a\r\nDEL l\r\nLLEN l\r\n"u8);
        Assert.Equal("1 0 0", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[l, a]", ReplyText.Of(waiter.Take()));
        // Within a transaction it is the transaction's end that counts.
        Assert.Equal("", waiter.Ask("BLPOP l other 0"));
        _world.First.Receive("MULTI\r\nLPUSH l b\r\nDEL l\r\nEXEC\r\n"u8);
        Assert.Equal("OK QUEUED QUEUED [1, 1]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("", ReplyText.Of(waiter.Take()));
        _world.First.Receive("SET other x\r\nRPUSH l 1 2\r\nLRANGE l 0 -1\r\n"u8);
        Assert.Equal("OK 2 [2]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[l, 1]", ReplyText.Of(waiter.Take()));
    }
}
