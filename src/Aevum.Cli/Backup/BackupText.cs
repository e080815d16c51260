// BackupText: what the backup commands print. In JSON times are decimal strings, with the same in RFC 3339 beside them where people look too.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Checking;
using Aevum.Cli.Terminals;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Storage.Checking;

namespace Aevum.Cli.Backup;

static class BackupText
{
    static string Time(SystemTime time) => SystemTimeText.ToRfc3339(time);

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public static void Print(Terminal terminal, BackupInfo made)
    {
        terminal.Out.WriteLine(Text($"backup {made.Id}: {made.Tables:N0} tables and log, {made.TotalBytes:N0} bytes, {made.NewBytes:N0} of them new"));
        terminal.Out.WriteLine($"holds all commits up to {Time(made.Moment)}; can be restored to any time from {Time(made.From)} on");
    }

    public static void Print(Terminal terminal, BackupList list)
    {
        terminal.Out.WriteLine($"{"id",6}  {"moment",-30}  {"can be restored from",-30}  {"to",-30}  {"bytes",15}  {"new",15}");
        foreach (var b in list.Backups)
            terminal.Out.WriteLine(Text($"{b.Id,6}  {Time(b.Moment),-30}  {Time(b.From),-30}  {Time(b.Reach),-30}  {b.TotalBytes,15:N0}  {b.NewBytes,15:N0}"));
        Print(terminal, list.Problems);
        terminal.Out.WriteLine($"database {list.DatabaseId}");
    }

    static void Print(Terminal terminal, IReadOnlyList<CheckProblem> problems)
    {
        foreach (var problem in problems) terminal.Out.WriteLine($"{terminal.Paint(Tone.Bad, "problem")}  {problem}");
    }

    public static void Print(Terminal terminal, string store, BackupReport report)
    {
        Print(terminal, report.Problems);
        var verdict = report.IsSound ? terminal.Paint(Tone.Good, "sound") : terminal.Paint(Tone.Bad, Text($"{report.Problems.Count} problems"));
        var damaged = report.Damaged.Count == 0 ? "" : $"; damaged: {string.Join(", ", report.Damaged)}";
        terminal.Out.WriteLine(Text($"{store}: {verdict}; {report.Backups.Count:N0} backups, {report.Files:N0} files, {report.Bytes:N0} bytes{damaged}"));
    }

    public static void Print(Terminal terminal, RestoredDatabase made)
    {
        var from = Text($"from backup {made.BackupId} and {made.Batches:N0} batches of log");
        terminal.Out.WriteLine($"{made.Directory}: the database as of {Time(made.Moment)}, {from}");
        terminal.Out.WriteLine(Text($"database {made.DatabaseId}, timeline {made.Timeline}; {made.Bytes:N0} bytes read"));
    }

    public static string OfDeleted(string names, long freed) => Text($"{names} deleted, {freed:N0} bytes free");

    // ------------------------------------------------------------------------------------------------ JSON

    public static void WriteJson(Terminal terminal, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        terminal.Out.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    static void Write(Utf8JsonWriter writer, string name, SystemTime time)
    {
        writer.WriteString(name, time.ToString());
        writer.WriteString(name + "_rfc3339", Time(time));
    }

    public static void Write(Utf8JsonWriter writer, BackupInfo backup)
    {
        writer.WriteNumber("id", backup.Id);
        writer.WriteString("database", backup.DatabaseId);
        writer.WriteNumber("timeline", backup.Timeline);
        Write(writer, "moment", backup.Moment);
        Write(writer, "from", backup.From);
        Write(writer, "to", backup.Reach);
        writer.WriteString("done_at", backup.DoneAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        writer.WriteNumber("shards", backup.Shards);
        writer.WriteNumber("tables", backup.Tables);
        writer.WriteNumber("bytes", backup.TotalBytes);
        writer.WriteNumber("new_bytes", backup.NewBytes);
    }

    public static void Write(Utf8JsonWriter writer, BackupList list)
    {
        writer.WriteString("database", list.DatabaseId);
        writer.WriteStartArray("backups");
        foreach (var backup in list.Backups)
        {
            writer.WriteStartObject();
            Write(writer, backup);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteProblems(list.Problems);
    }

    public static void Write(Utf8JsonWriter writer, BackupReport report)
    {
        writer.WriteBoolean("sound", report.IsSound);
        Write(writer, "backups", report.Backups);
        Write(writer, "damaged", report.Damaged);
        writer.WriteProblems(report.Problems);
        writer.WriteNumber("files", report.Files);
        writer.WriteNumber("bytes", report.Bytes);
    }

    public static void Write(Utf8JsonWriter writer, RestoredDatabase made)
    {
        writer.WriteString("directory", made.Directory);
        writer.WriteNumber("backup", made.BackupId);
        writer.WriteString("database", made.DatabaseId);
        writer.WriteNumber("timeline", made.Timeline);
        Write(writer, "moment", made.Moment);
        writer.WriteNumber("batches", made.Batches);
        writer.WriteNumber("bytes", made.Bytes);
    }

    public static void WriteDeleted(Utf8JsonWriter writer, IReadOnlyList<ulong> deleted, long freed)
    {
        Write(writer, "deleted", deleted);
        writer.WriteNumber("freed_bytes", freed);
    }

    static void Write(Utf8JsonWriter writer, string name, IReadOnlyList<ulong> ids)
    {
        writer.WriteStartArray(name);
        foreach (var id in ids) writer.WriteNumberValue(id);
        writer.WriteEndArray();
    }
}
