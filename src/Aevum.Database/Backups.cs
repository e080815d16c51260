using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Backup;

namespace Aevum;

/// <summary>What can be done with backups where no database is open. They are made by <see cref="Database.CreateBackup"/>.</summary>
public static class Backups
{
    /// <summary>Whether a directory holds backups.</summary>
    public static bool Exist(string directory, IFileSystem? files = null) => BackupStores.Exist(files ?? new DiskFileSystem(), directory);

    /// <summary>The backups in a directory.</summary>
    /// <exception cref="AevumException">NotFound: there are none. Corruption.</exception>
    public static BackupList List(string directory, IFileSystem? files = null) => BackupStores.List(files ?? new DiskFileSystem(), directory);

    /// <summary>Reads every byte of one backup, or of all, and says what is damaged.</summary>
    /// <param name="directory">Of the backups.</param>
    /// <param name="id">Null: all.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="AevumException">NotFound, Locked, Cancelled. Damage is no exception: it is in the report.</exception>
    public static BackupReport Verify(string directory, ulong? id = null, BackupOptions? options = null, CancellationToken cancellation = default)
    {
        using var scheduler = new ThreadScheduler();
        return BackupStores.Verify(scheduler, directory, id, options, cancellation);
    }

    /// <summary>Makes a database of a backup, as it was at a moment: every commit at or below it, none above.</summary>
    /// <param name="directory">Of the backups.</param>
    /// <param name="target">A directory that is not there, or empty. It opens as a database only once it is whole.</param>
    /// <param name="options">Null: the newest backup, as it is.</param>
    /// <param name="cancellation">Stops it; what was made is removed.</param>
    /// <exception cref="AevumException">NotFound: no such backup, or none reaches the moment; the message tells which moments can be had. InvalidArgument: the
    /// target is not empty. Corruption: the backup is damaged.</exception>
    public static RestoredDatabase Restore(
        string directory, string target, RestoreOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(target);
        using var own = options?.Scheduler is null ? new ThreadScheduler() : null;
        return BackupStores.Restore(options?.Scheduler ?? own!, directory, target, options, cancellation);
    }

    /// <summary>Removes a backup and the files that no other one needs. Moments that only it reached cannot be restored any more.</summary>
    /// <returns>Bytes that became free.</returns>
    /// <exception cref="AevumException">NotFound, Locked.</exception>
    public static long Delete(string directory, ulong id, IFileSystem? files = null) =>
        BackupStores.Delete(files ?? new DiskFileSystem(), directory, id);
}
