// Any arguments to any command that the door knows: keys of each kind, numbers at the edges, words that are options somewhere, empty and long strings.
// What comes of it is a reply (or a wait, or a goodbye), never an exception; the server goes on answering; rows fit together; memory stays bounded.
// AEVUM_FUZZ_CASES says how many requests for each seed.

using System.Globalization;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class CommandFuzzTests
{
    const long BytesMax = 1L << 30;
    const int RequestsPerWorld = 5000;

    static readonly int Cases = int.Parse(Environment.GetEnvironmentVariable("AEVUM_FUZZ_CASES") ?? "1000", CultureInfo.InvariantCulture);

    static readonly string[] Keys = ["s", "n", "f", "bits", "hll", "h", "H", "l", "L", "set", "SET", "z", "Z", "geo", "x", "none", "k1", "k2", "k3", ""];

    // Nothing between what fits easily and what is refused: a string of tens of megabytes for each request would tell nothing more.
    static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "3", "5", "10", "16", "63", "64", "100", "128", "1000", "-5", "-100", "2147483647", "2147483648", "-2147483649", "4294967295",
        "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "99999999999999999999", "1.5", "-0.1", "1e308", "1e-400", "1e400",
        "inf", "-inf", "nan", "0x10", "007", "+1", "-0", " 1", "1 ", "(1", "(inf", "[a", "(a", "1-1", "0-0", "5-*", "18446744073709551615-1", "(1-1",
        "180", "85.05", "-90",
    ];

    static readonly string[] Options =
    [
        "*", "$", "-", "+", ">", "~", "=", "a", "b", "m0", "f0", "get", "set", "incrby", "overflow", "sat", "fail", "wrap", "u8", "i64",
        "u63", "#1", "bit", "byte", "and", "or", "not", "nx", "xx", "gt", "lt", "ch", "incr", "ex", "px", "exat", "pxat", "keepttl",
        "persist", "left", "right", "min", "max", "count", "limit", "match", "type", "withscores", "withvalues", "withscore", "byscore",
        "bylex", "rev", "weights", "aggregate", "sum", "before", "after", "rank", "maxlen", "minid", "nomkstream", "streams", "group",
        "block", "noack", "idle", "time", "retrycount", "force", "justid", "entriesread", "create", "setid", "destroy", "createconsumer",
        "delconsumer", "store", "storedist", "asc", "desc", "any", "bybox", "byradius", "fromlonlat", "frommember", "withcoord", "withdist",
        "withhash", "km", "m", "by", "alpha", "replace", "absttl", "copy", "db", "encoding", "freq", "idletime", "refcount", "help", "info",
        "list", "full", "len", "idx", "minmatchlen", "withmatchlen", "async", "sync", "string", "hash", "zset", "stream", "fields", "fnx",
        "on", "off", "no", "yes", "reset", "docs", "getkeys", "h?llo", "[a-", "\\", "v:1", "v:99999999999999999999", "now",
        "1970-01-01T00:00:00Z", "10s", "default", "allkeys", "+@all", "-@all", "~*", "&*", "nopass", ">p", "1", "2", "3",
    ];

    // What stops the server or all of its clients by intent, or answers nothing by intent; and what loads the machine by intent.
    static bool IsLeftOut(IReadOnlyList<string> words) => words[0] switch
    {
        "shutdown" or "debug" or "monitor" or "failover" => true,
        "client" or "config" or "acl" => words.Count > 1 && words[1] is "pause" or "reply" or "kill" or "set" or "setuser" or "deluser" or "no-touch" or "load",
        _ => words[0].StartsWith("client|", StringComparison.Ordinal),
    };

    [Theory, Seeds(4)]
    public void Any_arguments_are_answered(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (replies, errors) = (0L, 0L);
        for (var done = 0; done < Cases; done += RequestsPerWorld)
            Run(random, Math.Min(RequestsPerWorld, Cases - done), ref replies, ref errors);
        Assert.True(errors < 0.97 * replies, $"{errors} of {replies} replies are errors: the arguments come to nothing");
    }

    static void Run(SeededRandom random, int requests, ref long replies, ref long errors)
    {
        using var world = new RespWorld();
        var commands = world.Server.Commands.All.ToArray();
        for (var i = 0; i < requests; i++)
        {
            if (i % 400 == 0) Fill(world);
            var words = Words(random, commands);
            if (IsLeftOut(words)) continue;
            var told = string.Join(' ', words.Select(w => w.Length <= 60 ? $"\"{w}\"" : $"({w.Length} bytes)"));
            try
            {
                var client = world.Connect();
                if (random.OneIn(2)) client.Client.Version = 3;
                var isQueued = random.OneIn(12);
                if (isQueued) client.Ask("MULTI");
                client.Receive(TestChannel.Request([.. words]));
                if (random.OneIn(20)) client.Receive(TestChannel.Request("GET", "s"));
                var bytes = client.Take();
                if (isQueued && !client.IsClosed) bytes = [.. bytes, .. Encoding.Latin1.GetBytes(client.Ask("EXEC").Length == 0 ? "" : "+\r\n")];
                var reply = ReplyText.Of(bytes);
                var mayBeSilent = client.IsClosed || client.Client.IsSuspended;
                Assert.True(bytes.Length > 0 || mayBeSilent, $"{told} was not answered");
                Assert.DoesNotContain("do not fit together", reply, StringComparison.Ordinal);
                replies++;
                if (reply.StartsWith("(error)", StringComparison.Ordinal)) errors++;
                client.Leave();
                if (i % 20 == 0) Assert.Equal("PONG", Asked(world, "PING"));
                if (i % 250 != 0) continue;
                StructureChecker.Check(world);
                Assert.InRange(GC.GetTotalMemory(forceFullCollection: false), 0, BytesMax);
            }
            catch (Exception fault)
            {
                throw new Xunit.Sdk.XunitException($"request {i}: {told}\n{fault}");
            }
        }
        StructureChecker.Check(world);
        Assert.Equal("PONG", Asked(world, "PING"));
    }

    static string Asked(RespWorld world, string request)
    {
        var client = world.Connect();
        var reply = client.Ask(request);
        client.Leave();
        return reply;
    }

    // A key of each kind, small and large.
    static void Fill(RespWorld world)
    {
        var client = world.Connect();
        void Ask(params string[] words) => client.Ask(words);
        Ask("FLUSHALL");
        Ask("MSET", "s", "some text", "n", "41", "f", "2.5", "bits", "\u00f0\u000f\u00aa");
        Ask("PFADD", "hll", "a", "b", "c");
        foreach (var (small, large) in (ReadOnlySpan<(string, string)>)[("h", "H"), ("l", "L"), ("set", "SET"), ("z", "Z")])
            foreach (var (key, count) in (ReadOnlySpan<(string, int)>)[(small, 4), (large, 140)])
                Ask([small switch { "h" => "HSET", "l" => "RPUSH", "set" => "SADD", _ => "ZADD" }, key,
                    .. Enumerable.Range(0, count).SelectMany(i => small switch
                    {
                        "h" => new[] { $"f{i}", $"{i}" },
                        "z" => [$"{i}", $"m{i}"],
                        _ => [$"m{i}"],
                    })]);
        Ask("XADD", "x", "1-1", "f", "v");
        Ask("XADD", "x", "5-1", "f", "v");
        Ask("XGROUP", "CREATE", "x", "a", "0");
        Ask("XREADGROUP", "GROUP", "a", "b", "COUNT", "1", "STREAMS", "x", ">");
        Ask("GEOADD", "geo", "13.361389", "38.115556", "m0", "15.087269", "37.502669", "m1");
        client.Leave();
    }

    static List<string> Words(SeededRandom random, KnownCommand[] commands)
    {
        var info = commands[random.Next(commands.Length)].Info;
        var words = new List<string>(info.Name.Split('|'));
        var count = Math.Abs(info.Arity) + (info.Arity > 0 && !random.OneIn(20) ? 0 : random.Next(random.OneIn(10) ? 20 : 5));
        while (words.Count < count)
        {
            var at = words.Count;
            var isKey = info.Keys.First > 0 && at >= info.Keys.First && (info.Keys.Last < 0 || at <= info.Keys.Last)
                && (at - info.Keys.First) % Math.Max(info.Keys.Step, 1) == 0;
            words.Add(random.Next(isKey ? 16 : 6) switch
            {
                0 or 1 => Numbers[random.Next(Numbers.Length)],
                2 or 3 => Options[random.Next(Options.Length)],
                4 => Any(random),
                _ => Keys[random.Next(Keys.Length)],
            });
        }
        return words;
    }

    static string Any(SeededRandom random)
    {
        var length = random.Next(40) switch { 0 => 100_000, 1 => 5000, < 8 => 0, _ => random.Next(12) };
        var letters = random.OneIn(2) ? 256 : 1;
        return new string([.. Enumerable.Range(0, length).Select(_ => (char)(letters == 1 ? 'x' : random.Next(letters)))]);
    }
}
