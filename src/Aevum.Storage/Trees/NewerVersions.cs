// NewerVersions: whether something was written or deleted after a moment: what a transaction asks about all it has read.
//
// Deletes and range deletes count. Above the history floor they leave a trace: in the main tables themselves, or, once compaction has dropped
// them there, as the end of the version that they deleted, in a history table. Below the floor nobody can tell (Tree refuses).

using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

static class NewerVersions
{
    /// <param name="end">Null: to the end.</param>
    public static bool Exist(ReadState state, byte[] start, byte[]? end, ulong since)
    {
        if (ExistIn(state.Active, start, end, since)) return true;
        foreach (var memtable in state.Frozen)
            if (ExistIn(memtable, start, end, since)) return true;
        var metas = state.Version.Picture.Levels;
        for (var level = 0; level < metas.Length; level++)
            for (var i = 0; i < metas[level].Length; i++)
                if (Touches(metas[level][i], start, end) && ExistIn(state.Version.Levels[level][i], start, end, since)) return true;
        var history = state.Version.Picture.History;
        for (var level = 0; level < history.Length; level++)
            for (var i = 0; i < history[level].Length; i++)
                if (history[level][i].MaxEnd > since && Touches(history[level][i], start, end) &&
                    HasEnded(state.Version.History[level][i], start, end, since)) return true;
        return false;
    }

    /// <summary>When the newest version of a key that is in no main table ended; 0 if there is none.</summary>
    public static ulong EndOf(ReadState state, ReadOnlySpan<byte> key)
    {
        ulong end = 0;
        foreach (var level in state.Version.History)
            foreach (var table in level)
            {
                if (table.Meta.MaxEnd <= end || !table.Meta.Contains(key)) continue;
                using var cursor = table.OpenCursor(TableCursorOptions.Default);
                cursor.Seek(key, ulong.MaxValue);
                if (cursor.Valid && cursor.Key.SequenceEqual(key)) end = Math.Max(end, cursor.End);
            }
        return end;
    }

    static bool HasEnded(TableHandle table, byte[] start, byte[]? end, ulong since)
    {
        // Of a key the newest version comes first, and it ended last.
        using var cursor = table.OpenCursor(TableCursorOptions.Default);
        for (cursor.Seek(start, ulong.MaxValue); cursor.Valid && (end is null || cursor.Key.SequenceCompareTo(end) < 0); cursor.NextKey())
            if (cursor.End > since) return true;
        return false;
    }

    static bool Touches(TableMeta table, byte[] start, byte[]? end) =>
        !table.EndsBefore(start) && (end is null || table.Smallest.AsSpan().SequenceCompareTo(end) < 0);

    static bool ExistIn(MemtableHandle memtable, byte[] start, byte[]? end, ulong since)
    {
        var table = memtable.Table;
        if (table.IsEmpty || table.MaxVersion <= since) return false;
        if (table.HasRangeDeletes && ExistIn(table.RangeDeletes, start, end, since)) return true;
        using var cursor = table.NewCursor();
        return ExistIn(cursor, start, end, since);
    }

    static bool ExistIn(TableHandle table, byte[] start, byte[]? end, ulong since)
    {
        if (table.Meta.MaxVersion <= since) return false;
        if (ExistIn(table.RangeDeletes, start, end, since)) return true;
        using var cursor = table.OpenCursor(TableCursorOptions.Default);
        return ExistIn(cursor, start, end, since);
    }

    static bool ExistIn(RangeDeletes ranges, byte[] start, byte[]? end, ulong since)
    {
        if (ranges.IsEmpty) return false;
        for (var i = ranges.FirstEndingAfter(start); i < ranges.Fragments.Count; i++)
        {
            var fragment = ranges.Fragments[i];
            if (end is not null && fragment.Start.AsSpan().SequenceCompareTo(end) >= 0) return false;
            if (fragment.Newest > since) return true;
        }
        return false;
    }

    static bool ExistIn(VersionCursor cursor, byte[] start, byte[]? end, ulong since)
    {
        // The newest version of a key comes first.
        for (cursor.Seek(start, ulong.MaxValue); cursor.Valid && (end is null || cursor.Key.SequenceCompareTo(end) < 0); cursor.NextKey())
            if (cursor.Version > since) return true;
        return false;
    }
}
