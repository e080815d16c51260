// StoreChecker: is a store what it must be? Reads everything, changes nothing, and names each problem with its file.
//
//   manifest   CURRENT, every record; numbers that agree (ids, times); levels in order, which following the edits asserts
//   tables     each whole (TableVerifier) and as the manifest describes it
//   order      a merge walk over all sound tables (OrderWalk): newer versions above older ones, ends after beginnings
//   log        what an open would say of it (LogInspector), whose it is, where it starts, every batch readable (LogCheck)
//   orphans    files that nobody names: notes, as the next open removes them
//
// Always true: what cannot be read is a problem, never an exception, and never a reason not to look at the rest. An exception means that the
// check itself could not be done.
//
// The caller holds the store's lock, or takes it that files come and go meanwhile.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Caching;
using Aevum.Storage.Log;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Checking;

public sealed class StoreChecker
{
    const long CacheBytes = 16 << 20;

    readonly IFileSystem _files;
    readonly string _directory;
    readonly string _tables;
    readonly string _log;
    readonly ICheckProgress? _progress;
    readonly CheckFindings _findings;

    StoreChecker(IFileSystem files, string directory, ICheckProgress? progress, CheckFindings? findings = null)
    {
        _findings = findings ?? new CheckFindings();
        _files = files;
        _directory = directory;
        _tables = FilePaths.Combine(directory, TableStore.FolderName);
        _log = FilePaths.Combine(directory, Tree.LogFolderName);
        _progress = progress;
    }

    /// <summary>True if the directory holds a store, be it a damaged one.</summary>
    public static bool IsStore(IFileSystem files, string directory) =>
        files.DirectoryExists(directory) &&
        (Manifest.Exists(files, directory) || files.DirectoryExists(FilePaths.Combine(directory, TableStore.FolderName)) ||
            files.ListFiles(directory).Any(name => name.StartsWith(Manifest.Prefix, StringComparison.Ordinal)));

    /// <summary>Checks the store in a directory.</summary>
    /// <exception cref="AevumException">The directory cannot be listed.</exception>
    public static CheckReport Check(IFileSystem files, string directory, ICheckProgress? progress = null) =>
        new StoreChecker(files, directory, progress).Run();

    /// <summary>Checks several trees that share a log which stands elsewhere.</summary>
    /// <param name="log">The log's directory.</param>
    /// <param name="owner">Whose the log must be; null if that is not known.</param>
    /// <param name="trees">Of each its stream in the log and its directory.</param>
    /// <exception cref="AevumException">A directory cannot be listed.</exception>
    public static CheckReport CheckShards(
        IFileSystem files, string log, (Guid DatabaseId, uint Timeline)? owner, IReadOnlyList<(uint Stream, string Directory)> trees,
        ICheckProgress? progress = null)
    {
        var findings = new CheckFindings();
        var all = new List<TableMeta>();
        var applied = new Dictionary<uint, ulong?>();
        foreach (var (stream, directory) in trees)
        {
            var checker = new StoreChecker(files, directory, progress, findings);
            if (!IsStore(files, directory)) findings.Report(directory, null, "the database names this shard, and its tree is missing");
            var (state, metas, manifest) = checker.CheckTree();
            checker.NoteOrphans(metas, manifest);
            all.AddRange(metas);
            applied[stream] = state?.AppliedPosition;
        }
        progress?.Begin("log", 0);
        var inspection = new LogCheck(files, log, findings).Run(
            owner is { } its ? (its.DatabaseId, its.Timeline, "the database") : null, applied, count => progress?.Advance(count));
        return Report(findings, all, inspection);
    }

    CheckReport Run()
    {
        var (state, metas, manifest) = CheckTree();
        _progress?.Begin("log", 0);
        var log = new LogCheck(_files, _log, _findings).Run(
            state is null ? null : (state.DatabaseId, state.Timeline, "the manifest"),
            state is null ? null : new Dictionary<uint, ulong?> { [Tree.OwnStream] = state.AppliedPosition }, count => _progress?.Advance(count));
        NoteOrphans(metas, manifest);
        return Report(_findings, metas, log);
    }

    /// <summary>Checks one table, wherever it lies, from end to end, and against what a tree's manifest says of it.</summary>
    /// <param name="image">The tree's.</param>
    /// <param name="id">A table of it.</param>
    public static IReadOnlyList<CheckProblem> CheckTable(IFileSystem files, string path, TreeImage image, ulong id)
    {
        var checker = new StoreChecker(files, FilePaths.DirectoryOf(path), null);
        using var cache = new BlockCache(CacheBytes);
        try
        {
            checker.CheckTable(image.MetaOf(id), path, cache);
        }
        catch (AevumException failure)
        {
            checker._findings.Report(path, failure);
        }
        return checker._findings.Problems;
    }

    static CheckReport Report(CheckFindings findings, List<TableMeta> metas, LogInspection log) => new()
    {
        Problems = findings.Problems,
        Notes = findings.Notes,
        Tables = metas.Count,
        TableBytes = metas.Sum(m => m.FileBytes),
        Versions = metas.Sum(m => m.Entries + m.RangeDeletes),
        LogSegments = log.Segments.Count,
        LogRecords = log.Segments.Sum(s => (long)s.Records),
    };

    // What the manifest says, the tables it names, and its own name; null where it cannot be read.
    (ManifestState? State, List<TableMeta> Tables, string? Manifest) CheckTree()
    {
        var state = ReadManifest(out var number);
        var metas = state?.Version.AllTables.ToList() ?? [];
        using var cache = new BlockCache(CacheBytes);
        if (state is not null)
        {
            CheckNumbers(state, number);
            var sound = CheckTables(metas, cache);
            using var walk = new OrderWalk(_files, PathOf, state.Version, sound, cache, _findings);
            _progress?.Begin("order", walk.Entries);
            walk.Run(count => _progress?.Advance(count));
        }
        return (state, metas, state is null ? null : Manifest.NameOf(number));
    }

    string PathOf(ulong id) => FilePaths.Combine(_tables, TableStore.FileNameOf(id));

    ManifestState? ReadManifest(out ulong number)
    {
        number = 0;
        var current = FilePaths.Combine(_directory, Manifest.CurrentName);
        if (!Manifest.Exists(_files, _directory))
        {
            var holdsData = ListFiles(_tables).Any(name => TableStore.TryParse(name, out _)) || ListFiles(_log).Any(name => LogFiles.NumberOf(name) > 0);
            if (holdsData) _findings.Report(current, null, "the file that names the manifest is missing, and the directory holds data");
            else _findings.Notes.Add("a store whose making was cut short: it holds nothing, and the next open makes it anew");
            return null;
        }
        try
        {
            var (state, found, cut) = Manifest.Read(_files, _directory);
            number = found;
            if (cut > 0)
                _findings.Notes.Add($"{Manifest.NameOf(found)}: its last record was cut short by a crash ({cut} bytes); the next open drops it");
            return state;
        }
        catch (AevumException failure)
        {
            _findings.Report(current, failure);
            return null;
        }
    }

    void CheckNumbers(ManifestState state, ulong number)
    {
        var path = FilePaths.Combine(_directory, Manifest.NameOf(number));
        var ids = new HashSet<ulong>();
        foreach (var table in state.Version.AllTables)
        {
            if (!ids.Add(table.Id)) _findings.Report(path, null, $"table {table.Id:x} is named twice");
            if (table.Id >= state.NextTableId)
                _findings.Report(path, null, $"table {table.Id:x} lies above the next table id, {state.NextTableId:x}");
            if (table.MinVersion > table.MaxVersion)
                _findings.Report(path, null, $"table {table.Id:x} begins at {table.MinVersion}, after its end at {table.MaxVersion}");
            if (table.MaxVersion > state.GreatestTime)
                _findings.Report(path, null, $"table {table.Id:x} holds version {table.MaxVersion}, later than the greatest time {state.GreatestTime}");
            var order = table.Smallest.AsSpan().SequenceCompareTo(table.Largest);
            if (order > 0 || (order == 0 && table.LargestExclusive))
                _findings.Report(path, null, $"table {table.Id:x} has its bounds the wrong way round");
        }
    }

    // The tables in which nothing is wrong, with their range deletes: only among them an order can be asked for.
    Dictionary<ulong, Iterators.RangeDeletes> CheckTables(List<TableMeta> metas, BlockCache cache)
    {
        var sound = new Dictionary<ulong, Iterators.RangeDeletes>();
        _progress?.Begin("tables", metas.Sum(m => m.FileBytes));
        foreach (var meta in metas)
        {
            var path = PathOf(meta.Id);
            try
            {
                if (CheckTable(meta, path, cache) is { } rangeDeletes) sound[meta.Id] = rangeDeletes;
            }
            catch (AevumException failure)
            {
                _findings.Report(path, failure);
            }
            _progress?.Advance(meta.FileBytes);
            if (_findings.IsFull) break;
        }
        return sound;
    }

    Iterators.RangeDeletes? CheckTable(TableMeta meta, string path, BlockCache cache)
    {
        if (!_files.FileExists(path))
        {
            _findings.Report(path, null, "the manifest names this table, and the file is missing");
            return null;
        }
        var length = _files.FileLength(path);
        if (length != meta.FileBytes)
        {
            _findings.Report(path, Math.Min(length, meta.FileBytes), $"the file has {length} bytes, and {meta.FileBytes} in the manifest");
            return null;
        }
        using var reader = TableReader.Open(_files, path, meta.Id, cache);
        var problems = reader.Verify();
        foreach (var problem in problems)
        {
            var prefix = $"{path} at byte {problem.Offset}: ";
            var text = problem.Text.StartsWith(prefix, StringComparison.Ordinal) ? problem.Text[prefix.Length..] : problem.Text;
            _findings.Report(path, problem.Offset, text.Replace(" The file is left untouched.", "", StringComparison.Ordinal));
        }
        var differs = false;
        foreach (var difference in Differences(meta, reader.Properties))
        {
            differs = true;
            _findings.Report(path, (long)reader.Footer.Properties.Offset, difference);
        }
        return problems.Count > 0 || differs ? null : reader.RangeDeletes.Clip(meta.ClipStart, meta.ClipEnd);
    }

    static IEnumerable<string> Differences(TableMeta meta, TableProperties table)
    {
        // Of a file shared with another tree the manifest describes a part: it must lie within the whole.
        if (meta.IsClipped)
        {
            if ((ulong)meta.Entries > table.Entries) yield return $"the manifest says {meta.Entries} entries, of {table.Entries} in the file";
            if (meta.MinVersion < table.VersionMin || meta.MaxVersion > table.VersionMax)
                yield return "the manifest names versions that the file does not hold";
            if (meta.Smallest.AsSpan().SequenceCompareTo(table.SmallestKey) < 0 || meta.Largest.AsSpan().SequenceCompareTo(table.LargestKey) > 0)
                yield return "the manifest names keys that the file does not hold";
            yield break;
        }
        (string Name, ulong Manifest, ulong File)[] numbers =
        [
            ("entries", (ulong)meta.Entries, table.Entries), ("deletes", (ulong)meta.Deletes, table.Deletes),
            ("range deletes", (ulong)meta.RangeDeletes, table.RangeDeletes), ("the first version", meta.MinVersion, table.VersionMin),
            ("the last version", meta.MaxVersion, table.VersionMax), ("the first expiry", meta.MinExpiry, table.ExpiryMin),
            ("the last end", meta.MaxEnd, table.EndMax),
        ];
        foreach (var (name, manifest, file) in numbers)
            if (manifest != file) yield return $"{name}: {file} in the file, {manifest} in the manifest";
        if (!meta.Smallest.AsSpan().SequenceEqual(table.SmallestKey)) yield return "the smallest key is not the one in the manifest";
        if (!meta.Largest.AsSpan().SequenceEqual(table.LargestKey) || meta.LargestExclusive != table.LargestIsRangeDelete)
            yield return "the largest key is not the one in the manifest";
    }

    void NoteOrphans(List<TableMeta> metas, string? manifest)
    {
        // Without a manifest nobody can say what belongs.
        if (manifest is null) return;
        var named = metas.Select(m => m.Id).ToHashSet();
        foreach (var name in ListFiles(_tables))
            if (!TableStore.TryParse(name, out var id) || !named.Contains(id)) Orphan(FilePaths.Combine(_tables, name));
        foreach (var name in ListFiles(_directory))
            if (name is not (Manifest.CurrentName or Tree.LockName) && name != manifest) Orphan(FilePaths.Combine(_directory, name));
        foreach (var name in ListFiles(_log))
            if (LogFiles.NumberOf(name) == 0 && !LogFiles.IsSpare(name)) Orphan(FilePaths.Combine(_log, name));

        void Orphan(string path) => _findings.Notes.Add($"{path}: the store does not name this file");
    }

    IReadOnlyList<string> ListFiles(string directory) => _files.DirectoryExists(directory) ? _files.ListFiles(directory) : [];
}
