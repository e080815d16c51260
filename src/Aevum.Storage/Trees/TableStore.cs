// TableStore: the table files of one tree: their names, creating, opening, deleting.
//
//   DIR/tables/<id, 16 hex digits>.table

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Storage.Caching;
using Aevum.Storage.Compaction;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

sealed class TableStore
{
    public const string FolderName = "tables";
    public const string Suffix = ".table";

    readonly StorageEnvironment _environment;
    readonly TableWriterOptions _writing;
    readonly TableReaderOptions _reading;

    public TableStore(StorageEnvironment environment, string treeDirectory, TreeOptions options)
    {
        _environment = environment;
        _reading = new TableReaderOptions { Access = options.MapTables ? TableAccess.Mapped : TableAccess.Cached };
        Directory = Path.Combine(treeDirectory, FolderName);
        _writing = new TableWriterOptions
        {
            BlockBytes = options.BlockBytes,
            FilterBitsPerKey = options.FilterBitsPerKey,
            KeyspacePrefixBytes = options.Policy.KeyspacePrefixBytes,
            CompressionOf = options.Policy.CompressionOf,
            Collectors = options.Collectors,
        };
    }

    public string Directory { get; }

    public static string FileNameOf(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture) + Suffix;

    public string PathOf(ulong id) => Path.Combine(Directory, FileNameOf(id));

    /// <summary>The id in a table's file name; false for other names.</summary>
    public static bool TryParse(string fileName, out ulong id)
    {
        id = 0;
        return fileName.Length == 16 + Suffix.Length && fileName.EndsWith(Suffix, StringComparison.Ordinal) &&
            ulong.TryParse(fileName.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }

    public TableOutput CreateTable()
    {
        var id = _environment.NewTableId();
        var file = _environment.Files.Create(PathOf(id));
        try
        {
            return new TableOutput(id, this, file, new TableWriter(file, id, _writing));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes a table known to the table cache; the file is opened when it is first read.</summary>
    public CachedTable Register(TableMeta meta) => _environment.Tables.Add(PathOf(meta.Id), meta.Id, _reading);

    /// <summary>What the manifest keeps of a table just written.</summary>
    public static TableMeta MetaOf(ulong id, TableInfo info) => new()
    {
        Id = id,
        FileBytes = info.FileBytes,
        Smallest = info.SmallestKey,
        Largest = info.LargestKey,
        LargestExclusive = info.LargestIsExclusive,
        Entries = info.Entries,
        Deletes = (long)info.Properties.Deletes,
        RangeDeletes = (long)info.Properties.RangeDeletes,
        MinVersion = info.VersionMin,
        MaxVersion = info.VersionMax,
        MinExpiry = info.Properties.ExpiryMin,
        MaxEnd = info.Properties.EndMax,
    };

    /// <summary>Removes a table's file. An error is not one: what no manifest names is removed at the next open.</summary>
    public void Delete(ulong id)
    {
        try
        {
            _environment.Files.Delete(PathOf(id));
        }
        catch (AevumException)
        {
        }
    }

    public void SyncDirectory() => _environment.Files.SyncDirectory(Directory);
}
