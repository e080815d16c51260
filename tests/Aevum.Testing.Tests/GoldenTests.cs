using Aevum.Core.Errors;

namespace Aevum.Testing.Tests;

public sealed class GoldenTests
{
    readonly List<string> _list = [];

    public static TheoryData<string> Scripts => Golden.Scripts("testdata/golden");

    [Theory, MemberData(nameof(Scripts))]
    public void Script(string path) => Golden.Run(path, Perform);

    string Perform(GoldenStep step)
    {
        switch (step.Name)
        {
            case "add":
                _list.AddRange(step.InputLines);
                return $"{_list.Count} in all";
            case "show":
                var shown = step.Argument("order", "given") == "sorted" ? _list.Order() : _list.AsEnumerable();
                return string.Join(step.Has("spaced") ? "\n\n" : "\n", shown);
            case "clear":
                _list.Clear();
                return "";
            case "fail":
                Throw.Limit("too much of it", step.Argument("by", 3), 2);
                return "";
            case "throw":
                throw new InvalidOperationException("by itself");
            default:
                throw step.Unknown();
        }
    }

    [Fact]
    public void A_difference_fails_and_tells_line_expectation_and_outcome()
    {
        var (_, differences) = Golden.Play("x.txt", "add\na\n----\n2 in all\n\nshow\n----\na\n\nshow\n----\nb\n", Perform, rewrite: false);
        Assert.Equal(2, differences.Count);
        Assert.Equal("x.txt:1: add\nexpected\n    2 in all\nbut was\n    1 in all", differences[0]);
        Assert.StartsWith("x.txt:10: show", differences[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_with_a_difference_throws()
    {
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") return;
        Assert.Contains("but was", Assert.ThrowsAny<Exception>(() => Golden.Run("testdata/golden/list.txt", _ => "something else")).Message);
    }

    [Fact]
    public void Rewriting_fills_in_outputs_and_keeps_the_rest()
    {
        const string before = "# first\n\nadd   x=1\na\nb\n\n\n# second\nshow\n----\nwrong\n# no comment: still output\n\nshow spaced\n----\n";
        const string after = "# first\n\nadd   x=1\na\nb\n----\n2 in all\n\n\n# second\nshow\n----\na\nb\n\nshow spaced\n----\n----\na\n\nb\n----\n----\n";
        Assert.Equal(after, Golden.Play("x.txt", before, Perform, rewrite: true).Text);
        _list.Clear();
        var again = Golden.Play("x.txt", after, Perform, rewrite: true);
        Assert.Equal(after, again.Text);
        Assert.Empty(again.Differences);
    }

    [Fact]
    public void Output_that_looks_like_dashes_survives_the_round()
    {
        var text = Golden.Play("x.txt", "say\n", _ => "one\n----\ntwo", rewrite: true).Text;
        Assert.Empty(Golden.Play("x.txt", text, _ => "one\n----\ntwo", rewrite: false).Differences);
    }

    [Theory]
    [InlineData("", "has no step")]
    [InlineData("# only a comment\n", "has no step")]
    [InlineData("show\n", "x.txt:1: the step has no line of dashes")]
    [InlineData("\n----\nout\n", "x.txt:2: dashes without a step")]
    [InlineData("show\n----\n----\nnever closed\n", "never closed")]
    [InlineData("dance\n----\n", "no step is called 'dance'")]
    [InlineData("fail by=much\n----\n", "by=much is not a number")]
    public void A_malformed_script_is_an_error(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Golden.Play("x.txt", text, Perform, rewrite: false)).Message);

    [Fact]
    public void An_exception_that_is_none_of_ours_fails_and_tells_the_line() =>
        Assert.Contains("x.txt:3: throw threw InvalidOperationException: by itself",
            Assert.Throws<InvalidOperationException>(() => Golden.Play("x.txt", "\n\nthrow\n----\n", Perform, rewrite: false)).Message);

    [Fact]
    public void A_folder_without_scripts_is_an_error() => Assert.Throws<InvalidOperationException>(() => Golden.Scripts("testdata/nothing-here"));
}
