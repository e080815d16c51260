// ReadVerbs: the shell's commands that change nothing in the database. get and scan see an open transaction; the others what is committed.

using System.Globalization;
using System.Text.Json;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Cli.Transfer;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Shell;

static class ReadVerbs
{
    const int ScanLimit = 100;

    public static ShellVerb[] All { get; } =
    [
        new("get KEY", "the value of a key", Get),
        new("scan PREFIX [LIMIT]", $"the keys that begin with PREFIX and their values, at most LIMIT ({ScanLimit}); \"\" for all", Scan),
        new("ttl KEY", "how long a key has to live", TimeToLive),
        new("history KEY", "every version of a key, newest first, and who wrote it", History),
        new("diff FROM [TO]", "the keys whose values differ between two moments (times, marks, now)", Diff),
        new("asof [MOMENT]", "look at the database as it was at a time or a mark; 'now' comes back; alone: which moment it is", AsOf),
        new("mark [NAME]", "give this moment a name for asof and diff, until the shell ends; alone: the names", Mark),
        new("stats", "what the database holds and has done", Stats),
    ];

    static void Get(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var key = arguments[0];
        if (session.Transaction is { } transaction)
        {
            var own = transaction.Get(session.Keyspace, key) ?? throw Missing(key);
            session.Say(ByteText.OfValue(own), json => json.WriteBytes("value", own));
            return;
        }
        var found = session.Keyspace.GetVersioned(key) ?? throw Missing(key);
        session.Say(ByteText.OfValue(found.Value), json =>
        {
            json.WriteBytes("value", found.Value);
            WriteTimes(json, found.Version, found.Expiry);
        });
    }

    static AevumException Missing(byte[] key) => new(ErrorCode.NotFound, $"no value: {ByteText.OfKey(key)}");

    static void WriteTimes(Utf8JsonWriter json, SystemTime version, SystemTime expiry)
    {
        if (version != SystemTime.None) json.WriteString("time", version.ToString());
        if (expiry != SystemTime.None) json.WriteString("expiry", expiry.ToString());
    }

    static void Scan(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var limit = arguments.Count < 2 ? ScanLimit : ShellWords.Limit(arguments[1]);
        var options = arguments[0].Length == 0 ? ScanOptions.All : ScanOptions.OfPrefix(arguments[0]);
        var entries = session.Transaction is { } transaction ? transaction.Scan(session.Keyspace, options) : session.Keyspace.Scan(options);
        var shown = 0;
        foreach (var entry in entries)
        {
            if (shown++ == limit)
            {
                session.SayQuietly($"... and more (LIMIT is {limit})");
                return;
            }
            session.Say($"{session.Terminal.Paint(Tone.Key, ByteText.OfKey(entry.Key))} = {ByteText.OfValue(entry.Value)}", json =>
            {
                json.WriteBytes("key", entry.Key);
                json.WriteBytes("value", entry.Value);
                WriteTimes(json, entry.Version, entry.Expiry);
            });
        }
        if (shown == 0) session.SayQuietly("no keys");
    }

    static void TimeToLive(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var left = session.Keyspace.TimeToLive(arguments[0]) ?? throw Missing(arguments[0]);
        var isForever = left == Timeout.InfiniteTimeSpan;
        var seconds = left.TotalSeconds;
        session.Say(isForever ? "for ever" : string.Create(CultureInfo.InvariantCulture, $"{seconds:F3} s"), json =>
        {
            if (isForever) json.WriteNull("seconds");
            else json.WriteNumber("seconds", Math.Round(seconds, 6));
        });
    }

    static void History(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var versions = session.Keyspace.History(arguments[0]);
        foreach (var version in versions)
            session.Say($"{session.Terminal.Paint(Tone.Key, ShellWords.Show(version.Time))}  {Describe(version)}", json =>
            {
                json.WriteString("change", RowJson.NameOf(version.Change));
                if (version.Change == ValueChange.Put) json.WriteBytes("value", version.Value);
                WriteTimes(json, version.Time, version.Expiry);
                if (version.Note is { } note) RowJson.WriteNote(json, note);
            });
        if (versions.Count == 0) session.SayQuietly("no versions");
    }

    static string Describe(HistoryEntry version)
    {
        var text = version.Change switch
        {
            ValueChange.Put => ByteText.OfValue(version.Value),
            ValueChange.Deleted => "deleted",
            _ => "deleted with its range",
        };
        if (version.Expiry != SystemTime.None) text += $"  (until {ShellWords.Show(version.Expiry)})";
        return version.Note is { } note ? $"{text}  ({Describe(note)})" : text;
    }

    static string Describe(CommitNote note)
    {
        (string Name, string? Text)[] fields = [("by", note.Actor), ("run", note.Run), ("source", note.Source), ("trace", note.Trace)];
        return string.Join(", ", fields.Where(f => f.Text is not null).Select(f =>
             $"{f.Name} {ByteText.OfValue(System.Text.Encoding.UTF8.GetBytes(f.Text!))}"));
    }

    static void Diff(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var from = ShellWords.Moment(session, arguments[0]);
        SystemTime? to = arguments.Count > 1 ? ShellWords.Moment(session, arguments[1]) : null;
        var any = false;
        foreach (var difference in session.Keyspace.Diff(from, to))
        {
            any = true;
            var key = session.Terminal.Paint(Tone.Key, ByteText.OfKey(difference.Key));
            var (before, after) = (difference.Before, difference.After);
            var text = before is null ? $"+ {key} = {ByteText.OfValue(after!)}"
                : after is null ? $"- {key} = {ByteText.OfValue(before)}"
                : $"~ {key} = {ByteText.OfValue(after)}  (was {ByteText.OfValue(before)})";
            session.Say(text, json =>
            {
                json.WriteBytes("key", difference.Key);
                if (before is not null) json.WriteBytes("before", before);
                if (after is not null) json.WriteBytes("after", after);
            });
        }
        if (!any) session.SayQuietly("no differences");
    }

    static void AsOf(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count > 0)
        {
            if (session.Transaction is not null) Throw.Invalid("a transaction sees its own moment; 'commit' or 'rollback' first");
            session.LookAt(ShellWords.Text(arguments[0]) == "now" ? null : ShellWords.Moment(session, arguments[0]));
        }
        var at = session.AsOf;
        session.Say(at is { } moment ? $"as of {ShellWords.Show(moment)}" : "as of now", json =>
        {
            if (at is { } time) json.WriteString("as_of", time.ToString());
            else json.WriteNull("as_of");
        });
    }

    static void Mark(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count == 0)
        {
            foreach (var (known, at) in session.Marks.OrderBy(m => m.Value)) Tell(known, at);
            return;
        }
        var name = ShellWords.Text(arguments[0]);
        if (name == "now" || SystemTimeText.TryParse(name, out _)) Throw.Invalid($"'{name}' is a time already and cannot be a mark's name");
        var moment = session.AsOf ?? session.Database.Now;
        // Who looks at a moment makes it over: every write from here on has a later time.
        session.Present.AsOf(moment).Dispose();
        session.Marks[name] = moment;
        Tell(name, moment);

        void Tell(string mark, SystemTime at) => session.Say($"{mark} = {ShellWords.Show(at)}", json =>
        {
            json.WriteString("mark", mark);
            json.WriteString("time", at.ToString());
        });
    }

    static void Stats(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var found = session.Database.CountAll();
        session.Tell(() => StatsCommand.Print(session.Terminal, found), () => StatsCommand.AsJson(found, JsonOptions.Lines));
    }
}
