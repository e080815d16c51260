// Random V commands, one by one, in pipelines and in transactions, beside a model that is a dictionary; and V commands with any arguments at all.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp.Vectors;

public sealed class VectorModelTests
{
    static string Blob(params float[] vector) => Encoding.Latin1.GetString(MemoryMarshal.AsBytes<float>(vector));

    [Theory, Seeds(16)]
    public void Requests_are_answered_as_a_dictionary_would(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new RespWorld();
        var dimension = random.Next(1, 6);
        Assert.Equal("OK", world.Ask("VNEW", "c", dimension.ToString(CultureInfo.InvariantCulture), "METRIC", "l2"));
        var model = new SortedDictionary<string, float[]>(StringComparer.Ordinal);
        for (var step = 0; step < 60; step++)
        {
            var requests = new List<byte>();
            var expected = new List<Action<string>>();
            var isTransaction = random.OneIn(5);
            var answers = new List<string>();
            for (var i = random.Next(1, 8); i > 0; i--) requests.AddRange(Request(isTransaction));
            if (!isTransaction)
            {
                world.First.Receive(requests.ToArray());
                Check(Parse(world.First.Take()));
            }
            else
            {
                world.Ask("MULTI");
                world.First.Receive(requests.ToArray());
                world.First.Take();
                world.First.Receive(TestChannel.Request("EXEC"));
                var reply = world.First.Take().AsSpan();
                Check(Parse(reply[(reply.IndexOf((byte)'\n') + 1)..]));   // without the array around them
            }
            if (random.OneIn(6)) world.Pass(TimeSpan.FromMilliseconds(random.Next(40)));

            byte[] Request(bool writesOnly)
            {
                var key = $"k{random.Next(30)}";
                switch (random.Next(writesOnly ? 5 : 9))
                {
                    case < 3:
                        float[] vector = [.. Enumerable.Range(0, dimension).Select(_ => (float)random.Next(-9, 9))];
                        var isNew = !model.ContainsKey(key);
                        model[key] = vector;
                        expected.Add(told => Assert.Equal(isNew ? "1" : "0", told));
                        return random.OneIn(2)
                            ? TestChannel.Request("VADD", "c", key, Blob(vector))
                            : TestChannel.Request(
                                ["VADD", "c", key, "VALUES", $"{dimension}", .. vector.Select(c => c.ToString(CultureInfo.InvariantCulture))]);
                    case 3:
                        var wasThere = model.Remove(key);
                        expected.Add(told => Assert.Equal(wasThere ? "1" : "0", told));
                        return TestChannel.Request("VDEL", "c", key);
                    case 4:
                        var held = model.GetValueOrDefault(key) is { } there ? Blob(there) : "(nil)";
                        expected.Add(told => Assert.Equal(held, told));
                        return TestChannel.Request("VGET", "c", key);
                    case 5:
                        var count = model.Count;
                        expected.Add(told => Assert.EndsWith($"count, {count}]", told, StringComparison.Ordinal));
                        return TestChannel.Request("VINFO", "c");
                    default:
                        float[] query = [.. Enumerable.Range(0, dimension).Select(_ => (float)random.Next(-9, 9))];
                        var k = random.Next(12);
                        var right = model.Select(m => (m.Key, Distance: Distance(query, m.Value))).OrderBy(m => m.Distance).ToList();
                        expected.Add(told =>
                        {
                            var words = told.Length == 2 ? [] : told[1..^1].Split(", ");
                            Assert.Equal(Math.Min(k, right.Count), words.Length / 2);
                            for (var at = 0; at < words.Length; at += 2)
                            {
                                var distance = double.Parse(words[at + 1], CultureInfo.InvariantCulture);
                                Assert.Equal(right[at / 2].Distance, distance, 3);
                                Assert.Equal(right.Find(r => r.Key == words[at]).Distance, distance, 3);
                            }
                            Assert.Equal(words.Length / 2, words.Where((_, at) => at % 2 == 0).Distinct().Count());
                        });
                        return TestChannel.Request(["VSEARCH", "c", Blob(query), $"{k}", "EF", "200", .. random.OneIn(3) ? (string[])["EXACT"] : []]);
                }
            }

            void Check(List<string> replies)
            {
                Assert.Equal(expected.Count, replies.Count);
                for (var i = 0; i < replies.Count; i++) expected[i](replies[i]);
            }
        }
    }

    static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => (double)(x - y) * (x - y)).Sum());

    // Each reply by itself: bytes of a vector may hold anything, blanks too.
    static List<string> Parse(ReadOnlySpan<byte> replies)
    {
        var all = new List<string>();
        while (!replies.IsEmpty)
        {
            var length = LengthOf(replies);
            all.Add(ReplyText.Of(replies[..length]));
            replies = replies[length..];
        }
        return all;
    }

    static int LengthOf(ReadOnlySpan<byte> reply)
    {
        var end = reply.IndexOf("\r\n"u8) + 2;
        if (reply[0] is not ((byte)'$' or (byte)'*')) return end;
        var number = int.Parse(Encoding.ASCII.GetString(reply[1..(end - 2)]), CultureInfo.InvariantCulture);
        if (reply[0] == '$') return number < 0 ? end : end + number + 2;
        for (var i = 0; i < number; i++) end += LengthOf(reply[end..]);
        return end;
    }

    static readonly string[] Words =
    [
        "c", "d", "", "k", "0", "1", "-1", "2", "3", "65536", "65537", "1048576", "1048577", "9223372036854775807", "99999999999999999999", "1.5", "nan", "inf",
        "METRIC", "cosine", "l2", "dot", "ip", "hamming", "TYPE", "f32", "f16", "int8", "bit", "M", "EF", "EFC",
        "HISTORY", "forever", "none", "10s", "VALUES", "KEY",
        "EXACT", "ASOF", "v:1", "v:99999999999999999999", "now", "1s", "WITHVECTORS", "THRESHOLD", "OFFSET", "FULL", "\xff\xfe", "a\0b", Blob(1, 2), Blob(0, 0),
        Blob(float.NaN, 1), Blob(1e30f, 1), new string('n', 300),
    ];

    [Theory, Seeds(8)]
    public void Any_arguments_are_answered(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new RespWorld();
        string[] commands = ["VNEW", "VADD", "VSEARCH", "VDEL", "VINFO", "VSAVE", "VDROP", "VLIST", "VGET", "VEXISTS"];
        for (var i = 0; i < 300; i++)
        {
            if (i % 25 == 0)
            {
                world.Ask("VNEW", "c", "2");
                world.Ask("VADD", "c", "k", Blob(1, 2));
            }
            List<string> request = [commands[random.Next(commands.Length)]];
            if (!random.OneIn(4)) request.Add("c");
            for (var more = random.Next(7); more > 0; more--) request.Add(Words[random.Next(Words.Length)]);
            var client = world.Connect();
            if (random.OneIn(3)) client.Client.Version = 3;
            Assert.NotEqual("", client.Ask([.. request]));
            client.Leave();
            if (random.OneIn(10)) world.Pass(TimeSpan.FromMilliseconds(20));
            Assert.Equal("PONG", world.Ask("PING"));
        }
    }
}
