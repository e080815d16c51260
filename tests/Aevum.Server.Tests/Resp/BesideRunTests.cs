using System.Text;
using Aevum.Core.Batches;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Tests.Resp;

/// <summary>What happens between a command that has run beside and its last commit.</summary>
public sealed class BesideRunTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    void Fill()
    {
        foreach (var (key, from) in ((string, int)[])[("a", 0), ("b", 150)])
            for (var i = from; i < from + 300; i++) _world.Ask($"SADD {key} m{i}");
        for (var i = 0; i < 300; i++)
        {
            _world.Ask($"ZADD z {i} m{i}");
            _world.Ask($"SET w_m{i} {300 - i}");
            _world.Ask($"HSET o_m{i} f v{i} g v");
        }
        _world.Ask("SADD small x y");
    }

    byte[] Pack(string request)
    {
        var words = request.Split(' ').Select(w => w == "DUMP" ? Dump() : Encoding.Latin1.GetBytes(w)).ToArray();
        var (text, ranges) = (new List<byte>(), new List<ArgumentRange>());
        foreach (var word in words)
        {
            ranges.Add(new ArgumentRange(text.Count, word.Length));
            text.AddRange(word);
        }
        byte[] packed = [];
        var args = new CommandArguments(text.ToArray(), ranges.ToArray());
        _ = CommandProcedure.Pack(ref packed, _world.Server.Databases.IdOf(0), 2, mayBlock: true, step: 0, args);
        return packed;
    }

    byte[] Dump()
    {
        _world.First.Receive("DUMP z\r\n"u8);
        var reply = _world.First.Take();
        return reply[(reply.AsSpan().IndexOf((byte)'\n') + 1)..^2];
    }

    BesideRun Begin(string request)
    {
        var command = _world.Server.Commands.Find(Encoding.ASCII.GetBytes(request.Split(' ')[0].ToLowerInvariant()))!;
        return BesideRun.Of(_world.Server.Databases.Session, _world.Database.Router.Shards[0], command.Data!, _world.Server.Surroundings, Pack(request));
    }

    string End(BesideRun run)
    {
        var batch = new StepBatch { Policy = CommitPolicy.EachForItself };
        batch.Call(new BesideEnd(run, _world.Server.Surroundings), "k"u8);
        _world.Database.Router.Shards[0].Commit(batch);
        Assert.Equal(StepStatus.Done, batch.ResultOf(0).Status);
        return batch.ResultOf(0).Number == CommandProcedure.Blocked ? "again" : Encoding.ASCII.GetString(batch.BytesOf(0)).TrimEnd();
    }

    [Theory]
    [InlineData("SUNIONSTORE d a b none", "SADD a new", "again")]
    [InlineData("SUNIONSTORE d a b none", "SREM b m151", "again")]
    [InlineData("SUNIONSTORE d a b none", "SADD none x", "again")]
    [InlineData("SUNIONSTORE d a b none", "DEL b", "again")]
    [InlineData("SUNIONSTORE d a b none", "RENAME b c", "again")]
    [InlineData("SUNIONSTORE d a b none", "FLUSHDB", "again")]
    [InlineData("SUNIONSTORE d a b none", "FLUSHALL", "again")]
    [InlineData("SUNIONSTORE d a b none", "SET other x", ":450")]
    [InlineData("SUNIONSTORE d a b none", "SET d x", ":450")]
    [InlineData("SUNIONSTORE d a b none", "RENAME z d", ":450")]
    [InlineData("SUNIONSTORE d a b none", "DEL d", ":450")]
    [InlineData("SUNIONSTORE a a b", "SADD a new", "again")]
    [InlineData("SUNIONSTORE d small", "SADD small z", "again")]
    [InlineData("SUNIONSTORE d small", "SADD d z", ":2")]
    [InlineData("SINTERSTORE d a none", "SET d x", "again")]
    [InlineData("SINTERSTORE z a none", "SET other x", ":0")]
    [InlineData("SINTERSTORE z a none", "DEL z", "again")]
    [InlineData("ZUNIONSTORE d 2 z a", "ZADD z 3.5 m3", "again")]
    [InlineData("ZRANGESTORE d z 0 -1", "ZINCRBY z 1 m3", "again")]
    [InlineData("ZRANGESTORE d z 0 -1", "EXPIRE z 1000", "again")]
    [InlineData("SORT a BY w_* STORE d", "SET w_m3 1000", "again")]
    [InlineData("SORT a BY w_* STORE d", "DEL w_m299", "again")]
    [InlineData("SORT a BY nosort STORE d", "SET w_m3 1000", ":300")]
    [InlineData("SORT a BY o_*->f ALPHA GET o_*->g STORE d", "HSET o_m3 f x", "again")]
    [InlineData("RESTORE d 0 DUMP", "SET d x", "again")]
    [InlineData("RESTORE d 0 DUMP", "SADD a new", "+OK")]
    public void It_holds_while_all_that_it_has_seen_is_so(string request, string change, string reply)
    {
        Fill();
        var target = request.Split(' ')[1];
        var run = Begin(request);
        Assert.False(_world.Ask(change).StartsWith("(error)", StringComparison.Ordinal));
        var before = _world.Ask($"DUMP {target}");
        Assert.Equal(reply, End(run));
        if (reply == "again") Assert.Equal(before, _world.Ask($"DUMP {target}"));
        var large = StructureChecker.Check(_world);
        _world.Pass(TimeSpan.FromSeconds(5));   // the lease is over at once
        Assert.Equal(large, StructureChecker.Check(_world));
        Assert.Equal(0, RowCounter.Garbage(_world) - (change.StartsWith("EXPIRE", StringComparison.Ordinal) ? 1 : 0));
        var rows = RowCounter.Elements(_world);
        // Nothing is there but what heads have.
        var counted = 0;
        foreach (var key in _world.Ask("KEYS *").Trim('[', ']').Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            counted += _world.Ask($"TYPE {key}") switch
            {
                "set" when Number($"SCARD {key}") > 128 => Number($"SCARD {key}"),
                "zset" => 2 * Number($"ZCARD {key}"),
                "list" => Number($"LLEN {key}"),
                _ => 0,
            };
        }
        var owners = change.StartsWith("RENAME b", StringComparison.Ordinal) ? 1 : 0;
        Assert.Equal(counted + owners, rows);
    }

    int Number(string request) => int.Parse(_world.Ask(request), System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("SUNIONSTORE d a b", "EXPIRE a 10")]
    [InlineData("ZRANGESTORE d z 0 -1", "PEXPIRE z 10000")]
    [InlineData("SORT a BY w_* STORE d", "EXPIRE w_m7 10")]
    [InlineData("SORT a ALPHA GET o_*->f STORE d", "HEXPIRE o_m7 10 FIELDS 1 f")]
    public void What_expires_meanwhile_was_seen_too_long_ago(string request, string expires)
    {
        Fill();
        Assert.Equal("1", _world.Ask(expires).Trim('[', ']'));
        var run = Begin(request);
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.NotEqual("again", End(run));
        run = Begin(request);
        _world.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal("again", End(run));
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void Nothing_stays_of_a_run_that_nobody_ends_and_it_cannot_be_ended_too_late()
    {
        Fill();
        _world.Ask("SET d old");
        var rows = RowCounter.Elements(_world);
        var run = Begin("SUNIONSTORE d a b");   // and the server dies
        Assert.Equal(rows + 450 + 1, RowCounter.Elements(_world));
        Assert.Equal("old", _world.Ask("GET d"));
        _world.Pass(TimeSpan.FromSeconds(50));
        Assert.Equal(rows + 450 + 1, RowCounter.Elements(_world));
        _world.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(rows, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
        Assert.Equal("again", End(run));
        Assert.Equal("old", _world.Ask("GET d"));
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(rows, RowCounter.Elements(_world));
        Assert.Equal(0, RowCounter.Garbage(_world));
    }

    [Fact]
    public void Whoever_begins_to_listen_before_the_last_commit_hears_of_it()
    {
        Fill();
        var run = Begin("ZRANGESTORE d z 0 -1");
        Assert.All(run.Signals, s => Assert.Equal("zrangestore", s.Event));
        _world.Ask("CONFIG SET notify-keyspace-events KEA");
        var end = new BesideEnd(run, _world.Server.Surroundings);
        var batch = new StepBatch { Policy = CommitPolicy.EachForItself };
        batch.Call(end, "k"u8);
        _world.Database.Router.Shards[0].Commit(batch);
        var signal = Assert.Single(end.Signals);
        Assert.Equal(("zrangestore", true, batch.Time), (signal.Event, signal.IsReady, signal.At));
    }

    [Fact]
    public void Many_heads_are_seen_once_and_a_large_target_is_let_go_in_the_same_commit()
    {
        Fill();
        var run = Begin("SORT a BY w_* GET # GET w_* GET o_*->f STORE b");
        Assert.Equal(run.Seen.Count, run.Seen.Select(s => Convert.ToHexString(s.Key)).Distinct().Count() + 300);   // weights once for BY, once for GET
        Assert.Equal(":900", End(run));
        _world.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(300 + 600 + 900, RowCounter.Elements(_world));
        Assert.Equal("[m299, 1, v299]", _world.Ask("LRANGE b 0 2"));
    }
}
