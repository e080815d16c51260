// MergingCursor: several sorted runs as one. The children sit in a binary heap by (key, version descending, age of the source).
//
// Sources are given newest first. At equal key and version (effects of one batch that ended in two runs cannot be; a history copy beside
// its original can, for a moment) the newer source comes first.
//
// Moving forward keeps a min-heap, moving backward a max-heap; a change of direction seeks the other children around the current entry.
// The common case, the same child staying on top, costs two comparisons.

using System.Diagnostics;

namespace Aevum.Storage.Iterators;

sealed unsafe class MergingCursor : VersionCursor
{
    readonly VersionCursor[] _children;
    readonly int[] _heap;      // indexes of valid children, the current one first
    int _count;
    bool _forward = true;
    byte[] _scratch = new byte[128];

    public MergingCursor(VersionCursor[] children)
    {
        _children = children;
        _heap = new int[children.Length];
    }

    /// <summary>A cursor over all given sources, newest first: the source itself if it is the only one.</summary>
    public static VersionCursor Over(List<VersionCursor> children) => children.Count == 1 ? children[0] : new MergingCursor([.. children]);

    /// <summary>Which of the given sources the current entry comes from.</summary>
    public int Source => _heap[0];

    public override void SeekToFirst()
    {
        foreach (var child in _children) child.SeekToFirst();
        Build(forward: true);
    }

    public override void SeekToLast()
    {
        foreach (var child in _children) child.SeekToLast();
        Build(forward: false);
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        foreach (var child in _children) child.Seek(key, version);
        Build(forward: true);
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        foreach (var child in _children) child.SeekBefore(key, version);
        Build(forward: false);
    }

    public override void Next()
    {
        Debug.Assert(Valid);
        if (!_forward) TurnForward();
        var top = _children[_heap[0]];
        top.Next();
        Replace(top);
    }

    public override void NextKey()
    {
        Debug.Assert(Valid);
        if (!_forward) TurnForward();
        if (_count == 1)
        {
            var only = _children[_heap[0]];
            only.NextKey();
            Replace(only);
            return;
        }
        var key = CopyKey();
        do
        {
            var top = _children[_heap[0]];
            top.NextKey();
            Replace(top);
        }
        while (Valid && Key.SequenceEqual(key));
    }

    public override void Prev()
    {
        Debug.Assert(Valid);
        if (_forward) TurnBackward();
        var top = _children[_heap[0]];
        top.Prev();
        Replace(top);
    }

    public override void Dispose()
    {
        foreach (var child in _children) child.Dispose();
    }

    ReadOnlySpan<byte> CopyKey()
    {
        if (_scratch.Length < KeyLength) _scratch = new byte[Math.Max(KeyLength, 2 * _scratch.Length)];
        Key.CopyTo(_scratch);
        return _scratch.AsSpan(0, KeyLength);
    }

    // All children but the current one stand before the current entry: bring them behind it.
    void TurnForward()
    {
        var current = _heap[0];
        var version = Version;
        var key = CopyKey();
        for (var i = 0; i < _children.Length; i++)
        {
            if (i == current) continue;
            _children[i].Seek(key, version);
            // An equal entry of a newer source was passed already.
            if (i < current && _children[i].Valid && _children[i].Version == version && _children[i].Key.SequenceEqual(key)) _children[i].Next();
        }
        Build(forward: true);
    }

    void TurnBackward()
    {
        var current = _heap[0];
        var version = Version;
        var key = CopyKey();
        for (var i = 0; i < _children.Length; i++)
        {
            if (i == current) continue;
            // An equal entry of a newer source lies just before the current one.
            if (i < current)
            {
                _children[i].Seek(key, version);
                if (_children[i].Valid && _children[i].Version == version && _children[i].Key.SequenceEqual(key)) continue;
            }
            _children[i].SeekBefore(key, version);
        }
        Build(forward: false);
    }

    void Build(bool forward)
    {
        _forward = forward;
        _count = 0;
        for (var i = 0; i < _children.Length; i++)
            if (_children[i].Valid) _heap[_count++] = i;
        for (var i = (_count >> 1) - 1; i >= 0; i--) SiftDown(i);
        Load();
    }

    void Replace(VersionCursor top)
    {
        if (!top.Valid)
        {
            _count--;
            if (_count > 0) _heap[0] = _heap[_count];
        }
        if (_count > 1) SiftDown(0);
        Load();
    }

    void SiftDown(int at)
    {
        var moving = _heap[at];
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= _count) break;
            if (child + 1 < _count && Precedes(_heap[child + 1], _heap[child])) child++;
            if (!Precedes(_heap[child], moving)) break;
            _heap[at] = _heap[child];
            at = child;
        }
        _heap[at] = moving;
    }

    bool Precedes(int left, int right)
    {
        var order = Compare(_children[left], _children[right]);
        if (order == 0) order = left - right;
        return _forward ? order < 0 : order > 0;
    }

    static int Compare(VersionCursor left, VersionCursor right)
    {
        var order = left.Key.SequenceCompareTo(right.Key);
        return order != 0 ? order : right.Version.CompareTo(left.Version);
    }

    void Load()
    {
        Valid = _count > 0;
        if (!Valid) return;
        var top = _children[_heap[0]];
        Kind = top.Kind;
        KeyPointer = top.KeyPointer;
        KeyLength = top.KeyLength;
        ValuePointer = top.ValuePointer;
        ValueLength = top.ValueLength;
        Version = top.Version;
        Expiry = top.Expiry;
        End = top.End;
    }
}
