// ConnectedShell: one person's (or script's) dealings with a server: lines in, replies out, as redis-cli has them.
//
//   line -> words (CommandWords) -> request -> reply -> text for a person, bytes for a pipe, or a line of JSON (ReplyText)
//
// What a server sends unasked (messages of a subscription, invalidations) is shown where it comes. After SUBSCRIBE and its kin, and MONITOR, the shell
// listens and takes no more lines: ^C ends it. A connection that broke is opened anew for the next line; what it was in the middle of is gone, and
// that is said.
//
// A password is never an argument: other users of the machine see those.

using System.Text;
using System.Text.Json;
using Aevum.Cli.Editing;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Connecting;

/// <param name="output">Where bytes of replies go when nobody watches; null: the terminal's text.</param>
sealed class ConnectedShell(Terminal terminal, ConnectOptions options, bool asJson, Stream? output = null) : IDisposable
{
    RespConnection? _connection;
    IReadOnlyList<string>? _names;
    int _database = options.Database;
    bool _isQueueing;

    public bool IsOver { get; private set; }

    public string Prompt
    {
        get
        {
            var address = options.Host.Contains(':', StringComparison.Ordinal) ? $"[{options.Host}]:{options.Port}" : $"{options.Host}:{options.Port}";
            if (_connection is null) address += " (not connected)";
            return $"{address}{(_database == 0 ? "" : $"[{_database}]")}{(_isQueueing ? "(TX)" : "")}> ";
        }
    }

    /// <exception cref="AevumException">As of <see cref="RespConnection.Open"/>.</exception>
    public void Connect() => _connection ??= RespConnection.Open(options with { Database = _database });

    /// <summary>Runs one line; an empty one does nothing.</summary>
    /// <returns>False: it was answered with an error, or could not be asked; why was told.</returns>
    public bool Run(string line)
    {
        if (CommandWords.Split(line) is not { } words)
        {
            Tell("Invalid argument(s)");
            return false;
        }
        if (words.Count == 0) return true;
        var name = Encoding.ASCII.GetString(words[0]).ToLowerInvariant();
        if (name is "quit" or "exit")
        {
            IsOver = true;
            return true;
        }
        if (name == "help")
        {
            Tell("every line is a command of the server: GET key, SET key \"a value\\n\"; Tab completes names; quit leaves\nCOMMAND DOCS name tells of one");
            return true;
        }
        try
        {
            Connect();
            return Ask(name, words);
        }
        catch (AevumException failure) when (failure.Code == ErrorCode.InputOutput)
        {
            _connection?.Dispose();
            _connection = null;
            var lost = _isQueueing ? "; what was queued is gone" : "";
            _isQueueing = false;
            if (!terminal.IsInputInteractive) throw;   // what follows in a script counts on what came before
            Tell(failure.Message + lost);
            return false;
        }
    }

    bool Ask(string name, List<byte[]> words)
    {
        _connection!.Send(words);
        if (name is "subscribe" or "psubscribe" or "ssubscribe") return Listen();
        if (name is "unsubscribe" or "punsubscribe" or "sunsubscribe")
        {
            for (var i = Math.Max(1, words.Count - 1); i > 0; i--) Show(_connection.Read());
            return true;
        }
        var reply = _connection.Read();
        while (reply.Kind == RespKind.Push)
        {
            Show(reply);
            reply = _connection.Read();
        }
        Show(reply);
        if (reply.Kind == RespKind.Error)
        {
            if (name == "exec") _isQueueing = false;
            return false;
        }
        if (name == "multi") _isQueueing = true;
        else if (name is "exec" or "discard" or "reset") _isQueueing = false;
        if (name == "reset") _database = 0;
        if (name == "select" && !_isQueueing && int.TryParse(words[1], out var database)) _database = database;
        return name != "monitor" || Listen();
    }

    // Until the connection ends, or somebody ends the process.
    bool Listen()
    {
        if (terminal.IsInputInteractive && !asJson) terminal.Out.WriteLine("Reading messages... (press Ctrl-C to quit)");
        while (true)
        {
            var reply = _connection!.Read();
            Show(reply);
            Flush();
            if (reply.Kind == RespKind.Error) return false;
        }
    }

    void Show(RespReply reply)
    {
        if (asJson)
        {
            using var line = new MemoryStream();
            using (var json = new Utf8JsonWriter(line, JsonOptions.Lines)) ReplyText.WriteJson(json, reply);
            terminal.Out.WriteLine(Encoding.UTF8.GetString(line.ToArray()));
        }
        else if (terminal.IsInputInteractive)
        {
            var text = ReplyText.ForPerson(reply);
            terminal.Out.Write(reply.Kind == RespKind.Error ? terminal.Paint(Tone.Bad, text.TrimEnd('\n')) + "\n" : text);
        }
        else
        {
            using var raw = new MemoryStream();
            ReplyText.WriteRaw(raw, reply);
            if (output is null) terminal.Out.Write(Encoding.UTF8.GetString(raw.ToArray()));
            else output.Write(raw.GetBuffer(), 0, (int)raw.Length);
        }
    }

    void Tell(string text)
    {
        Flush();
        terminal.Error.WriteLine(terminal.Paint(Tone.Bad, text));
    }

    void Flush()
    {
        terminal.Out.Flush();
        output?.Flush();
    }

    // ------------------------------------------------------------------------------------------------ completion

    /// <summary>What Tab means: the name of a command, if the server tells them.</summary>
    public Completions Complete(string line, int cursor)
    {
        var before = line[..cursor];
        if (before.Contains(' ', StringComparison.Ordinal)) return Completions.None;
        _names ??= AskNames();
        var isLarge = before.Length > 0 && !before.Any(char.IsAsciiLetterLower);
        return Completions.Among(0, before, isLarge ? _names.Select(n => n.ToUpperInvariant()) : _names);
    }

    IReadOnlyList<string> AskNames()
    {
        try
        {
            Connect();
            var list = _connection!.Ask("COMMAND", "LIST");
            if (list.Kind is RespKind.Array or RespKind.Set) return [.. list.Parts.Select(p => p.Text).Where(n => !n.Contains('|', StringComparison.Ordinal))];
            var all = _connection.Ask("COMMAND");
            return [.. all.Parts.Where(c => c.Parts.Count > 0).Select(c => c.Parts[0].Text)];
        }
        catch (AevumException)
        {
            return [];   // completion is a courtesy
        }
    }

    public void Dispose()
    {
        Flush();
        _connection?.Dispose();
    }
}
