using System.Text;
using Aevum.Core.Batches;
using Aevum.Model.Structures;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands.Keys;

namespace Aevum.Server.Tests.Resp;

/// <summary>RENAME, COPY and MOVE of objects whose elements are rows, also of more than one commit can hold.</summary>
public sealed class LargeCopyTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    void Fill(string key, int members, string prefix = "m")
    {
        for (var from = 0; from < members; from += 1000)
            _world.Ask(["SADD", key, .. Enumerable.Range(from, Math.Min(1000, members - from)).Select(i => $"{prefix}{i}")]);
    }

    void FillAll()
    {
        Fill("s", 300);
        for (var i = 0; i < 300; i++)
        {
            _world.Ask($"HSET h f{i} v{i}");
            _world.Ask($"ZADD z {i} m{i}");
            _world.Ask($"RPUSH l v{i}");
            _world.Ask($"XADD x {i + 1}-1 f v{i}");
        }
        _world.Ask("XGROUP CREATE x g 0");
        _world.Ask("XREADGROUP GROUP g c COUNT 5 STREAMS x >");
        _world.Ask("HEXPIREAT h 4000000000 FIELDS 2 f1 f2");
    }

    string All(string suffix) => string.Join(' ', ((string[])[
        $"SCARD s{suffix}", $"SISMEMBER s{suffix} m299", $"HLEN h{suffix}", $"HGET h{suffix} f1",
        $"HPEXPIRETIME h{suffix} FIELDS 2 f1 f3", $"ZRANGE z{suffix} 100 101",
        $"ZSCORE z{suffix} m7", $"LRANGE l{suffix} 150 151", $"XLEN x{suffix}", $"XPENDING x{suffix} g"]).Select(_world.Ask));

    void Collect() => _world.Pass(TimeSpan.FromSeconds(3));

    [Fact]
    public void A_row_as_large_as_a_batch_may_be_is_copied_also_when_the_lease_is_put_off()
    {
        using var world = new RespWorld(new DatabaseOptions { Limits = BatchLimits.Default with { BatchBytesMax = 1_000_000 } });
        for (var i = 0; i < 200; i++) world.Ask($"HSET h f{i} v{i}");
        world.Ask("HSET", "h", "large", new string('v', 999_700));
        Assert.Equal("201", world.Ask("HLEN h"));
        var rows = RowCounter.Elements(world);
        var id = world.Server.Databases.IdOf(0);
        Assert.NotNull(CopyBeside.Run(world.Server.Databases.Session, HeadOf("h"), HeadOf(new string('c', 300)), TimeSpan.Zero));   // put off with each commit
        Assert.Equal((2 * rows) + 1, RowCounter.Elements(world));   // and who has them

        byte[] HeadOf(string key)
        {
            var head = new byte[StructureKey.HeadBytesMax(key.Length)];
            return head[..StructureKey.WriteHead(head, id, Encoding.ASCII.GetBytes(key))];
        }
    }

    // ------------------------------------------------------------------------------------------------ rename

    [Fact]
    public void A_renamed_object_of_every_kind_is_whole_changes_and_goes_home_again()
    {
        FillAll();
        var all = All("");
        foreach (var key in "shzlx") Assert.Equal("OK", _world.Ask($"RENAME {key} {key}2"));
        Assert.Equal(all, All("2"));
        Assert.Equal(5, StructureChecker.Check(_world));
        Assert.Equal("[0, 0]", $"[{_world.Ask("EXISTS s h z l x")}, {_world.Ask("SCARD s")}]");
        Assert.Equal("5", _world.Ask("DBSIZE"));
        // Changes go to where the elements are.
        Assert.Equal("[1, 1, 1, 301]",
            $"[{_world.Ask("SADD s2 new")}, {_world.Ask("HSET h2 new v")}, {_world.Ask("ZADD z2 5 new")}, {_world.Ask("RPUSH l2 new")}]");
        Assert.Equal("1000-1", _world.Ask("XADD x2 1000-1 f v"));
        Assert.Equal("[1, 1, 1, new, 1]",
            $"[{_world.Ask("SREM s2 new")}, {_world.Ask("HDEL h2 new")}, {_world.Ask("ZREM z2 new")}, {_world.Ask("RPOP l2")}, "
            + $"{_world.Ask("XDEL x2 1000-1")}]");
        Assert.Equal(5, StructureChecker.Check(_world));
        foreach (var key in "shzlx") Assert.Equal("1", _world.Ask($"RENAMENX {key}2 {key}3"));
        Assert.Equal(5, StructureChecker.Check(_world));
        Collect();
        foreach (var key in "shzlx") Assert.Equal("OK", _world.Ask($"RENAME {key}3 {key}"));
        Assert.Equal(all, All(""));
        Assert.Equal(5, StructureChecker.Check(_world));
        Collect();
        Assert.Equal(all, All(""));
    }

    [Fact]
    public void Renaming_writes_rows_in_the_number_of_none()
    {
        Fill("s", 20_000);
        var rows = RowCounter.Elements(_world);
        Assert.Equal("OK", _world.Ask("RENAME s t"));
        Assert.Equal(rows + 1, RowCounter.Elements(_world));   // and who has them
        Assert.Equal("OK", _world.Ask("RENAME t s"));
        Assert.Equal(rows, RowCounter.Elements(_world));
    }

    [Fact]
    public void The_collector_takes_what_is_gone_and_leaves_what_was_renamed()
    {
        Fill("s", 300);
        _world.Ask("EXPIRE s 10");
        _world.Ask("RENAME s t");
        _world.Ask("PERSIST t");
        Fill("s", 200, "other");
        _world.Ask("RENAME s u");
        Fill("s", 150, "third");
        Collect();
        _world.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal("[300, 200, 150]", $"[{_world.Ask("SCARD t")}, {_world.Ask("SCARD u")}, {_world.Ask("SCARD s")}]");
        Assert.Equal(3, StructureChecker.Check(_world));
        _world.Ask("EXPIRE t 5");
        _world.Ask("DEL u");
        _world.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(150, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
        _world.Ask("RENAME s t");
        Fill("u", 200);
        _world.Ask("RENAME u t");
        Collect();
        Assert.Equal(201, RowCounter.Elements(_world));
        Assert.Equal("200", _world.Ask("SCARD t"));
        Assert.Equal(1, StructureChecker.Check(_world));
        _world.Ask("FLUSHDB");
        Assert.Equal(0, RowCounter.Elements(_world));
    }

    [Theory]
    [InlineData("SPOP s2 300", "SPOP s2 1")]
    [InlineData("ZREMRANGEBYRANK z2 0 -2", "ZPOPMIN z2")]
    [InlineData("LPOP l2 299", "RPOP l2")]
    [InlineData("XTRIM x2 MAXLEN 0", "DEL x2")]
    public void Of_a_renamed_object_that_gets_empty_nothing_stays(params string[] requests)
    {
        FillAll();
        _world.Ask("DEL h");
        var kept = requests[0].Split(' ')[1][..1];
        foreach (var key in "szlx".Replace(kept, "", StringComparison.Ordinal)) _world.Ask($"DEL {key}");
        _world.Ask($"RENAME {kept} {kept}2");
        foreach (var request in requests) _world.Ask(request);
        Assert.Equal("0", _world.Ask("DBSIZE"));
        Collect();
        Assert.Equal(0, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void A_renamed_set_that_gets_empty_and_full_again_lies_behind_its_own_key()
    {
        Fill("s", 200);
        _world.Ask("RENAME s t");
        Assert.Equal("0", _world.Ask("SINTERSTORE t t nothing"));
        Fill("t", 200);
        Fill("s", 200);
        _world.Ask("ZUNIONSTORE s 1 t");
        Assert.Equal("200", _world.Ask("ZCARD s"));
        Assert.Equal(2, StructureChecker.Check(_world));
        Collect();
        Assert.Equal(600, RowCounter.Elements(_world));
    }

    [Fact]
    public void Who_watches_a_key_does_not_care_for_what_was_renamed_away_from_it()
    {
        var other = _world.Connect();
        Fill("s", 300);
        _world.Ask("RENAME s t");
        _world.Ask("SET s x");
        _world.Ask("WATCH s");
        other.Ask("SADD t more");
        _world.Ask("MULTI");
        _world.Ask("GET s");
        Assert.Equal("[x]", _world.Ask("EXEC"));
        _world.Ask("WATCH t");
        other.Ask("SADD t evenmore");
        _world.Ask("MULTI");
        _world.Ask("SCARD t");
        Assert.Equal("(nil)", _world.Ask("EXEC"));
        _world.Ask("WATCH t");
        other.Ask("RENAME t u");
        _world.Ask("MULTI");
        _world.Ask("SCARD t");
        Assert.Equal("(nil)", _world.Ask("EXEC"));
    }

    [Fact]
    public void The_past_shows_an_object_under_the_name_it_had()
    {
        _world.Ask("AEVUM.RETENTION forever");
        Fill("s", 300);
        var before = _world.Ask("AEVUM.GETV s").Split(',')[0].Trim('[');
        _world.Ask("RENAME s t");
        _world.Ask("SREM t m1");
        var between = _world.Ask("AEVUM.GETV t").Split(',')[0].Trim('[');
        _world.Ask("DEL t");
        Collect();
        _world.Ask($"AEVUM.ASOF {before}");
        Assert.Equal("[300, 1, 0]", $"[{_world.Ask("SCARD s")}, {_world.Ask("SISMEMBER s m1")}, {_world.Ask("SCARD t")}]");
        _world.Ask($"AEVUM.ASOF {between}");
        Assert.Equal("[0, 299, 0]", $"[{_world.Ask("SCARD s")}, {_world.Ask("SCARD t")}, {_world.Ask("SISMEMBER t m1")}]");
    }

    [Fact]
    public void A_transaction_renames_too_and_one_batch_may_do_all_of_it()
    {
        Fill("s", 300);
        _world.Ask("MULTI");
        _world.Ask("RENAME s t");
        _world.Ask("SADD t x");
        _world.Ask("RENAME t s");
        _world.Ask("SCARD s");
        Assert.Equal("[OK, 1, OK, 301]", _world.Ask("EXEC"));
        foreach (var request in (string[])["RENAME s t", "SADD s new", "SREM t x", "RENAME t u", "COPY u v", "DEL u", "RENAME v u"])
            _world.First.Receive(Encoding.ASCII.GetBytes(request + "\r\n"));
        _world.First.Take();
        Assert.Equal("[300, 1, 2]", $"[{_world.Ask("SCARD u")}, {_world.Ask("SCARD s")}, {_world.Ask("DBSIZE")}]");
        Assert.Equal(1, StructureChecker.Check(_world));
        Collect();
        Assert.Equal("300", _world.Ask("SCARD u"));
    }

    // ------------------------------------------------------------------------------------------------ copy

    [Fact]
    public void A_copy_of_every_kind_is_whole_and_a_thing_of_its_own()
    {
        FillAll();
        foreach (var key in "shzlx") Assert.Equal("OK", _world.Ask($"RENAME {key} {key}1"));
        foreach (var key in "shzlx") Assert.Equal("1", _world.Ask($"COPY {key}1 {key}2"));
        Assert.Equal(All("1"), All("2"));
        Assert.Equal(10, StructureChecker.Check(_world));
        _world.Ask("DEL s1 h1 z1 l1 x1");
        _world.Pass(TimeSpan.FromSeconds(90));   // longer than what was copied could wait for its head
        Assert.Equal(5, StructureChecker.Check(_world));
        Assert.Equal("[300, 300, 300, 300]", $"[{_world.Ask("SCARD s2")}, {_world.Ask("ZCARD z2")}, {_world.Ask("LLEN l2")}, {_world.Ask("XLEN x2")}]");
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void More_than_one_commit_holds_is_renamed_copied_and_moved()
    {
        using var world = new RespWorld(new DatabaseOptions { Limits = new BatchLimits { BatchBytesMax = 1 << 20 } });
        var value = new string('v', 10_000);
        for (var i = 0; i < 500; i++) world.Ask("HSET", "h", $"f{i}", value);   // five commits
        Assert.Equal("OK", world.Ask("RENAME h g"));
        Assert.Equal("1", world.Ask("COPY g h"));
        Assert.Equal("1", world.Ask("COPY g h REPLACE"));
        Assert.Equal("0", world.Ask("COPY g h"));
        Assert.Equal(2, StructureChecker.Check(world));
        Assert.Equal("1", world.Ask("MOVE g 3"));
        Assert.Equal("[0, 500]", $"[{world.Ask("EXISTS g")}, {world.Ask("HLEN h")}]");
        world.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(500, RowCounter.Elements(world));
        world.Ask("SELECT 3");
        Assert.Equal($"[500, {value}]", $"[{world.Ask("HLEN g")}, {world.Ask("HGET g f7")}]");
        world.Ask("MULTI");
        world.Ask("COPY g h");
        Assert.StartsWith("(error) ", world.Ask("EXEC"), StringComparison.Ordinal);   // one commit
        Assert.Equal("[500, 0]", $"[{world.Ask("HLEN g")}, {world.Ask("EXISTS h")}]");
    }

    [Fact]
    public void A_source_that_changes_meanwhile_is_copied_anew()
    {
        Fill("s", 5000);
        var other = _world.Connect();
        // The copy stands between its commits and the last one: the worker has not run yet when the change is committed, or has.
        _world.First.Receive("COPY s t\r\n"u8);
        _world.Loop.EndTurn();
        other.Receive("SREM s m1\r\n"u8);
        Assert.Equal("1", ReplyText.Of(_world.First.Take()));
        Assert.Equal("4999", _world.Ask("SCARD s"));
        Assert.Contains(_world.Ask("SCARD t"), (string[])["4999", "5000"]);
        Assert.Equal(2, StructureChecker.Check(_world));
    }

    [Fact]
    public void What_was_prepared_is_refused_when_it_does_not_fit_any_more_and_collected()
    {
        Fill("s", 3000);
        var known = _world.Server.Commands.Find("copy"u8)!;
        var keyspace = _world.Server.Databases.IdOf(0);
        string Finish(string request, byte[] kept, string source = "s")
        {
            byte[] packed = [];
            var (text, ranges) = (Encoding.ASCII.GetBytes(request.Replace(" ", "", StringComparison.Ordinal)), new List<Server.Resp.Protocol.ArgumentRange>());
            var at = 0;
            foreach (var word in request.Split(' '))
            {
                ranges.Add(new Server.Resp.Protocol.ArgumentRange(at, word.Length));
                at += word.Length;
            }
            var args = new Server.Resp.Protocol.CommandArguments(text, ranges.ToArray());
            _ = CommandProcedure.Pack(ref packed, keyspace, 2, mayBlock: true, step: 0, args);
            packed = CommandProcedure.Waiting(packed, kept, out _);
            var batch = new StepBatch { Policy = CommitPolicy.EachForItself };
            batch.Call(known.Procedure!, Head(source), packed);
            _world.Database.Router.Shards[0].Commit(batch);
            CommandProcedure.Signals.Clear();
            return batch.ResultOf(0).Number == CommandProcedure.Blocked ? "again" : Encoding.ASCII.GetString(batch.BytesOf(0));
        }
        byte[] Prepare(string source = "s") => Server.Resp.Commands.Keys.CopyBeside.Run(_world.Server.Databases.Session, Head(source), Head("t"))!;
        byte[] Head(string key) => new Server.Resp.Commands.KeyBuffer().HeadOf(keyspace, Encoding.ASCII.GetBytes(key)).ToArray();

        var kept = Prepare();
        _world.Ask("SREM s m1");
        Assert.Equal("again", Finish("COPY s t", kept));        // the source is another one
        kept = Prepare();
        _world.Ask("SET t x");
        Assert.Equal(":0\r\n", Finish("COPY s t", kept));       // the target is there
        Assert.Equal("x", _world.Ask("GET t"));
        Collect();
        Assert.Equal(2999, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));

        kept = Prepare();                                       // and nobody finishes: the server died
        Assert.Equal(2 * 2999 + 1, RowCounter.Elements(_world));
        Assert.Equal("x", _world.Ask("GET t"));
        Assert.Equal(1, StructureChecker.Check(_world));
        _world.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(2999, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
        Assert.Equal("again", Finish("COPY s t REPLACE", kept));   // too late
        kept = Prepare();
        Assert.Equal(":1\r\n", Finish("COPY s t REPLACE", kept));
        Assert.Equal(2, StructureChecker.Check(_world));
        Assert.Equal("2999", _world.Ask("SCARD t"));

        // A stream's groups change without its head.
        foreach (var request in (string[])["DEL t", "XADD x 1-1 f v", "XADD x 2-1 f v", "XGROUP CREATE x g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS x >"])
            _world.Ask(request);
        foreach (var change in (string[])["XREADGROUP GROUP g c COUNT 1 STREAMS x >", "XACK x g 1-1", "XCLAIM x g other 0 2-1", "XCLAIM x g other 0 2-1",
            "XGROUP SETID x g 0", "XGROUP CREATECONSUMER x g third", "XGROUP DELCONSUMER x g other"])
        {
            kept = Prepare("x");
            _world.Ask(change);
            Assert.Equal("again", Finish("COPY x t", kept, "x"));
        }
        kept = Prepare("x");
        Assert.Equal(":1\r\n", Finish("COPY x t", kept, "x"));
        Assert.Equal(_world.Ask("XINFO GROUPS x"), _world.Ask("XINFO GROUPS t"));
    }

    [Fact]
    public void Who_waits_watches_or_listens_hears_of_a_large_copy()
    {
        for (var i = 0; i < 300; i++) _world.Ask($"ZADD z {i} m{i}");
        _world.Ask("CONFIG SET notify-keyspace-events KEA");
        var (waiter, listener) = (_world.Connect(), _world.Connect());
        waiter.Receive("BZPOPMIN y 0\r\n"u8);
        listener.Ask("PSUBSCRIBE __key*__:*");
        _world.Ask("WATCH y");
        _world.Connect().Ask("COPY z y");
        Assert.Equal("[y, m0, 0]", ReplyText.Of(waiter.Take()));
        Assert.Contains("copy_to", ReplyText.Of(listener.Take()), StringComparison.Ordinal);
        _world.Ask("MULTI");
        _world.Ask("PING");
        Assert.Equal("(nil)", _world.Ask("EXEC"));
        Assert.Equal("299", _world.Ask("ZCARD y"));
    }
}
