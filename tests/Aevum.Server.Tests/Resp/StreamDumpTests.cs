// Streams into dumps and out of them, between servers of ours and, where it is installed, Redis itself; and dumps that are none.

using System.Text;
using System.Text.RegularExpressions;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Keys.Dumps;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed partial class StreamDumpTests
{
    static readonly string[] Keys = ["s0", "s1", "s2"];

    [Theory, Seeds(6)]
    public void A_stream_comes_out_of_its_dump_as_it_was(ulong seed)
    {
        using var world = WorldOf(seed, _ => { });
        foreach (var key in Keys)
        {
            if (world.Ask($"EXISTS {key}") == "0") continue;
            Assert.Equal("OK", world.Ask("RESTORE", "copy", "100000", Bulk(world, "DUMP", key), "REPLACE"));
            Assert.Equal("100", world.Ask("TTL copy"));
            Assert.Equal(State(world.Ask($"XINFO STREAM {key} FULL COUNT 0")), State(world.Ask("XINFO STREAM copy FULL COUNT 0")));
            Assert.Equal(State(world.Ask($"XINFO GROUPS {key}")), State(world.Ask("XINFO GROUPS copy")));
            StructureChecker.Check(world);
        }
    }

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(4)]
    public void Dumps_go_to_Redis_and_come_from_there(ulong seed)
    {
        using var redis = new RealRedis();
        using var world = WorldOf(seed, words => redis.Ask(TestChannel.Request(words)));
        foreach (var key in Keys)
        {
            if (world.Ask($"EXISTS {key}") == "0") continue;
            var theirs = State(ReplyText.Of(redis.Ask($"XINFO STREAM {key} FULL COUNT 0")));
            Assert.Equal(theirs, State(world.Ask($"XINFO STREAM {key} FULL COUNT 0")));
            // Theirs here: their nodes may hold what is gone.
            Assert.Equal("OK", world.Ask("RESTORE", "theirs", "0", ReplyText.Of(redis.Ask($"DUMP {key}")), "REPLACE"));
            Assert.Equal(theirs, State(world.Ask("XINFO STREAM theirs FULL COUNT 0")));
            // Ours there.
            Assert.Equal("OK", ReplyText.Of(redis.Ask(TestChannel.Request("RESTORE", "ours", "0", Bulk(world, "DUMP", key), "REPLACE"))));
            Assert.Equal(theirs, State(ReplyText.Of(redis.Ask("XINFO STREAM ours FULL COUNT 0"))));
            StructureChecker.Check(world);
        }
    }

    [Theory, Seeds(6)]
    public void What_is_no_dump_of_a_stream_is_refused(ulong seed)
    {
        using var world = WorldOf(seed, _ => { });
        var random = new SeededRandom(seed);
        world.Ask("XADD s0 * a 1");
        world.Ask("XGROUP CREATE s0 extra 0");
        world.Ask("XREADGROUP GROUP extra c STREAMS s0 >");
        var dump = Encoding.Latin1.GetBytes(Bulk(world, "DUMP", "s0"));
        var taken = 0;
        for (var i = 0; i < 400; i++)
        {
            var broken = dump[..^8];
            for (var n = random.Next(1, 4); n > 0; n--) broken[random.Next(1, broken.Length - 2)] = (byte)random.Next(256);
            if (random.OneIn(4)) broken = [.. broken[..random.Next(1, broken.Length - 2)], .. broken[^2..]];
            byte[] sealedDump = [.. broken, .. BitConverter.GetBytes(Crc64.Of(broken))];
            var reply = world.Ask("RESTORE", "broken", "0", Encoding.Latin1.GetString(sealedDump), "REPLACE");
            Assert.Contains(reply, (string[])["OK", "(error) ERR Bad data format"]);
            if (reply != "OK") continue;
            taken++;   // a changed letter of a value is a stream all the same
            Assert.DoesNotContain("(error)", world.Ask("XINFO STREAM broken FULL COUNT 0"), StringComparison.Ordinal);
        }
        StructureChecker.Check(world);
        Assert.True(taken < 400, "nothing was refused");
    }

    static RespWorld WorldOf(ulong seed, Action<string[]> also)
    {
        var world = new RespWorld();
        var random = new SeededRandom(seed);
        var requests = new StreamRequests(random);
        string[] first = ["CONFIG", "SET", "stream-node-max-entries", random.OneIn(2) ? "7" : "100"];
        world.Ask(first);
        also(first);
        world.Ask("SET text v");
        also(["SET", "text", "v"]);
        for (var i = 0; i < 700; i++)
        {
            var words = requests.Next();
            world.Ask(words);
            also(words);
        }
        return world;
    }

    static string Bulk(RespWorld world, params string[] words) => world.Ask(words);

    // Without times and how it is kept.
    static string State(string reply) => Times().Replace(Kept().Replace(reply, ""), "$1*$3");

    [GeneratedRegex(@"radix-tree-(keys|nodes), \d+, |seen-time, \d+, ")]
    private static partial Regex Kept();

    [GeneratedRegex(@"(\[\d+-\d+(?:, [^,\]]*)?, )(\d+)(, \d+\])")]
    private static partial Regex Times();
}
