// What Redis answers to given requests, byte for byte (testdata/transcripts), asked of ours; and of Redis itself where it is installed, so that
// nobody writes down what he only believes. With AEVUM_GOLDENS=rewrite the test of Redis itself writes the transcripts.
//
//   ask          requests, a line each; the output has a line for each reply, its line ends as blanks, other bytes that do not print as \xNN

using System.Globalization;
using System.Text;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class TranscriptTests
{
    public static TheoryData<string> Scripts => Golden.Scripts("testdata/transcripts");

    [Theory, MemberData(nameof(Scripts))]
    public void Ours_answers_as_Redis_did(string path)
    {
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") return;   // the reference writes them
        using var world = new RespWorld();
        Golden.Run(path, step => Ask(step, line =>
        {
            world.First.Receive(Encoding.Latin1.GetBytes(line + "\r\n"));
            return world.First.Take();
        }));
    }

    [TheoryThatNeeds(Program = RealRedis.Program), MemberData(nameof(Scripts))]
    public void Redis_answers_so(string path)
    {
        using var redis = new RealRedis();
        Golden.Run(path, step => Ask(step, redis.Ask));
    }

    static string Ask(GoldenStep step, Func<string, byte[]> ask)
    {
        if (step.Name != "ask") throw step.Unknown();
        return string.Join('\n', step.Input.Split('\n').Select(line => Shown(ask(line))));
    }

    static string Shown(byte[] reply)
    {
        var text = new StringBuilder();
        foreach (var letter in Encoding.Latin1.GetString(reply).Replace("\r\n", " ", StringComparison.Ordinal).TrimEnd(' '))
        {
            if (letter is >= ' ' and <= '~') text.Append(letter);
            else text.Append(CultureInfo.InvariantCulture, $"\\x{(int)letter:x2}");
        }
        return text.ToString();
    }
}
