// TableCursor: a cursor over the entries of one table, in both directions.
//
//   forward    the key buffer holds the current key; the next entry's suffix is laid over its end
//   backward   prefix compression cannot be undone from behind, so a whole restart interval is decoded into a scratch buffer of full keys,
//              from which the cursor takes one after the other; the block before is entered by its last interval
//
// Always true while Valid:
//   (1) _lease (or the readahead buffer, or the mapped file) holds the block, so Value stays until the next move;
//   (2) Key points to the key buffer or to the scratch buffer, both the cursor's own;
//   (3) _entry is the number of the current entry in the block, _next the bytes after it;
//   (4) after a public move the entry is not newer than the ceiling: what is newer is passed over in the direction of the move, where the
//       block has runs (DataBlock) without a look at each version.
//
// Not here: where block bytes come from (BlockSource, Readahead), the walk over the index (BlockPosition).

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Aevum.Core.Errors;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Tables;

sealed unsafe class TableCursor : VersionCursor
{
    /// <summary>Full keys of one interval beyond this are not kept: each step back then decodes from the restart again.</summary>
    const long ScratchBytesMax = 4 << 20;
    const int FetchBytesMax = 2 << 10;
    const ulong NoBlock = ulong.MaxValue;

    IDisposable? _held;
    readonly TableReader _table;
    readonly TableCursorOptions _options;
    readonly ulong _ceiling;
    BlockPosition _position;
    Readahead _readahead;
    BlockLease _lease;
    DataBlock _block;
    ulong _blockOffset = NoBlock;
    bool _hasTimes;
    bool _soughtKeyFound;
    int _entry;
    byte* _next;

    // From a place in this block to the same place in the next one, if that is known; else 0.
    long _ahead;

    byte* _key;

    // Full keys of the entries of one interval, back to back, and where each ends.
    GrowingBytes _scratch, _scratchEnds;
    int _scratchRestart = -1;

    internal TableCursor(TableReader table, TableCursorOptions options, IDisposable? held = null)
    {
        _held = held;
        _table = table;
        _options = options;
        _ceiling = options.Ceiling;
        _position = new(table, options.At, options.Ceiling);
        _readahead = new(table.Source, options);
        _key = (byte*)NativeMemory.Alloc((nuint)table.Source.KeyBytesMax + GrowingBytes.SlackBytes);
    }

    public override void SeekToFirst()
    {
        Valid = false;
        _position.SeekToFirst();
        EnterFirst();
        SettleForward();
    }

    public override void SeekToLast()
    {
        Valid = false;
        _position.SeekToLast();
        EnterLast();
        SettleBackward();
    }

    public override void Seek(ReadOnlySpan<byte> key, ulong version)
    {
        Valid = false;
        _soughtKeyFound = false;
        fixed (byte* start = key)
        {
            _position.Seek(start, key.Length, version);
            if (!_position.Valid) return;
            LoadBlock();
            var index = _block.Search(start, key.Length, version, out var entry, out _soughtKeyFound);
            if (index == _block.Count)
            {
                _position.MoveNext();
                EnterFirst();
                SettleForward();
                return;
            }
            // What the entry shares with the key before it, it shares with the target.
            if (start != _key) Unsafe.CopyBlockUnaligned(_key, start, (uint)Math.Min(entry.Shared, key.Length));
            Show(index, in entry);
            SettleForward();
        }
    }

    public override void SeekBefore(ReadOnlySpan<byte> key, ulong version)
    {
        Valid = false;
        fixed (byte* start = key)
        {
            _position.Seek(start, key.Length, version);
            if (!_position.Valid)
            {
                SeekToLast();
                return;
            }
            LoadBlock();
            var index = _block.Search(start, key.Length, version, out _, out _);
            if (index > 0)
            {
                ShowBackward(index - 1);
            }
            else
            {
                _position.MovePrev();
                EnterLast();
            }
            SettleBackward();
        }
    }

    public override void Next()
    {
        NextEntry();
        SettleForward();
    }

    public override void Prev()
    {
        PrevEntry();
        SettleBackward();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void NextEntry()
    {
        if (KeyPointer != _key) ReturnToKeyBuffer();
        if (++_entry == _block.Count)
        {
            NextBlock();
            return;
        }
        var entry = BlockEntry.Read(_next);
        FetchAhead(in entry);
        Shared = SharedWithKeyBefore(in entry);
        Show(_entry, in entry);
    }

    void PrevEntry()
    {
        if (_entry > 0)
        {
            ShowBackward(_entry - 1);
            return;
        }
        PrevBlock();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void SettleForward()
    {
        if (Valid && Version > _ceiling) SkipForward();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void SettleBackward()
    {
        if (Valid && Version > _ceiling) SkipBackward();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void SkipForward()
    {
        // What the key shown at last has in common with the key shown before the move: the least of what neighbours on the way have.
        var shared = Shared;
        while (Valid && Version > _ceiling)
        {
            if (!_block.HasRuns)
            {
                NextEntry();
                shared = Math.Min(shared, Shared);
                continue;
            }
            var runEnd = _block.RunEnd(_entry);
            var index = _block.NewestAtMost(_entry, runEnd, _ceiling);
            if (index < runEnd)
            {
                _entry = index;
                ShowRest(index, BlockEntry.Read(_block.At(index)));
                break;
            }
            ShowRun(runEnd);
            shared = Math.Min(shared, Shared);
        }
        Shared = shared;
    }

    // Back to older keys: what lies before a version in its run is newer still.
    [MethodImpl(MethodImplOptions.NoInlining)]
    void SkipBackward()
    {
        while (Valid && Version > _ceiling)
        {
            if (_block.HasRuns) _entry = _block.RunStart(_entry);
            PrevEntry();
        }
    }

    // The entry at which a run of this block starts, or the next block's first.
    void ShowRun(int index)
    {
        if (index == _block.Count)
        {
            _entry = index;
            NextBlock();
            return;
        }
        var entry = BlockEntry.Read(_block.At(index));
        FetchAhead(in entry);
        Shared = SharedWithKeyBefore(in entry);
        Show(index, in entry);
    }

    public override void NextKey()
    {
        LeaveKey();
        SettleForward();
    }

    void LeaveKey()
    {
        // All of a key's versions in a row share the whole key and add nothing to it, except where a restart stores it again.
        var keyLength = KeyLength;
        if (KeyPointer != _key) ReturnToKeyBuffer();
        var (startBlock, start) = (_blockOffset, _entry);
        if (_block.HasRuns)
        {
            var next = _block.RunEnd(start);
            var goesOn = next == _block.Count && _position.TieVersion != 0;
            ShowRun(next);
            if (!goesOn || !Valid || Shared < keyLength || KeyLength > keyLength) return;
            // The key goes on in this block. If it fills it too, there may be many more.
            if (_block.HasRuns && (next = _block.RunEnd(0)) < _block.Count) ShowRun(next);
            else LeaveKeyBySeek(startBlock, start);
            return;
        }
        var steps = 0;
        while (++_entry < _block.Count)
        {
            var entry = BlockEntry.Read(_next);
            FetchAhead(in entry);
            var shared = SharedWithKeyBefore(in entry);
            if (shared < keyLength || entry.Shared + entry.Unshared > keyLength)
            {
                Shared = shared;
                Show(_entry, in entry);
                return;
            }
            _next = entry.End;
            // Many versions: binary search beats walking.
            if (++steps == 2 * _block.Interval) break;
        }

        // The key may go on in the next block or fill the ones after: the index knows.
        if (_entry == _block.Count && _position.TieVersion == 0)
        {
            NextBlock();
            return;
        }
        LeaveKeyBySeek(startBlock, start);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void LeaveKeyBySeek(ulong startBlock, int start)
    {
        var length = KeyLength;
        var before = length <= 256 ? stackalloc byte[length] : new byte[length];
        new ReadOnlySpan<byte>(_key, length).CopyTo(before);
        Seek(new ReadOnlySpan<byte>(_key, length), 0);
        if (Valid) Shared = Key.CommonPrefixLength(before);
        // An entry at exactly (key, 0) is still the old key, and nothing of that key comes after it.
        if (_soughtKeyFound) Next();
        // In a table whose order is broken this could lead back, and a loop over keys would never end.
        if (Valid && (_blockOffset < startBlock || (_blockOffset == startBlock && _entry <= start)))
            Throw.Corruption(_table.Path, (long)_blockOffset, "keys in ascending order");
    }

    void NextBlock()
    {
        var length = KeyLength;
        Valid = false;
        _position.MoveNext();
        if (!_position.Valid) return;
        LoadBlock();
        var entry = BlockEntry.Read(_block.Entries);
        Shared = DataBlock.CommonPrefix(entry.Suffix, _key, Math.Min(entry.Unshared, length));
        Show(0, in entry);
        if (!_position.TryPeek(+1, out var next)) return;
        var expected = _readahead.Expect(next, whole: false);
        if (expected != null) _ahead = expected - _block.Entries;
        if (_position.TryPeek(+2, out next)) _readahead.Approach(next, far: false);
        if (_position.TryPeek(+3, out next)) _readahead.Approach(next, far: true);
    }

    void PrevBlock()
    {
        Valid = false;
        _position.MovePrev();
        EnterLast();
        if (Valid && _position.TryPeek(-1, out var next)) _readahead.Expect(next, whole: true);
    }

    // What an entry shares with the key before, which is still in the key buffer. A restart does not say it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int SharedWithKeyBefore(in BlockEntry entry) =>
        entry.Shared != 0 ? entry.Shared : DataBlock.CommonPrefix(entry.Suffix, _key, Math.Min(entry.Unshared, KeyLength));

    // The lines of the next block that correspond to an entry of this one. Past the end of either this asks for lines in vain.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void FetchAhead(in BlockEntry entry)
    {
        if (!Sse.IsSupported) return;
        var at = entry.Suffix + _ahead;
        var end = at + Math.Min(entry.Unshared + entry.ValueLength, FetchBytesMax);
        do
        {
            at += 64;
            Sse.Prefetch1(at);
        }
        while (at < end);
    }

    // Shows the entry that _next is before, with the shared bytes already in the key buffer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Show(int index, in BlockEntry entry)
    {
        // Mostly a few bytes, of a number that no branch foretells. There are 16 more behind both: a footer, and the key buffer's slack.
        if (entry.Unshared <= 16) Unsafe.WriteUnaligned(_key + entry.Shared, Unsafe.ReadUnaligned<Vector128<byte>>(entry.Suffix));
        else Unsafe.CopyBlockUnaligned(_key + entry.Shared, entry.Suffix, (uint)entry.Unshared);
        _entry = index;
        KeyPointer = _key;
        KeyLength = entry.Shared + entry.Unshared;
        ShowRest(index, in entry);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void ShowRest(int index, in BlockEntry entry)
    {
        ValuePointer = entry.Value;
        ValueLength = entry.ValueLength;
        Kind = entry.Kind;
        Version = _block.VersionOf(index);
        if (_hasTimes) ShowTimes(index);
        _next = entry.End;
        Valid = true;
    }

    void ShowTimes(int index)
    {
        Expiry = _block.HasExpiries ? _block.ExpiryOf(index) : 0;
        End = _block.HasEnds ? _block.EndOf(index) : 0;
    }

    void ShowBackward(int index)
    {
        var restart = index / _block.Interval;
        if (restart != _scratchRestart && !TryDecodeInterval(restart))
        {
            DecodeUpTo(index);
            return;
        }
        var i = index - restart * _block.Interval;
        var keyStart = i == 0 ? 0 : _scratchEnds.At<Decoded>(i - 1).KeyEnd;
        ref var decoded = ref _scratchEnds.At<Decoded>(i);
        _entry = index;
        KeyPointer = _scratch.Start + keyStart;
        KeyLength = (int)(decoded.KeyEnd - keyStart);
        var entry = BlockEntry.Read(decoded.Entry);
        ShowRest(index, in entry);
    }

    struct Decoded
    {
        public byte* Entry;
        public long KeyEnd;
    }

    bool TryDecodeInterval(int restart)
    {
        _scratch.Clear();
        _scratchEnds.Clear();
        _scratchRestart = -1;
        var at = _block.Restart(restart);
        var stop = Math.Min((restart + 1) * _block.Interval, _block.Count);
        long before = 0;
        for (var i = restart * _block.Interval; i < stop; i++)
        {
            var entry = BlockEntry.Read(at);
            if (_scratch.Length > ScratchBytesMax) return false;
            _scratch.Reserve(entry.Shared + entry.Unshared);
            var key = _scratch.Start + _scratch.Length;
            DataBlockBuilder.Copy(_scratch.Start + before, key, entry.Shared);
            DataBlockBuilder.Copy(entry.Suffix, key + entry.Shared, entry.Unshared);
            before = _scratch.Length;
            _scratch.Length += entry.Shared + entry.Unshared;
            _scratchEnds.Append(new Decoded { Entry = at, KeyEnd = _scratch.Length });
            at = entry.End;
        }
        _scratchRestart = restart;
        return true;
    }

    // The way for keys too long to be kept by the interval.
    void DecodeUpTo(int index)
    {
        var at = _block.Restart(index / _block.Interval);
        for (var i = index / _block.Interval * _block.Interval; ; i++)
        {
            var entry = BlockEntry.Read(at);
            if (i == index)
            {
                Show(index, in entry);
                return;
            }
            DataBlockBuilder.Copy(entry.Suffix, _key + entry.Shared, entry.Unshared);
            at = entry.End;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void ReturnToKeyBuffer()
    {
        DataBlockBuilder.Copy(KeyPointer, _key, KeyLength);
        KeyPointer = _key;
    }

    void EnterFirst()
    {
        if (!_position.Valid) return;
        LoadBlock();
        var entry = BlockEntry.Read(_block.Entries);
        Show(0, in entry);
    }

    void EnterLast()
    {
        if (!_position.Valid) return;
        LoadBlock();
        ShowBackward(_block.Count - 1);
    }

    void LoadBlock()
    {
        var handle = _position.Handle;
        if (handle.Offset == _blockOffset) return;
        _blockOffset = NoBlock;
        _scratchRestart = -1;
        _readahead.Read(handle, _position.Ordinal, ref _lease);
        _block = new(_lease.Memory, _lease.Length);
        _hasTimes = _block.HasExpiries || _block.HasEnds;
        Expiry = End = 0;
        _ahead = 0;
        _blockOffset = handle.Offset;
    }

    public override void Dispose()
    {
        Valid = false;
        _lease.Dispose();
        _position.Dispose();
        _readahead.Dispose();
        _scratch.Dispose();
        _scratchEnds.Dispose();
        NativeMemory.Free(_key);
        _key = null;
        KeyPointer = null;
        _blockOffset = NoBlock;
        _held?.Dispose();
        _held = null;
    }
}
