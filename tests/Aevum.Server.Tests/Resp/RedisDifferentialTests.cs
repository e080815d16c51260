// Random requests about strings, bitmaps and HyperLogLogs, asked of ours and of Redis itself where that is installed: every reply has to be the same,
// byte for byte. AEVUM_FUZZ_CASES says how many for each seed.

using System.Globalization;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class RedisDifferentialTests
{
    static readonly int Cases = int.Parse(Environment.GetEnvironmentVariable("AEVUM_FUZZ_CASES") ?? "1500", CultureInfo.InvariantCulture);

    static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "5", "7", "8", "10", "100", "-5", "-100", "63", "64", "255", "1000", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "1.5", "0.1", "-2.25", "1e3", "1e-7", "3.0e3", ".5", "5.", "1e40", "inf", "-inf", "nan", "abc", "", " 1", "1 ", "007", "+1",
        "-0", "0x10", "0x1.8p3", "1e", "4294967296", "99999999999", "12345678901234567890", "0.30000000000000004", "1e17", "123456789.123456789",
    ];

    static readonly string[] Types = ["u8", "i8", "u1", "i1", "i5", "u63", "i64", "u16", "i33", "u64", "i65", "u0", "x", "i", ""];

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(4)]
    public void Ours_answers_as_Redis_does(ulong seed)
    {
        using var world = new RespWorld();
        using var redis = new RealRedis();
        var random = new SeededRandom(seed);
        if (seed % 2 == 0)
        {
            redis.Ask("HELLO 3");
            world.First.Client.Version = 3;
        }
        var before = new List<string>();
        for (var i = 0; i < Cases; i++)
        {
            if (i % 200 == 0)
            {
                before.Clear();
                string[][] first =
                [
                    ["FLUSHALL"], ["RPUSH", "list", "1"], ["HSET", "hash", "f", "v"], ["SET", "k0", "foobar"], ["SET", "text", "foobar"],
                    ["SET", "k1", "\u00ff\u000f\u0000\u0080"],
                ];
                foreach (var words in first)
                {
                    world.Ask(words);
                    redis.Ask(TestChannel.Request(words));
                }
            }
            var request = Next(random);
            before.Add(string.Join(' ', request));
            var bytes = TestChannel.Request(request);
            var its = redis.Ask(bytes);
            world.First.Receive(bytes);
            var ours = world.First.Take();
            Assert.True(its.AsSpan().SequenceEqual(ours),
                $"case {i}:\n{string.Join('\n', before)}\nRedis {Encoding.Latin1.GetString(its)}\nours  {Encoding.Latin1.GetString(ours)}");
        }
    }

    static string Key(SeededRandom random) => random.Next(24) switch { 0 => "list", 1 => "none", var n => $"k{n % 6}" };

    // Never one of the others: of a sparse value that is corrupt Redis says so where it comes across it, ours always.
    static string Sketch(SeededRandom random) => random.Next(14) switch { 0 => "hash", 1 => "nothing", 2 => "text", var n => $"h{n % 4}" };

    static string Number(SeededRandom random) => random.OneIn(3) ? $"{random.Next(400) - 100}" : Numbers[random.Next(Numbers.Length)];

    static string Value(SeededRandom random) => random.Next(3) switch
    {
        0 => Number(random),
        1 => new string([.. Enumerable.Range(0, random.Next(30)).Select(_ => "abc"[random.Next(3)])]),
        _ => new string([.. Enumerable.Range(0, random.Next(70)).Select(_ => (char)random.Next(256))]),
    };

    static string Word(SeededRandom random, string words)
    {
        var all = words.Split(' ');
        var word = all[random.Next(all.Length)];
        return random.OneIn(2) ? word : word.ToLowerInvariant();
    }

    static string[] Next(SeededRandom random)
    {
        var words = random.Next(26) switch
        {
            0 => With(random, ["SET", Key(random), Value(random)], "NX XX GET KEEPTTL EX~ PX~ EXAT~ PXAT~ PERSIST FOO", 3),
            1 => [Word(random, "SETNX GETSET APPEND"), Key(random), Value(random)],
            2 => [Word(random, "SETEX PSETEX"), Key(random), Time(random, "PX"), Value(random)],
            3 => [Word(random, "GET STRLEN GETDEL GETEX PERSIST EXISTS TYPE INCR DECR"), Key(random)],
            4 => With(random, ["GETEX", Key(random)], "PERSIST EX~ PX~ EXAT~ PXAT~ NX FOO", 2),
            5 => ["MGET", .. Several(random, Key)],
            6 or 7 => [Word(random, "MSET MSETNX"), .. Several(random, r => r.OneIn(2) ? Key(r) : $"n{r.Next(3)}").SelectMany(k => new[] { k, Value(random) })],
            8 => [Word(random, "GETRANGE SUBSTR"), Key(random), Number(random), Number(random)],
            9 => ["SETRANGE", Key(random), Offset(random), Value(random)],
            10 => [Word(random, "INCRBY DECRBY"), Key(random), Number(random)],
            11 or 12 => ["INCRBYFLOAT", Key(random), Number(random)],
            13 => With(random, ["LCS", Key(random), Key(random)], "LEN IDX IDX WITHMATCHLEN MINMATCHLEN~ FOO", 3),
            14 => ["SETBIT", Key(random), Offset(random), random.OneIn(5) ? Number(random) : $"{random.Next(2)}"],
            15 => ["GETBIT", Key(random), Number(random)],
            16 => ["BITCOUNT", Key(random), .. Range(random)],
            17 or 18 => ["BITPOS", Key(random), random.OneIn(8) ? Number(random) : $"{random.Next(2)}", .. Range(random)],
            19 => ["BITOP", Word(random, "AND OR XOR NOT FOO"), Key(random), .. Several(random, Key)],
            20 or 21 => [random.OneIn(4) ? "BITFIELD_RO" : "BITFIELD", Key(random), .. Fields(random)],
            22 or 23 => ["PFADD", Sketch(random), .. Enumerable.Range(0, random.Next(random.OneIn(9) ? 400 : 4)).Select(_ => $"{random.Next(100_000)}")],
            24 => ["PFCOUNT", .. Several(random, Sketch)],
            _ => random.OneIn(4) ? ["PFDEBUG", Word(random, "ENCODING GETREG TODENSE FOO"), Sketch(random)] : ["PFMERGE", .. Several(random, Sketch)],
        };
        return random.OneIn(60) ? words[..^1] : words;
    }

    // A time that is none, or long past, or far enough that nothing expires before the test ends.
    static string Time(SeededRandom random, string unit) => random.Next(3) switch
    {
        0 => ((string[])["0", "-1", "abc", "", "9223372036854775807", "-9223372036854775808", "1.5", "99999999999999999999"])[random.Next(8)],
        1 when unit.Contains("at", StringComparison.OrdinalIgnoreCase) => "1",
        _ => unit.ToLowerInvariant().TrimEnd('~') switch { "ex" => "100000", "exat" => "4000000000", "pxat" => "4000000000000", _ => "100000000" },
    };

    // Not so far that Redis makes a string longer than ours may be.
    static string Offset(SeededRandom random)
    {
        var number = Number(random);
        return number == "99999999999" || number == "12345678901234567890" ? "4294967296" : number;
    }

    static string[] Several(SeededRandom random, Func<SeededRandom, string> one) => [.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => one(random))];

    static IEnumerable<string> Range(SeededRandom random)
    {
        for (var n = random.Next(3); n > 0; n--) yield return Number(random);
        if (random.OneIn(2)) yield return Word(random, "BIT BYTE FOO");
    }

    static string[] With(SeededRandom random, string[] words, string options, int max)
    {
        var all = new List<string>(words);
        for (var n = random.Next(max + 1); n > 0; n--)
        {
            var word = Word(random, options);
            all.Add(word.TrimEnd('~'));
            if (!word.EndsWith('~') || random.OneIn(12)) continue;
            all.Add(Time(random, word));
        }
        return [.. all];
    }

    static List<string> Fields(SeededRandom random)
    {
        var words = new List<string>();
        for (var n = random.Next(4); n > 0; n--)
        {
            if (random.OneIn(3)) words.AddRange(["OVERFLOW", Word(random, "WRAP SAT FAIL FAIL FOO")]);
            var verb = Word(random, "GET SET INCRBY INCRBY");
            words.AddRange([verb, Types[random.Next(random.OneIn(6) ? Types.Length : 9)], random.OneIn(2) ? $"#{random.Next(9)}" : Offset(random)]);
            // Without the least number there is: where SAT has to bring it up to a field's least one, Redis takes the field's greatest.
            if (!verb.Equals("get", StringComparison.OrdinalIgnoreCase)) words.Add(Number(random).Replace("-9223372036854775808", "-4611686018427387904"));
        }
        return words;
    }
}
