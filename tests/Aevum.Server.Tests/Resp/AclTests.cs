using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Access;
using Aevum.Server.Security;

namespace Aevum.Server.Tests.Resp;

public sealed class AclTests : IDisposable
{
    const string NoKey = "(error) NOPERM this user has no permissions to access one of the keys used as arguments";
    const string NoChannel = "(error) NOPERM this user has no permissions to access one of the channels used as arguments";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string No(string command) => $"(error) NOPERM this user has no permissions to run the '{command}' command";

    TestChannel As(string user, string password = "pw")
    {
        var client = _world.Connect();
        Assert.Equal("OK", client.Ask($"AUTH {user} {password}"));
        return client;
    }

    [Theory]
    [InlineData("ACL SETUSER", "ERR wrong number of arguments for 'acl|setuser' command")]
    [InlineData("ACL foo", "ERR unknown subcommand 'foo'. Try ACL HELP.")]
    [InlineData("ACL SETUSER u foo", "ERR Error in ACL SETUSER modifier 'foo': Syntax error")]
    [InlineData("ACL SETUSER u +foo", "ERR Error in ACL SETUSER modifier '+foo': Unknown command or category name in ACL")]
    [InlineData("ACL SETUSER u +@foo", "ERR Error in ACL SETUSER modifier '+@foo': Unknown command or category name in ACL")]
    [InlineData("ACL SETUSER u +config|foo", "ERR Error in ACL SETUSER modifier '+config|foo': Unknown command or category name in ACL")]
    [InlineData("ACL SETUSER u \"~a b\"", "ERR Error in ACL SETUSER modifier '~a b': Syntax error")]
    [InlineData("ACL SETUSER u #12", "ERR Error in ACL SETUSER modifier '#12': The password hash must be exactly 64 characters and contain only "
        + "lowercase hexadecimal characters")]
    [InlineData("ACL SETUSER u <nopw", "ERR Error in ACL SETUSER modifier '<nopw': The password you are trying to remove from the user does not exist")]
    [InlineData("ACL SETUSER u (on)", "ERR Error in ACL SETUSER modifier '(on)': Syntax error")]
    [InlineData("ACL SETUSER u (+get", "ERR Unmatched parenthesis in acl selector starting at '(+get'.")]
    [InlineData("ACL SETUSER u %X~a", "ERR Error in ACL SETUSER modifier '%X~a': Syntax error")]
    [InlineData("ACL SETUSER u %~a", "ERR Error in ACL SETUSER modifier '%~a': Syntax error")]
    [InlineData("ACL SETUSER u allkeys ~x", "ERR Error in ACL SETUSER modifier '~x': Adding a pattern after the * pattern (or the 'allkeys' flag) is "
        + "not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns")]
    [InlineData("ACL SETUSER u allchannels &x", "ERR Error in ACL SETUSER modifier '&x': Adding a pattern after the * pattern (or the 'allchannels' "
        + "flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels")]
    [InlineData("ACL SETUSER \"a b\"", "ERR Usernames can't contain spaces or null characters")]
    [InlineData("ACL DELUSER default", "ERR The 'default' user cannot be removed")]
    [InlineData("ACL GENPASS 5000", "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096")]
    [InlineData("ACL DRYRUN nobody get a", "ERR User 'nobody' not found")]
    [InlineData("ACL DRYRUN default foo", "ERR Command 'foo' not found")]
    [InlineData("ACL DRYRUN default get", "ERR wrong number of arguments for 'get' command")]
    [InlineData("ACL CAT foo", "ERR Unknown category 'foo'")]
    [InlineData("ACL LOG foo", "ERR value is not an integer or out of range")]
    public void What_is_wrong_is_told_in_words_that_clients_know(string request, string error)
    {
        Assert.Equal("(error) " + error, _world.Ask(request));
        Assert.Equal("[default]", _world.Ask("ACL USERS"));
    }

    [Fact]
    public void Rules_are_told_as_they_hold()
    {
        Assert.Equal("[user default on nopass ~* &* +@all]", _world.Ask("ACL LIST"));
        _world.Ask("ACL SETUSER u1 on ~a* %R~b* &c* +@read -get +config|get (+set ~z*)");
        Assert.Equal("[flags, [on], passwords, [], commands, -@all +@read -get +config|get, keys, ~a* %R~b*, channels, &c*, selectors, [[commands, "
            + "-@all +set, keys, ~z*, channels, ]]]",
            _world.Ask("ACL GETUSER u1"));
        _world.Ask("ACL SETUSER u2 on ~a* &c* +@all -config -debug");
        _world.Ask("ACL SETUSER u3 reset");
        _world.Ask("ACL SETUSER u4 nopass on allkeys allcommands");
        _world.Ask("ACL SETUSER u5 %RW~a %W~b resetkeys %R~* +@read +@write -@read");
        _world.Ask("ACL SETUSER u6 +@all -@all +get -get +get");
        _world.Ask("ACL SETUSER u7 +client|id +client|info +client");
        Assert.Equal("[user default on nopass ~* &* +@all, "
            + "user u1 on ~a* %R~b* resetchannels &c* -@all +@read -get +config|get (~z* resetchannels -@all +set), "
            + "user u2 on ~a* resetchannels &c* +@all -config -debug, user u3 off sanitize-payload resetchannels -@all, user u4 on nopass ~* "
                + "resetchannels +@all, "
            + "user u5 off %R~* resetchannels -@all +@write -@read, user u6 off resetchannels -@all +get, user u7 off resetchannels -@all +client]",
            _world.Ask("ACL LIST"));
        Assert.Equal("(nil)", _world.Ask("ACL GETUSER nobody"));
        Assert.Equal("2", _world.Ask("ACL DELUSER u6 u7 nobody"));
    }

    [Fact]
    public void What_rules_do_not_allow_is_denied_before_it_is_done()
    {
        _world.Ask("ACL SETUSER u on >pw ~a* %R~r* %W~w* &c* +@all -config +config|get -debug");
        var client = As("u");
        Assert.Equal("u", client.Ask("ACL WHOAMI"));
        Assert.Equal("OK", client.Ask("SET a1 1"));
        Assert.Equal(NoKey, client.Ask("GET b"));
        Assert.Equal(NoKey, client.Ask("MSET a1 1 b 2"));
        Assert.Equal("(nil)", client.Ask("GET r1"));
        Assert.Equal(NoKey, client.Ask("SET r1 v"));
        Assert.Equal("OK", client.Ask("SET w1 v"));
        Assert.Equal(NoKey, client.Ask("SET w1 v GET"));
        Assert.Equal(NoKey, client.Ask("GET w1"));
        Assert.Equal("0", client.Ask("COPY r1 w1"));
        Assert.Equal(NoKey, client.Ask("COPY w1 r1"));
        Assert.Equal(NoKey, client.Ask("OBJECT ENCODING zz"));
        Assert.Equal(No("debug"), client.Ask("DEBUG SLEEP 0"));
        Assert.Equal(No("config|set"), client.Ask("CONFIG SET timeout 1"));
        Assert.Equal("[timeout, 0]", client.Ask("CONFIG GET timeout"));
        Assert.Equal(NoChannel, client.Ask("PUBLISH d x"));
        Assert.Equal("0", client.Ask("PUBLISH channel x"));
        Assert.Equal(NoChannel, client.Ask("SUBSCRIBE d"));
        Assert.Equal(NoChannel, client.Ask("PSUBSCRIBE ch*"));
        Assert.Equal("[psubscribe, c*, 1]", client.Ask("PSUBSCRIBE c*"));
        Assert.Equal("(nil)", _world.Ask("GET b"));
        Assert.Equal("OK", _world.Ask("ACL DRYRUN u get a"));
        Assert.Equal("This user has no permissions to access the 'b' key", _world.Ask("ACL DRYRUN u get b"));
        Assert.Equal("This user has no permissions to run the 'config|set' command", _world.Ask("ACL DRYRUN u config set a b"));
        Assert.Equal("This user has no permissions to access the 'x' channel", _world.Ask("ACL DRYRUN u publish x y"));
        Assert.StartsWith("[[count, 1, reason, channel, context, toplevel, object, ch*, username, u, age-seconds, 0, client-info, id=2 ",
            _world.Ask("ACL LOG 1"), StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask("ACL LOG RESET"));
        Assert.Equal("[]", _world.Ask("ACL LOG"));
    }

    [Fact]
    public void A_selector_adds_what_it_allows()
    {
        _world.Ask("ACL SETUSER u on nopass +get ~a (+set ~b) (%W~c +set +copy)");
        var client = As("u");
        Assert.Equal("(nil)", client.Ask("GET a"));
        Assert.Equal(NoKey, client.Ask("SET a 1"));
        Assert.Equal("OK", client.Ask("SET b 1"));
        Assert.Equal("OK", client.Ask("SET c 1"));
        Assert.Equal(NoKey, client.Ask("GET b"));
        Assert.Equal("OK", _world.Ask("ACL SETUSER u clearselectors"));
        Assert.Equal(No("set"), client.Ask("SET b 1"));     // seen by connections that are there
    }

    [Fact]
    public void Passwords_open_and_close()
    {
        _world.Ask("ACL SETUSER u on >one >two +@all ~*");
        _world.Ask("ACL SETUSER u #" + Passwords.Sha256Of("three"u8));
        foreach (var password in new[] { "one", "two", "three" }) As("u", password);
        _world.Ask("ACL SETUSER u <one !" + Passwords.Sha256Of("two"u8));
        var client = _world.Connect();
        foreach (var password in new[] { "one", "two", "no" })
            Assert.Equal("(error) WRONGPASS invalid username-password pair or user is disabled.", client.Ask($"AUTH u {password}"));
        Assert.Equal("OK", client.Ask("AUTH u three"));
        // What LIST shows can be given to SETUSER; what was given in is not in it.
        var shown = _world.Ask("ACL GETUSER u");
        var kept = shown[shown.IndexOf("$pbkdf2", StringComparison.Ordinal)..].Split(']')[0];
        Assert.DoesNotContain(Passwords.Sha256Of("three"u8), shown, StringComparison.Ordinal);
        Assert.Equal("OK", _world.Ask($"ACL SETUSER twin on +@all ~* {kept}"));
        As("twin", "three");
        _world.Ask("ACL SETUSER u off");
        Assert.StartsWith("(error) WRONGPASS", _world.Connect().Ask("AUTH u three"), StringComparison.Ordinal);
        Assert.StartsWith("[[count, 4, reason, auth, context, toplevel, object, auth, username, u,", _world.Ask("ACL LOG 1"), StringComparison.Ordinal);
        Assert.Equal("{server", _world.Connect().Ask("HELLO 3 AUTH twin three SETNAME me").Split(':')[0]);
    }

    [Fact]
    public void A_password_of_everybody_is_asked_of_everybody()
    {
        Assert.Equal("OK", _world.Ask("CONFIG SET requirepass secret"));
        Assert.Equal("PONG", _world.Ask("PING"));       // was there before
        var client = _world.Connect();
        Assert.Equal("(error) NOAUTH Authentication required.", client.Ask("PING"));
        Assert.StartsWith("(error) NOAUTH HELLO must be called", client.Ask("HELLO 3"), StringComparison.Ordinal);
        Assert.StartsWith("(error) WRONGPASS", client.Ask("AUTH wrong"), StringComparison.Ordinal);
        Assert.Equal("OK", client.Ask("AUTH secret"));
        Assert.Equal("PONG", client.Ask("PING"));
        Assert.Equal("RESET", client.Ask("RESET"));
        Assert.Equal("(error) NOAUTH Authentication required.", client.Ask("PING"));
        Assert.Equal("OK", client.Ask("AUTH default secret"));
        client.Receive(Encoding.Latin1.GetBytes("RESET\r\n*11\r\n"));
        Assert.Equal("RESET (error) ERR Protocol error: unauthenticated multibulk length", ReplyText.Of(client.Take()));
        Assert.Equal("OK", _world.Ask("CONFIG SET requirepass \"\""));
        Assert.Equal("PONG", _world.Connect().Ask("PING"));
    }

    [Fact]
    public void Users_are_kept_in_the_catalog()
    {
        _world.Ask("ACL SETUSER u on >pw ~a* %R~b &c* +@read -get +config|get (+set ~z*)");
        var listed = _world.Ask("ACL LIST");
        Assert.Equal("on ~a* %R~b resetchannels &c* -@all +@read -get +config|get (~z* resetchannels -@all +set)",
            _world.Database.Catalog.FindPrincipal("u")!.Access.RulesOf("resp"));
        using (var again = new RespServer(_world.Database, _world.Scheduler, RespOptions.Default with { PasswordIterations = 10 }))
        {
            var client = new TestChannel(_world, again, _world.AddLoop());
            Assert.Equal(listed, client.Ask("ACL LIST"));
            Assert.Equal("OK", client.Ask("AUTH u pw"));
        }
        Assert.Equal("OK", _world.Ask("ACL SAVE"));
        Assert.Equal("OK", _world.Ask("ACL LOAD"));
        Assert.Equal(listed, _world.Ask("ACL LIST"));
        var theirs = As("u");
        Assert.Equal("1", _world.Ask("ACL DELUSER u"));
        Assert.True(theirs.IsClosed);
        Assert.Null(_world.Database.Catalog.FindPrincipal("u"));
        // A principal of other doors is no user of this one, and stays one of those.
        _world.Database.CreatePrincipal("ada");
        Assert.Equal("OK", _world.Ask("ACL LOAD"));
        Assert.Equal("[default]", _world.Ask("ACL USERS"));
        Assert.Equal("OK", _world.Ask("ACL SETUSER ada on nopass"));
        Assert.Equal("1", _world.Ask("ACL DELUSER ada"));
    }

    [Fact]
    public void Rules_hold_for_what_was_queued_before_they_changed()
    {
        _world.Ask("ACL SETUSER u on >pw ~* +@all");
        var client = As("u");
        client.Ask("MULTI");
        client.Ask("SET a 1");
        client.Ask("GET a");
        _world.Ask("ACL SETUSER u -set");
        Assert.StartsWith("[(error) NOPERM ACLs rules changed", client.Ask("EXEC"), StringComparison.Ordinal);
        Assert.Equal("(nil)", _world.Ask("GET a"));
        client.Ask("MULTI");
        Assert.Equal(No("set"), client.Ask("SET a 1"));
        Assert.StartsWith("(error) EXECABORT", client.Ask("EXEC"), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_may_no_longer_listen_is_ended()
    {
        _world.Ask("ACL SETUSER u on >pw &a* +@all");
        var client = As("u");
        client.Ask("SUBSCRIBE ab");
        _world.Ask("ACL SETUSER u resetchannels &ab");
        Assert.False(client.IsClosed);
        _world.Ask("ACL SETUSER u resetchannels &b");
        Assert.True(client.IsClosed);
    }

    [Fact]
    public void Every_command_says_what_redis_says_of_it()
    {
        var wrong = new List<string>();
        foreach (var command in _world.Server.Commands.Flat)
        {
            if (CommandFacts.Find(command.Info.Name) is not { } facts || command.Subcommands.Length > 0 || command.Info.Name.EndsWith("help",
                StringComparison.Ordinal)) continue;
            if (facts.Arity != command.Info.Arity) wrong.Add($"{command.Info.Name}: arity {command.Info.Arity}, not {facts.Arity}");
            var own = CommandFacts.Of(command.Info).Flags.ToHashSet();
            foreach (var flag in new[] { "write", "readonly", "blocking", "admin", "no_auth", "pubsub" })
                if (facts.Flags.Contains(flag) != own.Contains(flag)) wrong.Add($"{command.Info.Name}: {flag} is {own.Contains(flag)}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    // Any words: a user, or an error; and what came of it is read back as it was told.
    [Fact]
    public void Rules_that_hold_are_read_as_they_are_told()
    {
        var chances = new SeededRandom(7);
        string[] words = ["on", "off", "nopass", "resetpass", "reset", "~a*", "%R~b", "%W~c*", "%RW~d", "~*", "resetkeys", "&x", "&*",
            "resetchannels", "+get", "-get", "+@read",
            "-@write", "+@all", "-@all", "+config|get", "-config", "(+set ~z)", "(+@all -@dangerous &y)", "clearselectors", "+", "-", "~", "&", "%",
                "(", ")", "()", "@", "+@", "$x"];
        var rules = new AclRules(_world.Server.Commands, 1);
        for (var i = 0; i < 3000; i++)
        {
            var given = Enumerable.Range(0, 1 + chances.Next(8)).Select(_ => words[chances.Next(words.Length)]).ToArray();
            if (rules.TryApply(new AclUser("u"), given, false, out var user) is { } error)
            {
                Assert.StartsWith("ERR ", error, StringComparison.Ordinal);
                continue;
            }
            var again = rules.Read("u", new PrincipalAccess([], []), user.RulesText);
            Assert.Equal(user.ToString(), again.ToString());
            foreach (var (one, two) in user.Selectors.Zip(again.Selectors)) Assert.Equal(one.Commands.Length == 0 ? [] : one.Commands,
                two.Commands.Any(c => c != 0) || one.Commands.Length > 0 ? two.Commands : []);
        }
    }

    [Fact]
    public void Who_shows_a_password_while_its_user_is_removed_is_not_let_in()
    {
        _world.Ask("ACL SETUSER ann on >pw +@all ~*");
        var (access, client) = (_world.Server.Access, _world.Server.Clients.Values.First());
        var ann = access.Authenticate("ann", "pw"u8)!;
        Assert.Equal("1", _world.Ask("ACL DELUSER ann"));
        Assert.False(access.TryBecome(client, ann));
        _world.Ask("ACL SETUSER ann on >other");   // another one of that name
        Assert.False(access.TryBecome(client, ann));
        Assert.Equal("default", _world.Ask("ACL WHOAMI"));
        Assert.True(access.TryBecome(client, access.Authenticate("ann", "other"u8)!));
    }

    // As Redis 7.0.15 says it: what patterns name is no key that could be checked, so they are for those who may read every key.
    [Theory]
    [InlineData("SORT k:l BY w_*", "(error) ERR BY option of SORT denied due to insufficient ACL permissions.")]
    [InlineData("SORT k:l LIMIT 0 1 GET #", "(error) ERR GET option of SORT denied due to insufficient ACL permissions.")]
    [InlineData("SORT k:l BY nosort GET k:*", "(error) ERR GET option of SORT denied due to insufficient ACL permissions.")]
    [InlineData("SORT k:l BY nosort", "[1]")]
    [InlineData("SORT k:l STORE k:get", "1")]
    public void Patterns_of_sort_are_for_those_who_may_read_everything(string request, string reply)
    {
        var client = _world.Connect();
        _world.Ask("RPUSH k:l 1");
        _world.Ask("ACL SETUSER s on nopass +@all ~k:*");
        client.Ask("AUTH s x");
        Assert.Equal(reply, client.Ask(request));
        _world.Ask("ACL SETUSER s allkeys");
        Assert.DoesNotContain("denied", client.Ask(request), StringComparison.Ordinal);
        client.Ask("MULTI");
        Assert.Equal("QUEUED", client.Ask(request));
        _world.Ask("ACL SETUSER s resetkeys ~k:*");
        Assert.Equal(reply.StartsWith('('), client.Ask("EXEC").StartsWith("[(error) NOPERM", StringComparison.Ordinal));
    }
}
