// CheckCommand: aevum check DIR [--json] [--force]: reads a whole database (or a tree that stands alone) and says what is wrong with it. Exit code 0:
// nothing; 1: something; 2: the check could not be done.
//
// Changes nothing but the text inside the LOCK file. With --force the lock is not taken: on a database in use, files come and go under the
// check, and what it then reports may not be so.

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Engine.Shards;
using Aevum.Storage.Checking;
using Aevum.Storage.Trees;

namespace Aevum.Cli.Checking;

static class CheckCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The directory of a database, or of a single tree." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of text." };
        var force = new Option<bool>("--force") { Description = "Do not take the lock: for read-only copies." };
        var command = new Command("check", "Verify every checksum and every rule of a database's files; changes nothing. Exit code 0: sound, 1: not.")
        {
            directory,
            json,
            force,
        };
        command.SetAction(parsed => Run(terminal, parsed.GetValue(directory)!, parsed.GetValue(json), parsed.GetValue(force)));
        return command;
    }

    static int Run(Terminal terminal, string directory, bool json, bool force)
    {
        var files = new DiskFileSystem();
        var isDatabase = DatabaseChecker.IsDatabase(files, directory);
        if (!isDatabase && !StoreChecker.IsStore(files, directory)) throw new AevumException(ErrorCode.NotFound, $"{directory} holds no database");
        using var held = force ? null : files.Lock(FilePaths.Combine(directory, Tree.LockName), $"check, process {Environment.ProcessId}");
        CheckReport? report = null;
        CheckReport Check(ICheckProgress? progress) =>
            isDatabase ? DatabaseChecker.Check(files, directory, progress) : StoreChecker.Check(files, directory, progress);
        if (json) report = Check(null);
        else Stages.Run(terminal, TimeProvider.System, stages => report = Check(new Progress(stages)));
        if (json) terminal.Out.WriteLine(AsJson(directory, report!));
        else Print(terminal, directory, report!);
        return report!.IsSound ? ExitCodes.Done : ExitCodes.Problems;
    }

    static void Print(Terminal terminal, string directory, CheckReport report)
    {
        foreach (var problem in report.Problems) terminal.Out.WriteLine($"{terminal.Paint(Tone.Bad, "problem")}  {problem}");
        foreach (var note in report.Notes) terminal.Out.WriteLine($"{terminal.Paint(Tone.Quiet, "note")}     {note}");
        var verdict = report.IsSound ? terminal.Paint(Tone.Good, "sound") : terminal.Paint(Tone.Bad, $"{report.Problems.Count} problems");
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{directory}: {verdict}; {report.Tables:N0} tables with {report.Versions:N0} versions in {report.TableBytes:N0} bytes, " +
            $"{report.LogSegments:N0} log segments with {report.LogRecords:N0} records"));
    }

    static string AsJson(string directory, CheckReport report)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("directory", directory);
            writer.WriteBoolean("sound", report.IsSound);
            writer.WriteProblems(report.Problems);
            writer.WriteStartArray("notes");
            foreach (var note in report.Notes) writer.WriteStringValue(note);
            writer.WriteEndArray();
            writer.WriteNumber("tables", report.Tables);
            writer.WriteNumber("table_bytes", report.TableBytes);
            writer.WriteNumber("versions", report.Versions);
            writer.WriteNumber("log_segments", report.LogSegments);
            writer.WriteNumber("log_records", report.LogRecords);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    sealed class Progress(Stages stages) : ICheckProgress
    {
        public void Begin(string stage, long total) => stages.Begin(stage, total);

        public void Advance(long count) => stages.Advance(count);
    }
}
