// SwapTests: SWAPDB and FLUSHDB beside what other loops are in the middle of. Clients of two loops ask at random, loops and workers go on at random, and
// what was answered must be explained by one order of all requests that keeps to when each was sent and answered (Herlihy and Wing, "Linearizability",
// TOPLAS 1990): a write that was acknowledged before a swap was sent moves with it; one beside it falls on either side, whole.

using System.Text;
using Aevum.Core.Scheduling;

namespace Aevum.Server.Tests.Resp;

public sealed class SwapTests
{
    const int Requests = 14;
    static readonly string[] s_keys = ["a", "b"];

    public static TheoryData<string, int> Seeds
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var sync in (string[])["os", "always"])
                for (var seed = 1; seed <= 25; seed++) data.Add(sync, seed);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_is_answered_is_explained_by_one_order(string sync, int seed)
    {
        for (var round = 0; round < 8; round++)
        {
            using var world = new RespWorld(new DatabaseOptions { Sync = sync });
            var history = new Driver(world, new SeededRandom((ulong)((1000 * seed) + round))).Run();
            Assert.True(Explained(history), $"sync {sync}, seed {seed}, round {round}:\n" + string.Join('\n', history.OrderBy(h => h.Sent)));
        }
    }

    [Fact]
    public void A_checker_that_is_told_of_a_write_which_stays_behind_finds_no_order()
    {
        Asked Of(int sent, int answered, int database, string request, string reply) =>
            new(0, database, [], request) { Sent = sent, Answered = answered, Reply = reply };
        Assert.True(Explained([Of(1, 2, 0, "SET a v", "OK"), Of(3, 4, 0, "SWAPDB 0 1", "OK"), Of(5, 6, 1, "GET a", "v")]));
        Assert.False(Explained([Of(1, 2, 0, "SET a v", "OK"), Of(3, 4, 0, "SWAPDB 0 1", "OK"), Of(5, 6, 0, "GET a", "v")]));
        Assert.True(Explained([Of(1, 5, 0, "SET a v", "OK"), Of(2, 3, 0, "SWAPDB 0 1", "OK"), Of(6, 7, 0, "GET a", "v")]));
        Assert.False(Explained([Of(1, 6, 0, "SET a v", "OK"), Of(2, 3, 0, "SWAPDB 0 1", "OK"), Of(4, 5, 1, "GET a", "(nil)"), Of(7, 8, 1, "GET a", "v")]));
        Assert.False(Explained([Of(1, 4, 0, "MSET a 1 b 1", "OK"), Of(2, 3, 0, "SWAPDB 0 1", "OK"), Of(5, 6, 0, "GET a", "1"), Of(7, 8, 1, "GET b", "1")]));
    }

    [Fact]
    public void A_copy_that_takes_several_commits_is_waited_for_and_goes_with_its_database()
    {
        using var world = new RespWorld();
        var other = world.Connect(world.AddLoop());
        other.Ask(["SADD", "s", .. Enumerable.Range(0, 5000).Select(i => $"m{i}")]);
        other.Receive("COPY s t\r\n"u8);
        world.First.Receive("SWAPDB 0 1\r\nDBSIZE\r\n"u8);
        world.Settle();
        Assert.Equal(":1\r\n", Encoding.ASCII.GetString(other.Take()));
        Assert.Equal("+OK\r\n:0\r\n", Encoding.ASCII.GetString(world.First.Take()));
        Assert.Equal("OK", world.Ask("SELECT 1"));
        Assert.Equal("5000", world.Ask("SCARD t"));
        world.First.Receive("SWAPDB 0 1\r\n"u8);
        other.Receive("SWAPDB 0 1\r\n"u8);   // at once: one after the other
        world.Settle();
        Assert.Equal("+OK\r\n+OK\r\n", Encoding.ASCII.GetString([.. world.First.Take(), .. other.Take()]));
        Assert.Equal("5000", world.Ask("SCARD t"));
    }

    // ------------------------------------------------------------------------------------------------ asking

    sealed record Asked(int Client, int Database, string[] Queued, string Request)
    {
        public int Sent { get; init; }

        public int Answered { get; set; } = int.MaxValue;

        public string Reply { get; set; } = "";

        public override string ToString() =>
            $"{Sent,4} to {Answered,4}  client {Client} in {Database}: {Request} {string.Join("; ", Queued)} -> {Reply}";
    }

    sealed class Driver
    {
        readonly RespWorld _world;
        readonly SeededRandom _random;
        readonly TestLoop[] _loops;
        readonly (TestChannel Channel, int Database)[] _clients;
        readonly List<string>?[] _queues;
        readonly Asked?[] _open;
        readonly List<Asked> _history = [];
        int _now;
        int _values;

        public Driver(RespWorld world, SeededRandom random)
        {
            (_world, _random) = (world, random);
            _loops = [world.Loop, world.AddLoop()];
            _clients = [.. Enumerable.Range(0, 5).Select(i => (world.Connect(_loops[i % 2]), i == 4 ? 0 : i / 2))];
            foreach (var (channel, database) in _clients) channel.Ask($"SELECT {database}");
            _clients[0].Channel.Ask("SET a first");
            _clients[2].Channel.Ask("SET b second");
            _history.Add(new Asked(0, 0, [], "SET a first") { Sent = _now++, Answered = _now++, Reply = "OK" });
            _history.Add(new Asked(2, 1, [], "SET b second") { Sent = _now++, Answered = _now++, Reply = "OK" });
            _queues = new List<string>?[_clients.Length];
            _open = new Asked?[_clients.Length];
        }

        public List<Asked> Run()
        {
            var left = Requests;
            while (left > 0)
            {
                _now++;
                switch (_random.Next(8))
                {
                    case < 4:
                        if (Ask(_random.Next(_clients.Length))) left--;
                        break;
                    case 4:
                        _loops[_random.Next(2)].RunPosted();
                        break;
                    case 5:
                        _loops[_random.Next(2)].EndTurn();
                        break;
                    case 6:
                        _world.Scheduler.RunUntilIdle();
                        break;
                }
                Look();
            }
            _world.Settle();
            _now++;
            Look();
            Assert.All(_open, Assert.Null);
            return _history;
        }

        bool Ask(int client)
        {
            if (_open[client] is not null) return false;
            var (request, queued) = Draw(client);
            var asked = _open[client] = new Asked(client, _clients[client].Database, queued, request) { Sent = _now };
            _history.Add(asked);
            _clients[client].Channel.Receive(Encoding.ASCII.GetBytes(request + "\r\n"));
            return true;
        }

        (string Request, string[] Queued) Draw(int client)
        {
            if (client == 4) return (_random.OneIn(4) ? "FLUSHDB" : "SWAPDB 0 1", []);
            if (_queues[client] is { Count: > 1 } full)
            {
                _queues[client] = null;
                return ("EXEC", [.. full]);
            }
            var key = s_keys[_random.Next(2)];
            var request = _random.Next(6) switch
            {
                0 or 1 => $"SET {key} {client}.{_values++}",
                2 => $"MSET a {client}.{_values} b {client}.{_values++}",
                3 => "MGET a b",
                4 => "DBSIZE",
                _ => $"GET {key}",
            };
            if (_queues[client] is { } queue)
            {
                queue.Add(request);
                return (request, ["queued"]);
            }
            if (_random.OneIn(4))
            {
                _queues[client] = [];
                return ("MULTI", []);
            }
            return (request, []);
        }

        void Look()
        {
            for (var i = 0; i < _open.Length; i++)
            {
                if (_open[i] is not { } asked || _clients[i].Channel.Sent is not { Length: > 0 } sent) continue;
                asked.Reply = ReplyText.Of(sent);
                asked.Answered = _now;
                _clients[i].Channel.Drop();
                _open[i] = null;
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ explaining

    static bool Explained(List<Asked> history) => Explain(history, 0, new Dictionary<string, string>[] { [], [] }, []);

    // Puts one request after the other, each of which none that is left was answered before it was sent.
    static bool Explain(List<Asked> history, int done, Dictionary<string, string>[] databases, HashSet<string> tried)
    {
        if (done == (1 << history.Count) - 1) return true;
        var state = string.Join('|', databases.Select(d => string.Join(',', d.OrderBy(p => p.Key, StringComparer.Ordinal))));
        if (!tried.Add($"{done} {state}")) return false;
        var bound = int.MaxValue;
        for (var i = 0; i < history.Count; i++)
            if ((done & (1 << i)) == 0) bound = Math.Min(bound, history[i].Answered);
        for (var i = 0; i < history.Count; i++)
        {
            if ((done & (1 << i)) != 0 || history[i].Sent > bound) continue;
            Dictionary<string, string>[] next = [new(databases[0]), new(databases[1])];
            if (Apply(history[i], next) == history[i].Reply && Explain(history, done | (1 << i), next, tried)) return true;
        }
        return false;
    }

    static string Apply(Asked asked, Dictionary<string, string>[] databases) => (asked.Request, asked.Queued) switch
    {
        (_, ["queued"]) => "QUEUED",
        ("MULTI", _) => "OK",
        ("EXEC", var queued) => $"[{string.Join(", ", queued.Select(q => Apply(asked.Database, q, databases)))}]",
        _ => Apply(asked.Database, asked.Request, databases),
    };

    static string Apply(int number, string request, Dictionary<string, string>[] databases)
    {
        var database = databases[number];
        string Of(string key) => database.GetValueOrDefault(key, "(nil)");
        var words = request.Split(' ');
        switch (words[0])
        {
            case "GET":
                return Of(words[1]);
            case "MGET":
                return $"[{Of("a")}, {Of("b")}]";
            case "DBSIZE":
                return $"{database.Count}";
            case "FLUSHDB":
                database.Clear();
                return "OK";
            case "SWAPDB":
                (databases[0], databases[1]) = (databases[1], databases[0]);
                return "OK";
            default:
                for (var i = 1; i < words.Length; i += 2) database[words[i]] = words[i + 1];
                return "OK";
        }
    }
}
