// What is asked of backups and what is answered: options, and the records that tell of backups, checks and restores.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Checking;

namespace Aevum.Engine.Backup;

/// <summary>How a backup is made, or checked.</summary>
public sealed record BackupOptions
{
    public static BackupOptions Default { get; } = new();

    /// <summary>The file system of the backups; null for the machine's.</summary>
    public IFileSystem? Files { get; init; }

    /// <summary>Bytes to move in a second at most; 0: as fast as it goes.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>False: tables are copied as they are, and damage in them shows only when the backup is verified. True: each table that is new to the
    /// store is checked from end to end, and a damaged one stops the backup.</summary>
    public bool CheckTables { get; init; } = true;

    public IBackupProgress? Progress { get; init; }
}

/// <summary>How a backup is restored.</summary>
public sealed record RestoreOptions
{
    public static RestoreOptions Default { get; } = new();

    /// <summary>The backup to begin from; null: the one that suits <see cref="To"/>, or the newest.</summary>
    public ulong? Id { get; init; }

    /// <summary>The moment to restore: every commit at or below it, none above it. Null: the moment of the backup.</summary>
    public SystemTime? To { get; init; }

    /// <summary>The file system of the backups; null for the machine's.</summary>
    public IFileSystem? Files { get; init; }

    /// <summary>The file system to restore to; null for the one of the backups.</summary>
    public IFileSystem? TargetFiles { get; init; }

    /// <summary>Bytes to move in a second at most; 0: as fast as it goes.</summary>
    public long BytesPerSecond { get; init; }

    public IBackupProgress? Progress { get; init; }

    /// <summary>Threads, timers and randomness; null for the machine's.</summary>
    public IScheduler? Scheduler { get; init; }
}

/// <summary>One backup of a store.</summary>
/// <param name="Id">Its number; given once.</param>
/// <param name="DatabaseId">Whose it is.</param>
/// <param name="Timeline">The database's line of descent.</param>
/// <param name="From">The earliest time to which it can be restored.</param>
/// <param name="Moment">The state it holds: all commits up to here.</param>
/// <param name="Reach">The latest time to which it can be restored: its moment, or that of later backups whose log goes on from its own.</param>
/// <param name="DoneAt">When it was done, by the machine's clock.</param>
/// <param name="Shards">How many shards the database had.</param>
/// <param name="Tables">Files of tables.</param>
/// <param name="TotalBytes">Tables and log it needs, whether or not others share them.</param>
/// <param name="NewBytes">What it added to the store.</param>
public sealed record BackupInfo(
    ulong Id, Guid DatabaseId, uint Timeline, SystemTime From, SystemTime Moment, SystemTime Reach, DateTimeOffset DoneAt,
    int Shards, int Tables, long TotalBytes, long NewBytes);

/// <summary>The backups of a store.</summary>
/// <param name="DatabaseId">Whose they are.</param>
/// <param name="Backups">By number; those that can be read.</param>
/// <param name="Problems">Files that cannot be read.</param>
public sealed record BackupList(Guid DatabaseId, IReadOnlyList<BackupInfo> Backups, IReadOnlyList<CheckProblem> Problems);

/// <summary>What a verification found.</summary>
/// <param name="Backups">Numbers of the backups that were looked at.</param>
/// <param name="Damaged">Those of them that cannot be restored.</param>
/// <param name="Problems">Each with its file; empty: all is well.</param>
/// <param name="Files">Files read.</param>
/// <param name="Bytes">Bytes read.</param>
public sealed record BackupReport(
    IReadOnlyList<ulong> Backups, IReadOnlyList<ulong> Damaged, IReadOnlyList<CheckProblem> Problems, int Files, long Bytes)
{
    public bool IsSound => Problems.Count == 0;
}

/// <summary>What was restored.</summary>
/// <param name="Directory">Where.</param>
/// <param name="BackupId">From which backup.</param>
/// <param name="DatabaseId">As before.</param>
/// <param name="Timeline">A new one: what happened after the moment in the old one is not part of this database.</param>
/// <param name="Moment">All commits up to here, none above.</param>
/// <param name="Batches">Taken from the log.</param>
/// <param name="Bytes">Read from the backups.</param>
public sealed record RestoredDatabase(
    string Directory, ulong BackupId, Guid DatabaseId, uint Timeline, SystemTime Moment, long Batches, long Bytes);
