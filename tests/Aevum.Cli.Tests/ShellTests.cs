using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed class ShellTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Values_are_written_read_overwritten_and_deleted_and_their_history_stays_through_a_compaction()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var result = _world.Shell(
            "s", "put k one", "mark first", "put k two words", "delete k", "history k", "compact", "history k",
            "asof first", "get k", "asof now", "put k again", "get k");
        Assert.Equal("", result.Error);
        Assert.Equal(
            """
            written at <time>
            first = <time>
            written at <time>
            deleted at <time>
            <time>  deleted
            <time>  two words
            <time>  one
            compacted
            <time>  deleted
            <time>  two words
            <time>  one
            as of <time>
            one
            as of now
            written at <time>
            again

            """, CliWorld.WithoutTimes(result.Out));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("again\n", _world.Shell("s", "get k").Out);
    }

    [Fact]
    public void The_time_a_write_printed_names_it_in_asof()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var time = _world.Shell("s", "put k one").Out.Split(' ')[^1].Trim();
        var result = _world.Shell("s", "put k two", $"asof {time}", "get k", "history k", "scan k");
        Assert.Equal($"as of {time}\none\n{time}  one\nk = one\n", result.Out[(result.Out.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
        var before = _world.Shell("s", "asof 1", "scan \"\"");
        Assert.Contains("no keys", before.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scan_takes_a_prefix_and_a_limit()
    {
        CliWorld.Run("put a/1 x\nput a/2 y\nput a/3 z\nput b w\n", "shell", _world.PathOf("s"), "--create");
        Assert.Equal("a/1 = x\na/2 = y\na/3 = z\n", _world.Shell("s", "scan a/").Out);
        Assert.Equal("a/1 = x\na/2 = y\n... and more (LIMIT is 2)\n", _world.Shell("s", "scan a/ 2").Out);
        Assert.Equal("a/1 = x\na/2 = y\na/3 = z\n", _world.Shell("s", "scan a/ 3").Out);
        Assert.Equal("no keys\n", _world.Shell("s", "scan q").Out);
        Assert.Equal(4, _world.Shell("s", "scan \"\"").Lines.Length);
    }

    [Theory]
    [InlineData("get", "usage: get KEY")]
    [InlineData("get nothing", "no value: nothing")]
    [InlineData("put k", "usage: put KEY VALUE...")]
    [InlineData("scan a 0", "no limit")]
    [InlineData("scan a b c", "usage: scan PREFIX [LIMIT]")]
    [InlineData("fly", "no command fly")]
    [InlineData("put \"k v", "a quote is not closed")]
    [InlineData("put \"\\q\" v", "is no escape")]
    [InlineData("asof yesterday", "is no system time")]
    [InlineData("asof 2250-01-01T00:00:00Z", "lies in the future")]
    [InlineData("mark now", "cannot be a mark's name")]
    public void A_command_that_fails_says_why_and_the_others_go_on(string line, string why)
    {
        var store = _world.MakeStore("s");
        var result = CliWorld.Run($"{line}\nget a\n", "shell", store);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
        Assert.EndsWith("3\n", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
    }

    [Fact]
    public void The_past_cannot_be_written()
    {
        var store = _world.MakeStore("s");
        var result = CliWorld.Run("mark m\nasof m\nput a 9\ndelete a\nasof now\nget a\n", "shell", store);
        Assert.Equal(2, result.Error.Split("which cannot be written").Length - 1);
        Assert.EndsWith("3\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_lines_comments_and_what_follows_quit_do_nothing() =>
        Assert.Equal("3\n", CliWorld.Run("\n  \n# get c\nget a\nquit\nget c\n", "shell", _world.MakeStore("s")).Out);

    [Fact]
    public void Help_lists_every_command_and_stats_tell_levels()
    {
        var store = _world.MakeStore("s");
        var help = CliWorld.Run("help", "shell", store).Out;
        foreach (var verb in (string[])["get", "put", "delete", "scan", "history", "asof", "mark", "stats", "flush", "compact", "help", "quit"])
            Assert.Contains($"  {verb} ", help, StringComparison.Ordinal);
        Assert.Contains("level 0", CliWorld.Run("stats", "shell", store).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_store_is_refused_and_left_alone()
    {
        Assert.Equal(ExitCodes.CouldNotRun, _world.Shell("nowhere", "get a").ExitCode);
        Assert.False(Directory.Exists(_world.PathOf("nowhere")));
        Directory.CreateDirectory(_world.PathOf("empty"));
        Assert.Contains("holds no store", _world.Shell("empty", "get a").Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_world.PathOf("empty")));
    }

    [Fact]
    public void A_store_in_use_is_refused_with_its_holder()
    {
        var store = _world.MakeStore("s");
        using var held = new Core.Files.DiskFileSystem().Lock(Path.Combine(store, "LOCK"), "a test");
        var result = CliWorld.Run("get a", "shell", store);
        Assert.Equal(ExitCodes.CouldNotRun, result.ExitCode);
        Assert.Contains("a test", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void As_a_process_it_reads_a_pipe_without_a_prompt_and_tells_failure_by_its_exit_code()
    {
        var store = _world.MakeStore("s");
        Assert.Equal(new CliResult(0, "3\n", ""), _world.Start("get a\n", "shell", store));
        Assert.Equal(new CliResult(1, "3\n", "no value: nothing\n"), _world.Start("get nothing\nget a\n", "shell", store));
        Assert.Equal(ExitCodes.Usage, _world.Start("", "fly").ExitCode);
        Assert.Equal(ExitCodes.CouldNotRun, _world.Start("", "shell", "nowhere").ExitCode);
    }

    [Theory, Seeds(20)]
    public void What_is_shown_for_a_key_can_be_typed_and_shows_no_control_character(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < 200; i++)
        {
            var key = new byte[random.Next(1, 12)];
            random.Fill(key);
            if (random.OneIn(2)) key = Encoding.UTF8.GetBytes(new string([.. key.Select(b => (char)b)]));
            var shown = ByteText.OfKey(key);
            Assert.Equal(key, Assert.Single(ByteText.SplitWords(shown)));
            Assert.DoesNotContain(shown + ByteText.OfValue(key), char.IsControl);
        }
        Assert.Equal("\"\"", ByteText.OfKey([]));
    }

    [Fact]
    public void Colours_are_off_where_NO_COLOR_or_a_dumb_terminal_says_so()
    {
        Assert.True(Terminal.WantsColor(_ => null));
        Assert.False(Terminal.WantsColor(name => name == "NO_COLOR" ? "1" : null));
        Assert.False(Terminal.WantsColor(name => name == "TERM" ? "dumb" : null));
        Assert.Equal("x", new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null).Paint(Tone.Bad, "x"));
        Assert.Equal("\e[31mx\e[0m", new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null) { UsesColor = true }.Paint(Tone.Bad, "x"));
    }

    [Fact]
    public void An_interactive_shell_prompts_and_ends_well_whatever_failed()
    {
        var store = _world.MakeStore("s");
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader("get nothing\nmark m\nasof m\n"), output, error) { IsInputInteractive = true };
        Assert.Equal(0, CommandLine.Run(["shell", store], terminal));
        Assert.Contains("aevum> ", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("aevum (as of <time>)> ", CliWorld.WithoutTimes(output.ToString()), StringComparison.Ordinal);
    }
}
