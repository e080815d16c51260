// sync = always: replies that wait for the disk while the loop goes on. In memory, step by step: what is not settled has not reached the disk.

using System.Net;
using System.Net.Sockets;
using System.Text;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Server.Hosting;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class HoldingTests
{
    static RespWorld World(IFileSystem? files = null) => new(new DatabaseOptions { Sync = "always", Files = files });

    static string Sent(TestChannel channel) => Encoding.Latin1.GetString(channel.Sent);

    static void Receive(TestChannel channel, params string[] requests) =>
        channel.Receive(Encoding.Latin1.GetBytes(string.Concat(requests.Select(r => r + "\r\n"))));

    [Fact]
    public void Others_are_served_while_a_write_waits_for_the_disk_and_do_not_see_it()
    {
        using var world = World();
        var (writer, reader) = (world.First, world.Connect());
        writer.Ask("SET k old");
        Receive(writer, "SET k new");
        world.Loop.EndTurn();
        Receive(reader, "GET k", "PING");
        Assert.Equal("", Sent(writer));
        Assert.Equal("$3\r\nold\r\n+PONG\r\n", Sent(reader));
        world.Settle();
        Assert.Equal("+OK\r\n", Sent(writer));
        reader.Drop();
        Assert.Equal("new", reader.Ask("GET k"));
    }

    [Fact]
    public void A_client_sees_its_own_writes_and_hears_of_them_in_order()
    {
        using var world = World();
        Receive(world.First, "SET k 1");
        world.Loop.EndTurn();
        Receive(world.First, "GET k", "NOPE", "INCR k", "PING", "MULTI", "INCR k", "EXEC", "GET k", "KEYS *", "GET");
        world.Loop.EndTurn();
        Assert.Equal("", Sent(world.First));
        world.Settle();
        Assert.StartsWith("+OK\r\n$1\r\n1\r\n-ERR unknown command 'NOPE'", Sent(world.First), StringComparison.Ordinal);
        Assert.EndsWith(":2\r\n+PONG\r\n+OK\r\n+QUEUED\r\n*1\r\n:3\r\n$1\r\n3\r\n*1\r\n$1\r\nk\r\n-ERR wrong number of arguments for 'get' command\r\n",
            Sent(world.First), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ACL SETUSER ann on nopass ~* +@all", "+OK\r\n")]
    [InlineData("ACL DELUSER bob", ":1\r\n")]
    [InlineData("SWAPDB 0 1", "+OK\r\n")]
    [InlineData("AEVUM.RETENTION forever", "+OK\r\n")]
    [InlineData("VNEW v 3", "+OK\r\n")]
    [InlineData("VDROP w", "+OK\r\n")]
    public void A_change_of_the_catalog_waits_beside_the_loop_also_within_a_transaction(string request, string reply)
    {
        using var world = World();
        var (writer, reader) = (world.First, world.Connect());
        foreach (var first in (string[])["SET k 1", "SELECT 1", "SET k 2", "SELECT 0", "ACL SETUSER bob on", "VNEW w 3"]) writer.Ask(first);
        Receive(writer, request, "PING");
        world.Loop.EndTurn();
        Receive(reader, "PING");
        Assert.Equal("", Sent(writer));
        Assert.Equal("+PONG\r\n", Sent(reader));
        world.Settle();
        Assert.Equal(reply + "+PONG\r\n", Sent(writer));
        writer.Drop();
        foreach (var first in (string[])["ACL SETUSER bob on", "ACL DELUSER ann", "VDROP v", "VNEW w 3"]) writer.Ask(first);
        writer.Drop();
        Receive(writer, "MULTI", "ECHO a", request, "ECHO b", "EXEC", "PING");
        world.Loop.EndTurn();
        Receive(reader, "PING");
        world.Settle();
        Assert.Equal($"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n$1\r\na\r\n{reply}$1\r\nb\r\n+PONG\r\n", Sent(writer));
    }

    [Theory]
    [InlineData("SET k v PX 5", true)]
    [InlineData("MULTI;SET k v PX 5;EXEC", true)]
    [InlineData("SET k v PX 5;DEL k", false)]
    [InlineData("SET k v PX 5;PERSIST k", false)]
    public void What_has_expired_before_anybody_heard_of_it_is_told_as_expired(string requests, bool expires)
    {
        using var world = World();
        var listener = world.Connect();
        world.Ask("CONFIG SET notify-keyspace-events Ex");
        listener.Ask("SUBSCRIBE __keyevent@0__:expired");
        listener.Take();
        Receive(world.First, requests.Split(';'));
        world.Loop.EndTurn();
        world.Scheduler.RunFor(TimeSpan.FromMilliseconds(50));   // the disk takes its time
        Assert.Contains(Sent(world.First), (string[])["", "+OK\r\n+QUEUED\r\n"]);
        world.Settle();
        world.Pass(TimeSpan.FromMilliseconds(50));
        Assert.Equal(expires ? "[message, __keyevent@0__:expired, k]" : "", ReplyText.Of(listener.Take()));
    }

    [Fact]
    public void Who_begins_to_wait_while_databases_are_swapped_waits_in_its_own()
    {
        using var world = World();
        var (before, meanwhile, other) = (world.Connect(), world.Connect(), world.Connect());
        foreach (var request in (string[])["SELECT 1", "RPUSH l one", "SELECT 0", "SET k v"]) other.Ask(request);
        Receive(before, "BLPOP l m 0");
        world.Settle();
        Receive(world.First, "SWAPDB 0 1");
        world.Loop.EndTurn();
        world.Scheduler.RunUntilIdle();   // they are swapped, and the loop does not know it yet
        Receive(meanwhile, "BLPOP m 0");
        world.Settle();
        Assert.Equal("[l, one]", ReplyText.Of(before.Take()));
        Assert.Equal("1", other.Ask("RPUSH m two"));
        Assert.Equal("[m, two]", ReplyText.Of(meanwhile.Take()));
        Assert.Equal(0, world.Server.Waiters.Count);
    }

    [Fact]
    public void Who_went_away_before_its_transaction_was_durable_listens_to_nothing()
    {
        using var world = World();
        var other = world.Connect();
        Receive(world.First, "MULTI", "SET k v", "SUBSCRIBE c", "EXEC");
        world.Loop.EndTurn();
        world.First.Leave();
        world.Settle();
        Assert.Equal("v", other.Ask("GET k"));
        Assert.Equal("[c, 0]", other.Ask("PUBSUB NUMSUB c"));
    }

    [Fact]
    public void Who_removes_the_user_that_it_is_hears_of_it_and_is_ended()
    {
        using var world = World();
        var (me, other, third) = (world.First, world.Connect(), world.Connect());
        third.Ask("ACL SETUSER ann on nopass ~* +@all");
        me.Ask("AUTH ann x");
        other.Ask("AUTH ann x");
        Assert.Equal("1", me.Ask("ACL DELUSER ann nobody"));
        Assert.Equal((true, true, false), (me.IsClosed, other.IsClosed, third.IsClosed));
    }

    [Fact]
    public void Several_batches_that_wait_are_one_sync()
    {
        using var world = World();
        world.Ask("SET warm up");
        var clients = Enumerable.Range(0, 10).Select(_ => world.Connect()).ToArray();
        var syncs = world.Database.Count().LogSyncs;
        foreach (var client in clients)
        {
            Receive(client, "INCR n");
            world.Loop.EndTurn();
        }
        Assert.All(clients, c => Assert.Equal("", Sent(c)));
        world.Settle();
        Assert.Equal(Enumerable.Range(1, 10).Select(i => $":{i}\r\n"), clients.Select(Sent));
        Assert.InRange(world.Database.Count().LogSyncs - syncs, 1, 2);
    }

    [Fact]
    public void No_more_is_taken_than_may_wait()
    {
        using var world = World();
        var clients = Enumerable.Range(0, 100).Select(_ => world.Connect()).ToArray();
        foreach (var client in clients)
        {
            Receive(client, "INCR n");
            world.Loop.EndTurn();
        }
        Assert.InRange(clients.Count(c => c.Client.IsSuspended), 1, 99);
        world.Settle();
        Assert.All(clients, c => Assert.NotEqual("", Sent(c)));
        Assert.Equal("100", world.Ask("GET n"));
    }

    [Fact]
    public void Who_waited_for_a_key_gets_it_though_his_time_passes_before_the_disk_is_done()
    {
        using var world = World();
        var waiter = world.Connect();
        Receive(waiter, "BLPOP l 1");
        world.Settle();
        Receive(world.First, "RPUSH l x");
        world.Loop.EndTurn();
        world.Scheduler.RunUntilIdle();
        world.Loop.RunPosted();   // the push is durable and answered; what was taken for the waiter is not
        Assert.Equal(":1\r\n", Sent(world.First));
        Assert.Equal("", Sent(waiter));
        world.Loop.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("", Sent(waiter));
        world.Settle();
        Assert.Equal("*2\r\n$1\r\nl\r\n$1\r\nx\r\n", Sent(waiter));
        waiter.Drop();
        Assert.Equal("PONG", waiter.Ask("PING"));
        world.First.Drop();
        Assert.Equal("0", world.Ask("LLEN l"));
    }

    [Fact]
    public void Who_waits_is_run_again_for_what_came_while_he_was_run()
    {
        using var world = World();
        var waiter = world.Connect();
        Receive(waiter, "BLPOP l 5");
        world.Settle();
        // A transaction pushes and takes away: the waiter, run again, finds nothing; what comes while he is run he may not miss.
        Receive(world.First, "MULTI", "RPUSH l x", "LPOP l", "EXEC");
        world.Loop.EndTurn();
        world.Scheduler.RunUntilIdle();
        world.Loop.RunPosted();
        Receive(world.First, "RPUSH l y");
        world.Settle();
        Assert.Equal("*2\r\n$1\r\nl\r\n$1\r\ny\r\n", Sent(waiter));
    }

    [Fact]
    public void Who_waits_is_served_before_the_next_request_of_a_pipeline()
    {
        using var world = World();
        var waiter = world.Connect();
        Receive(waiter, "BLPOP l 0");
        world.Settle();
        Receive(world.First, "LPUSH l a", "DEL l", "LLEN l");
        world.Settle();
        Assert.Equal(":1\r\n:0\r\n:0\r\n", Sent(world.First));
        Assert.Equal("*2\r\n$1\r\nl\r\n$1\r\na\r\n", Sent(waiter));
    }

    [Fact]
    public void A_connection_whose_other_side_has_ended_is_kept_until_it_was_answered()
    {
        using var world = World();
        Receive(world.First, "SET k v", "GET k");
        world.First.Client.OnInputEnded();
        Assert.True(world.First.Client.IsSuspended);
        world.Loop.EndTurn();
        world.Settle();
        Assert.Equal("+OK\r\n$1\r\nv\r\n", Sent(world.First));
        Assert.False(world.First.Client.IsSuspended);
    }

    [Fact]
    public void A_connection_that_is_to_be_closed_is_answered_first()
    {
        using var world = World();
        var rude = world.Connect();
        Receive(world.First, "SET k v", "QUIT");
        Receive(rude, "SET k w", "*1\r\n#");
        world.Loop.EndTurn();
        Assert.False(world.First.IsClosed || rude.IsClosed);
        world.Settle();
        Assert.Equal("+OK\r\n+OK\r\n", Sent(world.First));
        Assert.Equal("+OK\r\n-ERR Protocol error: expected '$', got '#'\r\n", Sent(rude));
        Assert.True(world.First.IsClosed && rude.IsClosed);
    }

    [Fact]
    public void Replies_that_nobody_wants_do_not_come_late()
    {
        using var world = World();
        Receive(world.First, "CLIENT REPLY SKIP", "SET a 1", "SET b 2", "CLIENT REPLY OFF", "SET c 3", "NOPE", "CLIENT REPLY ON", "GET c");
        world.Settle();
        Assert.Equal("+OK\r\n+OK\r\n$1\r\n3\r\n", Sent(world.First));
    }

    [Fact]
    public void Where_a_sync_fails_everybody_is_told_and_reads_go_on()
    {
        var files = new FaultyFileSystem(1);
        using var world = World(files);
        world.Ask("SET k old");
        files.Plan.Strikes = path => path.Contains("log", StringComparison.Ordinal);
        var (other, waiter) = (world.Connect(), world.Connect());
        foreach (var request in (string[])["SELECT 1", "SET k 1", "SELECT 0"]) other.Ask(request);
        Receive(waiter, "BLPOP l 0");
        world.Settle();
        files.Plan.FailNth(FileOperation.Sync, 1);
        Receive(world.First, "SET k new", "PING");
        Receive(other, "MULTI", "SET j 1", "EXEC");
        world.Loop.EndTurn();
        world.Settle();
        Assert.Contains("whether the batch is committed is not known", Sent(world.First), StringComparison.Ordinal);
        Assert.EndsWith("+PONG\r\n", Sent(world.First), StringComparison.Ordinal);
        Assert.StartsWith("+OK\r\n+QUEUED\r\n-", Sent(other), StringComparison.Ordinal);
        other.Drop();
        Assert.Equal("old", other.Ask("GET k"));
        Assert.StartsWith("(error)", other.Ask("SET k newer"), StringComparison.Ordinal);
        // Who waits in a database goes on waiting there if it could not be swapped.
        Assert.StartsWith("(error)", other.Ask("SWAPDB 0 1"), StringComparison.Ordinal);
        Assert.True(world.Server.Waiters.AnyFor(world.Server.Databases.IdOf(0), "l"u8));
        // A database that nobody has used yet cannot be made any more: requests say so, and the connection goes on.
        Assert.Equal("OK", other.Ask("SELECT 5"));
        foreach (var request in (string[])["GET k", "SET k v", "MGET k j", "COPY k j", "WATCH k"])
            Assert.StartsWith("(error)", other.Ask(request), StringComparison.Ordinal);
        Assert.Equal("OK", other.Ask("MULTI"));
        Assert.StartsWith("(error)", other.Ask("GET k"), StringComparison.Ordinal);
        Assert.StartsWith("(error) EXECABORT", other.Ask("EXEC"), StringComparison.Ordinal);
        Assert.Equal("OK", other.Ask("SELECT 0"));
        Assert.Equal("old", other.Ask("GET k"));
    }

    // The oracle: the same requests where nothing waits. Each client has keys of its own, so its replies do not depend on how the others come in between.
    [Fact]
    public void Pipelines_are_answered_as_where_nothing_waits()
    {
        for (ulong seed = 0; seed < 60; seed++)
        {
            var random = new SeededRandom(seed);
            using var always = World();
            using var os = new RespWorld();
            var clients = Enumerable.Range(0, 3).Select(i => (Held: always.Connect(), Plain: os.Connect(), Name: (char)('a' + i))).ToArray();
            var told = new string[3];
            var expected = new string[3];
            for (var turn = 0; turn < 60; turn++)
            {
                var at = random.Next(3);
                var (held, plain, name) = clients[at];
                var requests = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Request(random, name)).ToArray();
                Receive(held, requests);
                Receive(plain, requests);
                switch (random.Next(4))
                {
                    case 0:
                        always.Loop.EndTurn();
                        break;
                    case 1:
                        always.Loop.EndTurn();
                        always.Scheduler.RunUntilIdle();
                        break;
                    case 2:
                        always.Settle();
                        break;
                }
            }
            for (var i = 0; i < 3; i++)
            {
                told[i] = Encoding.Latin1.GetString(clients[i].Held.Take());
                expected[i] = Encoding.Latin1.GetString(clients[i].Plain.Take());
            }
            for (var i = 0; i < 3; i++) Assert.True(expected[i] == told[i], $"seed {seed}, client {i}\n{Diff(expected[i], told[i])}");
        }
    }

    // From a little before where they part.
    static string Diff(string expected, string told)
    {
        var same = expected.AsSpan().CommonPrefixLength(told);
        return $"expected ...{expected[Math.Max(0, same - 60)..]}\ntold     ...{told[Math.Max(0, same - 60)..]}";
    }

    static string Request(SeededRandom random, char name) => random.Next(22) switch
    {
        0 or 1 => $"SET {name}:s {random.Next(100)}",
        2 or 3 => $"GET {name}:s",
        4 => $"INCR {name}:s",
        5 => $"RPUSH {name}:l {random.Next(100)}",
        6 => $"LRANGE {name}:l 0 -1",
        7 => $"BLPOP {name}:l 0",   // waits for ever where there is nothing: what follows stays untaken in both worlds
        8 => $"LPOP {name}:l 2",
        9 => "PING",
        10 => "NOPE",
        11 => "GET",
        12 => "MULTI",
        13 or 14 => "EXEC",
        15 => $"WATCH {name}:s",
        16 => "CLIENT REPLY SKIP",
        17 => $"SORT {name}:l",
        18 => $"HSET {name}:s f v",
        19 => $"KEYS {name}:*",
        20 => $"MSET {name}:s 5 {name}:t {random.Next(9)}",
        _ => $"DEL {name}:l",
    };

    // ------------------------------------------------------------------------------------------------ threads

    sealed class SlowSyncs(IFileSystem inner) : ForwardingFiles(inner)
    {
        public ManualResetEventSlim Gate { get; } = new(true);

        public override IAppendRegion CreateRegion(string path, long capacity) => new Region(base.CreateRegion(path, capacity), Gate);

        public override IAppendRegion OpenRegion(string path) => new Region(base.OpenRegion(path), Gate);

        sealed class Region(IAppendRegion inner, ManualResetEventSlim gate) : ForwardingRegion(inner)
        {
            public override void Sync()
            {
                gate.Wait();
                base.Sync();
            }

            public override void SyncRange(long start, long end)
            {
                gate.Wait();
                base.SyncRange(start, end);
            }
        }
    }

    [Fact]
    public void On_threads_a_disk_that_does_not_answer_holds_up_writers_only()
    {
        var files = new SlowSyncs(new FaultyFileSystem(2));
        using var host = ServerHost.Start(new ServerOptions
        {
            Directory = "d",
            Database = new DatabaseOptions { Files = files, Sync = "always" },
            Resp = [new IPEndPoint(IPAddress.Loopback, 0)],
        });
        Assert.True(host.WaitUntilOpen());
        using var writer = Connect();
        using var reader = Connect();
        Assert.Equal("+OK\r\n", Ask(writer, "SET k old"));
        files.Gate.Reset();
        writer.GetStream().Write("SET k new\r\nINCR n\r\n"u8);
        // Until the write is decided, and many times after it.
        for (var i = 0; i < 200; i++) Assert.Equal("$3\r\nold\r\n", Ask(reader, "GET k"));
        Assert.Equal(0, writer.Available);
        files.Gate.Set();
        var stream = writer.GetStream();
        var replies = new byte[9];
        stream.ReadExactly(replies);
        Assert.Equal("+OK\r\n:1\r\n", Encoding.ASCII.GetString(replies));
        Assert.Equal("$3\r\nnew\r\n", Ask(reader, "GET k"));

        TcpClient Connect()
        {
            var client = new TcpClient();
            client.Connect(host.RespEndpoints[0]);
            client.ReceiveTimeout = 30_000;
            return client;
        }

        static string Ask(TcpClient client, string request)
        {
            client.GetStream().Write(Encoding.ASCII.GetBytes(request + "\r\n"));
            var buffer = new byte[1024];
            return Encoding.ASCII.GetString(buffer, 0, client.GetStream().Read(buffer));
        }
    }
}
