// DataBlock: a stretch of sorted versions, prefix-compressed, with the numbers of all entries in columns behind them.
//
//   entries        shared varint | unshared varint | (value length * 4 + kind) varint | key suffix | value            back to back
//   versions       distance from the minimum in V bytes each; V = 0..8, the fewest that do (TimeColumn)
//   expiries       0: never, else the distance from the minimum plus 1, in E bytes each; E = 0 if no entry expires
//   ends           the same for the times of supersession, in S bytes each
//   [key starts]   a bit for each entry, if the block has runs: set where another key begins
//   restarts       offset of entry 0, R, 2R, ...: u16, or u32 if the entries take more than 65,535 bytes; if the block has runs, of every entry
//   [minimum expiry u64, if E > 0] [minimum end u64, if S > 0]
//   minimum version u64 | count u32 | R u16 | widths u16
//   R              bits 0-8 restart interval, 14 ends are implied, 15 the block has runs
//   widths         bits 0-3 V, 4-7 E, 8-11 S, 12 restarts are u32, 13-15 distances of versions, expiries, ends are shifted by 10
//
// The columns cost nothing to an entry whose neighbours look alike, and a lookup touches them only for the entry it has found.
//
// Runs: where a key has many versions (two in the mean, or more), a search by walking would read them all to find one. Such a block says
// where each key starts and where each entry lies. A search then walks keys, not versions, and finds the version by halving the column of
// versions, whose run falls: log2 n steps in a few lines of memory, without a look at the versions passed over. Implied ends: in a run
// each version mostly ends where the one above it begins, so only the first of each run has an end in the column.
//
// Always true (Validate refuses everything else, the checks of order apart):
//   (1) an entry at a restart shares 0 bytes; every other shares exactly the longest common prefix with the key before;
//   (2) the entries fill the space before the columns exactly;
//   (3) no key is longer than the table's longest key (its property), so that a cursor's key buffer never grows.
//
// The checks are made once, when a block is read. After that the block is trusted: searching and decoding check nothing. Order is not
// checked there: bytes in a false order give a false answer but never touch memory outside the block (TableVerifier looks for order).

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Aevum.Core.Batches;
using Aevum.Core.Time;

namespace Aevum.Storage.Tables;

/// <summary>One entry as it stands in a block. Pointers are into the block.</summary>
unsafe struct BlockEntry
{
    public byte* Suffix;
    public int Shared;
    public int Unshared;
    public int ValueLength;
    public EffectKind Kind;

    public readonly byte* Value => Suffix + Unshared;

    public readonly byte* End => Suffix + Unshared + ValueLength;

    /// <summary>Reads the entry at <paramref name="at"/> of a validated block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BlockEntry Read(byte* at)
    {
        BlockEntry entry;
        // Four bytes may always be read: columns and footer follow the entries.
        var head = Unsafe.ReadUnaligned<uint>(at);
        uint tag;
        if ((head & 0x80_8080) == 0)
        {
            entry.Shared = (int)(head & 0x7F);
            entry.Unshared = (int)((head >> 8) & 0x7F);
            tag = (head >> 16) & 0x7F;
            entry.Suffix = at + 3;
        }
        else if ((head & 0x8000_8080) == 0)
        {
            entry.Shared = (int)(head & 0x7F);
            entry.Unshared = (int)((head >> 8) & 0x7F);
            tag = ((head >> 16) & 0x7F) | ((head >> 24) << 7);
            entry.Suffix = at + 4;
        }
        else
        {
            entry.Shared = (int)ReadVarint(ref at);
            entry.Unshared = (int)ReadVarint(ref at);
            tag = ReadVarint(ref at);
            entry.Suffix = at;
        }
        entry.ValueLength = (int)(tag >> 2);
        entry.Kind = (EffectKind)(tag & 3);
        return entry;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static uint ReadVarint(ref byte* at) => Aevum.Core.Bytes.Varint.ReadTrusted(ref at);
}

/// <summary>A view over the contents of a data block. It owns nothing; whoever made it holds the block.</summary>
unsafe struct DataBlock
{
    public const int FooterBytes = 16;
    public const int RestartIntervalMax = 256;
    const int PrefetchBytes = 2048;
    const int KeysToWalk = 4;
    public const int WideRestarts = 1 << 12, VersionsShifted = 1 << 13, ExpiriesShifted = 1 << 14, EndsShifted = 1 << 15;
    public const int IntervalMask = (1 << 9) - 1, EndsImplied = 1 << 14, Runs = 1 << 15;

    public byte* Entries;
    public byte* EntriesEnd;
    public int Count;
    public int Interval;
    byte* _versions, _expiries, _ends, _starts, _restarts;
    ulong _minimumVersion, _minimumExpiry, _minimumEnd;
    ulong _versionMask, _expiryMask, _endMask;
    int _versionWidth, _expiryWidth, _endWidth;
    int _versionShift, _expiryShift, _endShift;
    int _restartStride;
    bool _wideRestarts, _impliedEnds;

    public readonly ulong MinimumVersion => _minimumVersion;

    public readonly int RestartCount => (int)(((uint)Count + (uint)Interval - 1) / (uint)Interval);

    /// <summary>Looks at a block that <see cref="TryValidate"/> has accepted.</summary>
    public DataBlock(byte* contents, long length)
    {
        var footer = contents + length - FooterBytes;
        var widths = Unsafe.ReadUnaligned<ushort>(footer + 14);
        _minimumVersion = Unsafe.ReadUnaligned<ulong>(footer);
        Count = Unsafe.ReadUnaligned<int>(footer + 8);
        int interval = Unsafe.ReadUnaligned<ushort>(footer + 12);
        Interval = interval & IntervalMask;
        _versionWidth = widths & 15;
        _expiryWidth = (widths >> 4) & 15;
        _endWidth = (widths >> 8) & 15;
        _wideRestarts = (widths & WideRestarts) != 0;
        _versionShift = (widths & VersionsShifted) != 0 ? SystemTime.CounterBits : 0;
        _expiryShift = (widths & ExpiriesShifted) != 0 ? SystemTime.CounterBits : 0;
        _endShift = (widths & EndsShifted) != 0 ? SystemTime.CounterBits : 0;
        _versionMask = TimeColumn.Mask(_versionWidth);
        _expiryMask = TimeColumn.Mask(_expiryWidth);
        _endMask = TimeColumn.Mask(_endWidth);

        var at = footer;
        if (_endWidth > 0) _minimumEnd = Unsafe.ReadUnaligned<ulong>(at -= 8);
        if (_expiryWidth > 0) _minimumExpiry = Unsafe.ReadUnaligned<ulong>(at -= 8);
        _restartStride = _wideRestarts ? 4 : 2;
        if ((interval & Runs) == 0)
        {
            at -= (long)RestartCount * _restartStride;
            _restarts = at;
            at -= (long)Count * _endWidth;
        }
        else
        {
            at -= (long)Count * _restartStride;
            _restarts = at;
            _restartStride *= Interval;
            at -= (Count + 7L) >> 3;
            _starts = at;
            _impliedEnds = (interval & EndsImplied) != 0;
            at -= (long)(_impliedEnds ? StartsBefore(Count) : Count) * _endWidth;
        }
        _ends = at;
        at -= (long)Count * _expiryWidth;
        _expiries = at;
        at -= (long)Count * _versionWidth;
        _versions = at;
        EntriesEnd = at;
        Entries = contents;
    }

    // A column is read in whole words: the footer behind it keeps the read inside the block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong VersionOf(int index) =>
        _minimumVersion + ((Unsafe.ReadUnaligned<ulong>(_versions + (long)index * _versionWidth) & _versionMask) << _versionShift);

    public readonly bool HasExpiries => _expiryWidth != 0;

    public readonly bool HasEnds => _endWidth != 0;

    public readonly ulong ExpiryOf(int index)
    {
        var stored = Unsafe.ReadUnaligned<ulong>(_expiries + (long)index * _expiryWidth) & _expiryMask;
        return stored == 0 ? 0 : _minimumExpiry + ((stored - 1) << _expiryShift);
    }

    public readonly ulong EndOf(int index)
    {
        if (_impliedEnds)
        {
            if (!IsStart(index)) return VersionOf(index - 1);
            index = StartsBefore(index);
        }
        var stored = Unsafe.ReadUnaligned<ulong>(_ends + (long)index * _endWidth) & _endMask;
        return stored == 0 ? 0 : _minimumEnd + ((stored - 1) << _endShift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly byte* Restart(int restart)
    {
        var at = _restarts + (long)_restartStride * restart;
        return Entries + (_wideRestarts ? Unsafe.ReadUnaligned<uint>(at) : Unsafe.ReadUnaligned<ushort>(at));
    }

    /// <summary>True if the block tells where keys start and where every entry lies: <see cref="At"/>, <see cref="RunEnd"/> and so on may
    /// be asked.</summary>
    public readonly bool HasRuns => _starts != null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly byte* At(int index) =>
        Entries + (_wideRestarts ? Unsafe.ReadUnaligned<uint>(_restarts + 4L * index) : Unsafe.ReadUnaligned<ushort>(_restarts + 2L * index));

    /// <summary>True if the entry is the first of its key in this block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsStart(int index) => (_starts[index >> 3] >> (index & 7) & 1) != 0;

    /// <summary>The first entry after <paramref name="index"/> that has another key; <see cref="Count"/> if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int RunEnd(int index)
    {
        // Whole words: what stands behind the bits is in the block, and the count bounds what it says.
        for (index++; index < Count; index += 64 - (index & 7))
        {
            var bits = Unsafe.ReadUnaligned<ulong>(_starts + (index >> 3)) >> (index & 7);
            if (bits != 0) return Math.Min(index + BitOperations.TrailingZeroCount(bits), Count);
        }
        return Count;
    }

    /// <summary>The first entry of the run that <paramref name="index"/> lies in.</summary>
    public readonly int RunStart(int index)
    {
        while (!IsStart(index)) index = _starts[index >> 3] == 0 && index >= 8 ? (index & ~7) - 1 : index - 1;
        return index;
    }

    /// <summary>How many keys start before <paramref name="index"/>.</summary>
    readonly int StartsBefore(int index)
    {
        var count = 0;
        var at = _starts;
        for (; index >= 64; index -= 64, at += 8) count += BitOperations.PopCount(Unsafe.ReadUnaligned<ulong>(at));
        return count + BitOperations.PopCount(Unsafe.ReadUnaligned<ulong>(at) & ((1UL << index) - 1));
    }

    /// <summary>Of the entries from <paramref name="index"/> to the end of their run, the first whose version is at most
    /// <paramref name="version"/>; the run's end if all are newer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int NewestAtMost(int index, int runEnd, ulong version)
    {
        // Halves without a branch that could be mispredicted.
        var count = runEnd - index;
        while (count > 1)
        {
            var half = count >>> 1;
            index += VersionOf(index + half - 1) > version ? half : 0;
            count -= half;
        }
        return index + (VersionOf(index) > version ? 1 : 0);
    }

    /// <summary>The first entry at or after (<paramref name="key"/>, <paramref name="version"/>).</summary>
    /// <param name="entry">The entry; its first <see cref="BlockEntry.Shared"/> bytes are those of <paramref name="key"/>.</param>
    /// <param name="equalKey">True if the entry's key is <paramref name="key"/>.</param>
    /// <returns>The entry's index; <see cref="Count"/> if there is none.</returns>
    public readonly int Search(byte* key, int keyLength, ulong version, out BlockEntry entry, out bool equalKey)
    {
        // With few keys in the block, halving would look at more of them than walking does.
        if (_starts != null && Count <= 64 && StartsBefore(Count) <= KeysToWalk) return SearchRuns(0, key, keyLength, version, out entry, out equalKey);

        // The last restart at or before the target; the interval from there holds the answer, or the next restart is it.
        int lower = 0, upper = RestartCount;
        PrefetchRestarts(upper);
        while (upper - lower > 1)
        {
            var middle = (lower + upper) >>> 1;
            var at = BlockEntry.Read(Restart(middle));
            var order = Compare(at.Suffix, at.Unshared, key, keyLength);
            if (order < 0 || (order == 0 && VersionOf(middle * Interval) >= version)) lower = middle;
            else upper = middle;
        }

        var index = lower * Interval;
        if (_starts != null) return SearchRuns(index, key, keyLength, version, out entry, out equalKey);
        var stop = Math.Min(index + Interval, Count);
        var next = Restart(lower);
        PrefetchInterval(next, stop == Count ? EntriesEnd : Restart(lower + 1));
        // Bytes of the target matched by the key before. The key before is below the target, or there is none.
        var matched = 0;
        for (; index < stop; index++, next = entry.End)
        {
            entry = BlockEntry.Read(next);
            // It shares more with the key before than the target does: it lies on the same side of the target.
            if (entry.Shared > matched) continue;
            // It leaves the key before within the part that matched: it is greater.
            if (entry.Shared < matched)
            {
                equalKey = false;
                return index;
            }
            var common = CommonPrefix(entry.Suffix, key + matched, Math.Min(entry.Unshared, keyLength - matched));
            if (common == entry.Unshared)
            {
                // The entry's key ends here: equal, or a proper prefix of the target and below it.
                if (matched + common == keyLength)
                {
                    matched = keyLength;
                    if (VersionOf(index) > version) continue;
                    equalKey = true;
                    return index;
                }
            }
            else if (matched + common == keyLength || entry.Suffix[common] > key[matched + common])
            {
                equalKey = false;
                return index;
            }
            matched += common;
        }
        equalKey = false;
        if (index == Count)
        {
            entry = default;
            return index;
        }
        // The next restart, which the binary search found to be after the target.
        entry = BlockEntry.Read(next);
        equalKey = entry.Unshared == keyLength && CommonPrefix(entry.Suffix, key, keyLength) == keyLength;
        return index;
    }

    // From an entry stored whole, at or before the target or the block's first, on from key to key.
    readonly int SearchRuns(int index, byte* key, int keyLength, ulong version, out BlockEntry entry, out bool equalKey)
    {
        var matched = 0;
        var isFirst = true;
        equalKey = false;
        while (true)
        {
            entry = BlockEntry.Read(At(index));
            // A restart does not say what its key has in common with the one before.
            if (!isFirst && entry.Shared == 0) matched = 0;
            isFirst = false;
            var runEnd = RunEnd(index);
            if (entry.Shared <= matched)
            {
                if (entry.Shared < matched) return index;
                var common = CommonPrefix(entry.Suffix, key + matched, Math.Min(entry.Unshared, keyLength - matched));
                matched += common;
                if (common == entry.Unshared)
                {
                    if (matched == keyLength)
                    {
                        index = NewestAtMost(index, runEnd, version);
                        if (index < runEnd)
                        {
                            PrefetchInterval(At(index), index + 1 < Count ? At(index + 1) : EntriesEnd);
                            // Past the start an entry shares the whole key, or stores it again.
                            entry = BlockEntry.Read(At(index));
                            equalKey = true;
                            return index;
                        }
                    }
                }
                else if (matched == keyLength || entry.Suffix[common] > key[matched])
                {
                    return index;
                }
            }
            index = runEnd;
            if (index == Count)
            {
                entry = default;
                return index;
            }
        }
    }

    // A block that is not in the CPU's cache costs a wait for each line that a search touches, one after the other, unless they are all
    // asked for at once.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    readonly void PrefetchRestarts(int count)
    {
        if (!Sse.IsSupported) return;
        for (var i = Math.Min(count, 8) - 1; i >= 0; i--) Sse.Prefetch0(Restart(i));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchInterval(byte* from, byte* to)
    {
        if (!Sse.IsSupported) return;
        to = (byte*)Math.Min((nuint)to, (nuint)from + PrefetchBytes);
        for (from += 64; from < to; from += 64) Sse.Prefetch0(from);
    }

    /// <summary>Bytes from the start that two strings of at least <paramref name="length"/> bytes have in common.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CommonPrefix(byte* a, byte* b, int length)
    {
        var i = 0;
        for (; i + 8 <= length; i += 8)
        {
            var difference = Unsafe.ReadUnaligned<ulong>(a + i) ^ Unsafe.ReadUnaligned<ulong>(b + i);
            if (difference != 0) return i + (BitOperations.TrailingZeroCount(difference) >> 3);
        }
        while (i < length && a[i] == b[i]) i++;
        return i;
    }

    /// <summary>The store's order: unsigned bytes, shorter first on a tie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Compare(byte* a, int aLength, byte* b, int bLength)
    {
        var length = Math.Min(aLength, bLength);
        var common = CommonPrefix(a, b, length);
        return common < length ? a[common] - b[common] : aLength - bLength;
    }

    /// <summary>Checks every rule that searching and decoding rely on. The contents may be any bytes at all.</summary>
    /// <param name="keyBytesMax">The table's longest key.</param>
    /// <returns>Null if the block may be used, else what should have been there.</returns>
    public static string? TryValidate(byte* contents, long length, int keyBytesMax)
    {
        if (length < FooterBytes) return "a data block of at least 16 bytes";
        var footer = contents + length - FooterBytes;
        var count = Unsafe.ReadUnaligned<int>(footer + 8);
        int flags = Unsafe.ReadUnaligned<ushort>(footer + 12);
        var interval = flags & IntervalMask;
        var hasRuns = (flags & Runs) != 0;
        var impliesEnds = (flags & EndsImplied) != 0;
        var widths = Unsafe.ReadUnaligned<ushort>(footer + 14);
        int version = widths & 15, expiry = (widths >> 4) & 15, end = (widths >> 8) & 15;
        if (version > 8 || expiry > 8 || end > 8) return "column widths of at most 8 bytes";
        if (count <= 0) return "at least one entry";
        if (interval is 0 or > RestartIntervalMax) return "a restart interval of 1 to 256";
        if ((flags & ~(IntervalMask | Runs | EndsImplied)) != 0 || (impliesEnds && (!hasRuns || end == 0)))
            return "an interval without unknown bits, and implied ends only with runs and ends";
        var restarts = hasRuns ? count : ((long)count + interval - 1) / interval;
        var behindEnds = restarts * ((widths & WideRestarts) != 0 ? 4 : 2) + (hasRuns ? (count + 7L) >> 3 : 0)
            + (expiry > 0 ? 8 : 0) + (end > 0 ? 8 : 0) + FooterBytes;
        // Every entry takes at least three bytes. How many ends there are, the bits of the key starts say, once they are known to be there.
        var columns = (long)count * (version + expiry + (impliesEnds ? 0 : end)) + behindEnds;
        if (columns + 3L * count > length) return "columns that fit into the block";

        var block = new DataBlock(contents, length);
        if (impliesEnds && columns + (long)block.StartsBefore(count) * end + 3L * count > length) return "columns that fit into the block";
        if (hasRuns && ((block._starts[0] & 1) == 0 || ((count & 7) != 0 && block._starts[count >> 3] >> (count & 7) != 0)))
            return "a key that starts with the first entry, and none behind the last";
        var at = contents;
        var stop = block.EntriesEnd;
        var keyLength = 0;
        var untilRestart = 0;
        var restart = 0;
        for (var i = 0; i < count; i++)
        {
            var lengthBefore = keyLength;
            var isRestart = untilRestart == 0;
            if (isRestart)
            {
                if (block.Restart(restart++) != at) return "restarts at every interval";
                untilRestart = interval;
                keyLength = 0;
            }
            untilRestart--;
            if (hasRuns && block.At(i) != at) return "the offset of every entry";
            // The longest head has 15 bytes, of which the columns and the footer hold at least 16.
            if (at >= stop) return "entries up to the columns";
            if (!TryReadChecked(ref at, out var shared) || !TryReadChecked(ref at, out var unshared)
                || !TryReadChecked(ref at, out var tag))
                return "an entry whose lengths have at most 32 bits";
            if (shared > (uint)keyLength) return "an entry that shares no more than the key before has";
            if (unshared > (uint)keyBytesMax || shared + unshared > (uint)keyBytesMax) return "a key no longer than the table's longest";
            keyLength = (int)(shared + unshared);
            // At a restart, whether the key is the same is for TableVerifier to see.
            var mayBeSame = keyLength == lengthBefore && (isRestart || unshared == 0);
            if (hasRuns && (block.IsStart(i) ? mayBeSame && !isRestart : !mayBeSame)) return "key starts where the key changes";
            if ((tag & 3) > (uint)EffectKind.Merge) return "a kind of entry that tables hold";
            var bytes = (long)unshared + (tag >> 2);
            if (bytes > stop - at) return "an entry that ends before the columns";
            at += bytes;
        }
        return at == stop ? null : "entries that fill the space before the columns";
    }

    static bool TryReadChecked(ref byte* at, out uint value)
    {
        value = *at++;
        if (value < 0x80) return true;
        ulong wide = value & 0x7F;
        for (var shift = 7; shift < 35; shift += 7)
        {
            uint part = *at++;
            wide |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                value = (uint)wide;
                return wide <= uint.MaxValue;
            }
        }
        return false;
    }
}
