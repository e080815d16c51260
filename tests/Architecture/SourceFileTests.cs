namespace Aevum.Architecture.Tests;

public sealed class SourceFileTests
{
    static IEnumerable<string> Sources => Repository.FilesUnder("src/", ".cs").Concat(Repository.FilesUnder("bench/", ".cs"));

    static IEnumerable<string> Texts => Repository.Files.Where(f => IsText(f));

    [Fact]
    public void Source_files_keep_the_rules() => AssertNoComplaint(Sources, FileRules.SourceComplaints);

    [Fact]
    public void Tests_keep_the_rules_but_may_open_as_they_like() =>
        AssertNoComplaint(Repository.FilesUnder("tests/", ".cs"), text => FileRules.SourceComplaints(text).Where(c => !c.Contains("essay")));

    [Fact]
    public void Files_speak_of_the_project_alone() => AssertNoComplaint(Texts, FileRules.WordingComplaints);

    [Fact]
    public void Every_folder_with_code_tells_its_story()
    {
        // src/Project/Folder, and each test project. A folder deeper down may be told of by the one above it.
        var folders = Repository.FilesUnder("src/", ".cs").Concat(Repository.FilesUnder("tests/", ".csproj"))
            .Select(f => string.Join('/', f.Split('/')[..^1].Take(3))).Distinct();
        var silent = folders.Where(f => !Repository.Files.Contains($"{f}/README.md"));
        Assert.True(!silent.Any(), "no README.md in: " + string.Join(", ", silent)
            + "\n(what lives here; what to read first; how data flows; what it may refer to; how to add one more; how to test it)");
    }

    [Fact]
    public void The_licence_is_present()
    {
        Assert.Contains("Apache License", Repository.Read("LICENSE"), StringComparison.Ordinal);
        Assert.Contains("Version 2.0, January 2004", Repository.Read("LICENSE"), StringComparison.Ordinal);
        Assert.Contains("WordNet", Repository.Read("NOTICE"), StringComparison.Ordinal);
    }

    [Fact]
    public void Scripts_can_be_executed()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var script in (string[])["dev", ".ci/run"])
            Assert.True((File.GetUnixFileMode(Repository.FullPath(script)) & UnixFileMode.UserExecute) != 0, script);
    }

    // The checks above pass today; the following show that they would not pass always.

    [Theory]
    [InlineData("a\tb\n", "tab")]
    [InlineData("a\r\n", "carriage return")]
    [InlineData("a", "line feed")]
    public void A_fault_in_a_source_file_is_found(string text, string complaint) =>
        Assert.Contains(complaint, Assert.Single(FileRules.SourceComplaints(text)), StringComparison.Ordinal);

    [Fact]
    public void A_long_file_and_a_wide_line_and_a_missing_essay_are_found()
    {
        Assert.Contains("701 lines", Assert.Single(FileRules.SourceComplaints("//" + Lines(701))), StringComparison.Ordinal);
        Assert.Contains("no opening essay", Assert.Single(FileRules.SourceComplaints(Lines(81))), StringComparison.Ordinal);
        Assert.Contains("161 columns", Assert.Single(FileRules.SourceComplaints(new string('x', 161) + "\n")), StringComparison.Ordinal);
        Assert.Empty(FileRules.SourceComplaints(Lines(80)));
        Assert.Empty(FileRules.SourceComplaints("//" + Lines(700)));
    }

    // In two parts each, or this file would break the rule it tests.
    [Theory]
    [InlineData("see issue" + " 12", true)]
    [InlineData("fixed (#" + "12).", true)]
    [InlineData("read /work" + "/x", true)]
    [InlineData("in the previous " + "session", true)]
    [InlineData("from api.nuget" + ".org", true)]
    [InlineData("L0: a-f#9 c-h#8", false)]
    [InlineData("a session has a namespace", false)]
    [InlineData("[words](#4-words)", false)]
    [InlineData("#pragma warning", false)]
    [InlineData("artifacts/work/x", false)]
    public void Words_about_the_making_are_found(string text, bool found) => Assert.Equal(found, FileRules.WordingComplaints(text).Any());

    static string Lines(int count) => string.Concat(Enumerable.Repeat("x\n", count));

    static bool IsText(string path) => Path.GetExtension(path) switch
    {
        ".cs" or ".md" or ".csproj" or ".props" or ".targets" or ".slnx" or ".json" or ".yml" or ".sh" or ".py" or ".txt" or "" =>
            !path.StartsWith("demo/", StringComparison.Ordinal),
        _ => path.Contains("/testdata/", StringComparison.Ordinal) && !Repository.ReadBytes(path).Contains((byte)0),
    };

    static void AssertNoComplaint(IEnumerable<string> files, Func<string, IEnumerable<string>> rules)
    {
        var checkedFiles = 0;
        var complaints = new List<string>();
        foreach (var file in files)
        {
            checkedFiles++;
            complaints.AddRange(rules(Repository.Read(file)).Select(c => $"{file} {c}"));
        }
        Assert.NotEqual(0, checkedFiles);
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }
}
