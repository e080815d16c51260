// BackupStores: what can be done with backups. The public face of this folder.

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;

namespace Aevum.Engine.Backup;

public static class BackupStores
{
    static string Holder(string what) => string.Create(CultureInfo.InvariantCulture, $"{what}, process {Environment.ProcessId}");

    /// <summary>Makes a backup of an open database. Commits go on meanwhile.</summary>
    /// <param name="directory">Of the backups: made if it is not there; else it must be empty, or hold backups of this database.</param>
    /// <exception cref="AevumException">InvalidArgument: the directory holds something else. Locked: somebody else changes the backups. Corruption: a table of
    /// the database is damaged. DiskFull, InputOutput, Cancelled, Closed: there is no new backup, and those that were there are as they were.</exception>
    public static BackupInfo Create(LocalShards shards, string directory, BackupOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= BackupOptions.Default;
        var files = options.Files ?? new DiskFileSystem();
        if (cancellation.IsCancellationRequested) throw new AevumException(ErrorCode.Cancelled, "cancelled before it began");
        var store = BackupStore.OpenOrCreate(files, directory, shards.DatabaseId, Holder("a backup"), out var held);
        using (held)
        {
            using var source = shards.OpenBackupSource();
            var work = new BackupWork(source.Scheduler, options.BytesPerSecond, options.Progress, cancellation, () => source.MustStop);
            return BackupCreator.Run(source, store, options, work);
        }
    }

    /// <summary>Whether a directory holds backups.</summary>
    public static bool Exist(IFileSystem files, string directory) => BackupStore.Exists(files, directory);

    /// <summary>The backups in a directory.</summary>
    /// <exception cref="AevumException">NotFound: there are none here.</exception>
    public static BackupList List(IFileSystem files, string directory)
    {
        var store = BackupStore.Open(files, directory);
        var content = store.ReadAll();
        return new(store.DatabaseId, [.. content.Backups.Select(b => InfoOf(b, content))], content.Problems);
    }

    /// <summary>Reads every byte of one backup, or of all, and compares everything with everything.</summary>
    /// <param name="id">Null: all.</param>
    /// <exception cref="AevumException">NotFound. Cancelled. Locked.</exception>
    public static BackupReport Verify(
        IScheduler scheduler, string directory, ulong? id = null, BackupOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= BackupOptions.Default;
        BackupStore store;
        try
        {
            store = BackupStore.Open(options.Files ?? new DiskFileSystem(), directory);
        }
        catch (CorruptionException damage)
        {
            return new([], [], [BackupStore.ProblemOf(directory, damage)], 1, 0);
        }
        using var held = store.LockForReading(Holder("a check"));
        return BackupVerifier.Run(store, id, options, new BackupWork(scheduler, options.BytesPerSecond, options.Progress, cancellation));
    }

    /// <summary>Makes a database of a backup, as it was at a moment.</summary>
    /// <param name="target">A directory that is not there, or empty.</param>
    /// <exception cref="AevumException">NotFound: no such backup, or none from which the moment can be reached; the message tells what can.
    /// InvalidArgument: the target is not empty. Corruption: the backup is damaged; what was made is removed.</exception>
    public static RestoredDatabase Restore(
        IScheduler scheduler, string directory, string target, RestoreOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= RestoreOptions.Default;
        var store = BackupStore.Open(options.Files ?? new DiskFileSystem(), directory);
        using var held = store.LockForReading(Holder("a restore"));
        return BackupRestorer.Run(
            store, target, options, scheduler, new BackupWork(scheduler, options.BytesPerSecond, options.Progress, cancellation), Holder("a restore"));
    }

    /// <summary>Removes a backup, and the files that no other one needs. Log that takes an earlier backup further stays.</summary>
    /// <returns>Bytes that became free.</returns>
    /// <exception cref="AevumException">NotFound. Locked.</exception>
    public static long Delete(IFileSystem files, string directory, ulong id)
    {
        var store = BackupStore.Open(files, directory);
        using var held = store.Lock(Holder("a deletion"));
        return store.Delete(id);
    }

    internal static BackupInfo InfoOf(BackupManifest backup, StoreContent content)
    {
        var chain = content.ChainOf(backup);
        var own = chain.Pieces.Where(p => p.Number <= backup.Id).Sum(p => p.Bytes);
        return new(
            backup.Id, backup.Identity.DatabaseId, backup.Timeline, backup.From, backup.Moment, chain.Reach,
            SystemTime.FromMicroseconds(Math.Min(backup.DoneAt, SystemTime.MicrosecondsMax)).ToDateTimeOffset(),
            backup.Shards.Count, backup.Shards.Sum(s => s.Tables.Count), backup.TableBytes + own, backup.NewBytes);
    }
}
