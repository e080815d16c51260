// ImportCommand: aevum import DIR [FILE]: lines of a file or a pipe into a keyspace.
//
// Exit code 0: all of them, or all but those that were to be skipped; 1: it ended at a line that is no row; 2: it could not run, or not go on.

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Transfer;

static class ImportCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The database's directory." };
        var file = new Argument<string>("FILE") { Description = "What to read; - for the input.", DefaultValueFactory = _ => "-" };
        var format = new Option<string>("--format")
        {
            Description = "tsv: KEY TAB VALUE; ndjson: one object a line; of vectors fvecs, npy, f32, f16, i8, ndjson.", Required = true,
        };
        format.AcceptOnlyFromAmong(["tsv", .. VectorFiles.Formats]);
        var keyspace = new Option<string?>("--keyspace") { Description = "Where the rows go; the default keyspace unless given." };
        var tenant = new Option<string?>("--namespace") { Description = "The keyspace's namespace." };
        var create = new Option<bool>("--create") { Description = "Make the database and the keyspace if they are not there." };
        var hex = new Option<bool>("--hex") { Description = "tsv: a field that begins with 0x is hex digits." };
        var times = new Option<bool>("--times")
        {
            Description = "ndjson: make DIR anew from exported histories, every version at the time it had.",
        };
        var skip = new Option<bool>("--skip-bad") { Description = "Go on after a line that is no row." };
        var json = new Option<bool>("--json") { Description = "Print what was done as one JSON object." };
        var command = new Command("import", "Write the rows of a file or a pipe into a keyspace.")
        {
            directory, file, format, keyspace, tenant, create, hex, times, skip, json,
        };
        var vectors = new VectorOptions();
        foreach (var option in vectors.All) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(vectors.Collection) is not null)
            {
                if (parsed.GetValue(times) || parsed.GetValue(hex) || parsed.GetValue(keyspace) is not null)
                    Throw.Invalid("--collection goes with neither --times, --hex nor --keyspace");
                return new VectorImport(terminal, vectors, parsed, parsed.GetValue(skip)).Run(
                    parsed.GetValue(directory)!, () => Open(terminal, parsed.GetValue(file)!), parsed.GetValue(format)!, parsed.GetValue(create),
                    parsed.GetValue(tenant), parsed.GetValue(json));
            }
            if (parsed.GetValue(format) is not ("tsv" or "ndjson")) Throw.Invalid("vectors go into a collection: --collection NAME");
            if (parsed.GetValue(times))
            {
                if (parsed.GetValue(format) != "ndjson" || parsed.GetValue(skip) || (parsed.GetValue(keyspace) ?? parsed.GetValue(tenant)) is not null)
                    Throw.Invalid("--times reads whole exports: it goes with --format ndjson, and with neither --keyspace, --namespace nor --skip-bad");
                return ImportHistory(terminal, parsed.GetValue(directory)!, parsed.GetValue(file)!, parsed.GetValue(json));
            }
            var readsHex = parsed.GetValue(hex);
            RowReader read = parsed.GetValue(format) == "tsv" ? line => RowTsv.Read(line, readsHex) : RowJson.Read;
            using var opened = OpenedDatabase.Open(parsed.GetValue(directory)!, parsed.GetValue(create), parsed.GetValue(tenant));
            var importer = new Importer(
                opened.Session, opened.Keyspace(parsed.GetValue(keyspace), parsed.GetValue(create)), read, parsed.GetValue(skip));
            return Run(terminal, importer, parsed.GetValue(file)!, parsed.GetValue(json));
        });
        return command;
    }

    static int Run(Terminal terminal, Importer importer, string file, bool json)
    {
        using var stream = Open(terminal, file);
        var lines = new ByteLines(stream);
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var isWhole = false;
        if (json) isWhole = importer.Run(lines, _ => { });
        else
            Stages.Run(terminal, time, stages =>
            {
                stages.Begin("rows", 0);
                isWhole = importer.Run(lines, stages.Advance);
            });
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        foreach (var bad in importer.BadLines) terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"line {bad.Number}: {bad.Why}"));
        if (importer.BadCount > importer.BadLines.Count)
            terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"... and {importer.BadCount - importer.BadLines.Count:N0} more bad lines"));
        if (!isWhole) terminal.Fail($"the import ended there; the lines before it are imported (--skip-bad goes on)");
        if (json) terminal.Out.WriteLine(AsJson(importer, lines, isWhole, seconds));
        else
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{importer.Puts:N0} puts and {importer.Deletes:N0} deletes, {importer.Bytes:N0} bytes in {importer.Commits:N0} commits; " +
                $"{importer.BadCount:N0} bad lines, {importer.Expired:N0} expired rows passed over"));
        return isWhole ? ExitCodes.Done : ExitCodes.Problems;
    }

    static int ImportHistory(Terminal terminal, string directory, string file, bool json)
    {
        using var stream = Open(terminal, file);
        var lines = new ByteLines(stream);
        var importer = new HistoryImporter(directory, OpenedDatabase.Options);
        BadLine? bad = null;
        if (json) bad = importer.Run(lines, _ => { }, _ => { });
        else Stages.Run(terminal, TimeProvider.System, stages => bad = importer.Run(lines, name => stages.Begin(name, 0), stages.Advance));
        if (bad is not null)
        {
            terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"line {bad.Number}: {bad.Why}"));
            terminal.Fail("nothing was imported");
            return ExitCodes.Problems;
        }
        if (json) terminal.Out.WriteLine(AsJson(importer, lines));
        else
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{importer.Puts:N0} puts and {importer.Deletes:N0} deletes, {importer.Bytes:N0} bytes in {importer.Commits:N0} commits at their own times; " +
                $"{importer.Keyspaces.Count:N0} keyspaces"));
        return ExitCodes.Done;
    }

    static string AsJson(HistoryImporter importer, ByteLines lines)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            writer.WriteNumber("lines", lines.Number);
            writer.WriteNumber("keyspaces", importer.Keyspaces.Count);
            writer.WriteNumber("puts", importer.Puts);
            writer.WriteNumber("deletes", importer.Deletes);
            writer.WriteNumber("bytes", importer.Bytes);
            writer.WriteNumber("commits", importer.Commits);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    static Stream Open(Terminal terminal, string file)
    {
        if (file == "-") return terminal.OpenBytesIn();
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AevumException(ErrorCode.NotFound, e.Message, e);
        }
    }

    static string AsJson(Importer importer, ByteLines lines, bool isWhole, double seconds)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("whole", isWhole);
            writer.WriteNumber("lines", lines.Number);
            writer.WriteNumber("puts", importer.Puts);
            writer.WriteNumber("deletes", importer.Deletes);
            writer.WriteNumber("bytes", importer.Bytes);
            writer.WriteNumber("commits", importer.Commits);
            writer.WriteNumber("expired", importer.Expired);
            writer.WriteNumber("bad", importer.BadCount);
            writer.WriteStartArray("bad_lines");
            foreach (var bad in importer.BadLines)
            {
                writer.WriteStartObject();
                writer.WriteNumber("line", bad.Number);
                writer.WriteString("why", bad.Why);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteNumber("seconds", Math.Round(seconds, 3));
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
