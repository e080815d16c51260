// LevelCursor: the tables of one sorted level as one run. It opens a table only when the walk or a seek reaches it.

using Aevum.Storage.Versions;

namespace Aevum.Storage.Iterators;

sealed unsafe class LevelCursor : VersionCursor
{
    readonly TableMeta[] _tables;
    readonly Func<int, VersionCursor> _open;
    VersionCursor? _current;
    int _index = -1;

    /// <param name="tables">In key order, never overlapping.</param>
    /// <param name="open">Opens a cursor over the table of an index; this cursor disposes it.</param>
    public LevelCursor(TableMeta[] tables, Func<int, VersionCursor> open)
    {
        _tables = tables;
        _open = open;
    }

    public override void SeekToFirst()
    {
        if (MoveTo(0)) _current!.SeekToFirst();
        SettleForward();
    }

    public override void SeekToLast()
    {
        if (MoveTo(_tables.Length - 1)) _current!.SeekToLast();
        SettleBackward();
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        if (MoveTo(TreeVersion.FirstNotEndingBefore(_tables, key))) _current!.Seek(key, version);
        SettleForward();
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        // The entry sought lies in the first table that does not end below the key, or in the one before it.
        var index = Math.Min(TreeVersion.FirstNotEndingBefore(_tables, key), _tables.Length - 1);
        if (MoveTo(index)) _current!.SeekBefore(key, version);
        SettleBackward();
    }

    public override void Next()
    {
        _current!.Next();
        if (_current.Valid) Load();
        else NextTable();
    }

    public override void NextKey()
    {
        // All versions of a key lie in one table of a sorted level.
        _current!.NextKey();
        if (_current.Valid) Load();
        else NextTable();
    }

    public override void Prev()
    {
        _current!.Prev();
        SettleBackward();
    }

    public override void Dispose()
    {
        _current?.Dispose();
        _current = null;
    }

    bool MoveTo(int index)
    {
        if (index == _index && _current is not null) return true;
        _current?.Dispose();
        _current = null;
        _index = index;
        if (index < 0 || index >= _tables.Length) return false;
        _current = _open(index);
        return true;
    }

    // The last key of the table must be found again: the cursor that has left it need not have kept it.
    void NextTable()
    {
        _current!.SeekToLast();
        var last = _current.Valid ? _current.Key.ToArray() : [];
        MoveTo(_index + 1);
        _current?.SeekToFirst();
        SettleForward();
        if (Valid) Shared = Key.CommonPrefixLength(last);
    }

    // A table may hold range deletes only, so more than one may have to be passed.
    void SettleForward()
    {
        while (_current is not null && !_current.Valid)
            if (MoveTo(_index + 1)) _current!.SeekToFirst();
        Load();
    }

    void SettleBackward()
    {
        while (_current is not null && !_current.Valid)
            if (MoveTo(_index - 1)) _current!.SeekToLast();
        Load();
    }

    void Load()
    {
        Valid = _current is not null;
        if (!Valid) return;
        var current = _current!;
        Kind = current.Kind;
        KeyPointer = current.KeyPointer;
        KeyLength = current.KeyLength;
        ValuePointer = current.ValuePointer;
        ValueLength = current.ValueLength;
        Version = current.Version;
        Expiry = current.Expiry;
        End = current.End;
        Shared = current.Shared;
    }
}
