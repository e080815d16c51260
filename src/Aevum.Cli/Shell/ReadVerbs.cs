// ReadVerbs: the shell's commands that change nothing in the store.

using System.Globalization;
using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Cli.Shell;

static class ReadVerbs
{
    const int ScanLimit = 100;

    public static ShellVerb[] All { get; } =
    [
        new("get KEY", "the value of a key", Get),
        new("scan PREFIX [LIMIT]", $"the keys that begin with PREFIX and their values, at most LIMIT ({ScanLimit}); \"\" for all", Scan),
        new("history KEY", "every version of a key, newest first", History),
        new("asof [MOMENT]", "look at the store as it was at a time or a mark; 'now' comes back; alone: which moment it is", AsOf),
        new("mark [NAME]", "give this moment a name for asof, until the shell ends; alone: the names", Mark),
        new("stats", "what the store holds and has done", Stats),
    ];

    static void Get(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (!session.Tree.TryPin(arguments[0], session.ReadPoint, out var value))
            throw new AevumException(ErrorCode.NotFound, $"no value: {ByteText.OfKey(arguments[0])}");
        using (value) session.Out.WriteLine(ByteText.OfValue(value.Span));
    }

    static void Scan(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var limit = arguments.Count < 2 ? ScanLimit : Number(arguments[1]);
        using var iterator = session.Tree.Iterate(IterateOptions.OfPrefix(arguments[0], session.ReadPoint));
        var shown = 0;
        for (iterator.SeekToFirst(); iterator.Valid; iterator.Next())
        {
            if (shown++ == limit)
            {
                session.Out.WriteLine(session.Terminal.Paint(Tone.Quiet, $"... and more (LIMIT is {limit})"));
                return;
            }
            session.Out.WriteLine($"{session.Terminal.Paint(Tone.Key, ByteText.OfKey(iterator.Key))} = {ByteText.OfValue(iterator.Value)}");
        }
        if (shown == 0) session.Out.WriteLine(session.Terminal.Paint(Tone.Quiet, "no keys"));
    }

    static void History(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var versions = session.Tree.VersionsOf(arguments[0]).Where(v => session.AsOf is null || v.Version <= session.AsOf).ToList();
        foreach (var version in versions)
        {
            var time = session.Terminal.Paint(Tone.Key, SystemTimeText.ToRfc3339(version.Version));
            session.Out.WriteLine($"{time}  {Describe(version)}");
        }
        if (versions.Count == 0) session.Out.WriteLine(session.Terminal.Paint(Tone.Quiet, "no versions"));
    }

    static string Describe(KeyVersion version)
    {
        if (version.Kind != EffectKind.Put) return version.Kind == EffectKind.Delete ? "deleted" : "deleted with its range";
        var value = ByteText.OfValue(version.Value);
        return version.Expiry == SystemTime.None ? value : $"{value}  (until {SystemTimeText.ToRfc3339(version.Expiry)})";
    }

    static void AsOf(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count > 0) session.AsOf = Moment(session, Encoding.UTF8.GetString(arguments[0]));
        session.Out.WriteLine(session.AsOf is { } moment ? $"as of {SystemTimeText.ToRfc3339(moment)}" : "as of now");
    }

    static SystemTime? Moment(ShellSession session, string text)
    {
        if (text == "now") return null;
        if (!session.Marks.TryGetValue(text, out var moment)) moment = SystemTimeText.Parse(text);
        var now = session.Store.Now();
        if (moment.Microseconds > now.Microseconds)
            Throw.Invalid($"{SystemTimeText.ToRfc3339(moment)} lies in the future; it is {SystemTimeText.ToRfc3339(now)}");
        return moment;
    }

    static void Mark(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count == 0)
        {
            foreach (var (known, at) in session.Marks.OrderBy(m => m.Value)) session.Out.WriteLine($"{known} = {SystemTimeText.ToRfc3339(at)}");
            return;
        }
        var name = Encoding.UTF8.GetString(arguments[0]);
        if (name == "now" || SystemTimeText.TryParse(name, out _)) Throw.Invalid($"'{name}' is a time already and cannot be a mark's name");
        var moment = session.AsOf ?? session.Store.Now();
        session.Marks[name] = moment;
        session.Out.WriteLine($"{name} = {SystemTimeText.ToRfc3339(moment)}");
    }

    static void Stats(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var tree = session.Tree;
        Line("directory", $"{tree.Directory}");
        Line("last written", $"{(tree.AppliedTime == SystemTime.None ? "never" : SystemTimeText.ToRfc3339(tree.AppliedTime))}");
        Line("position", $"{tree.AppliedPosition:N0}, in tables up to {tree.FlushedPosition:N0}");
        var floor = tree.HistoryFloorOf([]);
        Line("history", $"from {(floor == SystemTime.None ? "the beginning" : SystemTimeText.ToRfc3339(floor))}");
        var version = tree.Version;
        foreach (var history in (bool[])[false, true])
            for (var level = 0; level < version.Shape(history).Length; level++)
            {
                var tables = version.Shape(history)[level];
                if (tables.Length == 0) continue;
                var name = $"{(history ? "history" : "level")} {level}";
                Line(name, $"{tables.Length:N0} tables, {tables.Sum(t => t.FileBytes):N0} bytes, {tables.Sum(t => t.Entries):N0} versions");
            }
        var done = tree.Statistics;
        Line("since opened", $"{done.UserBytes:N0} bytes written, {done.Flushes:N0} flushes, {done.Compactions:N0} compactions");

        void Line(string name, FormattableString text) =>
            session.Out.WriteLine($"{name,-13} {text.ToString(CultureInfo.InvariantCulture)}");
    }

    static int Number(byte[] word)
    {
        if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
            Throw.Invalid($"{ByteText.OfKey(word)} is no limit: a number from 1 on");
        return number;
    }
}
