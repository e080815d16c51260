namespace Aevum.Server.Tests.Resp;

public sealed class TrackingTests : IDisposable
{
    readonly RespWorld _world = new();
    readonly TestChannel _reader;
    readonly TestChannel _writer;

    public TrackingTests()
    {
        _reader = _world.Connect();
        _reader.Ask("HELLO 3");
        _writer = _world.Connect(_world.AddLoop());
    }

    public void Dispose() => _world.Dispose();

    string Told() => ReplyText.Of(_reader.Take());

    [Fact]
    public void What_was_said_of_the_next_request_is_told_and_holds_past_questions_about_the_client()
    {
        _reader.Ask("CLIENT TRACKING ON OPTIN");
        _reader.Ask("CLIENT CACHING YES");
        Assert.Contains("caching-yes", _reader.Ask("CLIENT TRACKINGINFO"), StringComparison.Ordinal);
        _reader.Ask("GET k");
        _reader.Ask("GET j");
        Assert.DoesNotContain("caching-yes", _reader.Ask("CLIENT TRACKINGINFO"), StringComparison.Ordinal);
        _writer.Ask("MSET k 1 j 1");
        Assert.Equal(">[invalidate, [k]]", Told());
    }

    [Fact]
    public void Who_has_said_goodbye_is_not_counted_though_his_side_is_still_open()
    {
        _reader.Ask("CLIENT TRACKING ON");
        Assert.Contains("tracking_clients:1", _writer.Ask("INFO clients"), StringComparison.Ordinal);
        _reader.Ask("QUIT");
        Assert.Contains("tracking_clients:0", _writer.Ask("INFO clients"), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_remembered_first_are_dropped_when_fewer_may_be()
    {
        _reader.Ask("CLIENT TRACKING ON");
        _reader.Ask("MGET a b c");
        Assert.Equal("OK", _writer.Ask("CONFIG SET tracking-table-max-keys 2"));
        Assert.Equal(">[invalidate, [a]]", Told());
        Assert.Equal("(nil)", _reader.Ask("GET b"));
        _writer.Ask("SET b 1");
        Assert.Equal(">[invalidate, [b]]", Told());
        Assert.Equal("1 >[invalidate, [c]]", Of(_reader.Ask("GET b"), _reader.Ask("GET d")));
        for (var i = 0; i < 10_000; i++)
        {
            _reader.Ask("GET e");
            _writer.Ask("SET e 1");
            _reader.Drop();
        }
        Assert.Equal("OK", _writer.Ask("CONFIG SET tracking-table-max-keys 1000000"));

        // The push of what was dropped comes before the reply, as the key is remembered before it is read.
        static string Of(string first, string second) => first + " " + second.Replace(" (nil)", "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_what_was_read_is_told_once()
    {
        Assert.Equal("OK", _reader.Ask("CLIENT TRACKING ON"));
        _writer.Ask("SET k 1");
        Assert.Equal("", Told());
        Assert.Equal("1", _reader.Ask("GET k"));
        _writer.Ask("SET k 2");
        Assert.Equal(">[invalidate, [k]]", Told());
        _writer.Ask("SET k 3");
        Assert.Equal("", Told());
        _reader.Ask("MGET k other");
        _writer.Ask("DEL k");
        _writer.Ask("LPUSH other a");
        Assert.Equal(">[invalidate, [k]] >[invalidate, [other]]", Told());
        _reader.Ask("GET k");
        Assert.Equal("OK >[invalidate, [k]]", _reader.Ask("SET k own"));
        _reader.Ask("GET k");
        _writer.Ask("FLUSHALL");
        Assert.Equal(">[invalidate, (nil)]", Told());
        _writer.Ask("SET k 1 PX 100");
        _reader.Ask("GET k");
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(">[invalidate, [k]]", Told());
        Assert.Equal("OK", _reader.Ask("CLIENT TRACKING OFF"));
        _reader.Ask("GET k");
        _writer.Ask("SET k 1");
        Assert.Equal("", Told());
    }

    [Fact]
    public void A_change_that_came_before_the_read_is_not_told()
    {
        Assert.Equal("OK", _reader.Ask("CLIENT TRACKING ON"));
        var neighbour = _world.Connect();
        neighbour.Receive("SET k 1\r\n"u8);
        _reader.Receive("GET k\r\n"u8);
        neighbour.Receive("SET k 2\r\n"u8);
        Assert.Equal("1 >[invalidate, [k]]", Told());
        Assert.Equal("OK OK", ReplyText.Of(neighbour.Take()));
        _reader.Receive("GET k\r\n"u8);
        Assert.Equal("2", Told());
    }

    [Fact]
    public void Transactions_read_and_change_like_everybody()
    {
        _reader.Ask("CLIENT TRACKING ON");
        _reader.Ask("MULTI");
        _reader.Ask("GET a");
        _reader.Ask("EXEC");
        _writer.Ask("MULTI");
        _writer.Ask("SET a 1");
        _writer.Ask("SET b 1");
        _writer.Ask("EXEC");
        Assert.Equal(">[invalidate, [a]]", Told());
    }

    [Fact]
    public void Own_changes_need_not_be_told()
    {
        _reader.Ask("CLIENT TRACKING ON NOLOOP");
        _reader.Ask("GET k");
        Assert.Equal("OK", _reader.Ask("SET k 1"));
        _reader.Ask("GET k");
        _writer.Ask("SET k 2");
        Assert.Equal(">[invalidate, [k]]", Told());
    }

    [Fact]
    public void What_is_remembered_can_be_chosen_by_request()
    {
        _reader.Ask("CLIENT TRACKING ON OPTIN");
        _reader.Ask("GET a");
        Assert.Equal("OK", _reader.Ask("CLIENT CACHING YES"));
        _reader.Ask("GET b");
        _reader.Ask("GET c");
        _writer.Ask("MSET a 1 b 1 c 1");
        Assert.Equal(">[invalidate, [b]]", Told());
        Assert.Equal("(error) ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.", _reader.Ask("CLIENT CACHING NO"));
        Assert.StartsWith("(error) ERR You can't switch OPTIN/OPTOUT mode", _reader.Ask("CLIENT TRACKING ON OPTOUT"), StringComparison.Ordinal);
        _reader.Ask("CLIENT TRACKING OFF");
        _reader.Ask("CLIENT TRACKING ON OPTOUT");
        _reader.Ask("CLIENT CACHING NO");
        _reader.Ask("GET a");
        _reader.Ask("GET b");
        _writer.Ask("MSET a 2 b 2");
        Assert.Equal(">[invalidate, [b]]", Told());
        Assert.Equal("{flags: ~[on, optout], redirect: 0, prefixes: []}", _reader.Ask("CLIENT TRACKINGINFO"));
    }

    [Fact]
    public void Prefixes_are_told_whoever_has_read()
    {
        Assert.Equal("OK", _reader.Ask("CLIENT TRACKING ON BCAST PREFIX user: PREFIX item:"));
        Assert.Equal("{flags: ~[on, bcast], redirect: 0, prefixes: [user:, item:]}", _reader.Ask("CLIENT TRACKINGINFO"));
        _writer.Ask("MSET user:1 a user:2 b other c");
        Assert.Equal(">[invalidate, [user:1, user:2]]", Told());
        Assert.StartsWith("(error) ERR Prefix 'user:x' overlaps with an existing prefix 'user:'",
            _reader.Ask("CLIENT TRACKING ON BCAST PREFIX user:x"), StringComparison.Ordinal);
        Assert.StartsWith("(error) ERR You can't switch BCAST mode on/off", _reader.Ask("CLIENT TRACKING ON"), StringComparison.Ordinal);
        _reader.Ask("CLIENT TRACKING OFF");
        _reader.Ask("CLIENT TRACKING ON BCAST");
        _writer.Ask("SET anything 1");
        Assert.Equal(">[invalidate, [anything]]", Told());
    }

    [Fact]
    public void Another_connection_can_be_told_instead()
    {
        var listener = _world.Connect(_world.AddLoop());
        listener.Ask("SUBSCRIBE __redis__:invalidate");
        var old = _world.Connect();
        Assert.Equal("OK", old.Ask($"CLIENT TRACKING ON REDIRECT {listener.Client.Id}"));
        Assert.Equal($"{listener.Client.Id}", old.Ask("CLIENT GETREDIR"));
        old.Ask("GET k");
        _writer.Ask("SET k 1");
        Assert.Equal("[message, __redis__:invalidate, [k]]", ReplyText.Of(listener.Take()));
        old.Ask("GET k");
        _writer.Ask("FLUSHDB");
        Assert.Equal("[message, __redis__:invalidate, (nil)]", ReplyText.Of(listener.Take()));
        _reader.Ask($"CLIENT TRACKING ON REDIRECT {listener.Client.Id}");
        _reader.Ask("GET k");
        listener.Leave();
        _writer.Ask("SET k 2");
        Assert.Equal($">[tracking-redir-broken, {listener.Client.Id}]", Told());
    }

    [Fact]
    public void The_table_has_an_end()
    {
        _world.Ask("CONFIG SET tracking-table-max-keys 10");
        _reader.Ask("CLIENT TRACKING ON");
        var told = 0;
        for (var i = 0; i < 100; i++) told += _reader.Ask($"GET k{i}").Split("invalidate").Length - 1;
        Assert.Equal(90, told);   // those that were forgotten
        Assert.Equal(10, _world.Server.Tracking.Counts.Keys);
        _reader.Leave();
        Assert.Equal(0, _world.Server.Tracking.Clients);
        Assert.Equal(0, _world.Server.Tracking.Counts.Keys);
    }
}
