// TreeIterator: walks the keys that hold a value at one read point, in either direction, within bounds.
//
//   forward    the sources' cursor stands on the version shown; Key and Value point into it
//   backward   versions of a key come oldest first, so the newest visible one is known only when the key is passed: it is copied
//
// Always true while Valid: the key lies within the bounds, and its value is what a lookup at the same read point gives. The iterator sees
// the tree as it was when it was made; later writes, flushes and compactions do not touch it. It holds memory and files until disposed.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Iterators;

/// <summary>What an iterator covers.</summary>
public sealed record IterateOptions
{
    public static IterateOptions Default { get; } = new();

    public ReadPoint Point { get; init; } = ReadPoint.Latest;

    /// <summary>First key covered; null: from the start.</summary>
    public byte[]? Start { get; init; }

    /// <summary>First key not covered any more; null: to the end.</summary>
    public byte[]? End { get; init; }

    /// <summary>False for long walks that come back to nothing: blocks read do not displace what the block cache holds.</summary>
    public bool FillCache { get; init; } = true;

    /// <summary>All keys that begin with <paramref name="prefix"/>.</summary>
    public static IterateOptions OfPrefix(ReadOnlySpan<byte> prefix, ReadPoint point) =>
        new() { Point = point, Start = prefix.ToArray(), End = Core.Bytes.KeyRange.PrefixEnd(prefix) };
}

public sealed unsafe class TreeIterator : IDisposable
{
    const int SkipsBeforeSeek = 16;

    readonly ReadState _state;
    readonly ITreePolicy _policy;
    readonly Floors _floors;
    readonly ulong _at;
    readonly ulong _now;
    readonly byte[]? _start;
    readonly byte[]? _end;
    readonly VersionCursor _cursor;
    readonly RangeDeleteStack _ranges;

    bool _forward = true;
    byte[]? _folded;
    byte[] _key = [];        // the current key, when the cursor has left it
    int _keyLength;
    bool _keyCopied;
    byte[] _value = [];
    int _valueLength;
    bool _disposed;

    internal TreeIterator(ReadState state, ITreePolicy policy, Floors floors, IterateOptions options)
    {
        _state = state;
        _policy = policy;
        _floors = floors;
        // What is applied from now on goes into a memtable that this state shows: without a bound it would come into sight half way.
        _at = floors.Bound(options.Point.At).Value;
        _now = options.Point.Now.Value;
        _start = options.Start;
        _end = options.End;
        var sources = TreeSources.Open(state, _at, withHistory: false, options.FillCache, _start, _end);
        _cursor = sources.Cursor;
        _ranges = sources.RangeDeletes;
    }

    /// <summary>True if the iterator stands on a key.</summary>
    public bool Valid { get; private set; }

    /// <summary>Valid until the next move.</summary>
    public ReadOnlySpan<byte> Key => _keyCopied ? _key.AsSpan(0, _keyLength) : _cursor.Key;

    /// <summary>Valid until the next move.</summary>
    public ReadOnlySpan<byte> Value => _folded is not null ? _folded : _forward ? _cursor.Value : _value.AsSpan(0, _valueLength);

    /// <summary>When the value was written.</summary>
    public SystemTime Version { get; private set; }

    /// <summary>From when on it counts as absent; None if it never expires.</summary>
    public SystemTime Expiry { get; private set; }

    public void SeekToFirst()
    {
        if (_start is null) _cursor.SeekToFirst();
        else _cursor.Seek(_start, ulong.MaxValue);
        FindForward();
    }

    public void SeekToLast()
    {
        if (_end is null) _cursor.SeekToLast();
        else _cursor.SeekBefore(_end, ulong.MaxValue);
        FindBackward();
    }

    /// <summary>To the first key at or after <paramref name="key"/>.</summary>
    public void Seek(ReadOnlySpan<byte> key)
    {
        if (_start is not null && key.SequenceCompareTo(_start) < 0) key = _start;
        _cursor.Seek(key, ulong.MaxValue);
        FindForward();
    }

    /// <summary>To the last key at or before <paramref name="key"/>.</summary>
    public void SeekForPrev(ReadOnlySpan<byte> key)
    {
        // (key, 0) lies behind all versions of the key.
        if (_end is not null && key.SequenceCompareTo(_end) >= 0) _cursor.SeekBefore(_end, ulong.MaxValue);
        else _cursor.SeekBefore(key, 0);
        FindBackward();
    }

    public void Next()
    {
        RequireValid();
        if (!_forward) _cursor.Seek(Key, 0);
        else if (!_keyCopied) _cursor.NextKey();
        else if (_cursor.Valid && _cursor.Key.SequenceEqual(Key)) _cursor.NextKey();
        FindForward();
    }

    public void Prev()
    {
        RequireValid();
        if (_forward)
        {
            CopyKey();
            _cursor.SeekBefore(Key, ulong.MaxValue);
        }
        FindBackward();
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Valid = false;
        _cursor.Dispose();
        _state.Release();
    }

    void RequireValid()
    {
        if (!Valid) Core.Errors.Throw.Invalid(_disposed ? "the iterator is disposed" : "the iterator stands on no key");
    }

    // From the cursor's entry on, to the first key that is visible. The entry is the newest of its key, or all newer ones were too new.
    void FindForward()
    {
        _forward = true;
        _folded = null;
        _keyCopied = false;
        var skips = 0;
        while (_cursor.Valid)
        {
            if (_end is not null && _cursor.Key.SequenceCompareTo(_end) >= 0) break;
            if (_cursor.Version > _at)
            {
                if (++skips < SkipsBeforeSeek)
                {
                    _cursor.Next();
                    continue;
                }
                // A key with a long row of newer versions: one seek instead of passing them all.
                skips = 0;
                CopyKey();
                _keyCopied = false;
                _cursor.Seek(_key.AsSpan(0, _keyLength), _at);
                continue;
            }
            if (IsVisible(_cursor.Key, _cursor.Kind, _cursor.Version, _cursor.Expiry, _cursor.End))
            {
                Version = new(_cursor.Version);
                Expiry = new(_cursor.Expiry);
                if (_cursor.Kind != EffectKind.Merge || TryFold())
                {
                    Valid = true;
                    return;
                }
                // What the merges make has expired. The fold walked on: perhaps to the end of the key's versions already.
                _folded = null;
                _keyCopied = false;
                if (!_cursor.Valid || !_cursor.Key.SequenceEqual(_key.AsSpan(0, _keyLength))) continue;
            }
            _cursor.NextKey();
        }
        Valid = false;
    }

    // From the cursor's entry, the oldest of its key, back to the first key that is visible.
    void FindBackward()
    {
        _forward = false;
        _folded = null;
        while (_cursor.Valid)
        {
            if (_start is not null && _cursor.Key.SequenceCompareTo(_start) < 0) break;
            _keyCopied = false;
            CopyKey();
            var key = _key.AsSpan(0, _keyLength);
            var visible = false;
            var kind = EffectKind.Delete;
            do
            {
                if (_cursor.Version <= _at)
                {
                    kind = _cursor.Kind;
                    visible = IsVisible(key, kind, _cursor.Version, _cursor.Expiry, _cursor.End);
                    Version = new(_cursor.Version);
                    Expiry = new(_cursor.Expiry);
                    CopyValue(visible && kind == EffectKind.Put);
                }
                _cursor.Prev();
            }
            while (_cursor.Valid && _cursor.Key.SequenceEqual(key));

            if (visible && kind == EffectKind.Merge)
            {
                _cursor.Seek(key, _at);
                visible = TryFold();
                if (!visible) _folded = null;
                _cursor.SeekBefore(key, ulong.MaxValue);
            }
            if (visible)
            {
                Valid = true;
                return;
            }
        }
        Valid = false;
    }

    bool IsVisible(ReadOnlySpan<byte> key, EffectKind kind, ulong version, ulong expiry, ulong end)
    {
        if (kind == EffectKind.Delete || (end != 0 && end <= _at)) return false;
        if (kind == EffectKind.Put && expiry != 0 && expiry <= _now) return false;
        return _ranges.IsEmpty || version >= _ranges.NewestCovering(key, _at);
    }

    bool TryFold()
    {
        CopyKey();
        var key = _key.AsSpan(0, _keyLength);
        var merge = _policy.MergeOperatorOf(_floors.KeyspaceOf(key));
        _folded = KeyFolder.Fold(_cursor, key, _ranges, merge, out var expiry);
        Expiry = new(expiry);
        return Expiry == SystemTime.None || Expiry.Value > _now;
    }

    void CopyKey()
    {
        if (_keyCopied) return;
        var length = _cursor.KeyLength;
        if (_key.Length < length) _key = new byte[Math.Max(length, Math.Max(64, 2 * _key.Length))];
        _cursor.Key.CopyTo(_key);
        _keyLength = length;
        _keyCopied = true;
    }

    void CopyValue(bool wanted)
    {
        if (!wanted) return;
        if (_value.Length < _cursor.ValueLength) _value = new byte[Math.Max(_cursor.ValueLength, 2 * _value.Length)];
        _cursor.Value.CopyTo(_value);
        _valueLength = _cursor.ValueLength;
    }
}
