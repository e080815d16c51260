// ProjectTable: who may know whom. docs/ARCHITECTURE.md shows the same table; a test compares the two.
//
//   L5  Cli                                                  puts the parts together, no logic
//   L4  Server                                               the doors: RESP, PostgreSQL, gRPC, HTTP
//   L3  Database            Cluster                          one database | many machines
//   L2  Query               Engine                           what to read | one shard's state
//   L1  Model      Vectors      Storage      Consensus       meaning | nearness | bytes | order
//   L0  Core                                                 vocabulary
//
// Always true: references go down only, and only as listed. Where one is wanted upward, a small interface is missing below.

using System.Text;

namespace Aevum.Architecture.Tests;

/// <param name="Name">Project, and folder under src/.</param>
/// <param name="Level">0 lies at the bottom.</param>
/// <param name="MayReference">Other projects, by name.</param>
/// <param name="MayUse">Packages, and shared frameworks beside the base library; each needs a reason in docs/decisions/, and a package an exact version
/// in Directory.Packages.props.</param>
sealed record ProjectRule(string Name, int Level, string[] MayReference, string[] MayUse)
{
    /// <summary>The name of the compiled assembly.</summary>
    public string Assembly => Name == "Aevum.Cli" ? "aevum" : Name;
}

static class ProjectTable
{
    public static IReadOnlyList<ProjectRule> Rules { get; } = WithCli(
        new("Aevum.Core", 0, [], []),
        new("Aevum.Storage", 1, ["Aevum.Core"], []),
        new("Aevum.Consensus", 1, ["Aevum.Core"], []),
        new("Aevum.Vectors", 1, ["Aevum.Core"], []),
        new("Aevum.Model", 1, ["Aevum.Core"], []),
        new("Aevum.Query", 2, ["Aevum.Core", "Aevum.Model", "Aevum.Vectors"], []),
        new("Aevum.Engine", 2, ["Aevum.Core", "Aevum.Model", "Aevum.Storage", "Aevum.Vectors"], []),
        new("Aevum.Database", 3, ["Aevum.Core", "Aevum.Model", "Aevum.Query", "Aevum.Engine"], []),
        new("Aevum.Cluster", 3, ["Aevum.Core", "Aevum.Model", "Aevum.Engine", "Aevum.Storage", "Aevum.Consensus"], []),
        new("Aevum.Server", 4, ["Aevum.Core", "Aevum.Model", "Aevum.Database", "Aevum.Cluster"], ["Microsoft.AspNetCore.App"]));

    /// <summary>The whole allowed graph as text, for whoever broke it.</summary>
    public static string Graph
    {
        get
        {
            var text = new StringBuilder("What may reference what (tests/Architecture/ProjectTable.cs, docs/ARCHITECTURE.md):\n");
            foreach (var rule in Rules.OrderByDescending(r => r.Level).ThenBy(r => r.Name, StringComparer.Ordinal))
            {
                var names = rule.MayReference.Length == 0 ? "the base library only" : string.Join(", ", rule.MayReference);
                var packages = rule.MayUse.Length == 0 ? "" : $"; packages {string.Join(", ", rule.MayUse)}";
                text.Append($"  L{rule.Level}  {rule.Name,-16} -> {names}{packages}\n");
            }
            return text.Append("If a reference is wanted upward, a small interface is missing below.").ToString();
        }
    }

    /// <summary>What is wrong with a project that references these others and uses these packages; empty if nothing is.</summary>
    public static IEnumerable<string> Violations(string project, IEnumerable<string> references, IEnumerable<string> packages)
    {
        var rule = Rules.FirstOrDefault(r => r.Name == project);
        if (rule is null)
        {
            yield return $"{project} is not in the table of projects";
            yield break;
        }
        foreach (var reference in references.Except(rule.MayReference)) yield return $"{project} must not reference {reference}";
        foreach (var package in packages.Except(rule.MayUse)) yield return $"{project} must not use the package {package}";
    }

    // The command line may know all.
    static ProjectRule[] WithCli(params ProjectRule[] below) =>
        [.. below, new("Aevum.Cli", 5, [.. below.Select(r => r.Name)], ["System.CommandLine", "Spectre.Console"])];
}
