// The README shows vectors imported, searched, deleted, and searched as they were. Here the lines are typed again, by a shell where they are a shell's, and the
// answers compared: keys as they are, distances to three places, for processors round differently. AEVUM_GOLDENS=rewrite puts what came out into the README.

using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

[Collection("README")]
public sealed partial class VectorTourTests : IDisposable
{
    const string Begin = "<!-- vector tour -->\n```text\n";

    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [FactThatNeeds(Program = "redis-cli")]
    public void The_session_with_vectors_in_the_README_goes_as_shown()
    {
        var path = Path.Combine(TestFolders.Repository, "README.md");
        var readme = File.ReadAllText(path);
        var at = readme.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var shown = readme[at..readme.IndexOf("```", at, StringComparison.Ordinal)];
        var typed = shown.Split('\n').Where(l => l.StartsWith("$ ", StringComparison.Ordinal)).ToList();
        Assert.True(typed.Count >= 7, "the session is read");

        AskedServer? server = null;
        var before = "";
        var played = new StringBuilder();
        try
        {
            foreach (var line in typed)
            {
                played.Append(line).Append('\n');
                var words = line[2..].Replace("./near", "near", StringComparison.Ordinal);
                if (words.StartsWith("artifacts/aevum import ", StringComparison.Ordinal))
                {
                    var file = Path.Combine(CliWorld.DemoFolder, "vectors-128.i8");
                    var arguments = words.Replace("demo/vectors-128.i8", file, StringComparison.Ordinal).Replace(" near ", $" {_world.PathOf("near")} ",
                        StringComparison.Ordinal).Split(' ')[1..];
                    var made = CliWorld.Run("", arguments);
                    Assert.Equal(0, made.ExitCode);
                    played.Append(made.Out);
                }
                else if (words.StartsWith("artifacts/aevum serve ", StringComparison.Ordinal)) server = AskedServer.Start(_world, "--data", "near");
                else if (words.StartsWith("before=", StringComparison.Ordinal)) before = Sh($"{words}; printf %s $before");
                else if (words.StartsWith("kill ", StringComparison.Ordinal)) Assert.Equal(0, server!.Terminate());
                else
                {
                    Assert.StartsWith("redis-cli -p 6380 ", words, StringComparison.Ordinal);
                    played.Append(Sh(words.Replace("redis-cli -p 6380", $"redis-cli --no-raw -p {server!.Endpoint.Port}", StringComparison.Ordinal)
                        .Replace("$before", before, StringComparison.Ordinal)));
                }
            }
        }
        finally
        {
            server?.Dispose();
        }
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
            File.WriteAllText(path, readme.Replace(shown, played.ToString(), StringComparison.Ordinal));
        else Assert.Equal(Rounded(shown), Rounded(played.ToString()));
    }

    static string Sh(string line)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", line]) { RedirectStandardOutput = true })!;
        return shell.StandardOutput.ReadToEnd();
    }

    static string Rounded(string text) => Distance().Replace(text, "$1");

    [GeneratedRegex("(\"0\\.[0-9]{3})[0-9]*\"")]
    private static partial Regex Distance();
}
