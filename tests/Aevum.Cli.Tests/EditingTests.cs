// The line editor, key by key. Keys are written as in its essay: ^A with control, M-b with alt, <left> and the like by name, else themselves.

using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Cli.Editing;
using Aevum.Cli.Terminals;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed partial class EditingTests : IDisposable
{
    static readonly string[] Lines = ["get one", "put two 2"];

    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("abc", "abc|")]
    [InlineData("abc^Ax", "x|abc")]
    [InlineData("abc^A^Ex", "abcx|")]
    [InlineData("abc<left><left>x<right>y", "axby|c")]
    [InlineData("abc^Bx^Fy", "abxcy|")]
    [InlineData("abc<back>", "ab|")]
    [InlineData("abc^A<back>", "|abc")]
    [InlineData("abc^A<del>^D", "|c")]
    [InlineData("one two three M-bM-bx", "one x|two three ")]
    [InlineData("one two^AM-fx", "onex| two")]
    [InlineData("one two^AM-d", "| two")]
    [InlineData("one two^W^Y^Y", "one twotwo|")]
    [InlineData("one two<home>^K^Y", "one two|")]
    [InlineData("one two<left><left>^U", "|wo")]
    [InlineData("ab^T", "ba|")]
    [InlineData("abc<left>^T", "acb|")]
    [InlineData("a^T", "a|")]
    [InlineData("<up>", "put two 2|")]
    [InlineData("<up><up><up>", "get one|")]
    [InlineData("half<up><up><down><down>x", "halfx|")]
    [InlineData("^P^Nmore", "more|")]
    [InlineData("x^G<esc>y", "xy|")]
    public void Keys_do_what_they_do_in_any_shell(string keys, string expected)
    {
        var line = new LineBuffer(Lines);
        foreach (var key in Keys(keys)) Assert.Equal(KeyOutcome.More, line.Press(key));
        Assert.Equal(expected, line.Text.Insert(line.Cursor, "|"));
    }

    [Theory]
    [InlineData("<enter>", KeyOutcome.Line)]
    [InlineData("^J", KeyOutcome.Line)]
    [InlineData("^D", KeyOutcome.EndOfInput)]
    [InlineData("^C", KeyOutcome.GiveUp)]
    [InlineData("^L", KeyOutcome.ClearScreen)]
    [InlineData("<tab>", KeyOutcome.Complete)]
    public void Some_keys_are_for_others(string keys, object outcome) => Assert.Equal(outcome, new LineBuffer(Lines).Press(Keys(keys).Single()));

    [Fact]
    public void A_character_of_several_parts_is_one()
    {
        var line = new LineBuffer([]);
        foreach (var c in "xe\u0301\ud83d\ude00") line.Press(Key(c));
        line.Press(Keys("<left>").Single());
        Assert.Equal(3, line.Cursor);
        line.Press(Keys("<left>").Single());
        Assert.Equal(1, line.Cursor);
        line.Press(Keys("<del>").Single());
        Assert.Equal("x\ud83d\ude00", line.Text);
        line.Press(Keys("^E").Single());
        line.Press(Keys("<back>").Single());
        Assert.Equal("x", line.Text);
    }

    [Theory, Seeds(30)]
    public void Whatever_is_pressed_the_cursor_stands_between_characters_and_the_view_fits(ulong seed)
    {
        var random = new SeededRandom(seed);
        var line = new LineBuffer(["one", "zw\u00f6lf \ud83d\ude00 \u6f22\u5b57", "e\u0301e\u0301"]);
        for (var i = 0; i < 400; i++)
        {
            var modifiers = random.OneIn(3) ? (ConsoleModifiers)random.Next(8) : 0;
            var character = random.OneIn(2) ? "ab \u0301\ud83d\ude00\u6f22"[random.Next(7)] : (char)random.Next(0x300);
            var (alt, control) = ((modifiers & ConsoleModifiers.Alt) != 0, (modifiers & ConsoleModifiers.Control) != 0);
            line.Press(new ConsoleKeyInfo(character, (ConsoleKey)random.Next(255), false, alt, control));
            Assert.InRange(line.Cursor, 0, line.Text.Length);
            Assert.DoesNotContain(line.Text, char.IsControl);
            var starts = StringInfo.ParseCombiningCharacters(line.Text);
            Assert.True(line.Cursor == line.Text.Length || starts.Contains(line.Cursor));
            var width = random.Next(20, 60);
            var view = LineView.Of("aevum> ", line.Text, line.Cursor, width);
            Assert.Contains(view.Text, line.Text, StringComparison.Ordinal);
            Assert.InRange(view.Column, 7, width - 1);
            Assert.InRange(7 + LineView.CellsOf(view.Text), 7, width - 1);
        }
    }

    [Fact]
    public void A_long_line_is_moved_so_that_the_cursor_is_seen()
    {
        var text = string.Concat(Enumerable.Range(0, 50).Select(i => (char)('a' + (i % 26))));
        Assert.Equal(new LineView(text[..12], 7), LineView.Of("aevum> ", text, 0, 20));
        Assert.Equal(new LineView(text[^12..], 19), LineView.Of("aevum> ", text, 50, 20));
        Assert.Equal(4, LineView.CellsOf("\u6f22\u5b57"));
        Assert.Equal(1, LineView.CellsOf("e\u0301"));
    }

    [Fact]
    public void Words_are_completed_as_far_as_they_agree()
    {
        Assert.Equal("get ", Typed("ge<tab>"));
        Assert.Equal("d", Typed("d<tab><tab>"));
        Assert.Equal("delete", Typed("del<tab>"));
        Assert.Equal("get word/", Typed("get w<tab>"));
        Assert.Equal("get word/dog ", Typed("get word/d<tab>"));
        Assert.Equal("get \"two words\" ", Typed("get \"tw<tab>"));
        Assert.Equal("use facts ", Typed("use f<tab>"));
        Assert.Equal("begin repeatable-read ", Typed("begin rep<tab>"));
        Assert.Equal("get nothing", Typed("get nothing<tab>"));
        Assert.Equal("put k ", Typed("put k <tab>"));
    }

    string Typed(string keys)
    {
        if (!Directory.Exists(_world.PathOf("s")))
            CliWorld.Run("put word/cat 1\nput word/dog 2\nput \"two words\" 3\nput k 4\ncreate facts\n", "shell", _world.PathOf("s"), "--create");
        // The line is given up as a comment would be: it is looked at, and never run.
        var (output, _) = Play(keys + "^A# <enter>", _world.PathOf("s"));
        var shown = output.Split('\r').Where(r => r.Contains("# ", StringComparison.Ordinal)).Last();
        return Escapes().Replace(shown[shown.IndexOf("# ", StringComparison.Ordinal)..], "")[2..].TrimEnd('\n');
    }

    [Fact]
    public void A_session_is_typed_completed_listed_and_recalled()
    {
        var store = _world.MakeStore("s");
        var (output, error) = Play("get a<enter>x^C<up><back>c<enter>us<tab>d<tab>^C^Dnothing", store);
        Assert.Equal("", error);
        var plain = Escapes().Replace(output, "");
        Assert.Contains("\n3\n", plain, StringComparison.Ordinal);
        Assert.Contains("^C\n", plain, StringComparison.Ordinal);
        Assert.Contains("\n4\n", plain, StringComparison.Ordinal);
        Assert.Contains("use default ", plain, StringComparison.Ordinal);
    }

    static (string Out, string Error) Play(string keys, string store)
    {
        var queue = new Queue<ConsoleKeyInfo>(Keys(keys));
        using var output = new StringWriter();
        using var error = new StringWriter();
        var before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", Path.Combine(store, "..", "state"));
        try
        {
            var terminal = new Terminal(TextReader.Null, output, error)
            {
                IsInputInteractive = true,
                ReadKey = () => queue.TryDequeue(out var key) ? key : Keys(IsEmpty(output) ? "^D" : "^C").Single(),
            };
            Assert.Equal(0, CommandLine.Run(["shell", store], terminal));
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", before);
        }
        return (output.ToString(), error.ToString());
    }

    // A prompt with nothing behind it was drawn last.
    static bool IsEmpty(StringWriter screen) => screen.ToString().Split('\r')[^2] is var row && row.EndsWith("> \e[K", StringComparison.Ordinal);

    [Fact]
    public void The_history_is_the_owners_alone_and_survives()
    {
        var path = Path.Combine(_world.Folder, "state", "aevum", "shell_history");
        var history = new LineHistory(path);
        foreach (var line in (string[])["get a", "get a", " put secret", "", "get b"]) history.Add(line);
        Assert.Equal(["get a", "get b"], history.Lines);
        Assert.Equal(["get a", "get b"], new LineHistory(path).Lines);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        // A place that cannot be written is no reason to fail.
        var nowhere = new LineHistory(Path.Combine(path, "below", "a", "file"));
        nowhere.Add("get a");
        Assert.Equal(["get a"], nowhere.Lines);
        Assert.Null(LineHistory.PathFor(_ => null));
        if (!OperatingSystem.IsWindows())
            Assert.Equal("/h/.local/state/aevum/shell_history", LineHistory.PathFor(name => name == "HOME" ? "/h" : null));
    }

    static ConsoleKeyInfo Key(char c) => new(c, char.IsAsciiLetter(c) ? (ConsoleKey)char.ToUpperInvariant(c) : ConsoleKey.None, false, false, false);

    static IEnumerable<ConsoleKeyInfo> Keys(string text)
    {
        foreach (Match match in KeyNames().Matches(text))
        {
            var name = match.Value;
            if (name.Length == 2 && name[0] == '^') yield return new ConsoleKeyInfo((char)(name[1] - '@'), (ConsoleKey)name[1], false, false, true);
            else if (name.StartsWith("M-", StringComparison.Ordinal))
                yield return new ConsoleKeyInfo(name[2], (ConsoleKey)char.ToUpperInvariant(name[2]), false, true, false);
            else if (name.Length > 1) yield return new ConsoleKeyInfo('\0', Named(name), false, false, false);
            else yield return Key(name[0]);
        }
    }

    static ConsoleKey Named(string name) => name switch
    {
        "<left>" => ConsoleKey.LeftArrow,
        "<right>" => ConsoleKey.RightArrow,
        "<up>" => ConsoleKey.UpArrow,
        "<down>" => ConsoleKey.DownArrow,
        "<home>" => ConsoleKey.Home,
        "<back>" => ConsoleKey.Backspace,
        "<del>" => ConsoleKey.Delete,
        "<tab>" => ConsoleKey.Tab,
        "<enter>" => ConsoleKey.Enter,
        _ => ConsoleKey.Escape,
    };

    [GeneratedRegex(@"\^[A-Z]|M-[a-z]|<[a-z]+>|.", RegexOptions.Singleline)]
    private static partial Regex KeyNames();

    [GeneratedRegex(@"\e\[[0-9]*[A-Z]")]
    private static partial Regex Escapes();
}
