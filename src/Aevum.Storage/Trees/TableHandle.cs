// TableHandle: one table file as a live tree uses it: opened at its first read, counted by the versions that name it, deleted from disk
// once no version does and its time has come.
//
// Two counts, two promises:
//   references   of versions (LiveVersion). At zero the file is closed, and deleted if it became obsolete.
//   the reader   opened once, under the gate; reading it later is a plain load. It lives until the references are gone.

using Aevum.Core.Diagnostics;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

sealed class TableHandle(TableMeta meta, TableStore store)
{
    TableReader? _reader;
    int _references = 1;
    volatile bool _obsolete;

    public TableMeta Meta { get; } = meta;

    public TableReader Reader => Volatile.Read(ref _reader) ?? OpenReader();

    /// <summary>The range deletes that belong to this tree.</summary>
    public RangeDeletes RangeDeletes => Meta.RangeDeletes == 0 ? RangeDeletes.Empty : _clipped ??= Reader.RangeDeletes.Clip(Meta.ClipStart, Meta.ClipEnd);

    RangeDeletes? _clipped;

    public VersionCursor OpenCursor(TableCursorOptions options)
    {
        var cursor = Reader.CreateCursor(options);
        return Meta.IsClipped ? new ClippedCursor(cursor, Meta.ClipStart, Meta.ClipEnd) : cursor;
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Require(left >= 0, "a table is released once per reference");
        if (left > 0) return;
        _reader?.Dispose();
        _reader = null;
        if (_obsolete) store.Delete(Meta.Id);
    }

    /// <summary>No manifest names the file any more: it goes with the last reference.</summary>
    public void MarkObsolete() => _obsolete = true;

    TableReader OpenReader()
    {
        lock (this) return _reader ??= store.Open(Meta);
    }
}
