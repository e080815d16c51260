// What no client of good will sends, and what a structure looked like in the past.

using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class StructureFuzzTests
{
    static readonly string[] Words =
    [
        "0", "1", "-1", "2", "3", "9223372036854775807", "-9223372036854775808", "1.5", "inf", "-inf", "nan", "(1", "[a", "(a", "-", "+", "", "a", "b", "\0",
        "\u00ff\u00fe", "left", "RIGHT", "min", "max", "count", "limit", "match", "*", "withscores", "withvalues", "byscore", "bylex", "rev", "weights",
        "aggregate", "sum", "nx", "xx", "gt", "ch", "incr", "before", "after", "rank", "maxlen", "h", "l", "s", "z", "v", "nothing", "1e308", "1e-400", "0x10",
        "fields", "byradius", "bybox", "frommember", "fromlonlat", "km", "ft", "any", "asc", "withdist", "withcoord", "store", "storedist", "by", "get", "#",
        "*", "h*->f", "alpha", "replace", "absttl", "db", "type", "set", "encoding", "85.06", "-180", "9007199254740993",
    ];

    [Theory, Seeds(8)]
    public void Any_arguments_are_answered(ulong seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom(seed);
        // With every second seed also what makes keys go: less is left then for the others to work on.
        var withKeys = seed % 2 == 0;
        var commands = world.Server.Commands.All
            .Where(c => c.Info.Group is CommandGroup.Hash or CommandGroup.List or CommandGroup.Set or CommandGroup.SortedSet or CommandGroup.Geo
                || (withKeys && c.Info.Group == CommandGroup.Generic && c.Info.Name != "wait")).ToArray();
        world.Ask("SET v text");
        var isLarge = random.OneIn(2);
        for (var i = 0; i < (isLarge ? 140 : 5); i++)
        {
            world.Ask($"HSET h f{i} {i}");
            world.Ask($"RPUSH l {i}");
            world.Ask($"SADD s {i}");
            world.Ask($"ZADD z {i} m{i}");
        }
        for (var i = 0; i < 1500; i++)
        {
            var command = commands[random.Next(commands.Length)];
            var words = new List<string> { command.Info.Name };
            // Mostly on keys that are there, so that it comes to more than an empty reply.
            if (random.OneIn(2)) words.Add("hlszv"[random.Next(5)].ToString());
            for (var n = Math.Abs(command.Info.Arity) - words.Count + random.Next(4); n > 0; n--) words.Add(Words[random.Next(Words.Length)]);
            var client = world.Connect();
            client.Receive(TestChannel.Request([.. words]));
            var bytes = client.Take();
            var reply = ReplyText.Of(bytes);
            Assert.True(bytes.Length > 0 || command.Info.Is(CommandFlags.Blocking), string.Join(' ', words));
            Assert.False(client.IsClosed);
            Assert.DoesNotContain("do not fit together", reply, StringComparison.Ordinal);
            Assert.DoesNotContain("malformed", reply, StringComparison.Ordinal);
            client.Leave();
            if (i % 250 == 0) StructureChecker.Check(world);
        }
        StructureChecker.Check(world);
    }

    [Fact]
    public void The_past_is_read_through_every_shape()
    {
        using var world = new RespWorld();
        using (var session = world.Database.OpenSession())
            session.CreateKeyspace(RespDatabases.NameOf(0), KeyspaceOptions.Default with { History = HistoryPolicy.Forever }, KeyspaceKind.Structures);
        var seen = new List<(SystemTime At, string[] Replies)>();
        string[] requests = ["HGETALL h", "LRANGE l 0 -1", "SMEMBERS s", "ZRANGE z 0 -1 WITHSCORES", "HLEN h", "LLEN l", "SCARD s", "ZCARD z"];
        void Look()
        {
            seen.Add((world.Database.Clock.Now, [.. requests.Select(world.Ask)]));
            world.Pass(TimeSpan.FromSeconds(1));
        }
        for (var i = 0; i < 300; i++)
        {
            world.Ask($"HSET h f{i % 200} {i}");
            world.Ask(i % 2 == 0 ? $"RPUSH l {i}" : $"LPUSH l {i}");
            world.Ask($"SADD s {i}");
            world.Ask($"ZADD z {i % 50} m{i}");
            if (i % 30 == 0) Look();
        }
        Look();
        world.Ask("LTRIM l 20 30");
        world.Ask("SPOP s 290");
        world.Ask("ZREMRANGEBYRANK z 0 250");
        world.Ask("SET h text");
        Look();
        world.Ask("LTRIM l 1 0");
        world.Ask("SPOP s 999");
        world.Ask("ZPOPMAX z 999");
        Look();
        world.Ask("RPUSH l new");
        world.Ask("SADD s new");
        world.Ask("ZADD z 1 new");
        Look();
        Assert.Equal(14, seen.Count);
        foreach (var (at, replies) in seen)
        {
            world.First.Client.Moment = at;
            Assert.Equal(replies, requests.Select(world.Ask));
        }
        Assert.StartsWith("(error) ERR this connection reads as of a moment of the past", world.Ask("SADD s x"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_made_large_again_within_one_batch_has_none_of_what_was_there()
    {
        using var world = new RespWorld();
        for (var round = 0; round < 3; round++)
        {
            foreach (var word in (string[])["old", "new"])
            {
                for (var i = 0; i < 200; i++)
                {
                    world.First.Receive(TestChannel.Request("HSET", "h", $"{word}{i}", "v"));
                    world.First.Receive(TestChannel.Request("ZADD", "z", "1", $"{word}{i}"));
                    world.First.Receive(TestChannel.Request("RPUSH", "l", $"{word}{i}"));
                }
                if (word == "new") continue;
                foreach (var key in (string[])["h", "z", "l"]) world.First.Receive(TestChannel.Request("SUNIONSTORE", key, "nothing"));
            }
            _ = world.First.Take();
            Assert.Equal(3, StructureChecker.Check(world));
            Assert.Equal("[200, 200, 200]", $"[{world.Ask("HLEN h")}, {world.Ask("ZCARD z")}, {world.Ask("LLEN l")}]");
            Assert.DoesNotContain("old", world.Ask("HKEYS h") + world.Ask("ZRANGE z 0 -1") + world.Ask("LRANGE l 0 -1"), StringComparison.Ordinal);
            foreach (var key in (string[])["h", "z", "l"]) world.Ask("SUNIONSTORE", key, "nothing");
        }
    }

    [Theory]
    [InlineData("HSET k f# v", "HLEN k")]
    [InlineData("RPUSH k v#", "LLEN k")]
    [InlineData("SADD k m#", "SCARD k")]
    [InlineData("ZADD k # m#", "ZCARD k")]
    public void Changes_keep_the_expiry_also_when_an_object_becomes_large(string add, string count)
    {
        using var world = new RespWorld();
        string Add(int i) => world.Ask(add.Replace("#", $"{i}", StringComparison.Ordinal));
        for (var round = 0; round < 2; round++)
        {
            Add(0);
            Assert.Equal("-1", world.Ask("TTL k"));
            Assert.Equal("1", world.Ask("EXPIRE k 100"));
            for (var i = 1; i < 200; i++) Add(i);
            Assert.Equal(1, StructureChecker.Check(world));
            Assert.Equal("100", world.Ask("TTL k"));
            Assert.Equal("OK", world.Ask("RENAME k other"));
            Assert.Equal("OK", world.Ask("RENAME other k"));
            Assert.Equal("200", world.Ask(count));
            world.Pass(TimeSpan.FromSeconds(99));
            Assert.Equal("200", world.Ask(count));
            world.Pass(TimeSpan.FromSeconds(2));
            Assert.Equal("0", world.Ask(count));
        }
        Add(0);
        Assert.Equal("1", world.Ask(count));
        Assert.Equal(0, StructureChecker.Check(world));
        Assert.Equal("1", world.Ask("DEL k"));
        Assert.Equal("0", world.Ask(count));
    }

    [Fact]
    public void In_a_transaction_nothing_waits_and_draws_are_drawn()
    {
        using var world = new RespWorld();
        world.Ask("SADD s a b c");
        world.Ask("MULTI");
        string[] requests = ["BLPOP l 0", "BLMOVE l m LEFT LEFT 0", "BZPOPMIN z 0", "BLMPOP 0 1 l LEFT", "BZMPOP 0 1 z MIN", "SPOP s 2", "SCARD s"];
        foreach (var request in requests)
            Assert.Equal("QUEUED", world.Ask(request));
        var reply = world.Ask("EXEC");
        Assert.StartsWith("[(nil), (nil), (nil), (nil), (nil), [", reply, StringComparison.Ordinal);
        Assert.EndsWith("], 1]", reply, StringComparison.Ordinal);
    }
}
