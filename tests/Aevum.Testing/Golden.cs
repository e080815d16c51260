// Golden: tests as scripts. A script is a sequence of steps, each input, a line of dashes, and the output that is expected:
//
//   # A comment stands before a step and belongs to it.
//   levels first=0
//   L0: a-f c-h
//   L1: a-m n-z
//   ----
//   ok
//
//   pick
//   ----
//   L0 -> L1
//
//   step      comments and blank lines | name and arguments | input lines | ---- | output lines | a blank line or the end
//   output    that itself holds a blank line stands between doubled lines of dashes:  ---- ---- ... ---- ----
//
// Always true:
//   (1) all steps of a script run, in order, over the state that the test keeps between them; every difference is told, not the first alone;
//   (2) an AevumException becomes output, "error <Code>: <message>"; any other exception fails the test and names script and line;
//   (3) with AEVUM_GOLDENS=rewrite nothing is compared: the outputs are written into the script, all else is kept byte for byte. Only
//       then may a step lack its dashes;
//   (4) trailing white space means nothing. A folder without scripts and a script without steps are errors, not successes.
//
// The scripts are read from the project's source folder, so that rewriting changes what is under version control.

using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Testing;

public static class Golden
{
    const string Dashes = "----";

    /// <summary>The scripts of a folder (and those below it), for MemberData. Paths are relative to the test project.</summary>
    public static TheoryData<string> Scripts(string folder)
    {
        var full = Path.Combine(TestFolders.Project, folder);
        var files = Directory.Exists(full) ? Directory.GetFiles(full, "*", SearchOption.AllDirectories) : [];
        if (files.Length == 0) throw new InvalidOperationException($"no golden scripts under {full}");
        return [.. files.Select(f => Path.GetRelativePath(TestFolders.Project, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];
    }

    /// <summary>Runs a script and compares, or rewrites it (see above).</summary>
    /// <param name="path">As <see cref="Scripts"/> gave it.</param>
    /// <param name="run">Performs one step and returns its output.</param>
    public static void Run(string path, Func<GoldenStep, string> run)
    {
        var full = Path.Combine(TestFolders.Project, path);
        var rewrite = Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite";
        var before = File.ReadAllText(full);
        var (after, differences) = Play(path, before, run, rewrite);
        if (rewrite)
        {
            if (after != before) File.WriteAllText(full, after);
        }
        else
        {
            Assert.True(differences.Count == 0, string.Join("\n\n", differences) + "\n\n(./dev goldens rewrites what is expected)");
        }
    }

    /// <summary>The script with the outputs it gave, and what differs from those it had.</summary>
    internal static (string Text, IReadOnlyList<string> Differences) Play(string path, string text, Func<GoldenStep, string> run, bool rewrite)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
        var played = new StringBuilder();
        var differences = new List<string>();
        var steps = 0;
        for (var at = 0; at < lines.Length;)
        {
            while (at < lines.Length && (string.IsNullOrWhiteSpace(lines[at]) || lines[at].StartsWith('#'))) played.Append(lines[at++]).Append('\n');
            if (at == lines.Length) break;

            var first = at;
            while (at < lines.Length && lines[at] != Dashes && !(rewrite && string.IsNullOrWhiteSpace(lines[at]))) at++;
            var own = lines[first..at];
            var step = ReadStep(path, first, own);
            if (at == lines.Length && !rewrite) throw step.Wrong($"the step has no line of dashes ({Dashes})");
            var expected = at < lines.Length && lines[at] == Dashes ? ReadOutput(lines, ref at, step) : "";
            var actual = Perform(step, run);
            if (actual != expected) differences.Add($"{path}:{step.Line}: {step.Name}\nexpected\n{Indent(expected)}\nbut was\n{Indent(actual)}");

            foreach (var line in own) played.Append(line).Append('\n');
            WriteOutput(played, actual);
            steps++;
        }
        if (steps == 0) throw new FormatException($"{path} has no step");
        return (played.ToString(), differences);
    }

    static GoldenStep ReadStep(string path, int first, string[] lines)
    {
        if (lines.Length == 0) throw new FormatException($"{path}:{first + 1}: dashes without a step before them");
        var words = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new(path, first + 1, words[0], words[1..], string.Join('\n', lines[1..].Select(l => l.TrimEnd())));
    }

    // On entry at the dashes, on return behind the output.
    static string ReadOutput(string[] lines, ref int at, GoldenStep step)
    {
        at++;
        var output = new List<string>();
        if (at < lines.Length && lines[at] == Dashes)
        {
            for (at++; ; at++)
            {
                if (at + 1 >= lines.Length) throw step.Wrong("the output opens with doubled dashes and is never closed by them");
                if (lines[at] == Dashes && lines[at + 1] == Dashes) break;
                output.Add(lines[at]);
            }
            at += 2;
        }
        else
        {
            while (at < lines.Length && !string.IsNullOrWhiteSpace(lines[at])) output.Add(lines[at++]);
        }
        return Normalize(string.Join('\n', output));
    }

    static string Perform(GoldenStep step, Func<GoldenStep, string> run)
    {
        try
        {
            return Normalize(run(step));
        }
        catch (AevumException error)
        {
            return Normalize($"error {error.Code}: {error.Message}");
        }
        catch (Exception error) when (error is not FormatException)
        {
            throw new InvalidOperationException($"{step.Script}:{step.Line}: {step.Name} threw {error.GetType().Name}: {error.Message}", error);
        }
    }

    static void WriteOutput(StringBuilder target, string output)
    {
        var lines = output.Split('\n');
        var doubled = output.Length > 0 && lines.Any(l => l.Length == 0 || l == Dashes);
        target.Append(Dashes).Append('\n');
        if (doubled) target.Append(Dashes).Append('\n');
        if (output.Length > 0) target.Append(output).Append('\n');
        if (doubled) target.Append(Dashes).Append('\n').Append(Dashes).Append('\n');
    }

    static string Normalize(string text) => string.Join('\n', text.Split('\n').Select(l => l.TrimEnd())).TrimEnd('\n');

    static string Indent(string text) => text.Length == 0 ? "    (nothing)" : "    " + text.Replace("\n", "\n    ", StringComparison.Ordinal);
}
