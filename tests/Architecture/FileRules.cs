// FileRules: what every source file and page owes its reader, as pure functions from text to complaints, so that tests can show each
// rule failing on made-up text before they apply it to the repository.

using System.Text.RegularExpressions;

namespace Aevum.Architecture.Tests;

static partial class FileRules
{
    /// <summary>A source file that grows past this holds more than one idea.</summary>
    public const int LinesMax = 700;

    /// <summary>From this length on a source file opens with an essay: what it is, its layout, what is always true, what is not here.</summary>
    public const int LinesWithoutEssayMax = 80;

    /// <summary>The aim is 140 (.editorconfig); this is where it ends.</summary>
    public const int ColumnsMax = 160;

    /// <summary>What is wrong with the text of a source file.</summary>
    public static IEnumerable<string> SourceComplaints(string text)
    {
        var lines = text.Split('\n');
        if (text.Contains('\t')) yield return "holds a tab; indent with spaces";
        if (text.Contains('\r')) yield return "holds a carriage return; lines end in a line feed";
        if (!text.EndsWith('\n')) yield return "does not end in a line feed";
        if (text.StartsWith('\uFEFF')) yield return "begins with a byte order mark";
        if (lines.Length - 1 > LinesMax) yield return $"has {lines.Length - 1} lines, more than {LinesMax}; split it by idea";
        if (lines.Length - 1 > LinesWithoutEssayMax && !text.TrimStart('\uFEFF').StartsWith("//", StringComparison.Ordinal))
            yield return $"has {lines.Length - 1} lines and no opening essay (docs/HACKING.md)";
        for (var i = 0; i < lines.Length; i++)
            if (lines[i].Length > ColumnsMax) yield return $"line {i + 1} has {lines[i].Length} columns, more than {ColumnsMax}";
    }

    /// <summary>Words that speak of how or where the text was written instead of what it says.</summary>
    public static IEnumerable<string> WordingComplaints(string text)
    {
        foreach (var (pattern, instead) in ForbiddenWords)
            foreach (Match match in pattern.Matches(text))
                yield return $"line {text.AsSpan(0, match.Index).Count('\n') + 1} says \"{match.Value.Trim()}\"; {instead}";
    }

    /// <summary>Targets of the relative links of a page, without their anchors; links in code are none.</summary>
    public static IEnumerable<string> RelativeLinks(string page)
    {
        var prose = InlineCode().Replace(CodeBlock().Replace(page, ""), "");
        return Link().Matches(prose).Select(m => m.Groups["target"].Value)
            .Where(t => !t.Contains("://", StringComparison.Ordinal) && !t.StartsWith('#') && !t.StartsWith("mailto:", StringComparison.Ordinal))
            .Select(t => t.Split('#')[0]);
    }

    // Written so that no pattern matches its own text.
    static readonly (Regex Pattern, string Instead)[] ForbiddenWords =
    [
        (new(@"\b(issue|ticket|PR)s? +#?[0-9]+\b", RegexOptions.IgnoreCase), "say what was wrong, a number alone ages badly"),
        (new(@"(?<=^|[\s(])#[0-9]+(?=$|[\s).,;:])", RegexOptions.Multiline), "say what was wrong, a number alone ages badly"),
        (new(@"(?<![\w.])/work(?=/)"), "no path of one machine belongs here"),
        (new(@"(?<![\w.])/(home|Users)(?=/\w)"), "no path of one machine belongs here"),
        (new(@"\b(this|my|our|last|previous|earlier|next|later) +session\b", RegexOptions.IgnoreCase), "speak of the program, not of how it was written"),
        (new(@"\b(a|my|our|your|the) +colleagues?\b", RegexOptions.IgnoreCase), "speak of the program, not of how it was written"),
        (new(@"\b(api\.nuget|registry\.npmjs|pypi|files\.pythonhosted|proxy\.golang)\.org\b"), "registries are configured outside the repository"),
    ];

    [GeneratedRegex(@"^ *(```|~~~).*?^ *\1 *$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"`[^`\n]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
