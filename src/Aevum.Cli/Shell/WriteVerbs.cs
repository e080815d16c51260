// WriteVerbs: the shell's commands that write keys. In a transaction put, delete and incr are kept for the commit; else each is a commit of its own,
// acknowledged before its time is printed.

using System.Globalization;
using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Cli.Shell;

static class WriteVerbs
{
    public static ShellVerb[] All { get; } =
    [
        new("put [--ttl TIME] KEY VALUE...", "write a value, for so long or for ever; several words are joined by one blank each", Put),
        new("delete KEY", "make a key absent from now on; its history stays", Delete),
        new("incr KEY [N]", "add N (1) to a number and show the sum", Increment),
        new("cas KEY VERSION VALUE...", "write a value if the key still has that version (a time; none: if it holds nothing)", CompareAndSet),
        new("expire KEY TIME", "give a key so long to live from now on; never: for ever", Expire),
        new("delete-prefix PREFIX", "delete all keys that begin with PREFIX, at one instant", DeletePrefix),
        new("clear", "delete all keys of the keyspace, at one instant", Clear),
        new("note [FIELD=TEXT...]", "tell who writes and why, from now on: actor, run, source, trace; off: nothing; alone: what is told", Note),
        new("flush", "write what is in memory to tables", Flush),
    ];

    static void Put(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        TimeSpan? timeToLive = null;
        if (arguments[0].AsSpan().SequenceEqual("--ttl"u8))
        {
            if (arguments.Count < 4) Throw.Invalid("usage: put [--ttl TIME] KEY VALUE...");
            timeToLive = ShellWords.Duration(arguments[1]);
            arguments = [.. arguments.Skip(2)];
        }
        var value = ShellWords.Join(arguments.Skip(1));
        if (session.Transaction is { } transaction)
        {
            transaction.Put(session.Keyspace, arguments[0], value, timeToLive);
            SayPending(session);
        }
        else
        {
            SayWritten(session, session.Keyspace.Put(arguments[0], value, timeToLive));
        }
    }

    public static void SayWritten(ShellSession session, SystemTime time) =>
        session.Say($"written at {ShellWords.Show(time)}", json => json.WriteString("time", time.ToString()));

    static void SayPending(ShellSession session) => session.Say("to be committed", json => json.WriteBoolean("pending", true));

    static void Delete(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        if (session.Transaction is { } transaction)
        {
            transaction.Delete(session.Keyspace, arguments[0]);
            SayPending(session);
            return;
        }
        var was = session.Keyspace.Delete(arguments[0]);
        session.Say(was ? "deleted" : "there was nothing", json => json.WriteBoolean("deleted", was));
    }

    static void Increment(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        var delta = arguments.Count > 1 ? ShellWords.Number(arguments[1]) : 1;
        var sum = session.Transaction is { } transaction
            ? transaction.Increment(session.Keyspace, arguments[0], delta) : session.Keyspace.Increment(arguments[0], delta);
        // As text: it may have more than 53 bits.
        var text = sum.ToString(CultureInfo.InvariantCulture);
        session.Say(text, json => json.WriteString("sum", text));
    }

    static void CompareAndSet(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        var expected = ShellWords.Text(arguments[1]) == "none" ? SystemTime.None : ShellWords.Moment(session, arguments[1]);
        if (!session.Keyspace.TryPut(arguments[0], ShellWords.Join(arguments.Skip(2)), expected, out var version))
            throw new AevumException(ErrorCode.Conflict, version == SystemTime.None
                ? "the key holds nothing: nothing was written" : $"the key has the version {ShellWords.Show(version)}: nothing was written");
        SayWritten(session, version);
    }

    static void Expire(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        var isThere = ShellWords.Text(arguments[1]) == "never"
            ? session.Keyspace.Persist(arguments[0]) : session.Keyspace.Expire(arguments[0], ShellWords.Duration(arguments[1]));
        if (!isThere) throw new AevumException(ErrorCode.NotFound, $"no value: {ByteText.OfKey(arguments[0])}");
        session.Say("done", json => json.WriteBoolean("done", true));
    }

    static void DeletePrefix(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        session.Confirm($"delete all keys of {session.Keyspace.Name} that begin with {ByteText.OfKey(arguments[0])}");
        SayDeleted(session, session.Keyspace.DeletePrefix(arguments[0]));
    }

    static void Clear(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        session.Confirm($"delete all keys of {session.Keyspace.Name}");
        SayDeleted(session, session.Keyspace.Clear());
    }

    static void SayDeleted(ShellSession session, long count) =>
        session.Say(string.Create(CultureInfo.InvariantCulture, $"{count:N0} keys deleted"), json => json.WriteNumber("deleted", count));

    static void Note(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count > 0)
        {
            CommitNote? note = null;
            if (arguments is not [var only] || ShellWords.Text(only) != "off")
                foreach (var word in arguments) note = With(note ?? session.Present.Note ?? new CommitNote(), ShellWords.Text(word));
            session.Present.Note = note;
        }
        var now = session.Present.Note;
        (string Name, string? Text)[] fields = [("actor", now?.Actor), ("run", now?.Run), ("source", now?.Source), ("trace", now?.Trace)];
        var told = fields.Where(f => f.Text is not null).ToList();
        var text = string.Join(' ', told.Select(f => $"{f.Name}={ByteText.OfKey(Encoding.UTF8.GetBytes(f.Text!))}"));
        session.Say(told.Count == 0 ? "no note" : text, json =>
        {
            foreach (var (name, field) in told) json.WriteString(name, field);
        });
    }

    static CommitNote With(CommitNote note, string word)
    {
        var at = word.IndexOf('=', StringComparison.Ordinal);
        if (at < 0) Throw.Invalid("a note is FIELD=TEXT, or off");
        var text = word[(at + 1)..];
        return word[..at] switch
        {
            "actor" => note with { Actor = text },
            "run" => note with { Run = text },
            "source" => note with { Source = text },
            "trace" => note with { Trace = text },
            _ => throw new AevumException(ErrorCode.InvalidArgument, $"a note has no '{word[..at]}': actor, run, source, trace"),
        };
    }

    static void Flush(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.Database.Flush();
        session.Say("flushed", json => json.WriteBoolean("done", true));
    }
}
