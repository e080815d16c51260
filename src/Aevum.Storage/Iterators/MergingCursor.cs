// MergingCursor: several sorted runs as one, in the order (key, version descending, age of the source).
//
// Sources are given newest first. At equal key and version (effects of one batch that ended in two runs cannot be; a history copy beside
// its original can, for a moment) the newer source comes first.
//
//   forward    a tree of losers that seldom looks at a key (LoserTree)
//   backward   a binary heap of full comparisons: rare, and no source knows what a key shares with the one behind it
//
// A change of direction seeks the other children around the current entry.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aevum.Storage.Iterators;

sealed unsafe class MergingCursor : VersionCursor
{
    readonly VersionCursor[] _children;
    readonly int[] _heap;      // backward: indexes of valid children, the current one first
    int _count;
    LoserTree _tree;           // forward
    bool _forward = true;
    byte[] _scratch = new byte[128];

    public MergingCursor(VersionCursor[] children)
    {
        _children = children;
        _heap = new int[children.Length];
        _tree = new(children);
    }

    /// <summary>A cursor over all given sources, newest first: the source itself if it is the only one.</summary>
    public static VersionCursor Over(List<VersionCursor> children) => children.Count == 1 ? children[0] : new MergingCursor([.. children]);

    /// <summary>Which of the given sources the current entry comes from.</summary>
    public int Source => _forward ? _tree.Winner : _heap[0];

    public override void SeekToFirst()
    {
        foreach (var child in _children) child.SeekToFirst();
        BuildForward();
    }

    public override void SeekToLast()
    {
        foreach (var child in _children) child.SeekToLast();
        BuildBackward();
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        foreach (var child in _children) child.Seek(key, version);
        BuildForward();
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        foreach (var child in _children) child.SeekBefore(key, version);
        BuildBackward();
    }

    public override void Next()
    {
        Debug.Assert(Valid);
        if (!_forward) TurnForward();
        _tree.Next();
        Valid = _tree.HasWinner;
        if (Valid) Load(_tree.Winner, _tree.Shared);
    }

    public override void NextKey()
    {
        Debug.Assert(Valid);
        if (!_forward) TurnForward();
        do _tree.NextKey(); while (_tree.IsSameKey);
        Valid = _tree.HasWinner;
        if (Valid) Load(_tree.Winner, _tree.Shared);
    }

    public override void Prev()
    {
        Debug.Assert(Valid);
        if (_forward) TurnBackward();
        var top = _children[_heap[0]];
        top.Prev();
        if (!top.Valid)
        {
            _count--;
            if (_count > 0) _heap[0] = _heap[_count];
        }
        if (_count > 1) SiftDown(0);
        ShowTop();
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
        var current = Source;
        var version = Version;
        var key = CopyKey();
        for (var i = 0; i < _children.Length; i++)
        {
            if (i == current) continue;
            _children[i].Seek(key, version);
            // An equal entry of a newer source was passed already.
            if (i < current && _children[i].Valid && _children[i].Version == version && _children[i].Key.SequenceEqual(key)) _children[i].Next();
        }
        BuildForward();
    }

    void TurnBackward()
    {
        var current = Source;
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
        BuildBackward();
    }

    void BuildForward()
    {
        _forward = true;
        _tree.Build();
        Valid = _tree.HasWinner;
        if (Valid) Load(_tree.Winner, 0);
    }

    void BuildBackward()
    {
        _forward = false;
        _count = 0;
        for (var i = 0; i < _children.Length; i++)
            if (_children[i].Valid) _heap[_count++] = i;
        for (var i = (_count >> 1) - 1; i >= 0; i--) SiftDown(i);
        ShowTop();
    }

    void ShowTop()
    {
        Valid = _count > 0;
        if (Valid) Load(_heap[0], 0);
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

    // Backward, what comes later in the order comes first.
    bool Precedes(int left, int right)
    {
        var order = Compare(_children[left], _children[right]);
        return order == 0 ? left > right : order > 0;
    }

    static int Compare(VersionCursor left, VersionCursor right)
    {
        var order = left.Key.SequenceCompareTo(right.Key);
        return order != 0 ? order : right.Version.CompareTo(left.Version);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Load(int child, int shared)
    {
        var top = _children[child];
        Kind = top.Kind;
        KeyPointer = top.KeyPointer;
        KeyLength = top.KeyLength;
        ValuePointer = top.ValuePointer;
        ValueLength = top.ValueLength;
        Version = top.Version;
        Expiry = top.Expiry;
        End = top.End;
        Shared = shared;
    }
}
