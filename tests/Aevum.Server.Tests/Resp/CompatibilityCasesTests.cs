// Cases with expected replies that a public project keeps to compare servers of the protocol (testdata/compatibility-cases, with its licence). Every
// case runs whose commands are there; the others are counted, so that the test grows with the commands.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Testing;
using Xunit.Abstractions;

namespace Aevum.Server.Tests.Resp;

public sealed class CompatibilityCasesTests(ITestOutputHelper output)
{
    static readonly Version Newest = new(7, 0, 99);

    // Scripts and functions come later.
    static readonly string[] Scripting = ["eval", "eval_ro", "evalsha", "evalsha_ro", "script", "function", "fcall", "fcall_ro"];

    [Fact]
    public void Replies_are_those_expected()
    {
        using var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestFolders.Project, "testdata", "compatibility-cases", "cts.json")));
        var failed = new List<string>();
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var (passed, newer) = (0, 0);
        using var known = new RespWorld();
        foreach (var item in cases.RootElement.EnumerateArray())
        {
            if (Version.Parse(item.GetProperty("since").GetString()!) > Newest)
            {
                newer++;
                continue;
            }
            var requests = item.GetProperty("command").EnumerateArray().Select(c => c.GetString()!).ToArray();
            var missing = requests.Select(r => r.Split(' ')[0])
                .FirstOrDefault(name => known.Server.Commands.Find(Encoding.ASCII.GetBytes(name)) is null || Scripting.Contains(name));
            if (missing is not null)
            {
                skipped[missing] = skipped.GetValueOrDefault(missing) + 1;
                continue;
            }
            if (Fault(item, requests) is { } fault) failed.Add($"{item.GetProperty("name")}: {fault}");
            else passed++;
        }
        output.WriteLine($"{passed} passed, {failed.Count} failed, {newer} newer than {Newest.Major}.{Newest.Minor}, {skipped.Values.Sum()} skipped: "
            + string.Join(", ", skipped.Select(s => $"{s.Key} {s.Value}")));
        Assert.True(failed.Count == 0, string.Join('\n', failed));
        Assert.NotEqual(0, passed);
    }

    static string? Fault(JsonElement item, string[] requests)
    {
        using var world = new RespWorld();
        var isSorted = item.TryGetProperty("sort_result", out var sorted) && sorted.GetBoolean();
        var isBinary = item.TryGetProperty("command_binary", out var binary) && binary.GetBoolean();
        var results = item.GetProperty("result").EnumerateArray().ToArray();
        for (var i = 0; i < requests.Length; i++)
        {
            if (isBinary) world.First.Receive(TestChannel.Request(requests[i].Split(' ').Select(Unescaped).ToArray()));
            else world.First.Receive(Encoding.Latin1.GetBytes(requests[i] + "\r\n"));
            var bytes = world.First.Take();
            if (bytes.Length == 0)
            {
                world.Pass(TimeSpan.FromSeconds(1));   // it waits, and all waits of the cases are short
                bytes = world.First.Take();
            }
            ReadOnlySpan<byte> reply = bytes;
            var (wanted, got) = (Text(results[i], isSorted), Text(ref reply, isSorted));
            if (wanted != got) return $"{requests[i]}\n    wanted {wanted}\n    got    {got}";
        }
        return null;
    }

    static string Unescaped(string word)
    {
        var text = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            if (word[i] != '\\') text.Append(word[i]);
            else if (word[i + 1] == 'x') text.Append((char)byte.Parse(word.AsSpan((i += 3) - 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            else text.Append(word[++i] switch { 'a' => '\a', 'r' => '\r', 'n' => '\n', 't' => '\t', 'b' => '\b', var c => c });
        }
        return text.ToString();
    }

    // Both as text that tells numbers from strings.
    static string Text(JsonElement wanted, bool isSorted) => wanted.ValueKind switch
    {
        JsonValueKind.Array => Text(wanted.EnumerateArray().Select(e => Text(e, isSorted)), isSorted),
        JsonValueKind.Null => "null",
        JsonValueKind.String => $"\"{wanted.GetString()}\"",
        _ => wanted.GetRawText(),
    };

    static string Text(IEnumerable<string> parts, bool isSorted) => $"[{string.Join(", ", isSorted ? parts.Order(StringComparer.Ordinal) : parts)}]";

    static string Text(ref ReadOnlySpan<byte> reply, bool isSorted)
    {
        var end = reply.IndexOf("\r\n"u8);
        if (end < 0) return "nothing";
        var kind = (char)reply[0];
        var line = Encoding.Latin1.GetString(reply[1..end]);
        reply = reply[(end + 2)..];
        switch (kind)
        {
            case ':': return line;
            case '+': return $"\"{line}\"";
            case '-': return $"error {line}";
            case '$':
                var length = int.Parse(line, CultureInfo.InvariantCulture);
                if (length < 0) return "null";
                var text = Encoding.Latin1.GetString(reply[..length]);
                reply = reply[(length + 2)..];
                return $"\"{text}\"";
            default:
                var count = int.Parse(line, CultureInfo.InvariantCulture);
                if (count < 0) return "null";
                var parts = new List<string>();
                for (var i = 0; i < count; i++) parts.Add(Text(ref reply, isSorted));
                return Text(parts, isSorted);
        }
    }
}
