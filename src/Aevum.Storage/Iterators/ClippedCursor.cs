// ClippedCursor: the part of a run that lies in [start, end): how a tree sees a table file that it shares with another tree.

namespace Aevum.Storage.Iterators;

sealed unsafe class ClippedCursor(VersionCursor inner, byte[]? start, byte[]? end) : VersionCursor
{
    public override void SeekToFirst()
    {
        if (start is null) inner.SeekToFirst();
        else inner.Seek(start, ulong.MaxValue);
        Load();
    }

    public override void SeekToLast()
    {
        if (end is null) inner.SeekToLast();
        else inner.SeekBefore(end, ulong.MaxValue);
        Load();
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        if (start is not null && key.SequenceCompareTo(start) < 0) inner.Seek(start, ulong.MaxValue);
        else inner.Seek(key, version);
        Load();
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        if (end is not null && key.SequenceCompareTo(end) >= 0) inner.SeekBefore(end, ulong.MaxValue);
        else inner.SeekBefore(key, version);
        Load();
    }

    public override void Next()
    {
        inner.Next();
        Load();
    }

    public override void NextKey()
    {
        inner.NextKey();
        Load();
    }

    public override void Prev()
    {
        inner.Prev();
        Load();
    }

    public override void Dispose() => inner.Dispose();

    void Load()
    {
        Valid = inner.Valid && (start is null || inner.Key.SequenceCompareTo(start) >= 0) && (end is null || inner.Key.SequenceCompareTo(end) < 0);
        if (!Valid) return;
        Kind = inner.Kind;
        KeyPointer = inner.KeyPointer;
        KeyLength = inner.KeyLength;
        ValuePointer = inner.ValuePointer;
        ValueLength = inner.ValueLength;
        Version = inner.Version;
        Expiry = inner.Expiry;
        End = inner.End;
        Shared = inner.Shared;
    }
}
