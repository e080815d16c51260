// IndexBlock: which block may hold a key. Laid out in columns that a search uses as they are; nothing is decoded when it is read.
//
//    0  count u32 · 4 prefix length u32 · 8 ordinal of the first block u64 · 16 offset of the first block u64
//   24  base version u64 · 32 base end u64 · 40 tails length u64 · 48 widths u32 · 52 zero u32
//       widths       bits 0-3 V, 4-7 E, 8-11 O (4 or 8), 12 ties, 13-14 distances of versions, ends are shifted by 10
//   56  words        u64 each: the separator's next 8 bytes after the prefix, as a big-endian number, padded with zeros
//       tie versions u64 each, if the ties bit is set: 0, or the version of the block's last entry (see below)
//       block ends   O bytes each: offset after the block's trailer, less the offset of the first block
//       tail ends    u32 each: where the separator's bytes beyond prefix and word end in the tails
//       min versions V bytes each: distance from the base version (TimeColumn) · max versions the same
//       max ends     E bytes each: 0 if a block holds a version without end, else the greatest end's distance from the base end plus 1
//       head lengths u8 each: how many of the word's 8 bytes belong to the separator
//       prefix       what all separators begin with
//       tails
//
// A separator is a short key at or after everything in its block and before everything in the next. Where one key's versions fill more
// than one block, no such key exists: then the separator is the key itself and the tie version that of the block's last entry. The order
// of separators is the store's: key ascending, version descending. So the first separator at or after a target names the only block
// that can hold the first entry at or after it, unless that block has nothing at or after it; then it is the first entry of the next.
//
// The last separator of a table is its last key. A table's top index is one such block; when it grows too large it is cut into
// partitions, and the top index holds one separator for each partition. Blocks and partitions lie back to back, so their offsets follow
// from their ends.

using System.Runtime.CompilerServices;
using Aevum.Core.Time;

namespace Aevum.Storage.Tables;

/// <summary>A view over the contents of an index block. It owns nothing; whoever made it holds the block.</summary>
unsafe struct IndexBlock
{
    public const int HeaderBytes = 56;
    public const uint TiesBit = 1 << 12, VersionsShifted = 1 << 13, EndsShifted = 1 << 14;

    /// <summary>Words are read whole, so the contents must be followed by this many readable bytes.</summary>
    public const int PaddingBytes = 8;

    public int Count;
    public ulong FirstOrdinal;
    public ulong FirstOffset;
    int _prefixLength;
    ulong _baseVersion, _baseEnd;
    ulong* _words;
    byte* _tieVersions;
    byte* _blockEnds, _tailEnds, _minVersions, _maxVersions, _maxEnds, _headLengths, _prefix, _tails;
    int _versionWidth, _endWidth, _offsetWidth;
    int _versionShift, _endShift;

    /// <summary>Looks at contents that <see cref="TryValidate"/> has accepted.</summary>
    public IndexBlock(byte* contents)
    {
        Count = Unsafe.ReadUnaligned<int>(contents);
        _prefixLength = Unsafe.ReadUnaligned<int>(contents + 4);
        FirstOrdinal = Unsafe.ReadUnaligned<ulong>(contents + 8);
        FirstOffset = Unsafe.ReadUnaligned<ulong>(contents + 16);
        _baseVersion = Unsafe.ReadUnaligned<ulong>(contents + 24);
        _baseEnd = Unsafe.ReadUnaligned<ulong>(contents + 32);
        var widths = Unsafe.ReadUnaligned<uint>(contents + 48);
        _versionWidth = (int)(widths & 15);
        _endWidth = (int)((widths >> 4) & 15);
        _offsetWidth = (int)((widths >> 8) & 15);
        _versionShift = (widths & VersionsShifted) != 0 ? SystemTime.CounterBits : 0;
        _endShift = (widths & EndsShifted) != 0 ? SystemTime.CounterBits : 0;

        long count = Count;
        var at = contents + HeaderBytes;
        _words = (ulong*)at;
        at += count * 8;
        if ((widths & TiesBit) != 0)
        {
            _tieVersions = at;
            at += count * 8;
        }
        _blockEnds = at;
        at += count * _offsetWidth;
        _tailEnds = at;
        at += count * 4;
        _minVersions = at;
        at += count * _versionWidth;
        _maxVersions = at;
        at += count * _versionWidth;
        _maxEnds = at;
        at += count * _endWidth;
        _headLengths = at;
        at += count;
        _prefix = at;
        _tails = at + _prefixLength;
    }

    readonly ulong EndOffset(int i) => _offsetWidth == 4
        ? FirstOffset + Unsafe.ReadUnaligned<uint>(_blockEnds + 4L * i)
        : FirstOffset + Unsafe.ReadUnaligned<ulong>(_blockEnds + 8L * i);

    /// <summary>Where the i-th block (or partition) lies.</summary>
    public readonly BlockHandle Handle(int i)
    {
        var offset = i == 0 ? FirstOffset : EndOffset(i - 1);
        return new(offset, EndOffset(i) - offset - TableFormat.TrailerBytes);
    }

    /// <summary>The offset after the last block.</summary>
    public readonly ulong LastEnd => EndOffset(Count - 1);

    // A column is read in whole words: what follows it, or the padding, keeps the read inside.
    static ulong Stored(byte* column, int i, int width) => Unsafe.ReadUnaligned<ulong>(column + (long)i * width) & TimeColumn.Mask(width);

    public readonly ulong VersionMin(int i) => _baseVersion + (Stored(_minVersions, i, _versionWidth) << _versionShift);

    public readonly ulong VersionMax(int i) => _baseVersion + (Stored(_maxVersions, i, _versionWidth) << _versionShift);

    /// <summary>The greatest end in the block; 0 if it holds a version without end.</summary>
    public readonly ulong EndMax(int i)
    {
        var stored = Stored(_maxEnds, i, _endWidth);
        return stored == 0 ? 0 : _baseEnd + ((stored - 1) << _endShift);
    }

    /// <summary>True if a reader at <paramref name="at"/> may see something of the block.</summary>
    public readonly bool MayBeVisible(int i, ulong at) =>
        VersionMin(i) <= at && (_endWidth == 0 || EndMax(i) is var end && (end == 0 || end > at));

    /// <summary>0, or the version of the block's last entry where the next block goes on with the same key.</summary>
    public readonly ulong TieVersion(int i) => _tieVersions == null ? 0 : Unsafe.ReadUnaligned<ulong>(_tieVersions + 8L * i);

    readonly long TailStart(int i) => i == 0 ? 0 : Unsafe.ReadUnaligned<uint>(_tailEnds + 4L * (i - 1));

    public readonly byte[] Separator(int i)
    {
        var start = TailStart(i);
        var tail = (int)(Unsafe.ReadUnaligned<uint>(_tailEnds + 4L * i) - start);
        var head = _headLengths[i];
        var key = new byte[_prefixLength + head + tail];
        new ReadOnlySpan<byte>(_prefix, _prefixLength).CopyTo(key);
        Span<byte> word = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(word, _words[i]);
        word[..head].CopyTo(key.AsSpan(_prefixLength));
        new ReadOnlySpan<byte>(_tails + start, tail).CopyTo(key.AsSpan(_prefixLength + head));
        return key;
    }

    /// <summary>The first separator at or after (<paramref name="key"/>, <paramref name="version"/>); <see cref="Count"/> if there is
    /// none.</summary>
    public readonly int LowerBound(byte* key, int keyLength, ulong version)
    {
        // Against the common prefix once, for all separators.
        var prefix = DataBlock.CommonPrefix(key, _prefix, Math.Min(keyLength, _prefixLength));
        if (prefix < _prefixLength) return prefix == keyLength || key[prefix] < _prefix[prefix] ? 0 : Count;
        key += _prefixLength;
        keyLength -= _prefixLength;

        var target = ReadWord(key, keyLength);
        var first = LowerBound(_words, Count, target);
        if (first == Count || _words[first] != target) return first;

        // Separators whose words tie are told apart by their lengths, tails and tie versions.
        int lower = first, upper = first + 1;
        while (upper < Count && _words[upper] == target && IsBefore(upper, key, keyLength, version))
        {
            lower = upper + 1;
            upper += upper - first + 1;
        }
        upper = Math.Min(upper, Count);
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (_words[middle] == target && IsBefore(middle, key, keyLength, version)) lower = middle + 1;
            else upper = middle;
        }
        return lower;
    }

    // The i-th separator lies before the target, with which it has prefix and word in common.
    readonly bool IsBefore(int i, byte* key, int keyLength, ulong version)
    {
        int head = _headLengths[i];
        if (head < 8 || keyLength < 8)
        {
            // Equal words of different lengths differ in padding only: the shorter comes first.
            if (head != Math.Min(keyLength, 8)) return head < keyLength;
        }
        var start = TailStart(i);
        var tail = (int)(Unsafe.ReadUnaligned<uint>(_tailEnds + 4L * i) - start);
        var order = DataBlock.Compare(_tails + start, tail, key + 8, Math.Max(keyLength - 8, 0));
        return order < 0 || (order == 0 && TieVersion(i) > version);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ReadWord(byte* at, int length)
    {
        if (length >= 8) return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(at));
        ulong word = 0;
        for (var i = 0; i < length; i++) word |= (ulong)at[i] << (56 - 8 * i);
        return word;
    }

    // Halves the range without a branch that could be mispredicted.
    static int LowerBound(ulong* words, int count, ulong target)
    {
        var start = words;
        while (count > 1)
        {
            var half = count >>> 1;
            start += start[half - 1] < target ? half : 0;
            count -= half;
        }
        return (int)(start - words) + (*start < target ? 1 : 0);
    }

    /// <summary>Checks every rule that searching relies on. The contents may be any bytes at all.</summary>
    /// <param name="endMax">No block ends after this offset.</param>
    /// <returns>Null if the index may be used, else what should have been there.</returns>
    public static string? TryValidate(byte* contents, long length, ulong endMax)
    {
        if (length < HeaderBytes) return "an index block of at least 56 bytes";
        var count = Unsafe.ReadUnaligned<int>(contents);
        var prefixLength = Unsafe.ReadUnaligned<int>(contents + 4);
        var tails = Unsafe.ReadUnaligned<ulong>(contents + 40);
        var widths = Unsafe.ReadUnaligned<uint>(contents + 48);
        long version = widths & 15, end = (widths >> 4) & 15, offset = (widths >> 8) & 15;
        if (count <= 0 || prefixLength < 0 || prefixLength > length || tails > (ulong)length) return "an index with at least one entry";
        if (version > 8 || end > 8 || offset is not (4 or 8) || widths >> 15 != 0 || Unsafe.ReadUnaligned<uint>(contents + 52) != 0)
            return "column widths of an index";
        var ties = (widths & TiesBit) != 0 ? 8 : 0;
        var needed = HeaderBytes + count * (8L + ties + offset + 4 + 2 * version + end + 1) + prefixLength + (long)tails;
        if (needed != length) return "index columns that fill the block";

        var index = new IndexBlock(contents);
        if (index.FirstOffset > endMax) return "blocks inside the file";
        ulong lastEnd = 0;
        uint lastTail = 0;
        for (var i = 0; i < count; i++)
        {
            var blockEnd = offset == 4 ? Unsafe.ReadUnaligned<uint>(index._blockEnds + 4L * i)
                : Unsafe.ReadUnaligned<ulong>(index._blockEnds + 8L * i);
            if (blockEnd > endMax - index.FirstOffset || blockEnd < lastEnd + TableFormat.TrailerBytes + 1)
                return "blocks that follow each other";
            if (blockEnd - lastEnd > TableFormat.BlockBytesMax) return "a block of at most 2 GiB";
            lastEnd = blockEnd;
            var tail = Unsafe.ReadUnaligned<uint>(index._tailEnds + 4L * i);
            if (tail < lastTail || tail > tails) return "separators inside the block";
            if (index._headLengths[i] > 8 || (index._headLengths[i] < 8 && tail != lastTail))
                return "a separator whose word is full where it has a tail";
            lastTail = tail;
            // What stands in the padding would decide comparisons without being part of the separator.
            var head = 8 * index._headLengths[i];
            if (head < 64 && index._words[i] << head != 0) return "words padded with zeros";
        }
        return lastTail == tails ? null : "separators that fill the block";
    }
}
