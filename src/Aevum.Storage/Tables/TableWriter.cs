// TableWriter: turns one sorted run of versions into one immutable file.
//
//   Writing   -> Finished   [Finish]           the file is whole and synced; its directory is not
//   Writing   -> Abandoned  [Abandon/Dispose]  the file holds no footer and is for the caller to delete
//
// Always true while writing:
//   (1) entries arrive strictly ascending (key up, version down at equal keys), at most one for a key and version;
//   (2) no entry spans two blocks, no block crosses a keyspace;
//   (3) blocks are built where they will be written from: an entry's bytes are copied once, then go to the file in whole chunks, each at
//       a multiple of its size (large pages of the page cache cost half of small ones); only what begins the next chunk is moved;
//   (4) the footer is written last and the file synced before Finish returns, so a file named by the manifest is whole.
//
// Not here: which tables to write and what to call them. Bytes: TableFormat, docs/formats/sorted-table.md.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Tables;

sealed unsafe class TableWriter : IDisposable
{
    readonly IWritableFile _file;
    readonly ulong _tableId;
    readonly TableWriterOptions _options;
    readonly DataBlockBuilder _data;
    readonly IndexBlockBuilder _index = new();
    readonly IPropertyCollector[] _collectors;
    readonly List<RangeDelete> _rangeDeletes = [];
    bool _closed;

    GrowingBytes _lastKey, _separator, _hashes, _scratch;
    ulong _lastVersion;
    byte[] _firstKey = [];
    ulong _written;

    ulong _entries, _deletes, _merges, _keys, _keyBytes, _keyBytesMax, _valueBytes;
    ulong _expiring, _ended, _endMax, _expiryMax;
    ulong _expiryMin = ulong.MaxValue, _versionMin = ulong.MaxValue, _versionMax;
    ulong _blockBytesRaw, _blockBytesMax, _blocksLz4, _blocksBrotli;

    /// <param name="file">Empty; from here on the writer's.</param>
    public TableWriter(IWritableFile file, ulong tableId, TableWriterOptions? options = null)
    {
        _options = options ?? TableWriterOptions.Default;
        Invariant.Require(_options.RestartInterval is > 0 and <= DataBlock.RestartIntervalMax, "a restart interval is 1 to 256");
        Invariant.Require(_options.KeyspacePrefixBytes is >= 0 and <= 8, "a keyspace prefix has at most 8 bytes");
        _file = file;
        _tableId = tableId;
        _data = new(_options.RestartInterval, _options.ChunkBytes + 2L * _options.BlockBytes);
        _collectors = [.. _options.Collectors.Select(create => create())];
        _lastKey.Reserve(1024);
    }

    public long Entries => (long)_entries;

    /// <summary>About what the file would take if it were finished now; never less than what it holds already.</summary>
    public long EstimatedFileSize =>
        (long)_written + _data.Output.Length + (long)_keys * _options.FilterBitsPerKey / 8 + _index.EstimatedBytes;

    public void Add(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyStart = key)
        fixed (byte* valueStart = value)
            Add(keyStart, key.Length, version, kind, expiry, end, valueStart, value.Length);
    }

    /// <param name="expiry">0: never.</param>
    /// <param name="end">History tables: when the version was superseded; else 0.</param>
    public void Add(byte* key, int keyLength, ulong version, EffectKind kind, ulong expiry, ulong end, byte* value, int valueLength)
    {
        Invariant.Require(!_closed, "a table is added to only before it is finished");
        Invariant.Require(kind <= EffectKind.Merge, "range deletes go in through AddRangeDelete");
        if (keyLength > TableFormat.KeyBytesMax) Throw.Limit("the key's length", keyLength, TableFormat.KeyBytesMax);
        if (valueLength > TableFormat.ValueBytesMax) Throw.Limit("the value's length", valueLength, TableFormat.ValueBytesMax);

        var lastLength = (int)_lastKey.Length;
        var shared = DataBlock.CommonPrefix(_lastKey.Start, key, Math.Min(lastLength, keyLength));
        var sameKey = shared == keyLength && shared == lastLength;
        if (sameKey && _entries > 0)
        {
            Invariant.Require(version < _lastVersion, "versions of one key enter a table newest first");
        }
        else
        {
            Invariant.Require(_entries == 0 || (shared < keyLength && (shared == lastLength || key[shared] > _lastKey.Start[shared])),
                "keys enter a table in ascending order");
            if (_entries == 0) _firstKey = new ReadOnlySpan<byte>(key, keyLength).ToArray();
            sameKey = false;
        }

        if (_data.Count > 0)
        {
            var bytes = _data.BytesWith(shared, keyLength - shared, valueLength, version, expiry, end);
            if (IsFull(bytes + TableFormat.TrailerBytes + BlockSource.PaddingBytes, sameKey)
                || (shared < _options.KeyspacePrefixBytes && !sameKey))
                FinishBlock(key, keyLength, shared, sameKey);
        }
        _data.Add(key, keyLength, shared, version, kind, expiry, end, value, valueLength);

        if (!sameKey)
        {
            _keys++;
            if (_options.FilterBitsPerKey > 0) _hashes.Append(KeyHash.Compute(key, keyLength));
            _lastKey.Length = shared;
            _lastKey.Reserve(keyLength - shared);
            DataBlockBuilder.Copy(key + shared, _lastKey.Start + shared, keyLength - shared);
            _lastKey.Length = keyLength;
            if ((ulong)keyLength > _keyBytesMax) _keyBytesMax = (ulong)keyLength;
        }
        _lastVersion = version;
        _entries++;
        _keyBytes += (ulong)keyLength;
        _valueBytes += (ulong)valueLength;
        if (kind != EffectKind.Put) CountKind(kind);
        if ((expiry | end) != 0) CountTimes(expiry, end);
        if (_collectors.Length > 0) Collect(key, keyLength, version, kind, value, valueLength);
    }

    // Keys with many versions are kept whole where that costs little: a block may then be up to twice as long, and the next key starts a
    // block of its own if, being as long as the last one, it would not fit. Then a lookup's first entry is mostly the block's first.
    bool IsFull(long bytes, bool sameKey)
    {
        if (!_data.HasRuns) return bytes > _options.BlockBytes;
        return sameKey ? bytes > 2L * _options.BlockBytes : bytes + _data.RunBytes > _options.BlockBytes;
    }

    void CountKind(EffectKind kind)
    {
        if (kind == EffectKind.Delete) _deletes++;
        else _merges++;
    }

    void CountTimes(ulong expiry, ulong end)
    {
        if (expiry != 0)
        {
            _expiring++;
            _expiryMin = Math.Min(_expiryMin, expiry);
            _expiryMax = Math.Max(_expiryMax, expiry);
        }
        if (end != 0)
        {
            _ended++;
            _endMax = Math.Max(_endMax, end);
        }
    }

    void Collect(byte* key, int keyLength, ulong version, EffectKind kind, byte* value, int valueLength)
    {
        foreach (var collector in _collectors)
            collector.Add(new ReadOnlySpan<byte>(key, keyLength), version, kind, new ReadOnlySpan<byte>(value, valueLength));
    }

    /// <summary>All keys of [<paramref name="start"/>, <paramref name="end"/>) are absent from <paramref name="version"/> on. In any order;
    /// overlapping ones are welcome. An empty range is ignored.</summary>
    public void AddRangeDelete(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, ulong version)
    {
        Invariant.Require(!_closed, "a table is added to only before it is finished");
        if (start.SequenceCompareTo(end) >= 0) return;
        _rangeDeletes.Add(new(start.ToArray(), end.ToArray(), version));
        _versionMin = Math.Min(_versionMin, version);
        _versionMax = Math.Max(_versionMax, version);
    }

    // Ends the data block. The key that comes next (null at the table's end) is what the separator must stay below.
    void FinishBlock(byte* nextKey, int nextLength, int shared, bool sameKey)
    {
        var start = _data.BlockStart;
        ulong versionMin = _data.VersionMin, versionMax = _data.VersionMax;
        var endMax = _data.HasOpenEnd ? 0 : _data.EndMax;
        var length = _data.Finish();
        _blockBytesRaw += (ulong)length;
        _blockBytesMax = Math.Max(_blockBytesMax, (ulong)length);
        _versionMin = Math.Min(_versionMin, versionMin);
        _versionMax = Math.Max(_versionMax, versionMax);

        ref var output = ref _data.Output;
        var compression = _options.CompressionOf is null ? Compression.None : TryCompress(start, length);
        AppendTrailer(ref output, start, compression);

        var blockEnd = _written + (ulong)output.Length;
        if (nextKey == null || sameKey)
        {
            // Nothing lies between two versions of one key: the separator carries the last version of this block.
            _index.Add(_lastKey.Start, (int)_lastKey.Length, sameKey ? _lastVersion : 0, blockEnd, versionMin, versionMax, endMax);
        }
        else
        {
            _separator.Clear();
            _separator.Reserve(Math.Max(_lastKey.Length, nextLength));
            var separatorLength = IndexBlockBuilder.Separate(_lastKey.Start, (int)_lastKey.Length, nextKey, nextLength, shared,
                _separator.Start);
            _index.Add(_separator.Start, separatorLength, 0, blockEnd, versionMin, versionMax, endMax);
        }
        if (output.Length >= _options.ChunkBytes) FlushChunks();
        _data.StartNext();
    }

    Compression TryCompress(long start, long length)
    {
        ulong keyspace = 0;
        if (_options.KeyspacePrefixBytes > 0)
            keyspace = IndexBlock.ReadWord(_lastKey.Start, (int)Math.Min(_lastKey.Length, _options.KeyspacePrefixBytes));
        var compression = _options.CompressionOf!(keyspace);
        if (compression == Compression.None) return compression;

        ref var output = ref _data.Output;
        var contents = new ReadOnlySpan<byte>(output.Start + start, checked((int)length));
        var storedMax = (int)(length - length / _options.CompressionGainDivisor);
        if (!BlockCompressor.TryCompress(compression, _options.BrotliQuality, contents, storedMax, ref _scratch)) return Compression.None;
        output.Length = start;
        output.Append(_scratch.Start, _scratch.Length);
        if (compression == Compression.Lz4) _blocksLz4++;
        else _blocksBrotli++;
        return compression;
    }

    // The trailer covers what was appended since start.
    static void AppendTrailer(ref GrowingBytes target, long start, Compression compression)
    {
        target.Append((byte)compression);
        target.Append(Crc32C.Compute(target.Start + start, target.Length - start));
    }

    // Writes the whole chunks of the output; what is left begins the next one.
    void FlushChunks()
    {
        ref var output = ref _data.Output;
        var rest = output.Length % _options.ChunkBytes;
        var whole = output.Length - rest;
        Append(output.Start, whole);
        Buffer.MemoryCopy(output.Start + whole, output.Start, rest, rest);
        output.Length = rest;
    }

    void FlushOutput()
    {
        Flush(ref _data.Output);
        _data.Restart();
    }

    void Flush(ref GrowingBytes buffer)
    {
        Append(buffer.Start, buffer.Length);
        buffer.Clear();
    }

    void Append(byte* bytes, long length)
    {
        // Spans end at 2 GiB; a buffer with one huge value may hold nearly that much, never more than a few.
        for (long at = 0; at < length;)
        {
            var part = (int)Math.Min(length - at, 1 << 30);
            _file.Append(new ReadOnlySpan<byte>(bytes + at, part));
            at += part;
        }
        _written += (ulong)length;
    }

    /// <summary>Writes what follows the data blocks, syncs and closes the file.</summary>
    public TableInfo Finish()
    {
        Invariant.Require(!_closed, "a table is finished once");
        if (_data.Count > 0) FinishBlock(null, 0, 0, sameKey: false);
        FlushOutput();
        var dataLength = _written;

        // The data buffer is empty now and collects the smaller blocks.
        ref var output = ref _data.Output;
        var filter = default(BlockHandle);
        if (_keys > 0 && _options.FilterBitsPerKey > 0)
        {
            BloomFilter.Build((ulong*)_hashes.Start, (long)_keys, _options.FilterBitsPerKey, ref output);
            filter = EndBlock(ref output, 0);
        }
        var rangeDeletes = default(BlockHandle);
        if (_rangeDeletes.Count > 0)
        {
            var start = output.Length;
            RangeDeleteBlock.Encode(_rangeDeletes, ref output);
            rangeDeletes = EndBlock(ref output, start);
        }
        var (index, partitions) = WriteIndex(ref output);
        var properties = Properties(partitions);
        var propertiesStart = output.Length;
        properties.Encode(ref output);
        var propertiesHandle = EndBlock(ref output, propertiesStart);

        var footer = new TableFooter(index, filter, propertiesHandle, rangeDeletes, dataLength, partitions > 0 ? 2U : 1);
        output.Reserve(TableFooter.Bytes);
        footer.Write(new Span<byte>(output.Start + output.Length, TableFooter.Bytes));
        output.Length += TableFooter.Bytes;
        Flush(ref output);
        _file.Sync();
        Close();
        return new((long)_written, properties);
    }

    BlockHandle EndBlock(ref GrowingBytes output, long start)
    {
        var handle = new BlockHandle(_written + (ulong)start, (ulong)(output.Length - start));
        AppendTrailer(ref output, start, Compression.None);
        return handle;
    }

    (BlockHandle Index, int Partitions) WriteIndex(ref GrowingBytes output)
    {
        if (_index.Count == 0) return default;
        if (_index.EstimatedBytes <= _options.IndexBytesMax)
        {
            var start = output.Length;
            _index.Encode(0, _index.Count, 0, ref output);
            return (EndBlock(ref output, start), 0);
        }

        using var top = new IndexBlockBuilder();
        var firstOffset = 0UL;
        var partitionsStart = _written + (ulong)output.Length;
        for (int from = 0, to; from < _index.Count; from = to)
        {
            to = _index.PartitionEnd(from, _options.IndexPartitionBytes);
            var start = output.Length;
            _index.Encode(from, to, firstOffset, ref output);
            firstOffset = _index.BlockEnd(to - 1);
            top.AddPartition(_index, from, to, EndBlock(ref output, start).End);
        }
        var topStart = output.Length;
        top.Encode(0, top.Count, partitionsStart, ref output);
        return (EndBlock(ref output, topStart), top.Count);
    }

    TableProperties Properties(int partitions)
    {
        var others = new Dictionary<string, byte[]>();
        foreach (var (name, value) in _options.CreationFacts) others.Add(TableProperties.CreationPrefix + name, value);
        foreach (var collector in _collectors) others.Add(TableProperties.CollectorPrefix + collector.Name, collector.Finish());

        byte[] smallest = _firstKey, largest = _entries > 0 ? _lastKey.Span.ToArray() : [];
        bool smallestIsRange = false, largestIsRange = false;
        foreach (var rangeDelete in _rangeDeletes)
        {
            var first = _entries == 0 && !smallestIsRange;
            if (first || rangeDelete.Start.AsSpan().SequenceCompareTo(smallest) < 0)
                (smallest, smallestIsRange) = (rangeDelete.Start, true);
            if (first || rangeDelete.End.AsSpan().SequenceCompareTo(largest) > 0) (largest, largestIsRange) = (rangeDelete.End, true);
        }
        return new()
        {
            TableId = _tableId,
            Entries = _entries,
            Deletes = _deletes,
            Merges = _merges,
            Puts = _entries - _deletes - _merges,
            RangeDeletes = (ulong)_rangeDeletes.Count,
            Keys = _keys,
            RawKeyBytes = _keyBytes,
            RawValueBytes = _valueBytes,
            KeyBytesMax = _keyBytesMax,
            DataBlocks = (ulong)_index.Count,
            DataBytesRaw = _blockBytesRaw,
            BlockBytesMax = _blockBytesMax,
            BlocksLz4 = _blocksLz4,
            BlocksBrotli = _blocksBrotli,
            IndexPartitions = (ulong)partitions,
            SmallestKey = smallest,
            LargestKey = largest,
            SmallestIsRangeDelete = smallestIsRange,
            LargestIsRangeDelete = largestIsRange,
            VersionMin = _versionMin,
            VersionMax = _versionMax,
            ExpiryMin = _expiring == 0 ? 0 : _expiryMin,
            ExpiryMax = _expiryMax,
            Expiring = _expiring,
            Ended = _ended,
            EndMax = _endMax,
            Others = others,
        };
    }

    /// <summary>Gives the table up: the file is closed as it is, without a footer, for the caller to delete.</summary>
    public void Abandon()
    {
        if (!_closed) Close();
    }

    void Close()
    {
        _closed = true;
        _data.Dispose();
        _index.Dispose();
        _lastKey.Dispose();
        _separator.Dispose();
        _hashes.Dispose();
        _scratch.Dispose();
        _file.Dispose();
    }

    public void Dispose() => Abandon();
}
