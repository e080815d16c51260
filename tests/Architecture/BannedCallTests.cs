using Aevum.Architecture.Tests.Fixtures;

namespace Aevum.Architecture.Tests;

public sealed class BannedCallTests
{
    static readonly IReadOnlyList<Call> Fixtures = CallScanner.Scan(typeof(BannedCallTests).Assembly.Location);

    static IEnumerable<string> Compiled =>
        ProjectTable.Rules.Select(r => r.Assembly).Where(a => File.Exists(Path.Combine(AppContext.BaseDirectory, a + ".dll")));

    public static TheoryData<string> Assemblies => [.. Compiled];

    public static TheoryData<int> RuleNumbers => [.. Enumerable.Range(0, BannedCall.Rules.Count)];

    [Theory, MemberData(nameof(Assemblies))]
    public void An_assembly_calls_nothing_that_has_another_home(string assembly)
    {
        var violations = CallScanner.Violations(CallScanner.Scan(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"))).Distinct().ToArray();
        Assert.True(violations.Length == 0, string.Join('\n', violations));
    }

    [Fact]
    public void Every_project_is_scanned()
    {
        var projects = Repository.FilesUnder("src/", ".csproj").Select(f => Path.GetFileNameWithoutExtension(f));
        Assert.Equal(ProjectTable.Rules.Where(r => projects.Contains(r.Name)).Select(r => r.Assembly), Compiled);
    }

    // The scan passes today; the following show that it would not pass always.

    [Theory, MemberData(nameof(RuleNumbers))]
    public void Every_rule_is_broken_by_a_fixture(int number)
    {
        var rule = BannedCall.Rules[number];
        var breaches = Fixtures.Where(c => rule.Matches(c.Type, c.Member) && c.Caller.StartsWith(typeof(Violations).FullName!, StringComparison.Ordinal));
        Assert.True(breaches.Any(), $"no method of Fixtures/Violations.cs breaks the rule on {rule}");
        Assert.All(breaches, b => Assert.Contains(rule.Instead, string.Join('\n', CallScanner.Violations([b]))));
    }

    [Theory]
    [InlineData(nameof(HiddenViolations.InALambda))]
    [InlineData(nameof(HiddenViolations.InAnAsyncMethod))]
    [InlineData(nameof(HiddenViolations.InAnIterator))]
    [InlineData(nameof(HiddenViolations.AsAMethodGroup))]
    [InlineData(nameof(HiddenViolations.AfterASwitch))]
    [InlineData(nameof(HiddenViolations.InAGenericMethod))]
    public void A_call_is_found_wherever_it_hides(string method) =>
        Assert.Contains(CallScanner.Violations(Fixtures), v => v.Contains(nameof(HiddenViolations), StringComparison.Ordinal)
            && v.Contains(method, StringComparison.Ordinal));

    [Fact]
    public void What_is_at_home_is_left_alone()
    {
        var atHome = Fixtures.Where(c => c.Space == "Aevum.Core.Scheduling").ToArray();
        Assert.Contains(atHome, c => c is { Type: "System.Threading.Thread", Member: ".ctor" });
        Assert.Empty(CallScanner.Violations(atHome));
    }

    [Fact]
    public void A_namespace_that_only_begins_alike_is_no_home() =>
        Assert.Single(CallScanner.Violations([new("Aevum.Core", "Aevum.Core.SchedulingElsewhere", "T.M", "System.Threading.Thread", ".ctor")]));

    [Fact]
    public void Innocent_code_breaks_nothing()
    {
        var innocent = Fixtures.Where(c => c.Caller.StartsWith(typeof(Innocent).FullName!, StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(innocent);
        Assert.Empty(CallScanner.Violations(innocent));
    }
}
