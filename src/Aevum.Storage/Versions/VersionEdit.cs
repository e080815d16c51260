// VersionEdit: one atomic change of a tree: tables that come, tables that go, numbers that rise. The unit the manifest appends.
//
// A number that an edit does not carry stays as it is; none ever falls. Bytes: docs/formats/manifest.md, VersionEditCodec.

using Aevum.Core.Errors;

namespace Aevum.Storage.Versions;

sealed class VersionEdit
{
    /// <summary>Tables by level; History tells which of the two shapes they belong to.</summary>
    public List<(bool History, int Level, TableMeta Table)> Added { get; } = [];

    public List<(bool History, int Level, ulong TableId)> Removed { get; } = [];

    /// <summary>Keyspace prefix to history floor: below it nothing is answered, and what was superseded there may be gone.</summary>
    public SortedDictionary<ulong, ulong> Floors { get; } = [];

    /// <summary>Every effect up to this log position is in tables.</summary>
    public ulong? AppliedPosition { get; set; }

    /// <summary>The greatest system time in tables.</summary>
    public ulong? GreatestTime { get; set; }

    /// <summary>No table id at or above this was ever given out to this tree.</summary>
    public ulong? NextTableId { get; set; }

    /// <summary>Whose tree this is; set once.</summary>
    public Guid? DatabaseId { get; set; }

    /// <summary>The database's line of descent.</summary>
    public uint? Timeline { get; set; }

    /// <summary>The version after this edit.</summary>
    /// <exception cref="CorruptionException">The edit does not fit the version.</exception>
    public TreeVersion Apply(TreeVersion version)
    {
        var shapes = new[] { Copy(version.Levels), Copy(version.History) };
        foreach (var (history, level, id) in Removed)
            if (shapes[history ? 1 : 0][level].RemoveAll(t => t.Id == id) != 1)
                throw new CorruptionException($"a manifest edit removes table {id} from level {level}, which does not hold it");
        foreach (var (history, level, table) in Added)
        {
            var tables = shapes[history ? 1 : 0][level];
            if (tables.Exists(t => t.Id == table.Id))
                throw new CorruptionException($"a manifest edit adds table {table.Id} to level {level} twice");
            if (level == 0) tables.Insert(0, table);
            else tables.Add(table);
        }
        foreach (var shape in shapes)
            for (var level = 1; level < shape.Length; level++) shape[level].Sort(TableMeta.CompareSmallest);
        return new(ToArrays(shapes[0]), ToArrays(shapes[1]));
    }

    static List<TableMeta>[] Copy(TableMeta[][] levels) => [.. levels.Select(level => new List<TableMeta>(level))];

    static TableMeta[][] ToArrays(List<TableMeta>[] levels) => [.. levels.Select(level => level.ToArray())];
}
