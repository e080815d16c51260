namespace Aevum.Architecture.Tests;

public sealed class DocumentationTests
{
    public static TheoryData<string> Pages => [.. Repository.FilesUnder("", ".md")];

    [Theory, MemberData(nameof(Pages))]
    public void Every_relative_link_leads_somewhere(string page)
    {
        var folder = Path.GetDirectoryName(page)!;
        var broken = FileRules.RelativeLinks(Repository.Read(page)).Where(t => !Exists(Path.Combine(folder, t)));
        Assert.True(!broken.Any(), $"{page} links to {string.Join(", ", broken)}, which is not there");
    }

    [Fact]
    public void Every_page_of_the_documentation_can_be_reached_from_its_index()
    {
        var reached = new HashSet<string> { "docs/README.md" };
        var open = new Queue<string>(reached);
        while (open.TryDequeue(out var page))
            foreach (var link in FileRules.RelativeLinks(Repository.Read(page)))
            {
                var target = Normalize(Path.Combine(Path.GetDirectoryName(page)!, link));
                if (Repository.FilesUnder("docs/", ".md").Contains(target) && reached.Add(target)) open.Enqueue(target);
            }
        var lost = Repository.FilesUnder("docs/", ".md").Except(reached);
        Assert.True(!lost.Any(), "no chain of links leads from docs/README.md to: " + string.Join(", ", lost));
    }

    [Fact]
    public void Decisions_are_numbered_without_gaps_and_listed()
    {
        var decisions = Repository.FilesUnder("docs/decisions/", ".md").Select(f => Path.GetFileName(f)).Where(f => f != "README.md").ToArray();
        Assert.Equal(Enumerable.Range(1, decisions.Length).Select(n => n.ToString("0000")), decisions.Select(d => d[..4]));
        var listed = FileRules.RelativeLinks(Repository.Read("docs/decisions/README.md"));
        Assert.Empty(decisions.Except(listed));
    }

    // The checks above pass today; the following show that they would not pass always.

    [Fact]
    public void Links_are_found_and_code_is_not_mistaken_for_them()
    {
        const string page = """
            [one](a.md), [two](b/c.md#part) and ![three](d.png); [not this](https://example.org/x), [nor this](#here), nor `[that](e.md)`.
            ```
            [nor that](f.md)
            ```
            [four](g.md)
            """;
        Assert.Equal(["a.md", "b/c.md", "d.png", "g.md"], FileRules.RelativeLinks(page));
        Assert.False(Exists("docs/no-such-page.md"));
    }

    static bool Exists(string path) => File.Exists(Repository.FullPath(path)) || Directory.Exists(Repository.FullPath(path));

    static string Normalize(string path) => Path.GetRelativePath(Repository.Root, Path.GetFullPath(Repository.FullPath(path))).Replace('\\', '/');
}
