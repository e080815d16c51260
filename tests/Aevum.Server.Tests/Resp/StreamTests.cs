using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Tests.Resp;

public sealed class StreamTests : IDisposable
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
    const string InvalidId = "(error) ERR Invalid stream ID specified as stream command argument";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    string Ask(string request) => _world.Ask(request);

    [Fact]
    public void Entries_are_added_and_read()
    {
        Assert.Equal("1-1", Ask("XADD s 1-1 a 1"));
        Assert.Equal("1-2", Ask("XADD s 1-* a 2 b 3"));
        Assert.Equal("5-0", Ask("XADD s 5 c 4"));
        Assert.Equal("3", Ask("XLEN s"));
        Assert.Equal("stream", Ask("TYPE s"));
        Assert.Equal("[[1-1, [a, 1]], [1-2, [a, 2, b, 3]], [5-0, [c, 4]]]", Ask("XRANGE s - +"));
        Assert.Equal("[[5-0, [c, 4]], [1-2, [a, 2, b, 3]]]", Ask("XREVRANGE s + 1-2"));
        Assert.Equal("[[1-2, [a, 2, b, 3]]]", Ask("XRANGE s (1-1 (5-0"));
        Assert.Equal("[[1-1, [a, 1]], [1-2, [a, 2, b, 3]]]", Ask("XRANGE s 1 1"));
        Assert.Equal("[[1-1, [a, 1]]]", Ask("XRANGE s - + COUNT 1"));
        Assert.Equal("(nil)", Ask("XRANGE s - + COUNT 0"));
        Assert.Equal("[]", Ask("XRANGE nothing - + COUNT 0"));
        Assert.Equal("[]", Ask("XRANGE s 9 2"));
        Assert.Equal("0", Ask("XLEN nothing"));
        Assert.Equal("1", Ask("XDEL s 1-2 1-2 7-7"));
        Assert.Equal("2", Ask("XLEN s"));
        Assert.Equal("0", Ask("XDEL nothing 1"));
        Assert.Equal("2", Ask("XDEL s 1-1 5-0"));
        Assert.Equal("0", Ask("XLEN s"));
        Assert.Equal("1", Ask("EXISTS s"));
        Assert.Equal("[]", Ask("XRANGE s - +"));
        Assert.Equal("(error) ERR The ID specified in XADD is equal or smaller than the target stream top item", Ask("XADD s 5-0 c 4"));
        StructureChecker.Check(_world);
    }

    [Fact]
    public void Ids_follow_the_clock_and_never_go_back()
    {
        var first = Ask("XADD s * a 1");
        var second = Ask("XADD s * a 2");
        var milliseconds = ulong.Parse(first.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal($"{milliseconds}-0", first);
        Assert.True(second == $"{milliseconds}-1" || second.EndsWith("-0", StringComparison.Ordinal), second);
        _world.Pass(TimeSpan.FromMilliseconds(10));
        Assert.True(string.CompareOrdinal(second, Ask("XADD s * a 3")) < 0);
        // Ahead of the clock: the clock is waited for by counting on.
        Assert.Equal($"{milliseconds + 100_000}-5", Ask($"XADD s {milliseconds + 100_000}-5 a 4"));
        Assert.Equal($"{milliseconds + 100_000}-6", Ask("XADD s * a 5"));
        Assert.Equal($"{milliseconds + 100_001}-18446744073709551615", Ask($"XADD s {milliseconds + 100_001}-18446744073709551615 a 6"));
        Assert.Equal($"{milliseconds + 100_002}-0", Ask("XADD s * a 7"));
        Assert.Equal("0-1", Ask("XADD t 0-* a 1"));
        Assert.Equal("18446744073709551615-18446744073709551615", Ask("XADD t 18446744073709551615-18446744073709551615 a 1"));
        Assert.Equal("(error) ERR The stream has exhausted the last possible ID, unable to add more items", Ask("XADD t * a 1"));
        Assert.Equal("[[18446744073709551615-18446744073709551615, [a, 1]]]", Ask("XRANGE t 1 +"));
        Assert.Equal("2", Ask("XTRIM t MAXLEN 0"));
        StructureChecker.Check(_world);
    }

    [Fact]
    public void Who_waits_for_entries_gets_them()
    {
        var (second, third) = (_world.Connect(), _world.Connect());
        Ask("XADD a 5 old 1");
        Assert.Equal("", Ask("XREAD BLOCK 0 STREAMS a b $ 3"));
        Assert.Equal("", second.Ask("XREAD COUNT 1 BLOCK 0 STREAMS b 0"));
        Assert.Equal("2-0", third.Ask("XADD b 2 x 1"));
        Assert.Equal("", ReplyText.Of(_world.First.Take()));   // it wants those behind 3
        Assert.Equal("[[b, [[2-0, [x, 1]]]]]", ReplyText.Of(second.Take()));
        Assert.Equal("6-0", third.Ask("XADD a 6 x 2"));
        Assert.Equal("[[a, [[6-0, [x, 2]]]]]", ReplyText.Of(_world.First.Take()));
        // What is there is answered at once; the third version of the protocol answers a map.
        second.Ask("HELLO 3");
        Assert.Equal("{a: [[6-0, [x, 2]]]}", second.Ask("XREAD BLOCK 0 STREAMS a b 5 9"));
        Assert.Equal("", second.Ask("XREAD BLOCK 0 STREAMS a $"));
        Assert.Equal("7-0", third.Ask("XADD a 7 x 3"));
        Assert.Equal("{a: [[7-0, [x, 3]]]}", ReplyText.Of(second.Take()));
    }

    [Fact]
    public void The_last_id_is_that_of_when_the_request_came()
    {
        var second = _world.Connect();
        Ask("XADD s 9 a 1");
        Assert.Equal("", Ask("XREAD BLOCK 0 STREAMS s $"));
        second.Ask("DEL s");
        second.Ask("XADD s 3 a 2");
        Assert.Equal("", ReplyText.Of(_world.First.Take()));   // before what it has seen
        second.Ask("SET s text");
        second.Ask("DEL s");
        second.Ask("XADD s 10 a 3");
        Assert.Equal("[[s, [[10-0, [a, 3]]]]]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("", Ask("XREAD BLOCK 0 STREAMS s $"));
        second.Ask("MULTI");
        for (var i = 11; i < 14; i++) second.Ask($"XADD s {i} a {i}");
        second.Ask("XREAD BLOCK 0 STREAMS s $");
        Assert.Equal("[11-0, 12-0, 13-0, (nil)]", second.Ask("EXEC"));
        Assert.Equal("[[s, [[11-0, [a, 11]], [12-0, [a, 12]], [13-0, [a, 13]]]]]", ReplyText.Of(_world.First.Take()));
        // One that is gone before anybody looks wakes nobody.
        Assert.Equal("", Ask("XREAD BLOCK 0 STREAMS s $"));
        second.Receive("MULTI\r\nXADD s 20 a 1\r\nXDEL s 20\r\nEXEC\r\n"u8);
        second.Take();
        Assert.Equal("", ReplyText.Of(_world.First.Take()));
        second.Ask("XADD s 21 a 1");
        Assert.Equal("[[s, [[21-0, [a, 1]]]]]", ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void Who_waits_is_told_of_the_key_that_something_happened_to()
    {
        var second = _world.Connect();
        Assert.Equal("", Ask("XREAD BLOCK 0 STREAMS a b $ $"));
        second.Receive("MULTI\r\nXADD b 1 x 1\r\nXADD a 1 x 1\r\nEXEC\r\n"u8);
        second.Take();
        Assert.Equal("[[b, [[1-0, [x, 1]]]]]", ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void A_wait_ends_with_its_time()
    {
        Ask("XGROUP CREATE s g $ MKSTREAM");
        Assert.Equal("", Ask("XREAD BLOCK 500 STREAMS s $"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", ReplyText.Of(_world.First.Take()));
        Assert.Equal("", Ask("XREADGROUP GROUP g c BLOCK 500 STREAMS s >"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", ReplyText.Of(_world.First.Take()));
        Assert.Equal("[]", Ask("XINFO CONSUMERS s g"));
    }

    [Fact]
    public void New_entries_go_to_the_consumer_that_waits_longest()
    {
        var (second, third) = (_world.Connect(), _world.Connect());
        Ask("XGROUP CREATE s g $ MKSTREAM");
        Assert.Equal("", Ask("XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >"));
        Assert.Equal("", second.Ask("XREADGROUP GROUP g c2 BLOCK 0 STREAMS s >"));
        third.Ask("XADD s 1 a 1");
        Assert.Equal("[[s, [[1-0, [a, 1]]]]]", ReplyText.Of(_world.First.Take()));
        Assert.Equal("", ReplyText.Of(second.Take()));
        third.Ask("XADD s 2 a 2");
        Assert.Equal("[[s, [[2-0, [a, 2]]]]]", ReplyText.Of(second.Take()));
        Assert.Equal("[2, 1-0, 2-0, [[c1, 1], [c2, 1]]]", third.Ask("XPENDING s g"));
        // What is pending is answered whatever BLOCK says.
        Assert.Equal("[[s, [[1-0, [a, 1]]]]]", Ask("XREADGROUP GROUP g c1 BLOCK 0 STREAMS s 0"));
        Assert.Equal("[[s, []]]", Ask("XREADGROUP GROUP g c1 BLOCK 0 STREAMS s 1"));
        StructureChecker.Check(_world);
    }

    [Theory]
    [InlineData("DEL s", "UNBLOCKED the stream key no longer exists")]
    [InlineData("SET s v", "UNBLOCKED the stream key no longer exists")]
    [InlineData("RENAME s t", "UNBLOCKED the stream key no longer exists")]
    [InlineData("FLUSHALL", "UNBLOCKED the stream key no longer exists")]
    [InlineData("FLUSHDB", "UNBLOCKED the stream key no longer exists")]
    [InlineData("SWAPDB 0 1", "UNBLOCKED the stream key no longer exists")]
    [InlineData("XGROUP DESTROY s g", "NOGROUP the consumer group this client was blocked on no longer exists")]
    [InlineData("RENAME other s", "NOGROUP the consumer group this client was blocked on no longer exists")]
    public void Who_waits_in_a_group_hears_that_it_goes(string request, string error)
    {
        var second = _world.Connect();
        Ask("XGROUP CREATE s g $ MKSTREAM");
        Ask("XADD other 1 a 1");
        Assert.Equal("", Ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
        second.Ask("EXPIRE s 1000");
        Assert.Equal("", ReplyText.Of(_world.First.Take()));
        second.Ask(request);
        Assert.Equal("(error) " + error, ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void A_stream_goes_with_its_key()
    {
        for (var round = 0; round < 3; round++)
        {
            for (var i = 1; i <= 200; i++) Ask($"XADD s {i} a {round}");
            Ask("XGROUP CREATE s g 0");
            Ask("XREADGROUP GROUP g c COUNT 100 STREAMS s >");
            Assert.Equal("1", Ask("EXPIRE s 100"));
            Ask("XADD s 201 a 1");
            Assert.Equal("100", Ask("TTL s"));
            Assert.Equal("OK", Ask("RENAME s t"));
            Assert.Equal("[100, 1-0, 100-0, [[c, 100]]]", Ask("XPENDING t g"));
            Assert.Equal("1", Ask("COPY t s"));
            Assert.Equal("201", Ask("XLEN s"));
            Assert.Equal("100", Ask("XACK t g " + string.Join(' ', Enumerable.Range(1, 100))));
            Assert.Equal("[100, 1-0, 100-0, [[c, 100]]]", Ask("XPENDING s g"));
            StructureChecker.Check(_world);
            switch (round)
            {
                case 0:
                    _world.Pass(TimeSpan.FromSeconds(101));
                    break;
                case 1:
                    Assert.Equal("2", Ask("DEL s t"));
                    break;
                default:
                    Ask("SET s v");
                    Ask("SADD u 1");
                    Ask("SUNIONSTORE t u");
                    break;
            }
            Assert.Equal(round == 2 ? WrongType : "0", Ask("XLEN s"));
            StructureChecker.Check(_world);
        }
    }

    [Fact]
    public void What_is_made_again_within_one_batch_has_none_of_what_was_there()
    {
        foreach (var word in (string[])["old", "new"])
        {
            if (word == "new") _world.First.Receive("DEL s\r\n"u8);
            for (var i = 1; i <= 150; i++) _world.First.Receive(TestChannel.Request("XADD", "s", $"{i}", word, "v"));
            _world.First.Receive("XGROUP CREATE s g 0\r\nXREADGROUP GROUP g c COUNT 20 STREAMS s >\r\nXTRIM s MAXLEN 80\r\nXADD s 151 x y\r\n"u8);
        }
        _world.First.Take();
        Assert.Equal("81", Ask("XLEN s"));
        Assert.Equal("[20, 1-0, 20-0, [[c, 20]]]", Ask("XPENDING s g"));
        Assert.DoesNotContain("old", Ask("XRANGE s - +"), StringComparison.Ordinal);
        StructureChecker.Check(_world);
    }
}
