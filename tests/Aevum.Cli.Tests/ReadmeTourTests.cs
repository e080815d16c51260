// The README shows a session on the demo data. Here it is typed again, line by line, and every line of the answer compared; only times may
// differ. AEVUM_GOLDENS=rewrite puts what came out into the README instead (./dev goldens Cli).

using System.Text.RegularExpressions;
using Aevum.Cli.Terminals;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

[Collection("README")]
public sealed partial class ReadmeTourTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void The_session_in_the_README_goes_as_shown()
    {
        var path = Path.Combine(TestFolders.Repository, "README.md");
        var readme = File.ReadAllText(path);
        var shown = Tour().Match(readme).Groups["session"];
        Assert.True(shown.Success, "README.md has no session after <!-- tour -->");
        var typed = shown.Value.Split('\n').Select(l => Prompt().Match(l)).Where(m => m.Success).Select(m => m.Groups["line"].Value).ToList();
        Assert.True(typed.Count >= 8, "the session is read");

        Assert.Equal(0, CliWorld.Run("", "demo", _world.PathOf("data"), "--data", CliWorld.DemoFolder).ExitCode);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new Typist(typed, output), output, error) { IsInputInteractive = true };
        Assert.Equal(0, CommandLine.Run(["shell", _world.PathOf("data")], terminal));
        var played = output.ToString().Replace(_world.PathOf("data"), "./data", StringComparison.Ordinal).TrimEnd() + "\n";

        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
            File.WriteAllText(path, readme.Replace(shown.Value, played, StringComparison.Ordinal));
        else Assert.Equal(CliWorld.WithoutTimes(shown.Value), CliWorld.WithoutTimes(played));
        Assert.Equal("", error.ToString());
    }

    // Types what it is given, and the terminal shows it.
    sealed class Typist(IEnumerable<string> lines, TextWriter screen) : TextReader
    {
        readonly Queue<string> _lines = new(lines);

        public override string? ReadLine()
        {
            if (!_lines.TryDequeue(out var line)) return null;
            screen.WriteLine(line);
            return line;
        }
    }

    [GeneratedRegex(@"<!-- tour -->\n```text\n(?<session>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Tour();

    [GeneratedRegex(@"^aevum(:\w+)?\*?( \(as of [^)]*\))?> (?<line>.*)$")]
    private static partial Regex Prompt();
}
