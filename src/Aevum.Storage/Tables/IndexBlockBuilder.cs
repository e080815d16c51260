// IndexBlockBuilder: collects one separator per block and writes stretches of them as index blocks (layout: IndexBlock).
//
// It holds the whole index of a table until the end, some 40 bytes per data block, because only then it is known whether the index
// stays in one piece.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Diagnostics;

namespace Aevum.Storage.Tables;

sealed unsafe class IndexBlockBuilder : IDisposable
{
    [StructLayout(LayoutKind.Sequential)]
    struct Entry
    {
        public long KeyStart;
        public int KeyLength;
        public ulong BlockEnd;
        public ulong TieVersion;
        public ulong VersionMin;
        public ulong VersionMax;
        public ulong EndMax;
    }

    GrowingBytes _keys;
    GrowingBytes _entries;

    public int Count => (int)(_entries.Length / sizeof(Entry));

    /// <summary>About how many bytes the whole index takes as one block.</summary>
    public long EstimatedBytes => IndexBlock.HeaderBytes + _keys.Length + Count * 26L;

    /// <summary>The offset after the trailer of the i-th block.</summary>
    public ulong BlockEnd(int i) => _entries.At<Entry>(i).BlockEnd;

    /// <param name="blockEnd">Offset in the file after the block's trailer.</param>
    /// <param name="endMax">0 if the block holds a version without end.</param>
    public void Add(byte* separator, int length, ulong tieVersion, ulong blockEnd, ulong versionMin, ulong versionMax, ulong endMax)
    {
        Entry entry;
        entry.KeyStart = _keys.Length;
        entry.KeyLength = length;
        entry.BlockEnd = blockEnd;
        entry.TieVersion = tieVersion;
        entry.VersionMin = versionMin;
        entry.VersionMax = versionMax;
        entry.EndMax = endMax;
        _keys.Append(separator, length);
        _entries.Append(entry);
    }

    /// <summary>The end of the partition that starts at entry <paramref name="from"/>: as many entries as fit, at least one.</summary>
    public int PartitionEnd(int from, int bytesMax)
    {
        long bytes = IndexBlock.HeaderBytes;
        var to = from;
        while (to < Count)
        {
            bytes += _entries.At<Entry>(to).KeyLength + 26;
            if (bytes > bytesMax && to > from) break;
            to++;
        }
        return to;
    }

    /// <summary>Adds to this index one entry that stands for the entries [from, to) of <paramref name="lower"/>, which were written
    /// up to <paramref name="end"/>.</summary>
    public void AddPartition(IndexBlockBuilder lower, int from, int to, ulong end)
    {
        ulong min = ulong.MaxValue, max = 0, endMax = 0;
        var open = false;
        for (var i = from; i < to; i++)
        {
            ref var entry = ref lower._entries.At<Entry>(i);
            min = Math.Min(min, entry.VersionMin);
            max = Math.Max(max, entry.VersionMax);
            endMax = Math.Max(endMax, entry.EndMax);
            open |= entry.EndMax == 0;
        }
        ref var last = ref lower._entries.At<Entry>(to - 1);
        Add(lower._keys.Start + last.KeyStart, last.KeyLength, last.TieVersion, end, min, max, open ? 0 : endMax);
    }

    /// <summary>Appends an index block of the entries [from, to).</summary>
    /// <param name="firstOffset">Where the first of their blocks lies.</param>
    public void Encode(int from, int to, ulong firstOffset, ref GrowingBytes target)
    {
        var count = to - from;
        Invariant.Require(count > 0, "an index block has at least one entry");
        var entries = (Entry*)_entries.Start + from;

        var prefix = CommonPrefixOf(entries, count);
        ulong versionMin = ulong.MaxValue, versionMax = 0, endMin = ulong.MaxValue, endMax = 0, tails = 0;
        ulong versionBits = 0, endBits = 0;
        var ties = false;
        for (var i = 0; i < count; i++)
        {
            versionMin = Math.Min(versionMin, entries[i].VersionMin);
            versionMax = Math.Max(versionMax, entries[i].VersionMax);
            versionBits |= (entries[i].VersionMin ^ entries[0].VersionMin) | (entries[i].VersionMax ^ entries[0].VersionMin);
            ties |= entries[i].TieVersion != 0;
            tails += (ulong)Math.Max(0, entries[i].KeyLength - prefix - 8);
            if (entries[i].EndMax == 0) continue;
            if (endMax != 0) endBits |= entries[i].EndMax ^ endMax;
            endMin = Math.Min(endMin, entries[i].EndMax);
            endMax = Math.Max(endMax, entries[i].EndMax);
        }
        Invariant.Require(tails <= uint.MaxValue, "the separators of one index block take less than 4 GiB");
        int versionShift = TimeColumn.Shift(versionBits), endShift = TimeColumn.Shift(endBits);
        var versionWidth = TimeColumn.Width(versionMax - versionMin, versionShift);
        var endWidth = endMax == 0 ? 0 : TimeColumn.OptionalWidth(endMax - endMin, endShift);
        var offsetWidth = entries[count - 1].BlockEnd - firstOffset <= uint.MaxValue ? 4 : 8;

        target.Append(count);
        target.Append(prefix);
        target.Append((ulong)from);
        target.Append(firstOffset);
        target.Append(versionMin);
        target.Append(endMax == 0 ? 0 : endMin);
        target.Append(tails);
        target.Append((uint)(versionWidth | (endWidth << 4) | (offsetWidth << 8)) | (ties ? IndexBlock.TiesBit : 0)
            | (versionShift > 0 ? IndexBlock.VersionsShifted : 0) | (endWidth > 0 && endShift > 0 ? IndexBlock.EndsShifted : 0));
        target.Append(0U);

        for (var i = 0; i < count; i++)
            target.Append(IndexBlock.ReadWord(_keys.Start + entries[i].KeyStart + prefix, entries[i].KeyLength - prefix));
        if (ties)
            for (var i = 0; i < count; i++) target.Append(entries[i].TieVersion);
        for (var i = 0; i < count; i++) AppendWide(ref target, entries[i].BlockEnd - firstOffset, offsetWidth);
        uint tailEnd = 0;
        for (var i = 0; i < count; i++) target.Append(tailEnd += (uint)Math.Max(0, entries[i].KeyLength - prefix - 8));
        for (var i = 0; i < count; i++) AppendWide(ref target, (entries[i].VersionMin - versionMin) >> versionShift, versionWidth);
        for (var i = 0; i < count; i++) AppendWide(ref target, (entries[i].VersionMax - versionMin) >> versionShift, versionWidth);
        for (var i = 0; i < count; i++)
            AppendWide(ref target, entries[i].EndMax == 0 ? 0 : ((entries[i].EndMax - endMin) >> endShift) + 1, endWidth);
        for (var i = 0; i < count; i++) target.Append((byte)Math.Min(entries[i].KeyLength - prefix, 8));
        target.Append(_keys.Start + entries[0].KeyStart, prefix);
        for (var i = 0; i < count; i++)
        {
            var rest = entries[i].KeyLength - prefix - 8;
            if (rest > 0) target.Append(_keys.Start + entries[i].KeyStart + prefix + 8, rest);
        }
    }

    // Separators ascend, so what the first and the last have in common, all have.
    int CommonPrefixOf(Entry* entries, int count)
    {
        ref var first = ref entries[0];
        ref var last = ref entries[count - 1];
        return DataBlock.CommonPrefix(_keys.Start + first.KeyStart, _keys.Start + last.KeyStart, Math.Min(first.KeyLength, last.KeyLength));
    }

    static void AppendWide(ref GrowingBytes target, ulong value, int width)
    {
        target.Reserve(8);
        Unsafe.WriteUnaligned(target.Start + target.Length, value);
        target.Length += width;
    }

    /// <summary>The shortest key at or after <paramref name="last"/> and before <paramref name="next"/>, both of different keys.</summary>
    /// <param name="target">Room for as many bytes as the longer of the two has.</param>
    /// <returns>The separator's length.</returns>
    public static int Separate(byte* last, int lastLength, byte* next, int nextLength, int common, byte* target)
    {
        if (common == lastLength) goto whole;

        // The next key up to the byte that tells them apart is greater than the last key, and less than the next unless it is all of it.
        if (nextLength > common + 1)
        {
            DataBlockBuilder.Copy(next, target, common + 1);
            return common + 1;
        }

        // Else the last key with one of its bytes raised, if that stays below the next.
        DataBlockBuilder.Copy(last, target, lastLength);
        if (last[common] + 1 < next[common])
        {
            target[common]++;
            return common + 1;
        }
        for (var i = common + 1; i < lastLength - 1; i++)
        {
            if (target[i] == 0xFF) continue;
            target[i]++;
            return i + 1;
        }
        return lastLength;

    whole:
        DataBlockBuilder.Copy(last, target, lastLength);
        return lastLength;
    }

    public void Dispose()
    {
        _keys.Dispose();
        _entries.Dispose();
    }
}
