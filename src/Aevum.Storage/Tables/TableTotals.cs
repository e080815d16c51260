// TableTotals: the part of verification that adds up. It counts a table's content a second time, from the blocks alone, and names each
// property that says something else. One line for each property; those of collectors cannot be counted again.

using Aevum.Core.Batches;

namespace Aevum.Storage.Tables;

/// <summary>Counts a table's content again, to be compared with its properties.</summary>
sealed class TableTotals
{
    ulong _entries, _deletes, _puts, _merges, _expiring, _ended, _keys, _keyBytes, _keyBytesMax, _valueBytes;
    ulong _blocks, _blockBytes, _blockBytesMax, _lz4, _brotli;
    ulong _versionMin = ulong.MaxValue, _versionMax, _expiryMin = ulong.MaxValue, _expiryMax, _endMax;
    byte[] _firstKey = [];

    public byte[] LastKey { get; set; } = [];

    public void CountBlock(long bytes)
    {
        _blocks++;
        _blockBytes += (ulong)bytes;
        _blockBytesMax = Math.Max(_blockBytesMax, (ulong)bytes);
    }

    public void CountCompressed(Compression compression)
    {
        if (compression == Compression.Lz4) _lz4++;
        else _brotli++;
    }

    public void CountKey(ReadOnlySpan<byte> key)
    {
        if (_keys++ == 0) _firstKey = key.ToArray();
        _keyBytesMax = Math.Max(_keyBytesMax, (ulong)key.Length);
    }

    public void CountEntry(int keyLength, int valueLength, ulong version, EffectKind kind, ulong expiry, ulong end)
    {
        _entries++;
        _keyBytes += (ulong)keyLength;
        _valueBytes += (ulong)valueLength;
        switch (kind)
        {
            case EffectKind.Delete: _deletes++; break;
            case EffectKind.Put: _puts++; break;
            default: _merges++; break;
        }
        CountVersion(version);
        if (expiry != 0)
        {
            _expiring++;
            _expiryMin = Math.Min(_expiryMin, expiry);
            _expiryMax = Math.Max(_expiryMax, expiry);
        }
        if (end == 0) return;
        _ended++;
        _endMax = Math.Max(_endMax, end);
    }

    void CountVersion(ulong version)
    {
        _versionMin = Math.Min(_versionMin, version);
        _versionMax = Math.Max(_versionMax, version);
    }

    /// <summary>Each property that is not what was counted.</summary>
    public IEnumerable<string> Differences(TableReader table)
    {
        var stored = table.Properties;
        byte[] smallest = _firstKey, largest = LastKey;
        bool smallestIsRange = false, largestIsRange = false;
        ulong rangeDeletes = 0;
        foreach (var fragment in table.RangeDeletes.Fragments)
        {
            var isFirst = _entries == 0 && rangeDeletes == 0;
            rangeDeletes++;
            if (isFirst || fragment.Start.AsSpan().SequenceCompareTo(smallest) < 0) (smallest, smallestIsRange) = (fragment.Start, true);
            if (isFirst || fragment.End.AsSpan().SequenceCompareTo(largest) > 0) (largest, largestIsRange) = (fragment.End, true);
            CountVersion(fragment.Newest);
            CountVersion(fragment.Oldest);
        }
        var counted = stored with
        {
            Entries = _entries,
            Deletes = _deletes,
            Puts = _puts,
            Merges = _merges,
            Expiring = _expiring,
            Ended = _ended,
            Keys = _keys,
            RawKeyBytes = _keyBytes,
            KeyBytesMax = _keyBytesMax,
            RawValueBytes = _valueBytes,
            DataBlocks = _blocks,
            DataBytesRaw = _blockBytes,
            BlockBytesMax = _blockBytesMax,
            BlocksLz4 = _lz4,
            BlocksBrotli = _brotli,
            IndexPartitions = table.IsPartitioned ? (ulong)table.Top.Count : 0,
            SmallestIsRangeDelete = smallestIsRange,
            LargestIsRangeDelete = largestIsRange,
            VersionMin = _versionMin,
            VersionMax = _versionMax,
            ExpiryMin = _expiring == 0 ? 0 : _expiryMin,
            ExpiryMax = _expiryMax,
            EndMax = _endMax,
        };
        foreach (var (mine, theirs) in counted.Numbers.Zip(stored.Numbers))
            if (mine.Value != theirs.Value) yield return $"the property {mine.Name} is {theirs.Value}, counted {mine.Value}";
        if (!smallest.AsSpan().SequenceEqual(stored.SmallestKey)) yield return "the property key.smallest is not the smallest key";
        if (!largest.AsSpan().SequenceEqual(stored.LargestKey)) yield return "the property key.largest is not the largest key";
    }
}
