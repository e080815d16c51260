// MemtableCursor: one place in a memtable, beside its writer.
//
// The cursor copies the record pointers of a whole leaf at one moment and walks the copy. Records never move and never change but for
// their newest version, so nothing needs to be checked again until the copy ends; then the link that was saved with the copy leads to
// the keys that follow. Backwards there is no link: the leaf before is found by key, once per leaf.
//
// Always true:
//   (1) whatever was in the memtable when the cursor was positioned is met in order, once; what comes later may be met or not;
//   (2) keys rise strictly from record to record, forward and backward, whatever the writer does;
//   (3) a move allocates nothing.
//
// A cursor is one object of about 700 bytes. It may be pooled: Reset points it at another memtable.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Memtables;

sealed unsafe class MemtableCursor : VersionCursor
{
    /// <summary>How far ahead of the walk records are fetched into the cache, two lines each. Walking 400K records in random places took
    /// 58 ns each with distance 6 and one line, 41 with 10 and two (docs/internals/memtable.md).</summary>
    const int PrefetchDistance = 10;

    /// <summary>How many are fetched at once after a seek: whoever seeks may want one record only. Each step then catches up by one.</summary>
    const int PrefetchFirst = 3;

    [InlineArray(TreeNode.Slots)]
    struct RecordCopies
    {
        nint _first;
    }

    Memtable _memtable;
    RecordCopies _records;
    int _count;
    int _index;
    int _fetched;      // records below this slot have been fetched
    nint _next;
    KeyRecord* _record;
    VersionNode* _node;

    public MemtableCursor(Memtable memtable) => _memtable = memtable;

    /// <summary>Points this cursor at another memtable, nowhere in it.</summary>
    public void Reset(Memtable memtable)
    {
        _memtable = memtable;
        Valid = false;
    }

    public override void SeekToFirst()
    {
        Valid = false;
        var leaf = _memtable.Tree.FirstLeaf;
        if (leaf == null) return;
        CopyLeaf((nint)leaf);
        if (_count > 0) ShowNewest(0);
    }

    public override void SeekToLast()
    {
        Valid = false;
        if (!_memtable.Tree.CopyLeafFor(LeafGoal.End, null, 0, _records, out _count, out _next, out var at)) return;
        _fetched = _count;
        ShowOldest(at - 1);
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        Valid = false;
        fixed (byte* pointer = key)
            if (!_memtable.Tree.CopyLeafFor(LeafGoal.LowerBound, pointer, key.Length, _records, out _count, out _next, out _index)) return;
        if (_index == _count)
        {
            _index--;
            NextRecord();
            return;
        }
        Fetch(_index, PrefetchFirst);
        var record = (KeyRecord*)_records[_index];
        if (version != ulong.MaxValue && KeyRecord.KeySpan(record).SequenceEqual(key))
        {
            var node = VersionNode.NewestAtMost(KeyRecord.LoadNewest(record), version);
            if (node == null) NextRecord();
            else Show(_index, record, node);
            return;
        }
        ShowNewest(_index);
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        Valid = false;
        fixed (byte* pointer = key)
        {
            if (version != ulong.MaxValue)
            {
                // A newer version of the same key comes before, if there is one.
                if (!_memtable.Tree.CopyLeafFor(LeafGoal.LowerBound, pointer, key.Length, _records, out _count, out _next, out var same)) return;
                _fetched = _count;
                if (same < _count && KeyRecord.KeySpan((KeyRecord*)_records[same]).SequenceEqual(key))
                {
                    var record = (KeyRecord*)_records[same];
                    var newer = VersionNode.OldestAbove(KeyRecord.LoadNewest(record), version);
                    if (newer != null)
                    {
                        Show(same, record, newer);
                        return;
                    }
                }
                if (same > 0)
                {
                    ShowOldest(same - 1);
                    return;
                }
            }
            SeekBelow(pointer, key.Length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override void Next()
    {
        Debug.Assert(Valid);
        var below = _node->IsFirst ? null : VersionNode.LoadPrevious(VersionNode.Links(_node));
        if (below == null) NextRecord();
        else Show(_index, _record, below);
    }

    public override void NextKey()
    {
        Debug.Assert(Valid);
        NextRecord();
    }

    public override void Prev()
    {
        Debug.Assert(Valid);
        var newest = KeyRecord.LoadNewest(_record);
        if (_node != newest) Show(_index, _record, VersionNode.AtDepth(newest, VersionNode.Depth(_node) + 1));
        else if (_index > 0) ShowOldest(_index - 1);
        else SeekBelow(KeyRecord.Key(_record), _record->KeyLength);
    }

    public override void Dispose() => Valid = false;

    // To the oldest version of the last key below the given one.
    void SeekBelow(byte* key, int length)
    {
        Valid = false;
        if (!_memtable.Tree.CopyLeafFor(LeafGoal.BehindLastBelow, key, length, _records, out _count, out _next, out var at) || at == 0) return;
        _fetched = _count;   // this walk goes the other way
        for (var i = at - 1; i >= Math.Max(0, at - PrefetchDistance); i--) FetchRecord(i);
        ShowOldest(at - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void NextRecord()
    {
        var index = _index + 1;
        if (index == _count)
        {
            if (_next == 0)
            {
                Valid = false;
                return;
            }
            CopyLeaf(_next);
            index = 0;
        }
        ShowNewest(index);
    }

    void CopyLeaf(nint leaf)
    {
        MemtableTree.CopyLeaf((TreeNode*)leaf, _records, out _count, out _next);
        Fetch(0, PrefetchDistance);
    }

    void Fetch(int from, int count)
    {
        _fetched = Math.Min(_count, from + count);
        for (var i = from; i < _fetched; i++) FetchRecord(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void FetchRecord(int index)
    {
        MemtableTree.Prefetch((byte*)_records[index]);
        MemtableTree.Prefetch((byte*)_records[index] + 64);
    }

    // Its header and its record pointers: what CopyLeaf will read.
    void FetchNextLeaf()
    {
        if (_next == 0) return;
        MemtableTree.Prefetch((void*)_next);
        var records = (byte*)TreeNode.Records((TreeNode*)_next);
        for (var i = 0; i < TreeNode.Slots * sizeof(nint); i += 64) MemtableTree.Prefetch(records + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void ShowNewest(int index)
    {
        if (_fetched < _count)
        {
            FetchRecord(_fetched++);
            if (_fetched < Math.Min(_count, index + PrefetchDistance)) FetchRecord(_fetched++);
            if (_fetched == _count) FetchNextLeaf();
        }
        var record = (KeyRecord*)_records[index];
        Show(index, record, KeyRecord.LoadNewest(record));
    }

    void ShowOldest(int index)
    {
        if (index >= PrefetchDistance) FetchRecord(index - PrefetchDistance);
        var record = (KeyRecord*)_records[index];
        Show(index, record, &record->First);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Show(int index, KeyRecord* record, VersionNode* node)
    {
        _index = index;
        _record = record;
        _node = node;
        Kind = node->Kind;
        KeyPointer = KeyRecord.Key(record);
        KeyLength = record->KeyLength;
        ValuePointer = VersionNode.Value(node);
        ValueLength = (int)node->ValueLength;
        Version = node->Version;
        Expiry = VersionNode.Expiry(node);
        Valid = true;
    }
}
