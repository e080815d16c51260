// ShellSession: one person's (or script's) dealings with a database: the keyspace in use, the moment looked at, the transaction that is open, the
// moments that have names, and the commands.
//
//   line -> words (ByteText) -> ShellVerb (by name) -> its action, which says something (Say), or throws: the line then failed
//
// Always true: reads see the moment chosen by asof, the open transaction, or the present; writes are refused while a past moment is looked at, so
// that nobody takes the past for the present; what destroys is asked about first, or refused where nobody can be asked (Confirm). A failed line changes
// nothing and ends nothing, except that a transaction may be over, which is then said.
//
// What is said is text for people, or with --json one object a line. To add a command: a ShellVerb in one of the lists, and a line in docs/cli.md.

using System.Text;
using System.Text.Json;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Cli.Shell;

sealed class ShellSession : IDisposable
{
    static readonly ShellVerb[] Verbs =
    [
        .. ReadVerbs.All,
        .. WriteVerbs.All,
        .. TransactionVerbs.All,
        .. KeyspaceVerbs.All,
        new("help", "this list", (session, _) => session.Help()),
        new("quit", "leave (also: exit, or the end of input)", (session, _) => session.IsOver = true),
    ];

    readonly OpenedDatabase _opened;
    readonly bool _json;
    readonly bool _yes;
    readonly Dictionary<string, SystemTime> _marks = [];
    Session? _past;
    string? _keyspace;

    public ShellSession(OpenedDatabase opened, Terminal terminal, bool json = false, bool yes = false)
    {
        _opened = opened;
        _json = json;
        _yes = yes;
        Terminal = terminal;
    }

    public static IEnumerable<string> VerbNames => Verbs.Select(v => v.Name);

    public Terminal Terminal { get; }

    public Database Database => _opened.Database;

    /// <summary>Sees the present, and writes.</summary>
    public Session Present => _opened.Session;

    /// <summary>Sees what is looked at.</summary>
    public Session View => _past ?? _opened.Session;

    /// <summary>The keyspace in use, at what is looked at.</summary>
    public Keyspace Keyspace => _keyspace is null ? View.Default : View.Keyspace(_keyspace);

    /// <summary>The open transaction; null: none is.</summary>
    public Transaction? Transaction { get; set; }

    public bool IsOver { get; private set; }

    /// <summary>The past moment looked at; null: the present.</summary>
    public SystemTime? AsOf => _past?.Moment;

    public IDictionary<string, SystemTime> Marks => _marks;

    public string Prompt
    {
        get
        {
            var moment = AsOf is { } at ? $" (as of {SystemTimeText.ToRfc3339(at)})" : "";
            return $"aevum{(_keyspace is null ? "" : ":" + ByteText.OfKey(Encoding.UTF8.GetBytes(_keyspace)))}{(Transaction is null ? "" : "*")}{moment}> ";
        }
    }

    /// <exception cref="AevumException">InvalidArgument: it lies in the future.</exception>
    public void LookAt(SystemTime? moment)
    {
        var past = moment is { } at ? Present.AsOf(at) : null;
        _past?.Dispose();
        _past = past;
    }

    /// <exception cref="AevumException">NotFound.</exception>
    public void Use(string name)
    {
        _ = View.Keyspace(name);
        _keyspace = name == View.Default.Name ? null : name;
    }

    public void LeaveKeyspace(string name)
    {
        if (_keyspace == name) _keyspace = null;
    }

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
            Fail(failure);
            return false;
        }
    }

    void Fail(AevumException failure)
    {
        var message = failure.Message;
        if (Transaction is { IsOpen: false })
        {
            Transaction = null;
            message += " (the transaction is over; nothing of it was written)";
        }
        if (_json)
        {
            SayJson(json =>
            {
                json.WriteString("error", failure.Code.ToString());
                json.WriteString("message", message);
            });
            return;
        }
        Terminal.Out.Flush();
        Terminal.Error.WriteLine(Terminal.Paint(Tone.Bad, message));
    }

    // ------------------------------------------------------------------------------------------------ for verbs

    /// <summary>One thing told: a line of text, or an object.</summary>
    public void Say(string text, Action<Utf8JsonWriter> json)
    {
        if (_json) SayJson(json);
        else Terminal.Out.WriteLine(text);
    }

    /// <summary>Something longer: printed as text, or made into one line of JSON.</summary>
    public void Tell(Action text, Func<string> json)
    {
        if (_json) Terminal.Out.WriteLine(json());
        else text();
    }

    /// <summary>Something for people only.</summary>
    public void SayQuietly(string text)
    {
        if (!_json) Terminal.Out.WriteLine(Terminal.Paint(Tone.Quiet, text));
    }

    void SayJson(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, JsonOptions.Lines))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        Terminal.Out.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    /// <exception cref="AevumException">InvalidArgument: a past moment is looked at.</exception>
    public void RequirePresent()
    {
        if (AsOf is not null) Throw.Invalid("you look at the past, which cannot be written; 'asof now' comes back");
    }

    /// <exception cref="AevumException">InvalidArgument: a transaction is open, or a past moment is looked at.</exception>
    public void RequireNoTransaction()
    {
        RequirePresent();
        if (Transaction is not null) Throw.Invalid("this cannot be part of a transaction; 'commit' or 'rollback' first");
    }

    /// <summary>Asks before something is destroyed.</summary>
    /// <exception cref="AevumException">InvalidArgument: the answer was no, or nobody can be asked.</exception>
    public void Confirm(string what)
    {
        if (!_yes) Terminal.Confirm(what, "'aevum shell --yes'");
    }

    void Help()
    {
        foreach (var verb in Verbs)
            Say($"  {verb.Usage,-36} {Terminal.Paint(Tone.Quiet, verb.Meaning)}", json =>
            {
                json.WriteString("usage", verb.Usage);
                json.WriteString("meaning", verb.Meaning);
            });
        SayQuietly("");
        SayQuietly("Words are separated by blanks; \"...\" holds any, with \\\" \\\\ \\t \\n \\r \\xNN in it. A line with # in front is a comment.");
        SayQuietly("Times: 2026-03-01T12:00:00Z (all of that microsecond), 2026-03-01T12:00:00.000000Z+5 (with counter), or the 64 bits as a number.");
        SayQuietly("Durations: 500ms 10s 5m 2h 30d.");
    }

    public void Dispose()
    {
        Transaction?.Dispose();
        _past?.Dispose();
    }
}
