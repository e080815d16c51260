// NewerVersions: whether something was written or deleted after a moment: what a transaction asks about all it has read.
//
// Deletes and range deletes count. Above the history floor they leave a trace: in the main tables themselves, or, once compaction has dropped
// them there, in a history table: as the end of the version that they deleted, or, where there was none, themselves. Below the floor nobody can
// tell (Tree refuses).

using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

static class NewerVersions
{
    const ulong All = ulong.MaxValue >> 1;

    /// <param name="end">Null: to the end.</param>
    /// <param name="withRangeDeletes">False: range deletes do not count. What was written and then deleted by one still does: the version itself is there,
    /// or in history.</param>
    public static bool Exist(ReadState state, byte[] start, byte[]? end, ulong since, bool withRangeDeletes)
    {
        if (ExistIn(state.Active, start, end, since, withRangeDeletes)) return true;
        foreach (var memtable in state.Frozen)
            if (ExistIn(memtable, start, end, since, withRangeDeletes)) return true;
        var metas = state.Version.Picture.Levels;
        for (var level = 0; level < metas.Length; level++)
            for (var i = 0; i < metas[level].Length; i++)
                if (Touches(metas[level][i], start, end) && ExistIn(state.Version.Levels[level][i], start, end, since, withRangeDeletes)) return true;
        var history = state.Version.Picture.History;
        for (var level = 0; level < history.Length; level++)
            for (var i = 0; i < history[level].Length; i++)
                if (MayKnowAfter(history[level][i], since) && Touches(history[level][i], start, end) &&
                    HasEnded(state.Version.History[level][i], start, end, since, withRangeDeletes)) return true;
        return false;
    }

    static bool MayKnowAfter(TableMeta history, ulong since) => history.MaxEnd > since || history.MaxVersion > since;

    /// <summary>The last that history tables know of a key: when its newest version there began or ended, or a range delete over it was made;
    /// 0 if they know nothing after <paramref name="since"/>.</summary>
    /// <remarks>Asked although a main table has the key: a delete may have gone to history while an older one is still in the main tables.</remarks>
    public static ulong NewestInHistory(ReadState state, ReadOnlySpan<byte> key, ulong since)
    {
        var newest = since;
        foreach (var level in state.Version.History)
            foreach (var table in level)
            {
                if (!MayKnowAfter(table.Meta, newest) || !table.Meta.Contains(key)) continue;
                if (table.Meta.RangeDeletes > 0) newest = Math.Max(newest, table.RangeDeletes.NewestCovering(key, All));
                using var cursor = table.OpenCursor(TableCursorOptions.Default);
                cursor.Seek(key, ulong.MaxValue);
                if (cursor.Valid && cursor.Key.SequenceEqual(key)) newest = Math.Max(newest, Math.Max(cursor.Version, cursor.End));
            }
        return newest > since ? newest : 0;
    }

    static bool HasEnded(TableHandle table, byte[] start, byte[]? end, ulong since, bool withRangeDeletes)
    {
        if (withRangeDeletes && ExistIn(table.RangeDeletes, start, end, since)) return true;
        // Of a key the newest version comes first, and it ended last.
        using var cursor = table.OpenCursor(TableCursorOptions.Default);
        for (cursor.Seek(start, ulong.MaxValue); cursor.Valid && (end is null || cursor.Key.SequenceCompareTo(end) < 0); cursor.NextKey())
            if (cursor.End > since || cursor.Version > since) return true;
        return false;
    }

    static bool Touches(TableMeta table, byte[] start, byte[]? end) =>
        !table.EndsBefore(start) && (end is null || table.Smallest.AsSpan().SequenceCompareTo(end) < 0);

    static bool ExistIn(MemtableHandle memtable, byte[] start, byte[]? end, ulong since, bool withRangeDeletes)
    {
        var table = memtable.Table;
        if (table.IsEmpty || table.MaxVersion <= since) return false;
        if (withRangeDeletes && table.HasRangeDeletes)
            foreach (var set in table.RangeDeleteSets)
                if (ExistIn(set, start, end, since)) return true;
        using var cursor = table.NewCursor();
        return ExistIn(cursor, start, end, since);
    }

    static bool ExistIn(TableHandle table, byte[] start, byte[]? end, ulong since, bool withRangeDeletes)
    {
        if (table.Meta.MaxVersion <= since) return false;
        if (withRangeDeletes && ExistIn(table.RangeDeletes, start, end, since)) return true;
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
