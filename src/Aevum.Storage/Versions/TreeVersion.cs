// TreeVersion: which tables make up a tree at one moment. Immutable; edits make new ones (VersionEdit.Apply).
//
//   Levels[0]      tables from flushes, newest first; they may overlap
//   Levels[1..6]   one sorted run each: tables in key order, never overlapping
//   History[0..6]  the same shape for superseded versions; reads of now never open them
//
// Always true, per key: what lies on a lower-numbered level (and, on level 0, nearer the front) is newer. History tables carry the end of
// each version's life instead, so their order does not matter to a reader.

using Aevum.Core.Diagnostics;

namespace Aevum.Storage.Versions;

sealed class TreeVersion
{
    public const int LevelCount = 7;

    public static TreeVersion Empty { get; } = new(EmptyLevels(), EmptyLevels());

    public TreeVersion(TableMeta[][] levels, TableMeta[][] history)
    {
        Levels = levels;
        History = history;
        foreach (var level in history)
            foreach (var table in level) HistoryMaxEnd = Math.Max(HistoryMaxEnd, table.MaxEnd);
        foreach (var level in levels)
            foreach (var table in level) HasRangeDeletes |= table.RangeDeletes > 0;
        RequireOrder(levels);
        RequireOrder(history);
    }

    public TableMeta[][] Levels { get; }

    public TableMeta[][] History { get; }

    /// <summary>A read at or above this time needs no history table.</summary>
    public ulong HistoryMaxEnd { get; }

    public bool HasRangeDeletes { get; }

    public IEnumerable<TableMeta> AllTables => Levels.Concat(History).SelectMany(t => t);

    public TableMeta[][] Shape(bool history) => history ? History : Levels;

    public static long Bytes(IEnumerable<TableMeta> tables) => tables.Sum(t => t.FileBytes);

    /// <summary>The tables of one sorted level that overlap the range: index of the first, and count.</summary>
    public static (int First, int Count) Overlapping(TableMeta[] level, byte[]? start, byte[]? end, bool endExclusive)
    {
        var first = start is null ? 0 : FirstNotEndingBefore(level, start);
        var i = first;
        while (i < level.Length && level[i].Overlaps(start, end, endExclusive)) i++;
        return (first, i - first);
    }

    /// <summary>Index of the first table of a sorted level that does not lie wholly below <paramref name="key"/>.</summary>
    public static int FirstNotEndingBefore(TableMeta[] level, ReadOnlySpan<byte> key)
    {
        int lower = 0, upper = level.Length;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (level[middle].EndsBefore(key)) lower = middle + 1;
            else upper = middle;
        }
        return lower;
    }

    public static TableMeta[][] EmptyLevels() => [.. Enumerable.Range(0, LevelCount).Select(_ => Array.Empty<TableMeta>())];

    // Stays on in release: a wrong order would make reads miss data, and it is checked once per edit, never per read.
    static void RequireOrder(TableMeta[][] levels)
    {
        for (var level = 1; level < levels.Length; level++)
            for (var i = 1; i < levels[level].Length; i++)
            {
                var before = levels[level][i - 1];
                var order = before.Largest.AsSpan().SequenceCompareTo(levels[level][i].Smallest);
                Invariant.Require(order < 0 || (order == 0 && before.LargestExclusive), "tables of a sorted level never overlap");
            }
    }
}
