using System.CommandLine;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;

namespace Aevum.Cli.Inspection;

/// <summary><c>aevum inspect log|manifest|table PATH</c>. Exit code 0: shown whole; 1: something in it is damaged; 2: there is no such file.</summary>
static class InspectCommand
{
    const int LimitDefault = 20;

    public static Command Create(Terminal terminal) =>
        new("inspect", "Show what lies in a store's files, damaged ones too. Takes no lock and changes nothing.")
    {
        Create(terminal, "log", "A store, its log directory, or one segment: the records and what they hold.", LogInspection.Run),
        Create(terminal, "manifest", "A store or a MANIFEST file: the edits and the tables they name.", ManifestInspection.Run),
        Create(terminal, "table", "A table's file: its properties, blocks and versions.", TableInspection.Run),
    };

    static Command Create(Terminal terminal, string name, string description, Func<IFileSystem, string, Dump, bool> run)
    {
        var path = new Argument<string>("PATH") { Description = "A file, or a directory where the command takes one." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of text." };
        var limit = new Option<int>("--limit") { Description = "Items shown of each list.", DefaultValueFactory = _ => LimitDefault };
        var command = new Command(name, description) { path, json, limit };
        command.SetAction(parsed =>
        {
            using var dump = new Dump(terminal, parsed.GetValue(json), Math.Max(0, parsed.GetValue(limit)));
            try
            {
                return run(new DiskFileSystem(), parsed.GetValue(path)!, dump) ? ExitCodes.Done : ExitCodes.Problems;
            }
            catch (AevumException damage) when (damage.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat)
            {
                dump.Field("damage", damage.Message);
                return ExitCodes.Problems;
            }
        });
        return command;
    }

    /// <summary>A time as text; null for none.</summary>
    public static string? Time(ulong time) => time == 0 ? null : SystemTimeText.ToRfc3339(new SystemTime(Math.Min(time, SystemTime.Max.Value)));
}
