namespace Aevum.Server.Tests.Resp;

public sealed class ClientTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("CLIENT", "ERR wrong number of arguments for 'client' command")]
    [InlineData("CLIENT foo", "ERR unknown subcommand 'foo'. Try CLIENT HELP.")]
    [InlineData("CLIENT ID 1", "ERR wrong number of arguments for 'client|id' command")]
    [InlineData("CLIENT KILL 1", "ERR No such client")]
    [InlineData("CLIENT KILL foo bar", "ERR syntax error")]
    [InlineData("CLIENT KILL ID x", "ERR client-id should be greater than 0")]
    [InlineData("CLIENT KILL ID 0", "ERR client-id should be greater than 0")]
    [InlineData("CLIENT KILL TYPE foo", "ERR Unknown client type 'foo'")]
    [InlineData("CLIENT KILL USER foo", "ERR No such user 'foo'")]
    [InlineData("CLIENT KILL SKIPME maybe", "ERR syntax error")]
    [InlineData("CLIENT LIST TYPE foo", "ERR Unknown client type 'foo'")]
    [InlineData("CLIENT LIST ID x", "ERR Invalid client ID")]
    [InlineData("CLIENT LIST foo", "ERR syntax error")]
    [InlineData("CLIENT REPLY foo", "ERR syntax error")]
    [InlineData("CLIENT UNBLOCK x", "ERR value is not an integer or out of range")]
    [InlineData("CLIENT UNBLOCK 3 foo", "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")]
    [InlineData("CLIENT PAUSE x", "ERR timeout is not an integer or out of range")]
    [InlineData("CLIENT PAUSE -1", "ERR timeout is negative")]
    [InlineData("CLIENT PAUSE 0 foo", "ERR CLIENT PAUSE mode must be WRITE or ALL")]
    [InlineData("CLIENT SETNAME \"a b\"", "ERR Client names cannot contain spaces, newlines or special characters.")]
    [InlineData("CLIENT SETINFO foo bar", "ERR Unrecognized option 'foo'")]
    [InlineData("CLIENT TRACKING foo", "ERR syntax error")]
    [InlineData("CLIENT TRACKING on foo", "ERR syntax error")]
    [InlineData("CLIENT TRACKING on redirect 999", "ERR The client ID you want redirect to does not exist")]
    [InlineData("CLIENT TRACKING on redirect x", "ERR value is not an integer or out of range")]
    [InlineData("CLIENT TRACKING on prefix a", "ERR PREFIX option requires BCAST mode to be enabled")]
    [InlineData("CLIENT TRACKING on bcast prefix aa prefix a", "ERR Prefix 'aa' overlaps with another provided prefix 'a'. Prefixes for a single "
        + "client must not overlap.")]
    [InlineData("CLIENT TRACKING on optin optout", "ERR You can't specify both OPTIN mode and OPTOUT mode")]
    [InlineData("CLIENT TRACKING on bcast optin", "ERR OPTIN and OPTOUT are not compatible with BCAST")]
    [InlineData("CLIENT CACHING yes", "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")]
    [InlineData("CLIENT NO-EVICT foo", "ERR syntax error")]
    [InlineData("AUTH a b c", "ERR syntax error")]
    [InlineData("AUTH a", "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")]
    [InlineData("AUTH a b", "WRONGPASS invalid username-password pair or user is disabled.")]
    [InlineData("HELLO x", "ERR Protocol version is not an integer or out of range")]
    [InlineData("HELLO 5", "NOPROTO unsupported protocol version")]
    [InlineData("HELLO 3 foo", "ERR Syntax error in HELLO option 'foo'")]
    [InlineData("HELLO 3 setname", "ERR Syntax error in HELLO option 'setname'")]
    [InlineData("HELLO 3 auth a b", "WRONGPASS invalid username-password pair or user is disabled.")]
    public void What_is_wrong_is_told_in_words_that_clients_know(string request, string error) => Assert.Equal("(error) " + error, _world.Ask(request));

    [Fact]
    public void A_connection_tells_of_itself()
    {
        Assert.Equal("1", _world.Ask("CLIENT ID"));
        Assert.Equal("(nil)", _world.Ask("CLIENT GETNAME"));
        Assert.Equal("OK", _world.Ask("CLIENT SETNAME me"));
        Assert.Equal("me", _world.Ask("CLIENT GETNAME"));
        Assert.Equal("OK", _world.Ask("CLIENT SETINFO LIB-NAME lib"));
        Assert.Equal("-1", _world.Ask("CLIENT GETREDIR"));
        Assert.Equal("0", _world.Ask("CLIENT UNBLOCK 300"));
        _world.Ask("SELECT 2");
        var info = _world.Ask("CLIENT INFO");
        Assert.StartsWith("id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=-1 name=me age=0 idle=0 flags=N db=2 sub=0 psub=0 ssub=0 multi=-1 ",
            info, StringComparison.Ordinal);
        Assert.Contains(" cmd=client|info user=default redir=-1 resp=2 lib-name=lib lib-ver=", info, StringComparison.Ordinal);
        var other = _world.Connect(_world.AddLoop());
        other.Ask("SUBSCRIBE a");
        Assert.Equal(2, _world.Ask("CLIENT LIST").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.StartsWith("id=2 ", _world.Ask("CLIENT LIST TYPE pubsub"), StringComparison.Ordinal);
        Assert.StartsWith("id=2 ", _world.Ask("CLIENT LIST ID 2 77"), StringComparison.Ordinal);
        Assert.Equal("", _world.Ask("CLIENT LIST TYPE replica"));
    }

    [Fact]
    public void Connections_are_ended_as_asked()
    {
        var others = Enumerable.Range(0, 3).Select(_ => _world.Connect(_world.AddLoop())).ToArray();
        Assert.Equal("1", _world.Ask("CLIENT KILL ID 2"));
        _world.Settle();
        Assert.True(others[0].IsClosed);
        Assert.False(others[1].IsClosed);
        others[1].Ask("SUBSCRIBE a");
        Assert.Equal("1", _world.Ask("CLIENT KILL TYPE pubsub SKIPME no"));
        _world.Settle();
        Assert.True(others[1].IsClosed);
        foreach (var gone in others[..2]) gone.Leave();
        Assert.Equal("1", _world.Ask("CLIENT KILL USER default"));
        Assert.Equal("0", _world.Ask("CLIENT KILL ADDR 1:2"));
        Assert.Equal("1", _world.Ask("CLIENT KILL ID 1 SKIPME no"));
        Assert.True(_world.First.IsClosed);
    }

    [Fact]
    public void What_waits_can_be_ended_by_others()
    {
        var waiting = _world.Connect(_world.AddLoop());
        waiting.Ask("BLPOP l 0");
        Assert.Contains("flags=b ", _world.Ask("CLIENT LIST ID 2"), StringComparison.Ordinal);
        Assert.Equal("1", _world.Ask("CLIENT UNBLOCK 2"));
        Assert.Equal("(nil)", ReplyText.Of(waiting.Take()));
        waiting.Ask("BLPOP l 0");
        Assert.Equal("1", _world.Ask("CLIENT UNBLOCK 2 ERROR"));
        Assert.Equal("(error) UNBLOCKED client unblocked via CLIENT UNBLOCK", ReplyText.Of(waiting.Take()));
        Assert.Equal("0", _world.Ask("CLIENT UNBLOCK 2"));
        waiting.Ask("BLPOP l 0");
        waiting.Leave();
        Assert.Equal(0, _world.Server.Waiters.Count);
    }

    [Fact]
    public void A_pause_holds_requests_back()
    {
        var other = _world.Connect(_world.AddLoop());
        Assert.Equal("OK", _world.Ask("CLIENT PAUSE 1000 WRITE"));
        Assert.Equal("(nil)", other.Ask("GET k"));
        Assert.Equal("", other.Ask("SET k v"));
        Assert.Equal("", other.Ask("GET k"));       // behind the one that is held
        Assert.Contains("blocked_clients:1", _world.Ask("INFO clients"), StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask("CLIENT UNPAUSE"));
        Assert.Equal("OK v", ReplyText.Of(other.Take()));
        Assert.Equal("OK", _world.Ask("CLIENT PAUSE 1000"));
        Assert.Equal("", _world.Ask("PING"));
        Assert.Equal("", other.Ask("PING"));
        _world.Pass(TimeSpan.FromMilliseconds(1001));
        Assert.Equal("PONG", ReplyText.Of(other.Take()));
        Assert.Equal("PONG", ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void Who_says_nothing_for_long_is_ended_if_so_set()
    {
        var (idle, busy, listening) = (_world.Connect(), _world.Connect(), _world.Connect());
        listening.Ask("SUBSCRIBE a");
        Assert.Equal("OK", _world.Ask("CONFIG SET timeout 3"));
        for (var i = 0; i < 6; i++)
        {
            _world.Pass(TimeSpan.FromSeconds(1));
            busy.Ask("PING");
            _world.Ask("PING");
        }
        Assert.True(idle.IsClosed);
        Assert.False(busy.IsClosed);
        Assert.False(listening.IsClosed);
    }

    [Fact]
    public void There_are_not_more_clients_than_may_be()
    {
        Assert.Equal("OK", _world.Ask("CONFIG SET maxclients 1"));
        Assert.Throws<NullReferenceException>(() => _world.Connect().Client.Id);   // not accepted
        Assert.Equal("OK", _world.Ask("CONFIG SET maxclients 2"));
        Assert.Equal("PONG", _world.Connect().Ask("PING"));
    }

    [Fact]
    public void Whoever_resets_is_as_new()
    {
        _world.Ask("CLIENT SETNAME me");
        _world.Ask("HELLO 3");
        _world.Ask("CLIENT TRACKING ON BCAST");
        _world.Ask("SUBSCRIBE a");
        _world.Ask("SELECT 4");
        Assert.Equal("RESET", _world.Ask("RESET"));
        Assert.Equal("(nil)", _world.Ask("CLIENT GETNAME"));
        Assert.Contains(" flags=N db=0 sub=0 ", _world.Ask("CLIENT INFO"), StringComparison.Ordinal);
        Assert.Equal("[flags, [off], redirect, -1, prefixes, []]", _world.Ask("CLIENT TRACKINGINFO"));
    }
}
