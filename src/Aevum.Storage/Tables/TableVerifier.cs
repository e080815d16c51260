// TableVerifier: reads one open table from end to end and compares everything with everything: for `aevum check`, and for tests.
//
//   blocks       checksum, structure, exact prefix sharing, ascending order within and across blocks
//   index        covers the data without gaps; separators lie between the blocks they separate; version and end ranges are exact;
//                partitions agree with the top index
//   filter       says yes to every key
//   properties   every count, size and bound that can be counted again
//
// It reads the file, never the cache or a mapping, so it sees what is on the disk. A damaged block is reported and passed over; what is
// counted over the whole table is compared only if all blocks could be read.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Storage.Caching;

namespace Aevum.Storage.Tables;

/// <summary>Something in a table that is not what it must be.</summary>
readonly record struct TableProblem(string Path, long Offset, string Text)
{
    public override string ToString() => $"{Path} at byte {Offset}: {Text}";
}

sealed unsafe class TableVerifier(TableReader table)
{
    const int ProblemsMax = 100;

    readonly List<TableProblem> _problems = [];
    readonly TableTotals _totals = new();
    byte[] _key = new byte[256];
    int _keyLength = -1;
    ulong _version;
    byte[]? _separator;
    ulong _tieVersion;
    ulong _dataEnd;
    ulong _ordinal;
    bool _isComplete = true;

    public IReadOnlyList<TableProblem> Verify()
    {
        ref readonly var top = ref table.Top;
        if (top.Count > 0)
        {
            if (table.IsPartitioned) WalkPartitions(in top);
            else WalkIndex(in top, table.Footer.Index);
            if (_dataEnd != table.Footer.DataLength) Report(table.Footer.Index, "the index does not reach the end of the data blocks");
        }
        if (_isComplete && _problems.Count < ProblemsMax)
        {
            if (_keyLength >= 0 && _separator is not null && !_separator.AsSpan().SequenceEqual(_key.AsSpan(0, _keyLength)))
                Report(table.Footer.Index, "the last separator is not the last key");
            _totals.LastKey = _keyLength < 0 ? [] : _key.AsSpan(0, _keyLength).ToArray();
            foreach (var difference in _totals.Differences(table)) Report(table.Footer.Properties, difference);
        }
        return _problems;
    }

    void Report(BlockHandle where, string text) => Report((long)where.Offset, text);

    void Report(long offset, string text)
    {
        if (_problems.Count < ProblemsMax) _problems.Add(new(table.Path, offset, text));
    }

    void WalkPartitions(in IndexBlock top)
    {
        var lease = default(BlockLease);
        for (var i = 0; i < top.Count && _problems.Count < ProblemsMax; i++)
        {
            var handle = top.Handle(i);
            try
            {
                table.Source.ReadFromFile(handle, BlockContent.IndexPartition, ref lease);
            }
            catch (CorruptionException damage)
            {
                Report(handle, damage.Message);
                _isComplete = false;
                // What follows cannot be told apart from what is missing.
                break;
            }
            var partition = new IndexBlock(lease.Memory);
            WalkIndex(in partition, handle);

            ulong min = ulong.MaxValue, max = 0, end = 0;
            var open = false;
            for (var j = 0; j < partition.Count; j++)
            {
                min = Math.Min(min, partition.VersionMin(j));
                max = Math.Max(max, partition.VersionMax(j));
                end = Math.Max(end, partition.EndMax(j));
                open |= partition.EndMax(j) == 0;
            }
            if (min != top.VersionMin(i) || max != top.VersionMax(i) || (open ? 0 : end) != top.EndMax(i))
                Report(table.Footer.Index, $"partition {i} and the top index disagree on versions or ends");
            if (!partition.Separator(partition.Count - 1).AsSpan().SequenceEqual(top.Separator(i)) ||
                partition.TieVersion(partition.Count - 1) != top.TieVersion(i))
                Report(table.Footer.Index, $"partition {i} and the top index disagree on the separator");
        }
        lease.Dispose();
    }

    void WalkIndex(in IndexBlock index, BlockHandle where)
    {
        if (index.FirstOffset != _dataEnd) Report(where, $"blocks before byte {index.FirstOffset} are in no index");
        if (index.FirstOrdinal != _ordinal) Report(where, $"the first block is numbered {index.FirstOrdinal}, not {_ordinal}");
        var lease = default(BlockLease);
        for (var i = 0; i < index.Count && _problems.Count < ProblemsMax; i++)
        {
            var handle = index.Handle(i);
            try
            {
                table.Source.ReadFromFile(handle, BlockContent.Data, ref lease);
                WalkBlock(new DataBlock(lease.Memory, lease.Length), lease.Length, handle, in index, i);
            }
            catch (CorruptionException damage)
            {
                Report(handle, damage.Message);
                _isComplete = false;
            }
            if (CompressionOf(handle) is var compression && compression != Compression.None) _totals.CountCompressed(compression);
            CheckSeparator(index.Separator(i), index.TieVersion(i), handle);
        }
        lease.Dispose();
        _dataEnd = index.LastEnd;
        _ordinal += (ulong)index.Count;
    }

    Compression CompressionOf(BlockHandle handle)
    {
        byte compression;
        table.Source.ReadRaw(handle.Offset + handle.Length, &compression, 1);
        return (Compression)compression;
    }

    void CheckSeparator(byte[] separator, ulong tieVersion, BlockHandle handle)
    {
        if (_separator is not null && Compare(separator, tieVersion, _separator, _tieVersion) <= 0)
            Report(handle, "separators do not ascend");
        if (_keyLength >= 0 && Compare(_key.AsSpan(0, _keyLength), _version, separator, tieVersion) > 0)
            Report(handle, "the block goes beyond its separator");
        _separator = separator;
        _tieVersion = tieVersion;
    }

    static int Compare(ReadOnlySpan<byte> aKey, ulong aVersion, ReadOnlySpan<byte> bKey, ulong bVersion)
    {
        var order = aKey.SequenceCompareTo(bKey);
        return order != 0 ? order : bVersion.CompareTo(aVersion);
    }

    void WalkBlock(DataBlock block, long length, BlockHandle handle, in IndexBlock index, int i)
    {
        _totals.CountBlock(length);
        ulong min = ulong.MaxValue, max = 0, endMax = 0;
        var open = false;
        var at = block.Entries;
        for (var n = 0; n < block.Count; n++)
        {
            var entry = BlockEntry.Read(at);
            at = entry.End;
            var version = block.VersionOf(n);
            ulong expiry = block.HasExpiries ? block.ExpiryOf(n) : 0, end = block.HasEnds ? block.EndOf(n) : 0;
            var isSame = NextEntry(in entry, version, n, handle, n % block.Interval == 0);
            if (block.HasRuns && n > 0 && block.IsStart(n) == isSame) Report(handle, $"the block is wrong about whether a key starts at entry {n}");
            if (n == 0 && _separator is not null && Compare(_key.AsSpan(0, _keyLength), version, _separator, _tieVersion) <= 0)
                Report(handle, "the block starts before the separator of the block before");
            min = Math.Min(min, version);
            max = Math.Max(max, version);
            endMax = Math.Max(endMax, end);
            open |= end == 0;
            _totals.CountEntry(_keyLength, entry.ValueLength, version, entry.Kind, expiry, end);
        }
        if (min != index.VersionMin(i) || max != index.VersionMax(i)) Report(handle, "the index names other versions than the block holds");
        if ((open ? 0 : endMax) != index.EndMax(i)) Report(handle, "the index names another end than the block holds");
    }

    // Lays the entry's suffix over the key and compares the result with what was there before. True if the key is the same.
    bool NextEntry(in BlockEntry entry, ulong version, int n, BlockHandle handle, bool isRestart)
    {
        var length = entry.Shared + entry.Unshared;
        var suffix = new ReadOnlySpan<byte>(entry.Suffix, entry.Unshared);
        var before = _key.AsSpan(0, Math.Max(_keyLength, 0));
        var isSame = _keyLength == length && before[entry.Shared..].SequenceEqual(suffix);
        if (_keyLength >= 0)
        {
            // Within a block an entry may share no more than the key before it has (validated); across blocks it is a restart and shares
            // nothing.
            var order = before[entry.Shared..].SequenceCompareTo(suffix);
            if (isSame ? version >= _version : order >= 0) Report(handle, $"entry {n} is not after the one before it");
            if (!isRestart && !isSame && suffix.Length > 0 && _keyLength > entry.Shared && before[entry.Shared] == suffix[0])
                Report(handle, $"entry {n} shares less than it could with the one before it");
        }
        if (length > _key.Length) Array.Resize(ref _key, Math.Max(length, 2 * _key.Length));
        suffix.CopyTo(_key.AsSpan(entry.Shared));
        var isNew = _keyLength < 0 || !isSame;
        _keyLength = length;
        _version = version;
        if (!isNew) return true;
        _totals.CountKey(_key.AsSpan(0, length));
        if (!table.MayContain(KeyHash.Compute(_key.AsSpan(0, length)))) Report(handle, $"the filter denies the key of entry {n}");
        return false;
    }
}
