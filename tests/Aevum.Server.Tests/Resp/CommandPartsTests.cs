// Parts that several commands share, each against something plain: sums of floating numbers, patterns, and how little the frequent commands allocate.

using System.Text;
using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class CommandPartsTests
{
    [Theory]
    [InlineData("10.5", "0.1", "10.6")]
    [InlineData("5.0e3", "2.0e2", "5200")]
    [InlineData("0", "-0.25", "-0.25")]
    [InlineData("3", "-3", "0")]
    [InlineData(".5", "5.", "5.5")]
    [InlineData("1e-30", "0", "0")]
    [InlineData("9223372036854775807", "1", "9223372036854775808")]
    [InlineData("18446744073709551616", "1", "18446744073709551616")]      // the 65th bit is lost, the tie goes to even
    [InlineData("18446744073709551614", "1", "18446744073709551615")]
    [InlineData("1491", "0.856", "1491.85599999999999998")]               // 17 digits tell more than 64 bits hold
    public void Sums_are_those_of_64_bits_of_mantissa(string a, string b, string sum)
    {
        Assert.True(LongDouble.TryParse(Encoding.ASCII.GetBytes(a), out var first));
        Assert.True(LongDouble.TryParse(Encoding.ASCII.GetBytes(b), out var second));
        Assert.True(LongDouble.TryAdd(first, second, out var result));
        Assert.Equal(sum, Encoding.ASCII.GetString(result.ToText()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1x")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData(".")]
    [InlineData("-")]
    [InlineData("1.2.3")]
    [InlineData(" 1")]
    [InlineData("nan")]
    [InlineData("1e99999")]
    public void What_is_no_number_is_refused(string text) => Assert.False(LongDouble.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void Sums_are_those_of_a_processor_with_long_doubles()
    {
        var lines = File.ReadAllLines(Path.Combine(TestFolders.Project, "testdata", "long-double-sums.txt"));
        Assert.True(lines.Length > 400);
        foreach (var line in lines)
        {
            if (line.StartsWith('#')) continue;
            var parts = line.Split(' ');
            Sums_are_those_of_64_bits_of_mantissa(parts[0], parts[1], parts[2]);
        }
    }

    [Theory]
    [InlineData("h?llo", "hello", true)]
    [InlineData("h*llo", "heeeello", true)]
    [InlineData("h[ae]llo", "hillo", false)]
    [InlineData("h[^e]llo", "hallo", true)]
    [InlineData("h[a-b]llo", "hbllo", true)]
    [InlineData("h[b-a]llo", "hbllo", true)]
    [InlineData("a\\*", "a*", true)]
    [InlineData("a\\*", "ab", false)]
    [InlineData("[\\]]", "]", true)]
    [InlineData("[ab", "b", true)]
    [InlineData("*", "", true)]
    [InlineData("?", "", false)]
    [InlineData("", "", true)]
    public void Patterns_match(string pattern, string text, bool matches) =>
        Assert.Equal(matches, GlobPattern.Matches(Encoding.ASCII.GetBytes(pattern), Encoding.ASCII.GetBytes(text)));

    [Theory, Seeds(20)]
    public void Patterns_match_as_regular_expressions_do(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < 300; i++)
        {
            var (pattern, regex) = (new StringBuilder(), new StringBuilder("^"));
            for (var n = random.Next(8); n > 0; n--)
            {
                var glob = (string[])["*", "?", "[ab]", "[^a]", "a", "b"];
                var part = glob[random.Next(glob.Length)];
                pattern.Append(part);
                regex.Append(part switch { "*" => ".*", "?" => ".", _ => part });
            }
            var text = new string([.. Enumerable.Range(0, random.Next(9)).Select(_ => "abc"[random.Next(3)])]);
            Assert.Equal(Regex.IsMatch(text, regex.Append("\\z").ToString(), RegexOptions.Singleline),
                GlobPattern.Matches(Encoding.ASCII.GetBytes(pattern.ToString()), Encoding.ASCII.GetBytes(text)));
        }
    }

    [Fact]
    public void A_pattern_of_many_stars_is_quick()
    {
        var pattern = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*a", 40)) + "b");
        Assert.False(GlobPattern.Matches(pattern, Encoding.ASCII.GetBytes(new string('a', 20_000))));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(300)]
    public void Frequent_writes_allocate_nothing(int elements)
    {
        using var world = WithObjectsOf(elements);
        var context = new Forgetful(new ViewReader(world.Database.Router) { Time = world.Database.Clock.Now });
        RequireNoAllocation(world, context, context,
            ["HSET h f3 w", "HSET h new w", "SADD s new", "ZADD z 9.5 f3", "ZADD z 1 new", "LPUSH l v", "RPUSH l v", "LPOP l", "RPOP l"]);
    }

    static RespWorld WithObjectsOf(int elements)
    {
        var world = new RespWorld();
        for (var i = 0; i < elements; i++)
        {
            world.Ask($"HSET h f{i} v");
            world.Ask($"SADD s f{i}");
            world.Ask($"ZADD z {i} f{i}");
            world.Ask($"RPUSH l f{i}");
        }
        return world;
    }

    // Nobody listens, so nothing is told of what happened to keys either.
    static void RequireNoAllocation(RespWorld world, IRowReader rows, IProcedureContext? writes, string[] requests)
    {
        var (call, reply) = (new DataCall { Surroundings = world.Server.Surroundings }, new ReplyWriter());
        foreach (var request in requests)
        {
            var parser = new RequestParser();
            var bytes = Encoding.ASCII.GetBytes(request + "\r\n");
            Assert.Equal(ParseStatus.Done, parser.Read(bytes, out _));
            var command = world.Server.Commands.Find(parser.Arguments(bytes)[0])!.Data!;
            var before = 0L;
            for (var i = 0; i < 200; i++)
            {
                if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
                reply.Clear();
                call.Signals.Clear();
                call.Begin(rows, writes, world.Server.Databases.IdOf(0), reply);
                command.Run(call, parser.Arguments(bytes));
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 100, $"{request}: {allocated} bytes for 100");
        }
    }

    // Reads what is there, and forgets what is written.
    sealed class Forgetful(ViewReader reader) : IProcedureContext
    {
        public SystemTime Time => reader.Time;

        public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value) => reader.TryRead(key, out value);

        public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false) =>
            reader.Scan(start, end, visitor, descending);

        public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default)
        {
        }

        public void Delete(ReadOnlySpan<byte> key)
        {
        }

        public void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
        {
        }

        public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
        {
        }

        public void Return(long number)
        {
        }

        public void Return(ReadOnlySpan<byte> bytes)
        {
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(300)]
    public void Frequent_reads_allocate_nothing(int elements)
    {
        using var world = WithObjectsOf(elements);
        var reader = new ViewReader(world.Database.Router) { Time = world.Database.Clock.Now };
        RequireNoAllocation(world, reader, null, ["HGET h f3", "SISMEMBER s f3", "ZSCORE z f3", "LINDEX l 3", "HEXISTS h f3", "LLEN l"]);
    }
}
