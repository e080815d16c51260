// DatabaseChecker: is a database what it must be? The file DATABASE here; every shard's tree and the log they share by StoreChecker.
//
// Always true: changes nothing; what cannot be read is a problem, never an exception, and never a reason not to look at the rest. The caller holds the
// database's lock, or takes it that files come and go meanwhile.
//
// Not here: what rows mean (the catalog's are checked when a database is opened).

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Checking;

namespace Aevum.Engine.Shards;

public static class DatabaseChecker
{
    /// <summary>True if the directory holds a database, be it a damaged one.</summary>
    public static bool IsDatabase(IFileSystem files, string directory) =>
        files.DirectoryExists(directory) &&
        (DatabaseIdentity.Exists(files, directory) || files.DirectoryExists(FilePaths.Combine(directory, LocalShards.ShardsFolder)));

    /// <summary>Checks the database in a directory.</summary>
    /// <exception cref="AevumException">The directory cannot be listed.</exception>
    public static CheckReport Check(IFileSystem files, string directory, ICheckProgress? progress = null)
    {
        var path = FilePaths.Combine(directory, DatabaseIdentity.FileName);
        var shardsFolder = FilePaths.Combine(directory, LocalShards.ShardsFolder);
        var folders = files.DirectoryExists(shardsFolder) ? files.ListDirectories(shardsFolder) : [];
        DatabaseIdentity? identity = null;
        AevumException? damage = null;
        try
        {
            identity = DatabaseIdentity.Read(files, directory);
        }
        catch (AevumException failure)
        {
            damage = failure;
        }
        // Without the identity: the shards that have a directory.
        var ids = identity?.Shards.Select(s => s.Id) ??
            folders.Select(f => uint.TryParse(f, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id != 0);
        var shards = ids.Select(id => (id, FilePaths.Combine(shardsFolder, LocalShards.FolderOf(id)))).ToList();
        var report = StoreChecker.CheckShards(
            files, FilePaths.Combine(directory, LocalShards.LogFolder), identity is null ? null : (identity.DatabaseId, identity.Timeline), shards, progress);

        var problems = report.Problems.ToList();
        if (damage is CorruptionException { Offset: var offset, File: not null }) problems.Insert(0, new CheckProblem(path, offset, TextOf(damage)));
        else if (damage is not null) problems.Insert(0, new CheckProblem(path, null, damage.Message));
        var named = shards.Select(s => LocalShards.FolderOf(s.id)).ToHashSet();
        var orphans = folders.Where(f => !named.Contains(f)).Select(f => FilePaths.Combine(shardsFolder, f)).Concat(
            files.ListFiles(directory).Where(f => f is not (DatabaseIdentity.FileName or LocalShards.LockName)).Select(f => FilePaths.Combine(directory, f)));
        return report with { Problems = problems, Notes = [.. report.Notes, .. orphans.Select(o => $"{o}: the database does not name this")] };
    }

    // The message begins with file and offset, which the problem carries by itself.
    static string TextOf(AevumException damage)
    {
        var at = damage.Message.IndexOf(": ", StringComparison.Ordinal);
        return (at < 0 ? damage.Message : damage.Message[(at + 2)..]).Replace(" The file is left untouched.", "", StringComparison.Ordinal);
    }
}
