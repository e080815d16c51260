using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Aevum.Architecture.Tests;

public sealed partial class ProjectReferenceTests
{
    static IEnumerable<string> ProjectFiles => Repository.FilesUnder("src/", ".csproj");

    public static TheoryData<string> Projects => [.. ProjectFiles.Select(f => Path.GetFileNameWithoutExtension(f))];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_references_only_what_the_table_allows(string project)
    {
        var file = XDocument.Load(Repository.FullPath($"src/{project}/{project}.csproj"));
        var references = file.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));
        var packages = file.Descendants("PackageReference").Concat(file.Descendants("FrameworkReference")).Select(r => (string)r.Attribute("Include")!);
        Report(ProjectTable.Violations(project, references, packages));
    }

    [Theory, MemberData(nameof(Projects))]
    public void A_compiled_assembly_references_only_what_the_table_allows(string project)
    {
        var rule = ProjectTable.Rules.Single(r => r.Name == project);
        var baseLibrary = RuntimeEnvironment.GetRuntimeDirectory();
        var others = AssemblyReferences(rule.Assembly).Where(name => !File.Exists(Path.Combine(baseLibrary, name + ".dll"))).ToArray();
        var ours = others.Where(name => name.StartsWith("Aevum", StringComparison.OrdinalIgnoreCase));
        var packages = others.Where(name => !name.StartsWith("Aevum", StringComparison.OrdinalIgnoreCase)).Select(PackageOf).Distinct();
        Report(ProjectTable.Violations(project, ours, packages));
    }

    [Fact]
    public void Every_project_file_lies_in_the_folder_of_its_name() =>
        Assert.All(ProjectFiles, file =>
        {
            var name = Path.GetFileNameWithoutExtension(file);
            Assert.Equal($"src/{name}/{name}.csproj", file);
        });

    [Fact]
    public void Every_project_belongs_to_the_solution()
    {
        var solution = Repository.Read("Aevum.slnx");
        var missing = Repository.FilesUnder("", ".csproj").Where(f => !solution.Contains($"\"{f}\"", StringComparison.Ordinal));
        Assert.True(!missing.Any(), "not in Aevum.slnx: " + string.Join(", ", missing));
    }

    [Fact]
    public void References_of_the_table_go_down()
    {
        foreach (var rule in ProjectTable.Rules)
            foreach (var other in rule.MayReference)
                Assert.True(ProjectTable.Rules.Single(r => r.Name == other).Level < rule.Level, $"{rule.Name} -> {other} does not go down");
    }

    [Fact]
    public void The_architecture_page_shows_the_same_table()
    {
        var shown = TableRow().Matches(Repository.Read("docs/ARCHITECTURE.md"))
            .ToDictionary(m => m.Groups["project"].Value, m => m.Groups["references"].Value.Trim());
        foreach (var rule in ProjectTable.Rules.Where(r => r.Name != "Aevum.Cli"))
        {
            Assert.True(shown.ContainsKey(rule.Name), $"docs/ARCHITECTURE.md has no row for {rule.Name}");
            var names = rule.MayReference.Length == 0 ? "base library" : string.Join(", ", rule.MayReference.Select(n => n["Aevum.".Length..]));
            Assert.Equal($"{rule.Name}: {names}", $"{rule.Name}: {shown[rule.Name]}");
        }
    }

    [Fact]
    public void Every_package_is_pinned_to_an_exact_version()
    {
        var pinned = XDocument.Load(Repository.FullPath("Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(p => (string)p.Attribute("Include")!, p => (string)p.Attribute("Version")!);
        Assert.NotEmpty(pinned);
        Assert.All(pinned, p => Assert.Matches(@"^\[[^,\]]+\]$", p.Value));
    }

    // The checks above pass today; the following show that they would not pass always.

    [Theory]
    [InlineData("Aevum.Core", "Aevum.Storage")]
    [InlineData("Aevum.Storage", "Aevum.Model")]
    [InlineData("Aevum.Storage", "Aevum.Consensus")]
    [InlineData("Aevum.Query", "Aevum.Storage")]
    [InlineData("Aevum.Server", "Aevum.Engine")]
    [InlineData("Aevum.Database", "Aevum.Cli")]
    public void A_reference_upward_or_sideways_is_found(string project, string reference) =>
        Assert.Equal([$"{project} must not reference {reference}"], ProjectTable.Violations(project, [reference], []));

    [Fact]
    public void A_package_where_none_is_allowed_is_found() =>
        Assert.Equal(["Aevum.Core must not use the package Spectre.Console"], ProjectTable.Violations("Aevum.Core", [], ["Spectre.Console"]));

    [Fact]
    public void A_project_outside_the_table_is_found() =>
        Assert.Equal(["Aevum.Helpers is not in the table of projects"], ProjectTable.Violations("Aevum.Helpers", [], []));

    [Fact]
    public void Assembly_references_are_really_read()
    {
        Assert.Contains("Aevum.Core", AssemblyReferences("Aevum.Storage"));
        Assert.Contains("System.Runtime", AssemblyReferences("Aevum.Core"));
    }

    [Fact]
    public void The_assemblies_of_a_shared_framework_go_by_its_name()
    {
        Assert.Equal("Microsoft.AspNetCore.App", PackageOf("Microsoft.AspNetCore.Server.Kestrel.Core"));
        Assert.Equal("Spectre.Console", PackageOf("Spectre.Console"));
    }

    static string PackageOf(string assembly)
    {
        const string framework = "Microsoft.AspNetCore.App";
        // .../shared/Microsoft.NETCore.App/10.0.1/, and beside it the other one, in whatever versions.
        var shared = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", framework);
        return Directory.Exists(shared) && Directory.EnumerateFiles(shared, assembly + ".dll", SearchOption.AllDirectories).Any() ? framework : assembly;
    }

    static void Report(IEnumerable<string> violations)
    {
        var found = violations.ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found) + "\n\n" + ProjectTable.Graph);
    }

    static string[] AssemblyReferences(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name))];
    }

    // | `Aevum.Storage` | Core | ...
    [GeneratedRegex(@"^\| `(?<project>Aevum\.\w+)`[^|]*\| (?<references>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
