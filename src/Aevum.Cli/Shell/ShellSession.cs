// ShellSession: one person's (or script's) dealings with a store: the moment they look at, the moments they named, and the commands.
//
//   line -> words (ByteText) -> ShellVerb (by name) -> its action, which prints to Out, or throws: the line then failed
//
// Always true: reads see the moment chosen by asof, or everything; writes are refused while a past moment is looked at, so that nobody takes
// the past for the present. A failed line changes nothing and ends nothing.
//
// To add a command: a ShellVerb in ReadVerbs or WriteVerbs, and a line in docs/cli.md.

using System.Text;
using Aevum.Cli.Stores;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Cli.Shell;

/// <summary>One command of the shell.</summary>
/// <param name="Usage">Its name and arguments, as help shows them: [X] may be left out, X... may be several.</param>
/// <param name="Meaning">For help.</param>
/// <param name="Run">Given the arguments, of a right number.</param>
sealed record ShellVerb(string Usage, string Meaning, Action<ShellSession, IReadOnlyList<byte[]>> Run)
{
    readonly string[] _parts = Usage.Split(' ');

    public string Name => _parts[0];

    public bool Takes(int count)
    {
        var needed = _parts.Skip(1).Count(p => p[0] != '[');
        return count >= needed && (count < _parts.Length || Usage.EndsWith("...", StringComparison.Ordinal));
    }
}

sealed class ShellSession(Store store, Terminal terminal)
{
    static readonly ShellVerb[] Verbs =
    [
        .. ReadVerbs.All,
        .. WriteVerbs.All,
        new("help", "this list", (session, _) => session.Help()),
        new("quit", "leave (also: exit, or the end of input)", (session, _) => session.IsOver = true),
    ];

    readonly Dictionary<string, SystemTime> _marks = [];

    public Store Store => store;

    public Tree Tree => store.Tree;

    public Terminal Terminal => terminal;

    public TextWriter Out => terminal.Out;

    public bool IsOver { get; private set; }

    /// <summary>The past moment looked at; null: the present.</summary>
    public SystemTime? AsOf { get; set; }

    public IDictionary<string, SystemTime> Marks => _marks;

    public ReadPoint ReadPoint => AsOf is { } moment ? ReadPoint.AsOf(moment) : ReadPoint.LatestAt(store.Now());

    public string Prompt => AsOf is { } moment ? $"aevum (as of {SystemTimeText.ToRfc3339(moment)})> " : "aevum> ";

    /// <summary>Runs one line. An empty one and a comment (#) do nothing.</summary>
    /// <returns>False if it failed; why was printed.</returns>
    public bool Run(string line)
    {
        try
        {
            if (line.AsSpan().TrimStart().StartsWith("#")) return true;
            var words = ByteText.SplitWords(line);
            if (words.Count == 0) return true;
            var name = Encoding.UTF8.GetString(words[0]);
            if (name == "exit") name = "quit";
            var verb = Array.Find(Verbs, v => v.Name == name);
            if (verb is null) Throw.Invalid($"no command {ByteText.OfKey(words[0])}; 'help' lists them");
            if (!verb!.Takes(words.Count - 1)) Throw.Invalid($"usage: {verb.Usage}");
            verb.Run(this, words[1..]);
            return true;
        }
        catch (AevumException failure)
        {
            Out.Flush();
            terminal.Error.WriteLine(terminal.Paint(Tone.Bad, failure.Message));
            return false;
        }
    }

    /// <exception cref="AevumException">InvalidArgument: a past moment is looked at.</exception>
    public void RequirePresent()
    {
        if (AsOf is not null) Throw.Invalid("you look at the past, which cannot be written; 'asof now' comes back");
    }

    void Help()
    {
        foreach (var verb in Verbs) Out.WriteLine($"  {verb.Usage,-22} {terminal.Paint(Tone.Quiet, verb.Meaning)}");
        Out.WriteLine();
        Out.WriteLine("Words are separated by blanks; \"...\" holds any, with \\\" \\\\ \\t \\n \\r \\xNN in it. A line with # in front is a comment.");
        Out.WriteLine("Times: 2026-03-01T12:00:00Z (all of that microsecond), 2026-03-01T12:00:00.000000Z+5 (with counter), or the 64 bits as a number.");
    }
}
