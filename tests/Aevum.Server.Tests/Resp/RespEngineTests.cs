using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class RespEngineTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Strings_are_set_read_and_counted()
    {
        Assert.Equal("OK", _world.Ask("SET k v"));
        Assert.Equal("v", _world.Ask("get k"));
        Assert.Equal("(nil)", _world.Ask("GET nothing"));
        Assert.Equal("1", _world.Ask("INCR n"));
        Assert.Equal("2", _world.Ask("INCR n"));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("INCR k"));
        Assert.Equal("(nil)", _world.Ask("SET k w NX"));
        Assert.Equal("v", _world.Ask("SET k w XX GET"));
        Assert.Equal("w", _world.Ask("GET k"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("SET k w XX NX"));
        Assert.Equal("OK", _world.Ask("SET k w PX 500"));
        _world.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("(nil)", _world.Ask("GET k"));
    }

    [Fact]
    public void What_is_no_command_is_told_so()
    {
        Assert.Equal("(error) ERR unknown command 'NOPE', with args beginning with: 'a' 'b' ", _world.Ask("NOPE a b"));
        Assert.Equal("(error) ERR wrong number of arguments for 'get' command", _world.Ask("GET"));
    }

    [Fact]
    public void A_pipeline_is_one_commit_and_is_answered_in_order()
    {
        var second = _world.Connect();
        _world.Ask("SET a 0");   // makes the database's keyspace
        var before = _world.Position;
        _world.First.Receive("SET a 1\r\nINCR a\r\nGET a\r\n"u8);
        second.Receive("INCR a\r\nSET b 2\r\n"u8);
        _world.Loop.EndTurn();
        Assert.Equal(before + 1, _world.Position);
        Assert.Equal("OK 2 2", ReplyText.Of(_world.First.Take()));
        Assert.Equal("3 OK", ReplyText.Of(second.Take()));
    }

    [Fact]
    public void A_value_larger_than_a_batch_is_taken_behind_other_writes_too()
    {
        using var world = new RespWorld(new DatabaseOptions { Limits = new Core.Batches.BatchLimits { BatchBytesMax = 64 << 10 } });
        var large = new string('v', 100_000);
        world.First.Receive([.. TestChannel.Request("SET", "a", "1"), .. TestChannel.Request("SET", "b", large), .. TestChannel.Request("INCR", "a")]);
        Assert.Equal("OK OK 2", ReplyText.Of(world.First.Take()));
        Assert.Equal("100000", world.Ask("STRLEN b"));
        Assert.Equal("2", world.Ask("GET a"));
    }

    [Fact]
    public void Where_history_is_kept_a_pipeline_loses_no_version()
    {
        _world.Ask("SET a 0");
        using (var session = _world.Database.OpenSession()) session.AlterKeyspace("redis.0", new KeyspaceOptions { History = HistoryPolicy.Forever });
        _world.First.Receive("SET a 1\r\nSET a 2\r\nSET b 1\r\nSET a 3\r\nSET b 2\r\nSET a 4\r\n"u8);
        Assert.Equal("OK OK OK OK OK OK", ReplyText.Of(_world.First.Take()));
        using var past = _world.Database.OpenSession();
        var told = past.RowsOf("redis.0").ScanHistory()
            .Select(key => string.Join(' ', key.Versions.Reverse().Select(v => Encoding.ASCII.GetString(v.Value)[1..])));
        Assert.Equal(["0 1 2 3 4", "1 2"], told);
    }

    [Fact]
    public void A_long_read_behind_a_write_sees_it_and_stays_out_of_the_sequencer()
    {
        _world.First.Receive("SET a 1\r\nKEYS *\r\nSET b 2\r\nKEYS *\r\nGET b\r\n"u8);
        Assert.True(_world.First.Client.IsSuspended, "KEYS runs beside the loop");
        Assert.Equal("OK [a] OK [a, b] 2", ReplyText.Of(_world.First.Take()));
    }

    [Theory, Seeds(20)]
    public void Requests_may_come_in_any_pieces(ulong seed)
    {
        var random = new SeededRandom(seed);
        var requests = new List<byte>();
        var expected = new List<string>();
        for (var i = 0; i < 60; i++)
        {
            var key = $"k{random.Next(5)}";
            switch (random.Next(3))
            {
                case 0:
                    var value = new string('x', random.Next(300));
                    requests.AddRange(TestChannel.Request("SET", key, value));
                    break;
                case 1:
                    requests.AddRange(TestChannel.Request("GET", key));
                    break;
                default:
                    requests.AddRange(Encoding.ASCII.GetBytes($"INCR n{random.Next(3)}\r\n"));
                    break;
            }
        }
        using var whole = new RespWorld();
        whole.First.Receive([.. requests]);
        var wanted = whole.First.Take();
        for (var at = 0; at < requests.Count;)
        {
            var piece = Math.Min(1 + random.Next(random.OneIn(3) ? 5 : 200), requests.Count - at);
            _world.First.Receive([.. requests[at..(at + piece)]]);
            if (random.OneIn(3)) _world.Settle();
            at += piece;
        }
        Assert.Equal(wanted, _world.First.Take());
        Assert.Empty(expected);
    }

    [Theory]
    [InlineData("*1\r\n$3\r\nGET\r\n*-1\r\n", "wrong number of arguments")]
    [InlineData("*x\r\n", "Protocol error: invalid multibulk length")]
    [InlineData("*2000000\r\n", "Protocol error: invalid multibulk length")]
    [InlineData("*1\r\n:3\r\n", "Protocol error: expected '$', got ':'")]
    [InlineData("*1\r\n$-5\r\n", "Protocol error: invalid bulk length")]
    [InlineData("*1\r\n$99999999999\r\n", "Protocol error: invalid bulk length")]
    [InlineData("SET \"a\r\n", "Protocol error: unbalanced quotes in request")]
    public void What_is_no_request_is_refused(string bytes, string why)
    {
        _world.First.Receive(Encoding.Latin1.GetBytes(bytes));
        Assert.Contains(why, ReplyText.Of(_world.First.Take()), StringComparison.Ordinal);
        Assert.Equal(why.StartsWith("Protocol", StringComparison.Ordinal), _world.First.IsClosed);
    }

    [Theory, Seeds(50)]
    public void Any_bytes_are_answered_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 40; round++)
        {
            var client = _world.Connect();
            var bytes = new List<byte>(TestChannel.Request("SET", "k", "v"));
            for (var i = random.Next(6); i >= 0; i--)
            {
                var at = random.Next(bytes.Count);
                if (random.OneIn(2)) bytes[at] = (byte)random.Next(256);
                else bytes.Insert(at, (byte)"*$\r\n0123456789-\"' "[random.Next(18)]);
            }
            client.Receive([.. bytes]);
            _ = ReplyText.Of(client.Take());
            client.Leave();
        }
    }
}
