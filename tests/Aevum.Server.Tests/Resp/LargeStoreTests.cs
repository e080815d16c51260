// Commands whose result is more than one commit can hold, held against the same commands in a world whose commits hold it: the replies, what is told of them,
// the objects as dumps, and the rows themselves must be the same.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Server.Hosting;

namespace Aevum.Server.Tests.Resp;

/// <summary>The commands that store what they find, and RESTORE, of objects larger than a batch may be.</summary>
public sealed class LargeStoreTests : IDisposable
{
    const int SmallBytes = 48 << 10;   // of a batch; each object below takes more
    const int Members = 1500;

    readonly RespWorld _small = new(new DatabaseOptions { Limits = new BatchLimits { BatchBytesMax = SmallBytes } });
    readonly RespWorld _whole = new();

    public void Dispose()
    {
        _small.Dispose();
        _whole.Dispose();
    }

    static string Member(int i) => $"m{i:d6}-{new string('x', 40)}";

    string Both(params string[] words)
    {
        var reply = _whole.Ask(words);
        Assert.Equal(reply, _small.Ask(words));
        return reply;
    }

    string Both(string request) => Both(request.Split(' '));

    void Many(string[] beginning, int from, int to, Func<int, string[]> words)
    {
        for (; from < to; from += 100) Both([.. beginning, .. Enumerable.Range(from, Math.Min(100, to - from)).SelectMany(words)]);
    }

    void Fill()
    {
        Many(["SADD", "a"], 0, Members, i => [Member(i)]);
        Many(["SADD", "b"], 200, 200 + Members, i => [Member(i)]);
        Many(["SADD", "few"], 0, 20, i => [Member(i)]);
        Many(["ZADD", "za"], 0, Members, i => [$"{i % 700}.25", Member(i)]);
        Many(["ZADD", "zb"], 200, 200 + Members, i => [$"-{i}", Member(i)]);
        Many(["ZADD", "same"], 0, Members, i => ["7", Member(i)]);
        Many(["RPUSH", "l"], 0, Members, i => [Member(i * 7 % Members)]);
        Many(["GEOADD", "g"], 0, Members, i => [$"{(i % 300 / 10.0) + 1}", $"{(i / 300) + 30}", Member(i)]);
        Many(["MSET"], 0, 500, i => [$"w_{Member(i)}", $"{i * 31 % 500}"]);
        Many(["HSET", "h"], 0, Members, i => [$"f{i}", Member(i)]);
    }

    // What a listener was told, of both worlds alike.
    string Told(TestChannel whole, TestChannel small)
    {
        var told = ReplyText.Of(whole.Take());
        Assert.Equal(told, ReplyText.Of(small.Take()));
        return told;
    }

    void CheckRows()
    {
        foreach (var world in (RespWorld[])[_whole, _small]) world.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(StructureChecker.Check(_whole), StructureChecker.Check(_small));
        Assert.Equal(RowCounter.Elements(_whole), RowCounter.Elements(_small));
        Assert.Equal(RowCounter.Garbage(_whole), RowCounter.Garbage(_small));
    }

    // ------------------------------------------------------------------------------------------------ store

    [Theory]
    [InlineData("SUNIONSTORE d a b few none", "1700")]
    [InlineData("SINTERSTORE d b a", "1300")]
    [InlineData("SDIFFSTORE d a few", "1480")]
    [InlineData("SUNIONSTORE d few few", "20")]
    [InlineData("SINTERSTORE d a none", "0")]
    [InlineData("ZUNIONSTORE d 3 za a zb WEIGHTS 2 0.3 1.1", "1700")]
    [InlineData("ZUNIONSTORE d 2 za zb AGGREGATE MAX", "1700")]
    [InlineData("ZINTERSTORE d 3 zb za a AGGREGATE MIN", "1300")]
    [InlineData("ZDIFFSTORE d 2 za few", "1480")]
    [InlineData("ZRANGESTORE d za 0 -1", "1500")]
    [InlineData("ZRANGESTORE d za 0 9", "10")]
    [InlineData("ZRANGESTORE d za 600 (20 BYSCORE REV LIMIT 3 1200", "1200")]
    [InlineData("ZRANGESTORE d za -inf +inf BYSCORE", "1500")]
    [InlineData("ZRANGESTORE d same [m000100 + BYLEX", "1400")]
    [InlineData("SORT l ALPHA DESC STORE d", "1500")]
    [InlineData("SORT a ALPHA LIMIT 30 1200 STORE d", "1200")]
    [InlineData("SORT za BY nosort STORE d", "1500")]
    [InlineData("SORT l BY w_* GET # GET w_* STORE d", "3000")]
    [InlineData("GEOSEARCHSTORE d g FROMLONLAT 15 32 BYRADIUS 20000 km", "1500")]
    [InlineData("GEOSEARCHSTORE d g FROMLONLAT 15 32 BYRADIUS 20000 km COUNT 1100 STOREDIST", "1100")]
    [InlineData("GEORADIUS g 15 32 5000 km STORE d", "1500")]
    public void A_result_larger_than_a_batch_is_stored_as_a_small_one_is(string request, string count)
    {
        Fill();
        Both("RPUSH d old");
        var (whole, small) = (_whole.Connect(), _small.Connect());
        foreach (var listener in (TestChannel[])[whole, small]) listener.Ask("PSUBSCRIBE __key*__:*");
        Both("CONFIG SET notify-keyspace-events KEA");
        Assert.Equal(count, Both(request));
        var told = Told(whole, small);
        Assert.Contains(count == "0" ? "del" : request[..4].ToLowerInvariant(), told, StringComparison.Ordinal);
        Both("DUMP d");
        Both("TYPE d");
        Assert.Equal(count, Both(request));   // over what is large by now
        Both("EXPIRE d 1000");
        Assert.Equal(count, Both(request));
        Assert.Equal(count == "0" ? "-2" : "-1", Both("TTL d"));
        Told(whole, small);
        Both("DUMP d");
        CheckRows();
    }

    [Theory]
    [InlineData("SUNIONSTORE a a b")]
    [InlineData("SDIFFSTORE a a few")]
    [InlineData("ZUNIONSTORE za 2 za zb")]
    [InlineData("ZRANGESTORE za za 10 -1")]
    [InlineData("SORT l ALPHA STORE l")]
    [InlineData("GEOSEARCHSTORE g g FROMLONLAT 15 32 BYRADIUS 20000 km STOREDIST")]
    public void A_source_may_be_what_is_stored_over(string request)
    {
        Fill();
        Both(request);
        Both($"DUMP {(request.StartsWith("SORT", StringComparison.Ordinal) ? "l" : request.Split(' ')[1])}");
        CheckRows();
    }

    [Theory]
    [InlineData("SUNIONSTORE d a l")]
    [InlineData("ZUNIONSTORE d 2 za l")]
    [InlineData("ZUNIONSTORE d 2 za zb WEIGHTS 1")]
    [InlineData("ZRANGESTORE d za x y")]
    [InlineData("SORT a STORE d")]
    [InlineData("SORT h STORE d")]
    public void What_is_wrong_is_told_in_the_same_words_and_nothing_is_stored(string request)
    {
        Fill();
        Both("SET d old");
        Assert.StartsWith("(error) ", Both(request), StringComparison.Ordinal);
        Assert.Equal("old", Both("GET d"));
        CheckRows();
    }

    [Fact]
    public void More_elements_than_are_stored_at_once_are_stored_beside_whatever_they_take()
    {
        const int count = 30_000;
        for (var from = 0; from < count; from += 1000)
        {
            _whole.Ask(["SADD", "s", .. Enumerable.Range(from, 1000).Select(i => $"{i}")]);
            _whole.Ask(["ZADD", "z", .. Enumerable.Range(from, 1000).SelectMany(i => (string[])[$"{i}", $"{i}"])]);
        }
        _whole.Ask("SADD other 5 x");
        Assert.Equal($"{count + 1}", _whole.Ask("SUNIONSTORE d s other"));
        Assert.Equal("1", _whole.Ask("SINTERSTORE e s other"));
        Assert.Equal($"{count - 1}", _whole.Ask("SDIFFSTORE f s other"));
        Assert.Equal("0", _whole.Ask("SINTERSTORE e s none"));
        Assert.Equal($"{count}", _whole.Ask("ZRANGESTORE y z 0 -1"));
        Assert.Equal($"{count}", _whole.Ask("ZUNIONSTORE x 2 z s WEIGHTS 1 2"));
        Assert.Equal($"{count}", _whole.Ask("SORT s STORE l"));
        Assert.Equal("[1, 0, 29999, 777, 779, [29998, 29999]]",
            $"[{_whole.Ask("SISMEMBER d x")}, {_whole.Ask("SISMEMBER f 5")}, {_whole.Ask("ZRANK y 29999")}, {_whole.Ask("ZSCORE y 777")}, "
            + $"{_whole.Ask("ZSCORE x 777")}, {_whole.Ask("LRANGE l -2 -1")}]");
        Assert.Equal(7, StructureChecker.Check(_whole));
        _whole.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(7, StructureChecker.Check(_whole));
        Assert.Equal(0, RowCounter.Garbage(_whole));
    }

    [Fact]
    public void Replies_are_in_order_and_a_request_behind_sees_what_was_stored()
    {
        Fill();
        var more = string.Join(' ', Enumerable.Range(0, 10).Select(i => $"new{i}"));
        string[] requests = [$"SADD few {more}", "SUNIONSTORE d a b few", "SCARD d", "SADD d one-more", "SUNIONSTORE e d few", "SCARD e", "PING",
            "SDIFFSTORE d e a", "SCARD d"];
        foreach (var world in (RespWorld[])[_whole, _small])
        {
            world.First.Receive(Encoding.ASCII.GetBytes(string.Concat(requests.Select(r => r + "\r\n"))));
            Assert.Equal("10 1710 1710 1 1711 1711 PONG 211 211", ReplyText.Of(world.First.Take()));
        }
        CheckRows();
    }

    [Fact]
    public void Others_are_served_meanwhile()
    {
        Fill();
        var other = _small.Connect();
        _small.First.Receive("SUNIONSTORE d a b\r\n"u8);
        _small.Loop.EndTurn();
        other.Receive("PING\r\nSET k v\r\nEXISTS d\r\n"u8);
        _small.Loop.EndTurn();
        Assert.Equal("+PONG\r\n+OK\r\n:0\r\n", Encoding.ASCII.GetString(other.Sent));
        Assert.Equal("1700", ReplyText.Of(_small.First.Take()));
    }

    [Fact]
    public void Within_a_transaction_it_is_one_commit_and_refused_as_a_whole()
    {
        Fill();
        _small.Ask("SET d old");
        foreach (var request in (string[])["SUNIONSTORE d a b", "ZUNIONSTORE d 1 za", "SORT l ALPHA STORE d"])
        {
            _small.Ask("MULTI");
            _small.Ask("SET k v");
            _small.Ask(request);
            Assert.StartsWith("(error) ", _small.Ask("EXEC"), StringComparison.Ordinal);
            Assert.Equal("[old, 0]", $"[{_small.Ask("GET d")}, {_small.Ask("EXISTS k")}]");
        }
        Assert.Equal("1700", _small.Ask("SUNIONSTORE d a b"));
    }

    [Fact]
    public void Who_waits_watches_tracks_or_listens_hears_of_it()
    {
        Fill();
        var (waiter, tracker) = (_small.Connect(), _small.Connect());
        waiter.Receive("BZPOPMIN d 0\r\n"u8);
        tracker.Ask("HELLO 3");
        tracker.Ask("CLIENT TRACKING ON");
        tracker.Ask("EXISTS d");
        _small.Ask("WATCH d");
        Assert.Equal("1500", _small.Connect().Ask("ZRANGESTORE d zb 0 -1"));
        Assert.Equal($"[d, {Member(1699)}, -1699]", ReplyText.Of(waiter.Take()));
        Assert.StartsWith(">[invalidate, [d]]", ReplyText.Of(tracker.Take()), StringComparison.Ordinal);
        _small.Ask("MULTI");
        _small.Ask("PING");
        Assert.Equal("(nil)", _small.Ask("EXEC"));
        Assert.Equal("1499", _small.Ask("ZCARD d"));
    }

    [Fact]
    public void It_is_counted_as_one_command_that_wrote()
    {
        Fill();
        foreach (var request in (string[])["SUNIONSTORE d a b", "COPY d e", "SINTERSTORE d a none"])
        {
            var name = request.Split(' ')[0].ToLowerInvariant();
            foreach (var world in (RespWorld[])[_whole, _small])
            {
                var changes = Number(world, "INFO persistence", "rdb_changes_since_last_save:");
                world.Ask(request);
                Assert.Equal(changes + 1, Number(world, "INFO persistence", "rdb_changes_since_last_save:"));
                Assert.Equal(1, Number(world, "INFO commandstats", $"cmdstat_{name}:calls="));
            }
        }

        static long Number(RespWorld world, string request, string before)
        {
            var text = world.Ask(request);
            var at = text.IndexOf(before, StringComparison.Ordinal);
            Assert.True(at >= 0, $"{request} does not tell {before}");
            return long.Parse(string.Concat(text[(at + before.Length)..].TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task While_what_it_reads_is_written_all_the_time_it_finds_one_state_of_it()
    {
        const int members = 15_000;
        using var host = ServerHost.Start(new ServerOptions { Resp = [new IPEndPoint(IPAddress.Loopback, 0)] });
        Assert.True(host.WaitUntilOpen());
        using var storing = new Connection(host.RespEndpoints[0]);
        for (var from = 0; from < members; from += 1000)
        {
            storing.Ask(["SADD", "a", .. Enumerable.Range(from, 1000).Select(i => $"{i}")]);
            storing.Ask(["SADD", "b", .. Enumerable.Range(members + from, 1000).Select(i => $"{i}")]);
        }
        using var ended = new CancellationTokenSource();
        var moving = Task.Run(() =>
        {
            using var connection = new Connection(host.RespEndpoints[0]);
            for (var i = 0; !ended.IsCancellationRequested; i = (i + 7919) % (2 * members))
            {
                connection.Ask("SMOVE", "a", "b", $"{i}");
                connection.Ask("SMOVE", "b", "a", $"{(i * 31) % (2 * members)}");
            }
        });
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal($":{2 * members}", storing.Ask("SUNIONSTORE", "d", "a", "b"));   // more than are stored at once: beside, and at last as a step
            Assert.Equal($":{2 * members}", storing.Ask("SCARD", "d"));
            Assert.Equal(":0", storing.Ask("SINTERSTORE", "e", "a", "b"));
        }
        await ended.CancelAsync();
        await moving;
    }

    // More than a commit holds, and never still for as long as it takes: whoever writes waits for it in the end.
    [Fact]
    public async Task What_never_stands_still_is_stored_and_copied_all_the_same()
    {
        const int members = 20_000;
        var database = new DatabaseOptions { Limits = new BatchLimits { BatchBytesMax = 128 << 10 } };
        using var host = ServerHost.Start(new ServerOptions { Resp = [new IPEndPoint(IPAddress.Loopback, 0)], Database = database });
        Assert.True(host.WaitUntilOpen());
        using var storing = new Connection(host.RespEndpoints[0]);
        foreach (var (key, first) in new[] { ("a", 0), ("b", members) })
            for (var from = 0; from < members; from += 1000) storing.Ask(["SADD", key, .. Enumerable.Range(first + from, 1000).Select(i => Member(i))]);
        using var begun = new ManualResetEventSlim();
        using var ended = new CancellationTokenSource();
        var moving = Task.Run(() =>
        {
            using var connection = new Connection(host.RespEndpoints[0]);
            while (!ended.IsCancellationRequested)
            {
                Assert.Equal(":1", connection.Ask("SMOVE", "a", "b", Member(0)));
                Assert.Equal(":1", connection.Ask("SMOVE", "b", "a", Member(0)));
                begun.Set();
            }
        });
        begun.Wait();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($":{2 * members}", storing.Ask("SUNIONSTORE", "d", "a", "b"));
            Assert.Equal($":{2 * members}", storing.Ask("SCARD", "d"));
            Assert.Equal(":1", storing.Ask("COPY", "a", "c", "REPLACE"));
            Assert.Equal(storing.Ask("SCARD", "c"), storing.Ask("SUNIONSTORE", "e", "c"));
        }
        await ended.CancelAsync();
        await moving;
    }

    sealed class Connection : IDisposable
    {
        readonly TcpClient _client = new();
        readonly StreamReader _replies;

        public Connection(IPEndPoint server)
        {
            _client.Connect(server);
            _replies = new StreamReader(_client.GetStream(), Encoding.Latin1);
        }

        /// <summary>A request that is answered by one line.</summary>
        public string? Ask(params string[] words)
        {
            _client.GetStream().Write(TestChannel.Request(words));
            return _replies.ReadLine();
        }

        public void Dispose() => _client.Dispose();
    }

    [Fact]
    public void With_a_log_that_is_always_synced_it_is_the_same()
    {
        using var always = new RespWorld(new DatabaseOptions { Sync = "always", Limits = new BatchLimits { BatchBytesMax = SmallBytes } });
        for (var from = 0; from < Members; from += 100) always.Ask(["SADD", "a", .. Enumerable.Range(from, 100).Select(Member)]);
        always.First.Receive("SADD few x\r\nSUNIONSTORE d a few\r\nSCARD d\r\nSET k v\r\nSUNIONSTORE e d none\r\nPING\r\nSCARD e\r\nNOPE\r\n"u8);
        always.Loop.EndTurn();
        Assert.Equal($"1 {Members + 1} {Members + 1} OK {Members + 1} PONG {Members + 1} (error) ERR unknown command 'NOPE', with args beginning with: ",
            ReplyText.Of(always.First.Take()));
        Assert.Equal(3, StructureChecker.Check(always));
    }

    // ------------------------------------------------------------------------------------------------ restore

    byte[] DumpOf(string key)
    {
        _whole.First.Receive(TestChannel.Request("DUMP", key));
        var reply = _whole.First.Take();
        return reply[(reply.AsSpan().IndexOf((byte)'\n') + 1)..^2];
    }

    string Restore(RespWorld world, string key, byte[] dump, params string[] behind)
    {
        string[] words = ["RESTORE", key, "0", Encoding.Latin1.GetString(dump), .. behind];
        return world.Ask(words);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("za")]
    [InlineData("l")]
    [InlineData("h")]
    [InlineData("x")]
    public void A_dump_of_an_object_larger_than_a_batch_is_restored(string key)
    {
        Fill();
        for (var i = 0; i < 1000; i++) Both($"XADD x {i + 1}-1 f {Member(i)}");
        Both("XGROUP CREATE x group 0");
        Both("XGROUP CREATE x second 5-1");
        Both("XREADGROUP GROUP group c COUNT 300 STREAMS x >");
        Both("XREADGROUP GROUP group other COUNT 20 STREAMS x >");
        var dump = DumpOf(key);
        Assert.Equal("OK", Restore(_small, "d", dump));
        Assert.StartsWith("(error) BUSYKEY", Restore(_small, "d", dump), StringComparison.Ordinal);
        Assert.Equal("OK", Restore(_small, "d", dump, "REPLACE"));
        Assert.Equal("OK", Restore(_whole, "d", dump));
        Both("DUMP d");
        if (key == "x")
        {
            Both("XPENDING d group");
            Both("XINFO GROUPS d");
        }
        CheckRows();
        Both("DUMP d");
    }

    [Fact]
    public void A_restored_object_expires_as_it_was_told_and_leaves_nothing()
    {
        Fill();
        var dump = Encoding.Latin1.GetString(DumpOf("h"));
        Both("RESTORE", "d", "200000", dump);
        Assert.Equal($"{Members}", Both("HLEN d"));
        CheckRows();
        Both("EXISTS d");
        foreach (var world in (RespWorld[])[_whole, _small]) world.Pass(TimeSpan.FromSeconds(200));
        Assert.Equal("0", Both("EXISTS d"));
        CheckRows();
        Both("SET d old");
        Both("RESTORE", "d", "1", dump, "REPLACE", "ABSTTL");   // long over
        Assert.Equal("0", Both("EXISTS d"));
        CheckRows();
    }

    [Fact]
    public void A_dump_that_is_wrong_at_its_end_is_refused_and_changes_nothing()
    {
        Fill();
        var dump = DumpOf("h");
        dump[^1] ^= 1;
        _small.Ask("SET d old");
        Assert.StartsWith("(error) ERR DUMP payload version or checksum", Restore(_small, "d", dump, "REPLACE"), StringComparison.Ordinal);
        Assert.Equal("old", _small.Ask("GET d"));
    }

    // ------------------------------------------------------------------------------------------------ copy

    [Theory]
    [InlineData(4 << 10)]
    [InlineData(20 << 10)]
    public void A_copy_takes_as_many_commits_as_a_low_limit_wants(int limit)
    {
        using var world = new RespWorld(new DatabaseOptions { Limits = new BatchLimits { BatchBytesMax = limit } });
        for (var i = 0; i < 600; i++) world.Ask("HSET", "h", $"f{i}", Member(i));
        Assert.Equal("1", world.Ask("COPY h g"));
        Assert.Equal("600", world.Ask("HLEN g"));
        Assert.Equal("1", world.Ask("COPY g h REPLACE"));
        Assert.Equal("1", world.Ask("MOVE g 2"));
        Assert.Equal(1, StructureChecker.Check(world));
        world.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(600, RowCounter.Elements(world));
        Assert.Equal(0, RowCounter.Garbage(world));
    }
}
