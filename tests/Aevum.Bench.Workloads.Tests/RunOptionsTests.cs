using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Tests;

public sealed class RunOptionsTests
{
    [Fact]
    public void Options_are_understood()
    {
        var options = RunOptions.Parse(["storage", "--json", "f", "--rows", "put 10k, get disk", "--rounds", "3", "--quick", "--side", "peer"]);
        Assert.Equal("f", options.JsonFile);
        Assert.Equal(["put 10k", "get disk"], options.Rows);
        Assert.Equal(3, options.Rounds);
        Assert.Equal(" (quick)", options.Suffix);
        Assert.Equal(Sides.Peer, options.Sides);
        Assert.Equal("", RunOptions.Parse(["storage"]).Suffix);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("storage --rows put")]
    [InlineData("storage --rounds 0")]
    [InlineData("storage --rounds many")]
    [InlineData("storage --side left")]
    [InlineData("storage --json")]
    [InlineData("storage --loud")]
    public void Mistakes_are_told(string line) =>
        Assert.Throws<BenchException>(() => RunOptions.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void What_is_not_built_yet_is_listed_and_not_run()
    {
        var row = new Row { Name = "later", Scenario = "s", Unit = "us", What = "something", AtLeast = 1, IsBuilt = false };
        var suite = new Suite("x", "w", "p", [], [row, row with { Name = "now", IsBuilt = true }]);
        var options = RunOptions.Parse(["storage"]) with { Suite = suite };
        Assert.False(options.IsWanted(row));
        Assert.False((options with { Rows = ["later"] }).IsWanted(row));
        Assert.True(options.IsWanted(suite.Rows[1]));
        var lines = SuiteList.Write(suite).Split('\n');
        Assert.Contains("(not yet built)", lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain("(not yet built)", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_survives_the_pipe()
    {
        var task = new RoundTask { Scenario = "10m", Step = "a\n\"b", Round = 3, Scale = Scale.Quick, Rows = ["x", "y z"], Directory = "/d" };
        Assert.DoesNotContain('\n', task.ToLine());
        Assert.Equal(task.ToLine(), RoundTask.Parse(task.ToLine()).ToLine());
        Assert.Equal("a\n\"b", RoundTask.Parse(task.ToLine()).Step);
    }

    [Fact]
    public void A_child_answers_a_bad_task_with_an_error_and_goes_on()
    {
        var task = new RoundTask { Scenario = "10m", Round = 1, Scale = Scale.Tiny, Rows = [], Directory = "/d" };
        var output = new StringWriter();
        Assert.Equal(0, ChildLoop.Run("no such engine", new StringReader(task.ToLine() + "\nnot json\n"), output, TextWriter.Null));
        var replies = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(RoundReply.Parse).ToArray();
        Assert.Equal(2, replies.Length);
        Assert.Contains("no such engine", replies[0].Error, StringComparison.Ordinal);
        Assert.NotEmpty(replies[1].Error);
    }
}
