// The parser of requests, against one that is slow and plain: streams of requests, whole and damaged, cut anywhere. However a stream is cut, the same requests
// come out of it, and the same error ends it. AEVUM_FUZZ_CASES says how many streams.

using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Tests.Resp;

public sealed partial class RequestParserFuzzTests
{
    static readonly int Cases = int.Parse(Environment.GetEnvironmentVariable("AEVUM_FUZZ_CASES") ?? "20000", CultureInfo.InvariantCulture);

    [Fact]
    public void However_a_stream_is_cut_the_same_requests_come_out_of_it()
    {
        var random = new SeededRandom(1);
        var outcomes = new Dictionary<string, int>();
        for (var i = 0; i < Cases; i++)
        {
            var bytes = Stream(random);
            var parser = new RequestParser { IsAuthenticated = random.Next(8) > 0, BulkBytesMax = random.Next(8) > 0 ? 512 << 20 : random.Next(40) };
            var expected = Plain(Encoding.Latin1.GetString(bytes), parser.IsAuthenticated, parser.BulkBytesMax);
            var actual = Read(parser, bytes, random);
            Assert.True(expected.SequenceEqual(actual),
                $"stream {i}: {Shown(bytes)}\nexpected {string.Join(" | ", expected)}\nactual   {string.Join(" | ", actual)}");
            foreach (var outcome in expected) outcomes[Kind(outcome)] = outcomes.GetValueOrDefault(Kind(outcome)) + 1;
        }
        // A generator that only makes one kind of thing would test nothing.
        Assert.All(["request", "rest", "invalid multibulk length", "invalid bulk length", "expected '$'", "unbalanced quotes", "unauthenticated"],
            kind => Assert.Contains(outcomes.Keys, k => k.Contains(kind, StringComparison.Ordinal)));
    }

    static string Kind(string outcome) => outcome.StartsWith("Protocol error", StringComparison.Ordinal) ? outcome : outcome.Split(' ')[0];

    static string Shown(byte[] bytes) => string.Concat(bytes.Take(400).Select(b => b is >= 32 and < 127 ? ((char)b).ToString() : $"\\x{b:x2}"));

    // ------------------------------------------------------------------------------------------------ streams

    static byte[] Stream(SeededRandom random)
    {
        var bytes = new List<byte>();
        for (var i = random.Next(5) + 1; i > 0; i--) bytes.AddRange(random.Next(3) == 0 ? Line(random) : Array(random));
        for (var damages = Math.Max(0, random.Next(6) - 2); damages > 0 && bytes.Count > 0; damages--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = Letter(random); break;
                case 1: bytes.Insert(at, Letter(random)); break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.InsertRange(at, bytes.Skip(random.Next(bytes.Count)).Take(8).ToArray()); break;
            }
        }
        return [.. bytes];
    }

    static byte Letter(SeededRandom random) => random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"*$\r\n-0123456789:\"'\\ x"[random.Next(21)];

    static byte[] Array(SeededRandom random)
    {
        var count = random.Next(20) switch { 0 => random.Next(30), 1 => -1, 2 => 0, _ => random.Next(4) + 1 };
        var announced = random.Next(200) == 0 ? (BigInteger)random.NextUInt64() * 100 : count;
        var bytes = new List<byte>(Encoding.ASCII.GetBytes($"*{announced}\r\n"));
        for (var i = 0; i < count; i++)
        {
            var argument = new byte[random.Next(30) == 0 ? random.Next(20_000) : random.Next(12)];
            random.Fill(argument);
            bytes.AddRange(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"${argument.Length}\r\n")));
            bytes.AddRange(argument);
            bytes.AddRange("\r\n"u8);
        }
        return [.. bytes];
    }

    static byte[] Line(SeededRandom random)
    {
        var line = new StringBuilder();
        for (var words = random.Next(5); words > 0; words--)
        {
            line.Append(random.Next(4) switch
            {
                0 => "\"" + string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Escaped(random))) + "\"",
                1 => "'" + string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(4) == 0 ? "\\'" : Plainly(random))) + "'",
                _ => string.Concat(Enumerable.Range(0, random.Next(6) + 1).Select(_ => Plainly(random))),
            });
            line.Append(' ', random.Next(3) + 1);
        }
        return Encoding.Latin1.GetBytes(line + (random.Next(2) == 0 ? "\r\n" : "\n"));
    }

    static string Plainly(SeededRandom random) => ((char)('a' + random.Next(26))).ToString();

    static string Escaped(SeededRandom random) => random.Next(4) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"\\x{random.Next(256):x2}"),
        1 => "\\" + "nrtba\"\\x'"[random.Next(9)],
        _ => Plainly(random),
    };

    // ------------------------------------------------------------------------------------------------ as a connection reads

    static List<string> Read(RequestParser parser, byte[] bytes, SeededRandom random)
    {
        var outcomes = new List<string>();
        var (start, there) = (0, 0);
        while (true)
        {
            var status = parser.Read(bytes.AsSpan(start..there), out var taken);
            Assert.InRange(taken, 0, there - start);
            switch (status)
            {
                case ParseStatus.Done:
                    var args = parser.Arguments(bytes.AsSpan(start..there));
                    var words = new string[args.Count];
                    for (var i = 0; i < words.Length; i++) words[i] = Encoding.Latin1.GetString(args[i]);
                    outcomes.Add(Request(words));
                    break;
                case ParseStatus.Failed:
                    outcomes.Add(parser.Error);
                    return outcomes;
                case ParseStatus.More when there == bytes.Length && parser.Needed > there - start:
                    // It waits for so many bytes before it looks again, and so may not have seen yet that what is there is wrong already.
                    var again = new RequestParser { IsAuthenticated = parser.IsAuthenticated, BulkBytesMax = parser.BulkBytesMax };
                    var anew = again.Read(bytes.AsSpan(start), out _);
                    Assert.True(anew is ParseStatus.More or ParseStatus.Failed, "what is not long enough is no request");
                    outcomes.Add(anew == ParseStatus.Failed ? again.Error : $"rest of {there - start}");
                    return outcomes;
                case ParseStatus.More when there == bytes.Length:
                    outcomes.Add($"rest of {there - start}");
                    return outcomes;
                case ParseStatus.More:
                    there = Math.Min(bytes.Length, there + 1 + random.Next(random.Next(2) == 0 ? 4 : 4000));
                    break;
            }
            start += taken;
        }
    }

    static string Request(IEnumerable<string> words) => $"request {string.Join(',', words.Select(w => $"{w.Length}:{w}"))}";

    // ------------------------------------------------------------------------------------------------ slow and plain

    static List<string> Plain(string text, bool isAuthenticated, long bulkMax)
    {
        var outcomes = new List<string>();
        while (true)
        {
            if (text.Length == 0) return [.. outcomes, "rest of 0"];
            var (outcome, taken) = text[0] == '*' ? PlainArray(text, isAuthenticated, bulkMax) : PlainLine(text);
            if (outcome is null) return [.. outcomes, $"rest of {text.Length}"];
            if (outcome.Length > 0) outcomes.Add(outcome);
            if (outcome.StartsWith("Protocol error", StringComparison.Ordinal)) return outcomes;
            text = text[taken..];
        }
    }

    // Outcome null: more is wanted; empty: nothing to do.
    static (string? Outcome, int Taken) PlainArray(string text, bool isAuthenticated, long bulkMax)
    {
        if (PlainLength(text, 1, out var count, out var at) is { } wrong) return (wrong ? "Protocol error: invalid multibulk length" : null, 0);
        if (count > 1024 * 1024) return ("Protocol error: invalid multibulk length", 0);
        if (count > 10 && !isAuthenticated) return ("Protocol error: unauthenticated multibulk length", 0);
        if (count <= 0) return ("", at);
        var words = new List<string>();
        for (var i = 0; i < count; i++)
        {
            if (at == text.Length) return (null, 0);
            if (text[at] != '$') return ($"Protocol error: expected '$', got '{text[at]}'", 0);
            if (PlainLength(text, at + 1, out var length, out at) is { } bad) return (bad ? "Protocol error: invalid bulk length" : null, 0);
            if (length < 0 || length > bulkMax) return ("Protocol error: invalid bulk length", 0);
            if (length > 16384 && !isAuthenticated) return ("Protocol error: unauthenticated bulk length", 0);
            if (at + length + 2 > text.Length) return (null, 0);
            words.Add(text.Substring(at, (int)length));
            at += (int)length + 2;   // what stands where the line should end is not looked at, as with Redis
        }
        return (Request(words), at);
    }

    // Null: it is there; true: it is wrong; false: more is wanted.
    static bool? PlainLength(string text, int from, out BigInteger length, out int end)
    {
        (length, end) = (0, 0);
        var digits = DigitsAt().Match(text, from).Groups[1].Value;
        for (var i = 1; i < digits.Length; i++)
            if (BigInteger.Parse(digits[..i], CultureInfo.InvariantCulture) > (long.MaxValue - 9) / 10) return true;
        var whole = LengthAt().Match(text, from);
        if (!whole.Success) return !LengthBegun().IsMatch(text, from);
        length = BigInteger.Parse(whole.Groups[1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        end = from + whole.Length;
        return null;
    }

    [GeneratedRegex(@"\G-?([0-9]*)", RegexOptions.CultureInvariant)]
    private static partial Regex DigitsAt();

    [GeneratedRegex(@"\G(-?[0-9]+)\r\n", RegexOptions.CultureInvariant)]
    private static partial Regex LengthAt();

    [GeneratedRegex(@"\G-?[0-9]*\r?\z", RegexOptions.CultureInvariant)]
    private static partial Regex LengthBegun();

    static (string? Outcome, int Taken) PlainLine(string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0) return (text.Length > 65536 ? "Protocol error: too big inline request" : null, 0);
        if (end > 65536) return ("Protocol error: too big inline request", 0);
        var line = text[..end];
        if (line.EndsWith('\r')) line = line[..^1];
        return PlainWords(line) is not { } words ? ("Protocol error: unbalanced quotes in request", 0) : (words.Count == 0 ? "" : Request(words), end + 1);
    }

    [GeneratedRegex(@"\G\\x[0-9a-fA-F]{2}", RegexOptions.CultureInvariant)]
    private static partial Regex HexAt();

    // Letter by letter: between words, in a word, in "...", in '...'.
    static List<string>? PlainWords(string line)
    {
        var words = new List<string>();
        string? word = null;
        char? quote = null;
        for (var i = 0; i < line.Length; i++)
        {
            var letter = line[i];
            var isBlank = " \t\n\v\f\r\0".Contains(letter, StringComparison.Ordinal);
            if (quote is null && isBlank)
            {
                if (word is not null) words.Add(word);
                word = null;
            }
            else if (quote is null && (letter is '"' or '\''))
            {
                quote = letter;
                word ??= "";
            }
            else if (letter == quote)
            {
                if (i + 1 < line.Length && !" \t\n\v\f\r\0".Contains(line[i + 1], StringComparison.Ordinal)) return null;
                quote = null;
            }
            else if (quote == '"' && HexAt().IsMatch(line, i))
            {
                word += (char)Convert.ToByte(line.Substring(i + 2, 2), 16);
                i += 3;
            }
            else if (quote == '"' && letter == '\\' && i + 1 < line.Length)
            {
                var at = "nrtba".IndexOf(line[++i], StringComparison.Ordinal);
                word += at < 0 ? line[i] : "\n\r\t\b\a"[at];
            }
            else if (quote == '\'' && letter == '\\' && i + 1 < line.Length && line[i + 1] == '\'')
            {
                word += line[++i];
            }
            else
            {
                word += letter;
            }
        }
        if (quote is not null) return null;
        if (word is not null) words.Add(word);
        return words;
    }
}
