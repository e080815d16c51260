// TableHandle: one table file as a live tree uses it: counted by the versions that name it, open while the table cache keeps it so, deleted from
// disk once no version names it and its time has come.
//
// Always true: while a version that names the table is held, its file exists and Acquire opens it. At the last release the file is closed,
// its blocks leave the cache, and it is deleted if it became obsolete.

using Aevum.Core.Diagnostics;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

sealed class TableHandle(TableMeta meta, TableStore store)
{
    readonly CachedTable _file = store.Register(meta);
    RangeDeletes? _rangeDeletes;
    int _references = 1;
    volatile bool _obsolete;

    public TableMeta Meta { get; } = meta;

    /// <summary>The range deletes that belong to this tree.</summary>
    public RangeDeletes RangeDeletes => Meta.RangeDeletes == 0 ? RangeDeletes.Empty : _rangeDeletes ??= ReadRangeDeletes();

    /// <summary>The open reader, until the lease is disposed. Looks at nothing but the file: the clip bounds are the caller's.</summary>
    public TableLease Acquire() => _file.Acquire();

    public VersionCursor OpenCursor(TableCursorOptions options)
    {
        var lease = Acquire();
        var cursor = lease.Reader.CreateCursor(options, lease);
        return Meta.IsClipped ? new ClippedCursor(cursor, Meta.ClipStart, Meta.ClipEnd) : cursor;
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Require(left >= 0, "a table is released once per reference");
        if (left > 0) return;
        _file.Remove();
        if (_obsolete) store.Delete(Meta.Id);
    }

    /// <summary>No manifest names the file any more: it goes with the last reference.</summary>
    public void MarkObsolete() => _obsolete = true;

    RangeDeletes ReadRangeDeletes()
    {
        using var lease = Acquire();
        return lease.Reader.RangeDeletes.Clip(Meta.ClipStart, Meta.ClipEnd);
    }
}
