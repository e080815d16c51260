using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed class ShellTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Values_are_written_read_overwritten_and_deleted_and_their_history_stays()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var result = _world.Shell(
            "s", "put k one", "mark first", "note actor=ann \"source=a talk\"", "put k two words", "note off", "delete k", "delete k", "history k", "flush",
            "asof first", "get k", "asof now", "put k again", "get k", "diff first", "diff first now");
        Assert.Equal("", result.Error);
        Assert.Equal(
            """
            written at <time>
            first = <time>
            actor=ann source="a talk"
            written at <time>
            no note
            deleted
            there was nothing
            <time>  deleted
            <time>  two words  (by ann, source a talk)
            <time>  one
            flushed
            as of <time>
            one
            as of now
            written at <time>
            again
            ~ k = again  (was one)
            ~ k = again  (was one)

            """, CliWorld.WithoutTimes(result.Out));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("again\n", _world.Shell("s", "get k").Out);
    }

    [Fact]
    public void Numbers_are_added_to_and_versions_compared_and_keys_expire()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var result = _world.Shell(
            "s", "incr n", "incr n 41", "incr n -2", "put --ttl 30d k v", "ttl n", "ttl k", "expire k never",
            "ttl k", "expire k 1ms", "cas new none 1");
        var lines = result.Lines;
        Assert.Equal(["1", "42", "40"], lines[..3]);
        Assert.Equal("for ever", lines[4]);
        Assert.Matches(@"^(2591999\.\d{3}|2592000\.000) s$", lines[5]);
        Assert.Equal(["done", "for ever", "done"], lines[6..9]);
        var version = lines[9].Split(' ')[^1];
        Assert.Equal(["2"], _world.Shell("s", $"cas new {version} 2", "get new").Lines[1..]);
        var late = _world.Shell("s", $"cas new {version} 3", "cas nothing now 1", "get new");
        Assert.Contains("the key has the version", late.Error, StringComparison.Ordinal);
        Assert.Contains("the key holds nothing", late.Error, StringComparison.Ordinal);
        Assert.Equal("2\n", late.Out);
    }

    [Fact]
    public void Keyspaces_are_made_used_and_dropped_and_what_destroys_is_refused_without_a_yes()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var result = _world.Shell(
            "s", "create facts", "create short 30d", "use facts", "put a/1 x", "put a/2 y", "put b z", "use default", "scan \"\"", "keyspaces");
        Assert.Equal(["no keys", "default  history forever", "facts  history forever", "short  history 30.00:00:00"], result.Lines[7..]);
        var refused = _world.Shell("s", "use facts", "delete-prefix a/", "clear", "drop facts", "scan \"\"");
        Assert.Equal(3, refused.Error.Split("nobody can be asked").Length - 1);
        Assert.Equal(ExitCodes.Problems, refused.ExitCode);
        Assert.Equal(4, refused.Lines.Length);
        const string lines = "mark m\nuse facts\ndelete-prefix a/\nscan \"\"\nclear\ndrop facts\nkeyspaces\nasof m\nkeyspaces\n";
        var done = CliWorld.Run(lines, "shell", _world.PathOf("s"), "--yes");
        Assert.Equal(["2 keys deleted", "b = z", "1 keys deleted", "dropped facts", "default  history forever"], done.Lines[2..7]);
        Assert.Contains("facts  history forever", done.Lines[8..]);
    }

    [Fact]
    public void At_a_terminal_what_destroys_is_asked_about()
    {
        var store = _world.MakeStore("s");
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader("clear\nno\nget a\nclear\nyes\nget a\n"), output, error) { IsInputInteractive = true };
        Assert.Equal(0, CommandLine.Run(["shell", store], terminal));
        Assert.Contains("delete all keys of default? Type yes to go on: ", output.ToString(), StringComparison.Ordinal);
        Assert.Equal("nothing was done\nno value: a\n", error.ToString());
        Assert.Contains("2 keys deleted", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_transaction_is_one_commit_over_keyspaces_or_nothing()
    {
        CliWorld.Run("create other\nput a 1\n", "shell", _world.PathOf("s"), "--create");
        var result = _world.Shell(
            "s", "begin", "put a 2", "incr n 5", "use other", "put b 3", "scan \"\"", "use default", "get a", "clear", "rollback", "get a",
            "begin repeatable-read", "put a 4", "delete n", "use other", "put b 5", "commit", "get b", "commit", "begin", "commit");
        Assert.Equal(
            """
            begun
            to be committed
            5
            using other
            to be committed
            b = 3
            using default
            2
            rolled back
            1
            begun
            to be committed
            to be committed
            using other
            to be committed
            committed at <time>
            5
            begun
            nothing was to be written

            """, CliWorld.WithoutTimes(result.Out));
        Assert.Equal("this cannot be part of a transaction; 'commit' or 'rollback' first\nno transaction is open; 'begin' opens one\n", result.Error);
        var left = _world.Shell("s", "begin", "put a 9");
        Assert.Contains("given up", left.Error, StringComparison.Ordinal);
        Assert.Equal((ExitCodes.Problems, "4\n"), (left.ExitCode, _world.Shell("s", "get a").Out));
    }

    [Fact]
    public void With_JSON_every_answer_is_an_object_and_failures_are_too()
    {
        var store = _world.MakeStore("s");
        var result = CliWorld.Run(
            "get a\nget nothing\nscan \"\" 1\nhistory b\nput \"\\xff\" 1\nscan \"\\xff\"\nstats\nkeyspaces\nhelp\nincr n\n", "shell", store, "--json");
        Assert.Equal((ExitCodes.Problems, ""), (result.ExitCode, result.Error));
        var answers = result.Lines.Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal("3", answers[0].GetProperty("value").GetString());
        Assert.True(ulong.Parse(answers[0].GetProperty("time").GetString()!) > 0);
        Assert.Equal("NotFound", answers[1].GetProperty("error").GetString());
        Assert.Equal("a", answers[2].GetProperty("key").GetString());
        Assert.Equal("deleted", answers[3].GetProperty("change").GetString());
        Assert.Equal("/w==", answers[6].GetProperty("key64").GetString());
        Assert.Equal("1", answers[^1].GetProperty("sum").GetString());
    }

    [Fact]
    public void The_time_a_write_printed_names_it_in_asof()
    {
        CliWorld.Run("", "shell", _world.PathOf("s"), "--create");
        var time = _world.Shell("s", "put k one").Out.Split(' ')[^1].Trim();
        var result = _world.Shell("s", "put k two", $"asof {time}", "get k", "history k", "scan k");
        Assert.Equal($"as of {time}\none\n{time}  one\nk = one\n", result.Out[(result.Out.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
        var before = _world.Shell("s", "asof 1", "scan \"\"");
        Assert.Contains("was not there at that moment", before.Error, StringComparison.Ordinal);
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
    [InlineData("put k", "usage: put [--ttl TIME] KEY VALUE...")]
    [InlineData("put --ttl 3 k v", "is no duration")]
    [InlineData("incr a x", "no whole number")]
    [InlineData("use nowhere", "there is no keyspace")]
    [InlineData("note colour=red", "a note has no 'colour'")]
    [InlineData("begin chaos", "no isolation")]
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
        foreach (var verb in (string[])["get", "put", "delete", "scan", "history", "asof", "mark", "stats", "flush",
            "incr", "cas", "ttl", "expire", "diff", "note", "keyspaces", "use", "create", "drop", "clear", "delete-prefix",
            "begin", "commit", "rollback", "help", "quit"])
            Assert.Contains($"  {verb} ", help, StringComparison.Ordinal);
        Assert.Contains("level 0", CliWorld.Run("stats", "shell", store).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_database_is_refused_and_left_alone()
    {
        Assert.Equal(ExitCodes.CouldNotRun, _world.Shell("nowhere", "get a").ExitCode);
        Assert.False(Directory.Exists(_world.PathOf("nowhere")));
        Directory.CreateDirectory(_world.PathOf("empty"));
        Assert.Contains("holds no database", _world.Shell("empty", "get a").Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_world.PathOf("empty")));
    }

    [Fact]
    public void A_database_in_use_is_refused_with_its_holder()
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
