// Random requests about streams, asked of ours and of the oracle, and of Redis itself where it is installed.

using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed partial class StreamModelTests
{
    [Theory, Seeds(12)]
    public void It_does_what_streams_do(ulong seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom(seed);
        var nodeEntries = random.OneIn(2) ? 10 : 3;
        world.Ask($"CONFIG SET stream-node-max-entries {nodeEntries} stream-node-max-bytes 0");
        world.Ask("SET text v");
        var requests = new StreamRequests(random);
        var oracle = new StreamOracle(nodeEntries);
        for (var i = 0; i < 1500; i++)
        {
            var words = requests.Next();
            var (wanted, got) = (oracle.Ask(words), WithoutTimes(words, world.Ask(words)));
            if (wanted != got) Assert.Fail($"step {i}, {string.Join(' ', words)}\n  wanted {wanted}\n  got    {got}");
            if (i % 100 == 0) StructureChecker.Check(world);
        }
        StructureChecker.Check(world);
    }

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(6)]
    public void It_does_what_Redis_does(ulong seed)
    {
        using var world = new RespWorld();
        using var redis = new RealRedis();
        var random = new SeededRandom(seed);
        string[] both = [$"HELLO {random.Next(2, 4)}", $"CONFIG SET stream-node-max-entries {(random.OneIn(2) ? 10 : 100)}", "SET text v"];
        foreach (var request in both)
        {
            redis.Ask(request);
            world.Ask(request);
        }
        var requests = new StreamRequests(random);
        for (var i = 0; i < 1500; i++)
        {
            var words = requests.Next();
            var theirs = WithoutTimes(words, ReplyText.Of(redis.Ask(TestChannel.Request(words))));
            var ours = WithoutTimes(words, world.Ask(words));
            if (theirs != ours) Assert.Fail($"step {i}, {string.Join(' ', words)}\n  Redis {theirs}\n  ours  {ours}");
        }
    }

    static readonly string[] Words =
    [
        "0", "1", "-1", "2", "3-3", "5", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
        "18446744073709551615-18446744073709551615", "1.5", "(1", "(", "-", "+", "$", ">", "*", "7-*", "~", "=", "", "a", "\0", "5\0x",
        "\u00ff\u00fe", "maxlen", "MINID", "limit", "count", "block", "streams", "GROUP", "noack", "nomkstream", "mkstream", "entriesread",
        "entriesadded", "maxdeletedid", "idle", "time", "retrycount", "force", "justid", "lastid", "full", "s", "t", "v", "nothing", "g",
        "c",
    ];

    [Theory, Seeds(8)]
    public void Any_arguments_are_answered(ulong seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom(seed);
        var commands = world.Server.Commands.Flat.Where(c => c.Info.Group == CommandGroup.Stream && c.Subcommands.Length == 0).ToArray();
        Assert.Equal(23, commands.Length);
        world.Ask("SET v text");
        for (var i = 1; i < (random.OneIn(2) ? 300 : 6); i++) world.Ask($"XADD s {i} f {i}");
        world.Ask("XGROUP CREATE s g 0");
        world.Ask("XREADGROUP GROUP g c COUNT 4 STREAMS s >");
        for (var i = 0; i < 1500; i++)
        {
            var command = commands[random.Next(commands.Length)];
            var words = command.Info.Name.Split('|').ToList();
            // Mostly on what is there, so that it comes to more than an error.
            if (random.OneIn(2)) words.Add(random.OneIn(5) ? "v" : "s");
            if (random.OneIn(2)) words.Add("g");
            for (var n = Math.Abs(command.Info.Arity) - words.Count + random.Next(4); n > 0; n--) words.Add(Words[random.Next(Words.Length)]);
            if (random.OneIn(4) && command.Info.Is(CommandFlags.Blocking))
                words = [words[0], .. words[0] == "xreadgroup" ? (string[])["group", "g", "c"] : [], .. words[1..], "streams", "s", ">"];
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

    // Times as the oracle knows them; and how many nodes a tree has that is not one here.
    static string WithoutTimes(string[] words, string reply)
    {
        switch (words[0])
        {
            case "XPENDING" when words.Length > 3:
                return PendingTimes().Replace(reply, m =>
                    $"{m.Groups[1]}{(long.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture) >= 1_000_000 ? "old" : "now")}{m.Groups[3]}");
            case "XINFO":
                var text = NamedTimes().Replace(reply, "$1*");
                return words.Contains("FULL") ? DeliveryTimes().Replace(text, "$1*$3") : text;
            default:
                return reply;
        }
    }

    [GeneratedRegex(@"(\[\d+-\d+, [^,\]]*, )(\d+)(, \d+\])")]
    private static partial Regex PendingTimes();

    [GeneratedRegex(@"((?:idle|seen-time|radix-tree-nodes)[,:] )\d+")]
    private static partial Regex NamedTimes();

    [GeneratedRegex(@"(\[\d+-\d+(?:, [^,\]]*)?, )(\d+)(, \d+\])")]
    private static partial Regex DeliveryTimes();
}
