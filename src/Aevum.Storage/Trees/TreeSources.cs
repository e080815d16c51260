// TreeSources: all sources of a read state as one cursor, and their range deletes together.

using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

readonly struct TreeSources
{
    TreeSources(VersionCursor cursor, RangeDeleteStack rangeDeletes)
    {
        Cursor = cursor;
        RangeDeletes = rangeDeletes;
    }

    /// <summary>Owned by the caller. The read state must be held while it lives.</summary>
    public VersionCursor Cursor { get; }

    /// <summary>Of the main sources: those of history tables cover nothing any more.</summary>
    public RangeDeleteStack RangeDeletes { get; }

    /// <param name="state">Held by the caller.</param>
    /// <param name="at">Sources that hold nothing visible at this time are left out.</param>
    /// <param name="withHistory">Whether history tables are wanted whatever the time: for listings and folds.</param>
    /// <param name="fillCache">Whether blocks read go into the block cache.</param>
    /// <param name="start">With <paramref name="end"/>: only range deletes that touch [start, end) are wanted; null: no bound.</param>
    public static TreeSources Open(ReadState state, ulong at, bool withHistory, bool fillCache, byte[]? start = null, byte[]? end = null)
    {
        var reading = fillCache ? TableCursorOptions.Default : TableCursorOptions.Bypass;
        // What is newer than the asked time, tables need not show: of a key with many versions that saves passing them one by one.
        var readingPast = at == ulong.MaxValue ? reading : reading with { Ceiling = at };
        var cursors = new List<VersionCursor>();
        List<RangeDeletes>? ranges = null;
        AddMemtable(state.Active);
        foreach (var memtable in state.Frozen) AddMemtable(memtable);
        Add(state.Version.Levels, state.Version.Picture.Levels, history: false);
        if (withHistory || at < state.Version.Picture.HistoryMaxEnd) Add(state.Version.History, state.Version.Picture.History, history: true);
        return new(MergingCursor.Over(cursors), ranges is null ? RangeDeleteStack.Empty : new(ranges));

        VersionCursor Open(TableHandle table) => table.OpenCursor(table.Meta.MaxVersion > at ? readingPast : reading);

        void AddMemtable(MemtableHandle memtable)
        {
            // An empty memtable may fill while the cursor lives, but only with what this read need not see.
            if (memtable.Table.IsEmpty) return;
            cursors.Add(memtable.Table.NewCursor());
            if (!memtable.Table.HasRangeDeletes) return;
            foreach (var set in memtable.Table.RangeDeleteSets) AddRanges(set);
        }

        void AddRanges(RangeDeletes set)
        {
            if ((start is null && end is null) || set.Touches(start, end)) (ranges ??= []).Add(set);
        }

        void Add(TableHandle[][] levels, TableMeta[][] metas, bool history)
        {
            foreach (var table in levels[0])
            {
                if (table.Meta.MinVersion > at) continue;
                cursors.Add(Open(table));
                if (!history && table.Meta.RangeDeletes > 0) AddRanges(table.RangeDeletes);
            }
            for (var level = 1; level < levels.Length; level++)
            {
                if (levels[level].Length == 0) continue;
                var handles = levels[level];
                var tables = metas[level];
                cursors.Add(new LevelCursor(tables, index => Open(handles[index])));
                if (history) continue;
                foreach (var table in handles)
                    if (table.Meta.RangeDeletes > 0) AddRanges(table.RangeDeletes);
            }
        }
    }
}
