// StatsCommand: aevum stats DIR [--json]: what a database holds.
//
// Opens the database, so it takes its lock, and what a crash left unfinished is finished first: what it shows is what the next one to open it has.

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Time;
using Aevum.Engine.Shards;

namespace Aevum.Cli.Databases;

static class StatsCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The database's directory." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of text." };
        var command = new Command("stats", "Tell what a database holds: shards, levels, keyspaces and their sizes, times.") { directory, json };
        command.SetAction(parsed =>
        {
            using var opened = OpenedDatabase.Open(parsed.GetValue(directory)!, create: false, readOnly: true);
            var found = opened.Database.CountAll();
            if (parsed.GetValue(json)) terminal.Out.WriteLine(AsJson(found, JsonOptions.Writing));
            else Print(terminal, found);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>The same as <c>aevum stats</c> prints.</summary>
    public static void Print(Terminal terminal, DatabaseStatistics found)
    {
        Line(0, "database", $"{found.DatabaseId}, timeline {found.Timeline}");
        Line(0, "clock", $"{SystemTimeText.ToRfc3339(found.Now)}, ceiling {SystemTimeText.ToRfc3339(found.Ceiling)}");
        Line(0, "log", $"{found.LogBytes:N0} bytes");
        foreach (var shard in found.Shards)
        {
            Line(0, $"shard {shard.Id}", $"from {(shard.Start.Length == 0 ? "the first key" : ByteText.OfKey(shard.Start))}");
            Line(2, "position", $"{shard.Position:N0}, in tables up to {shard.FlushedPosition:N0}; last written {Moment(shard.LastTime, "never")}");
            foreach (var level in shard.Shape.Levels)
                Line(2, NameOf(level.History, level.Level), $"{level.Tables:N0} tables, {level.Bytes:N0} bytes, {level.Versions:N0} versions");
            Line(2, "memtables", $"{shard.Shape.MemtableVersions:N0} versions, {shard.Shape.MemtableBytes:N0} bytes");
            Line(2, "since opened", $"{shard.Work.UserBytes:N0} bytes written, {shard.Work.Flushes:N0} flushes, {shard.Work.Compactions:N0} compactions");
        }
        foreach (var keyspace in found.Keyspaces)
        {
            var history = $"history {keyspace.Options.History}, from {Moment(keyspace.HistoryFloor, "the beginning")}";
            Line(0, "keyspace", $"{keyspace.Namespace}/{keyspace.Name}: about {keyspace.TableBytes:N0} bytes in tables; {history}");
        }

        void Line(int indent, string name, FormattableString text) =>
            terminal.Out.WriteLine($"{new string(' ', indent)}{name.PadRight(14 - indent)} {text.ToString(CultureInfo.InvariantCulture)}");
    }

    static string NameOf(bool history, int level) => $"{(history ? "history" : "level")} {level}";

    // Without history the floor is the end of time: only the present can be asked for.
    static string Moment(SystemTime time, string none) =>
        time == SystemTime.None ? none : time >= SystemTime.Max ? "now on" : SystemTimeText.ToRfc3339(time);

    public static string AsJson(DatabaseStatistics found, JsonWriterOptions options)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options)) Write(writer, found);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    static void Write(Utf8JsonWriter writer, DatabaseStatistics found)
    {
        writer.WriteStartObject();
        writer.WriteString("database", found.DatabaseId);
        writer.WriteNumber("timeline", found.Timeline);
        writer.WriteString("now", found.Now.ToString());
        writer.WriteString("ceiling", found.Ceiling.ToString());
        writer.WriteNumber("log_bytes", found.LogBytes);
        writer.WriteStartArray("shards");
        foreach (var shard in found.Shards)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", shard.Id);
            writer.WriteString("start_hex", Convert.ToHexStringLower(shard.Start));
            writer.WriteString("position", shard.Position.ToString(CultureInfo.InvariantCulture));
            writer.WriteString("flushed_position", shard.FlushedPosition.ToString(CultureInfo.InvariantCulture));
            writer.WriteString("last_time", shard.LastTime.ToString());
            writer.WriteStartArray("levels");
            foreach (var level in shard.Shape.Levels)
            {
                writer.WriteStartObject();
                writer.WriteBoolean("history", level.History);
                writer.WriteNumber("level", level.Level);
                writer.WriteNumber("tables", level.Tables);
                writer.WriteNumber("bytes", level.Bytes);
                writer.WriteNumber("versions", level.Versions);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteNumber("memtable_versions", shard.Shape.MemtableVersions);
            writer.WriteNumber("memtable_bytes", shard.Shape.MemtableBytes);
            writer.WriteNumber("written_bytes", shard.Work.UserBytes);
            writer.WriteNumber("flushes", shard.Work.Flushes);
            writer.WriteNumber("compactions", shard.Work.Compactions);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("keyspaces");
        foreach (var keyspace in found.Keyspaces)
        {
            writer.WriteStartObject();
            writer.WriteString("namespace", keyspace.Namespace);
            writer.WriteString("name", keyspace.Name);
            writer.WriteString("id", keyspace.Id.ToString());
            writer.WriteString("history", keyspace.Options.History.ToString());
            writer.WriteString("history_floor", keyspace.HistoryFloor.ToString());
            writer.WriteNumber("table_bytes_about", keyspace.TableBytes);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
