// BackupCommand: aevum backup create DIR BACKUPS | list BACKUPS | verify BACKUPS [ID] | restore BACKUPS TARGET | delete BACKUPS ID...
//
// Exit code 0: done, and nothing was found; 1: list or verify found damage; 2: it could not be done, and nothing was changed. ^C stops a backup or a
// restore the same way as any other failure: there is a whole one, or none.

using System.CommandLine;
using System.Globalization;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Backup;

namespace Aevum.Cli.Backup;

static class BackupCommand
{
    const long RateMax = 1L << 62;   // beyond any disk, and short of what arithmetic on rates overflows

    public static Command Create(Terminal terminal) => new("backup", "Back up databases, verify and restore backups; incremental, to any moment.")
    {
        CreateCreate(terminal), CreateList(terminal), CreateVerify(terminal), CreateRestore(terminal), CreateDelete(terminal),
    };

    static Argument<string> StoreArgument() => new("BACKUPS") { Description = "The directory of the backups; one for each database." };

    static Option<bool> JsonOption() => new("--json") { Description = "Print one JSON object instead of text." };

    static Option<string?> RateOption() => new("--rate") { Description = "Bytes to move in a second at most: 500K, 50M, 1G." };

    static Command CreateCreate(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The database's directory." };
        var (store, json, rate) = (StoreArgument(), JsonOption(), RateOption());
        var unchecked_ = new Option<bool>("--no-check") { Description = "Copy tables without checking them from end to end." };
        var command = new Command("create", "Make a backup: what earlier ones have is not copied again.") { directory, store, rate, unchecked_, json };
        command.SetAction(parsed =>
        {
            var bytesPerSecond = ParseRate(parsed.GetValue(rate));
            using var opened = OpenedDatabase.Open(parsed.GetValue(directory)!, create: false);
            BackupInfo? made = null;
            Run(terminal, parsed.GetValue(json), (progress, cancellation) => made = opened.Database.CreateBackup(
                parsed.GetValue(store)!,
                new BackupOptions { BytesPerSecond = bytesPerSecond, CheckTables = !parsed.GetValue(unchecked_), Progress = progress }, cancellation));
            if (parsed.GetValue(json)) BackupText.WriteJson(terminal, w => BackupText.Write(w, made!));
            else BackupText.Print(terminal, made!);
            return ExitCodes.Done;
        });
        return command;
    }

    static Command CreateList(Terminal terminal)
    {
        var (store, json) = (StoreArgument(), JsonOption());
        var command = new Command("list", "Tell which backups there are, and which moments they reach.") { store, json };
        command.SetAction(parsed =>
        {
            var list = Backups.List(parsed.GetValue(store)!);
            if (parsed.GetValue(json)) BackupText.WriteJson(terminal, w => BackupText.Write(w, list));
            else BackupText.Print(terminal, list);
            return list.Problems.Count == 0 ? ExitCodes.Done : ExitCodes.Problems;
        });
        return command;
    }

    static Command CreateVerify(Terminal terminal)
    {
        var (store, json, rate) = (StoreArgument(), JsonOption(), RateOption());
        var id = new Argument<ulong?>("ID") { Description = "The backup; all of them unless given.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("verify", "Read every byte of backups. Exit code 0: sound, 1: not.") { store, id, rate, json };
        command.SetAction(parsed =>
        {
            var options = new BackupOptions { BytesPerSecond = ParseRate(parsed.GetValue(rate)) };
            BackupReport? report = null;
            Run(terminal, parsed.GetValue(json), (progress, cancellation) => report = Backups.Verify(
                parsed.GetValue(store)!, parsed.GetValue(id), options with { Progress = progress }, cancellation));
            if (parsed.GetValue(json)) BackupText.WriteJson(terminal, w => BackupText.Write(w, report!));
            else BackupText.Print(terminal, parsed.GetValue(store)!, report!);
            return report!.IsSound ? ExitCodes.Done : ExitCodes.Problems;
        });
        return command;
    }

    static Command CreateRestore(Terminal terminal)
    {
        var (store, json, rate) = (StoreArgument(), JsonOption(), RateOption());
        var target = new Argument<string>("TARGET") { Description = "Where the database shall be: a directory that is not there, or empty." };
        var to = new Option<string?>("--to") { Description = "The moment: 2026-03-01T12:00:00Z, the same with +counter, or its 64 bits." };
        var id = new Option<ulong?>("--id") { Description = "The backup to begin from; unless given the one that suits, or the newest." };
        var command = new Command("restore", "Make a database of a backup, as it was at a moment.") { store, target, to, id, rate, json };
        command.SetAction(parsed =>
        {
            var options = new RestoreOptions
            {
                Id = parsed.GetValue(id),
                To = parsed.GetValue(to) is { } text ? SystemTimeText.Parse(text) : null,
                BytesPerSecond = ParseRate(parsed.GetValue(rate)),
            };
            RestoredDatabase? made = null;
            Run(terminal, parsed.GetValue(json), (progress, cancellation) => made = Backups.Restore(
                parsed.GetValue(store)!, parsed.GetValue(target)!, options with { Progress = progress }, cancellation));
            if (parsed.GetValue(json)) BackupText.WriteJson(terminal, w => BackupText.Write(w, made!));
            else BackupText.Print(terminal, made!);
            return ExitCodes.Done;
        });
        return command;
    }

    static Command CreateDelete(Terminal terminal)
    {
        var (store, json) = (StoreArgument(), JsonOption());
        var ids = new Argument<ulong[]>("ID") { Description = "Backups to delete.", Arity = ArgumentArity.ZeroOrMore };
        var keep = new Option<int?>("--keep") { Description = "Delete all but the newest N." };
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var command = new Command("delete", "Delete backups, and the files that no other one needs.") { store, ids, keep, yes, json };
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(store)!;
            var all = Backups.List(path).Backups.Select(b => b.Id).ToArray();
            var going = parsed.GetValue(ids)!.Distinct().ToList();
            if (parsed.GetValue(keep) is { } kept)
            {
                if (going.Count > 0 || kept < 1) Throw.Invalid("give backups to delete, or --keep with the number of the newest ones to keep, at least 1");
                going.AddRange(all.SkipLast(kept));
            }
            else if (going.Count == 0)
            {
                Throw.Invalid("give the backups to delete, or --keep with the number of the newest ones to keep");
            }
            if (going.Count > 0 && !parsed.GetValue(yes)) terminal.Confirm($"delete {Names(going)} of {path}", "--yes");
            long freed = 0;
            foreach (var id in going) freed += Backups.Delete(path, id);
            if (parsed.GetValue(json)) BackupText.WriteJson(terminal, w => BackupText.WriteDeleted(w, going, freed));
            else terminal.Out.WriteLine(BackupText.OfDeleted(going.Count == 0 ? "nothing" : Names(going), freed));
            return ExitCodes.Done;
        });
        return command;
    }

    static string Names(IReadOnlyList<ulong> ids) => (ids.Count == 1 ? "backup " : "backups ") + string.Join(", ", ids);

    static void Run(Terminal terminal, bool isQuiet, Action<IBackupProgress?, CancellationToken> work)
    {
        using var interruption = new Interruption();
        if (isQuiet) work(null, interruption.Token);
        else Stages.Run(terminal, TimeProvider.System, stages => work(new Progress(stages), interruption.Token));
    }

    // A lone K, M or G is a power of 1,024, as it always was here.
    internal static long ParseRate(string? text)
    {
        if (text is null) return 0;
        var isShort = text.Length > 0 && char.ToUpperInvariant(text[^1]) is 'K' or 'M' or 'G';
        if (!ByteSizeText.TryParse(isShort ? text + "iB" : text, out var rate) || rate is < 1 or > RateMax)
            Throw.Invalid($"'{text}' is no rate: bytes a second, such as 500K, 50M or 1G");
        return rate;
    }

    sealed class Progress(Stages stages) : IBackupProgress
    {
        public void Begin(string stage, long total) => stages.Begin(stage, total);

        public void Advance(long bytes) => stages.Advance(bytes);
    }
}
