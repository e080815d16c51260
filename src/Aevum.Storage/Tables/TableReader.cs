// TableReader: one open sorted table. Index, filter, range deletes and properties stay in memory; data blocks come and go.
//
// A lookup:  filter (one cache line) -> index (words, branch-free) -> one block (restarts, then match lengths) -> the version's columns
//
// Always true while open:
//   (1) footer, filter, range deletes, index and properties were verified before Open returned, and each block before its first use;
//   (2) nothing changes: any number of threads may read at once;
//   (3) what is found points into the block that the caller's lease holds.
//
// The caller must keep the reader open while it uses leases or cursors (TableCache counts them). Not here: range deletes are handed out
// beside entries, and whoever reads combines both; which versions are visible.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Tables;

sealed unsafe class TableReader : IDisposable
{
    /// <summary>For tools that look at a file of whatever name: the id it carries is taken.</summary>
    public const ulong AnyTableId = ulong.MaxValue;

    // Of a block of versions with values of a usual size: the columns take the rest.
    const double EntriesPart = 0.94;

    // What is asked for early: the newest version at or before a time begins within an entry's length of where the time itself stands.
    const ulong GuessEntries = 2, GuessBytesMax = 512;

    readonly BlockSource _source;
    readonly TableFooter _footer;
    byte* _filter;
    uint _filterLines;
    long _filterBytes;
    byte* _topIndex;
    long _topIndexBytes;
    IndexBlock _top;
    readonly bool _ownsKey;
    bool _closed;

    // Entries say when they ended; a block holds about one key.
    bool _hasEnds, _holdsRuns;
    long _guessBytes;

    TableReader(BlockSource source, TableFooter footer, bool ownsKey)
    {
        _source = source;
        _footer = footer;
        _ownsKey = ownsKey;
    }

    public string Path => _source.Path;

    public long FileLength => _source.FileLength;

    public TableProperties Properties { get; private set; } = new();

    public RangeDeletes RangeDeletes { get; private set; } = RangeDeletes.Empty;

    /// <summary>Memory held while the table is open: index, filter, bookkeeping.</summary>
    public long MemoryBytes => _topIndexBytes + _filterBytes + _source.MemoryBytes + 1024;

    internal BlockSource Source => _source;

    internal TableFooter Footer => _footer;

    /// <summary>The top index; count 0 if the table holds no entries.</summary>
    internal ref readonly IndexBlock Top => ref _top;

    internal bool IsPartitioned => _footer.IndexLevels == 2;

    /// <summary>Opens a table and verifies everything but its data blocks and index partitions.</summary>
    /// <param name="tableId">The id that the file must carry.</param>
    /// <param name="tableKey">Names the table's blocks in the cache (<see cref="BlockCache.NewTableKey"/>) for a table that may be closed
    /// and opened again; 0: a number of this reader's own, whose blocks go with it.</param>
    /// <exception cref="CorruptionException">Something in the file is not what it must be.</exception>
    public static TableReader Open(IFileSystem files, string path, ulong tableId, BlockCache cache, TableReaderOptions? options = null,
        ulong tableKey = 0)
    {
        var file = files.OpenRead(path);
        return Open(file, tableId, cache, options, tableKey);
    }

    /// <summary>Opens a table over a file, which is the reader's from here on, also if this fails.</summary>
    public static TableReader Open(IReadableFile file, ulong tableId, BlockCache cache, TableReaderOptions? options = null,
        ulong tableKey = 0)
    {
        options ??= TableReaderOptions.Default;
        var source = new BlockSource(file, cache, tableKey == 0 ? cache.NewTableKey() : tableKey);
        var ownsKey = tableKey == 0;
        TableReader? reader = null;
        try
        {
            var length = file.Length;
            if (length < TableFooter.Bytes)
                Throw.Corruption(file.Path, length, $"a sorted table, which has at least {TableFooter.Bytes} bytes");
            Span<byte> footerBytes = stackalloc byte[TableFooter.Bytes];
            fixed (byte* start = footerBytes) source.ReadRaw((ulong)(length - TableFooter.Bytes), start, TableFooter.Bytes);
            reader = new(source, TableFooter.Read(footerBytes, file.Path, length), ownsKey);
            reader.ReadParts(tableId);
            if (options.Access == TableAccess.Mapped) source.TryMap(reader.Properties.DataBlocks);
            source.KeepReferences(reader.Properties.DataBlocks, reader.IsPartitioned ? reader.Top.Count : 0);
            return reader;
        }
        catch
        {
            if (reader is null) source.Dispose();
            else reader.Dispose();
            throw;
        }
    }

    void ReadParts(ulong tableId)
    {
        var lease = default(BlockLease);
        try
        {
            ReadPart(_footer.Properties, ref lease);
            var problem = TableProperties.TryRead(new ReadOnlySpan<byte>(lease.Memory, checked((int)lease.Length)), out var properties);
            if (problem is not null) Throw.Corruption(Path, (long)_footer.Properties.Offset, problem);
            if (properties.TableId != tableId && tableId != AnyTableId)
                Throw.Corruption(Path, (long)_footer.Properties.Offset,
                    $"the table with the id {tableId}, not that with the id {properties.TableId}");
            if (properties.KeyBytesMax > TableFormat.KeyBytesMax || properties.BlockBytesMax > TableFormat.BlockBytesMax)
                Throw.Corruption(Path, (long)_footer.Properties.Offset, "a longest key and a longest block within the format's limits");
            // A block takes no less than 20 bytes, so a count beyond that would only serve to make this program allocate.
            if (properties.DataBlocks > _footer.DataLength / 20 || (properties.Entries == 0) != _footer.Index.IsNone)
                Throw.Corruption(Path, (long)_footer.Properties.Offset, "counts that agree with the table's parts");
            Properties = properties;
            _source.KeyBytesMax = (int)properties.KeyBytesMax;
            _source.BlockBytesMax = (long)properties.BlockBytesMax;
            _source.DataLength = _footer.DataLength;
            _hasEnds = properties.Ended > 0;
            _holdsRuns = properties.Keys <= properties.DataBlocks + properties.DataBlocks / 2;
            _guessBytes = (long)Math.Min(GuessEntries * properties.DataBytesRaw / Math.Max(properties.Entries, 1), GuessBytesMax);

            if (!_footer.RangeDeletes.IsNone)
            {
                ReadPart(_footer.RangeDeletes, ref lease);
                problem = RangeDeleteBlock.TryRead(new ReadOnlySpan<byte>(lease.Memory, checked((int)lease.Length)), out var raw);
                if (problem is null && (ulong)raw.Count != properties.RangeDeletes) problem = "as many range deletes as the properties say";
                if (problem is not null) Throw.Corruption(Path, (long)_footer.RangeDeletes.Offset, problem);
                RangeDeletes = RangeDeletes.Build(raw);
            }
            if (!_footer.Filter.IsNone)
            {
                _filter = ReadResident(_footer.Filter, out _filterBytes);
                problem = BloomFilter.TryRead(_filter, (long)_footer.Filter.Length, out _filterLines, out var keys);
                if (problem is null && keys != properties.Keys) problem = "a filter over as many keys as the properties say";
                if (problem is not null) Throw.Corruption(Path, (long)_footer.Filter.Offset, problem);
            }
            if (!_footer.Index.IsNone)
            {
                _topIndex = ReadResident(_footer.Index, out _topIndexBytes);
                var (start, end) = IsPartitioned ? (_footer.PartitionsStart, _footer.Index.Offset) : (0, _footer.DataLength);
                problem = IndexBlock.TryValidate(_topIndex, (long)_footer.Index.Length, end);
                if (problem is null)
                {
                    _top = new(_topIndex);
                    if (_top.FirstOffset != start || _top.LastEnd != end) problem = "an index over everything that lies before it";
                }
                if (problem is not null) Throw.Corruption(Path, (long)_footer.Index.Offset, problem);
            }
        }
        finally
        {
            lease.Dispose();
        }
    }

    // Parts are never compressed, whatever their trailer says.
    void ReadPart(BlockHandle handle, ref BlockLease lease)
    {
        var length = (long)handle.Length + TableFormat.TrailerBytes;
        lease.Dispose();
        lease = BlockLease.Private(length + BlockSource.PaddingBytes);
        _source.ReadRaw(handle.Offset, lease.Memory, length);
        if (_source.CheckTrailer(lease.Memory, handle) != Compression.None)
            Throw.Corruption(Path, (long)(handle.Offset + handle.Length), "a block that is not compressed");
        lease.Length = (long)handle.Length;
    }

    byte* ReadResident(BlockHandle handle, out long bytes)
    {
        var lease = default(BlockLease);
        try
        {
            ReadPart(handle, ref lease);
            bytes = (long)handle.Length + TableFormat.TrailerBytes + BlockSource.PaddingBytes;
            return lease.Detach();
        }
        finally
        {
            lease.Dispose();
        }
    }

    /// <summary>False if the table certainly holds no version of a key with this hash. Says nothing about range deletes.</summary>
    public bool MayContain(ulong keyHash) =>
        _filterLines == 0 ? Properties.Entries > 0 : BloomFilter.MayContain(_filter, _filterLines, keyHash);

    /// <summary>The newest version of the key at or before a time.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, ulong keyHash, ulong at, out FoundVersion found, ref BlockLease lease) =>
        TryFind(key, keyHash, at, 0, out found, ref lease);

    /// <summary>The newest version of the key at or before a time.</summary>
    /// <param name="keyHash"><see cref="Aevum.Core.Bytes.KeyHash"/> of the key.</param>
    /// <param name="atLeast">Versions below this one are not wanted: where the index shows that there are no others, none is found.</param>
    /// <param name="lease">Holds what was found, if anything was; a block it held before is released when another is needed.</param>
    /// <remarks>In history tables the version found may have ended at or before the asked time; <see cref="FoundVersion.End"/>
    /// tells.</remarks>
    /// <exception cref="CorruptionException">A block on the way is damaged.</exception>
    public bool TryFind(ReadOnlySpan<byte> key, ulong keyHash, ulong at, ulong atLeast, out FoundVersion found, ref BlockLease lease)
    {
        found = default;
        if (_filterLines != 0 && !BloomFilter.MayContain(_filter, _filterLines, keyHash)) return false;
        if (_top.Count == 0) return false;
        fixed (byte* start = key) return TryFindInBlocks(start, key.Length, at, atLeast, ref found, ref lease);
    }

    bool TryFindInBlocks(byte* key, int keyLength, ulong at, ulong atLeast, ref FoundVersion found, ref BlockLease lease)
    {
        if (!TryLocate(key, keyLength, at, atLeast, out var place)) return false;
        _source.ReadForLookup(place.Handle, place.Ordinal, place.Guess, ref lease);
        var block = new DataBlock(lease.Memory, lease.Length);
        var index = block.Search(key, keyLength, at, out var entry, out var equalKey);
        if (!equalKey) return false;
        found.ValuePointer = entry.Value;
        found.ValueLength = entry.ValueLength;
        found.Kind = entry.Kind;
        found.Version = block.VersionOf(index);
        if (block.HasExpiries) found.Expiry = block.ExpiryOf(index);
        if (block.HasEnds) found.End = block.EndOf(index);
        return true;
    }

    struct BlockPlace
    {
        public BlockHandle Handle;
        public ulong Ordinal;
        public BlockGuess Guess;
    }

    // The only data block in which the first entry at or after (key, at) can be of this key.
    bool TryLocate(byte* key, int keyLength, ulong at, ulong atLeast, out BlockPlace place)
    {
        place = default;
        var i = _top.LowerBound(key, keyLength, at);
        if (i == _top.Count || _top.VersionMin(i) > at || (atLeast != 0 && _top.VersionMax(i) < atLeast)) return false;
        if (!IsPartitioned)
        {
            SetPlace(_top, i, at, ref place);
            return true;
        }

        var lease = default(BlockLease);
        try
        {
            _source.ReadPartition(_top.Handle(i), i, ref lease);
            var partition = new IndexBlock(lease.Memory);
            var j = partition.LowerBound(key, keyLength, at);
            if (j == partition.Count || partition.VersionMin(j) > at || (atLeast != 0 && partition.VersionMax(j) < atLeast)) return false;
            SetPlace(partition, j, at, ref place);
            return true;
        }
        finally
        {
            lease.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void SetPlace(in IndexBlock index, int i, ulong at, ref BlockPlace place)
    {
        place.Handle = index.Handle(i);
        place.Ordinal = index.FirstOrdinal + (ulong)i;
        place.Guess = _hasEnds ? GuessAt(index, i, at, (long)place.Handle.Length) : new((long)place.Handle.Length);
    }

    // Where a block holds about one key, its versions mostly come at a steady pace: interpolation says where one of a time lies (Perl, Itai,
    // Avni, "Interpolation search - a log log N search", CACM 1978). Here it only decides what to ask for before the columns are there.
    BlockGuess GuessAt(in IndexBlock index, int i, ulong at, long length)
    {
        if (!_holdsRuns) return new(length, IsWide: true);
        ulong min = index.VersionMin(i), max = index.VersionMax(i);
        if (max <= at || max <= min) return new(length, IsWide: true);
        var from = (long)((double)(max - at) / (max - min) * EntriesPart * length);
        return new(length, IsWide: true, from, Math.Min(from + _guessBytes, length));
    }

    /// <summary>A cursor over all entries. It must be disposed before the reader is.</summary>
    /// <param name="options">How it reads.</param>
    /// <param name="held">Disposed with the cursor: what keeps this reader open meanwhile.</param>
    public VersionCursor CreateCursor(TableCursorOptions? options = null, IDisposable? held = null) =>
        new TableCursor(this, options ?? TableCursorOptions.Default, held);

    /// <summary>Bytes of the file that the entries of [<paramref name="start"/>, <paramref name="end"/>) take, about; null is
    /// unbounded.</summary>
    /// <remarks>Counts whole blocks by the top index alone: exact to a block, or to a partition where the index is partitioned.</remarks>
    public long ApproximateBytes(byte[]? start, byte[]? end) => Math.Max(0, OffsetOf(end, atEnd: true) - OffsetOf(start, atEnd: false));

    long OffsetOf(byte[]? key, bool atEnd)
    {
        if (_top.Count == 0) return 0;
        var i = atEnd ? _top.Count : 0;
        if (key is not null)
            fixed (byte* bytes = key) i = _top.LowerBound(bytes, key.Length, ulong.MaxValue);
        if (!IsPartitioned) return (long)(i == _top.Count ? _footer.DataLength : _top.Handle(i).Offset);
        // Partitions hold about equally many blocks, so the i-th starts about there.
        return (long)(_footer.DataLength * ((double)i / _top.Count));
    }

    /// <summary>Reads the whole table and compares everything in it with everything else.</summary>
    /// <returns>What is wrong, each with its place in the file; nothing if the table is sound.</returns>
    public IReadOnlyList<TableProblem> Verify() => new TableVerifier(this).Verify();

    /// <summary>Forgets the table's blocks in the cache: its file is going to be deleted.</summary>
    public void EraseFromCache() => _source.EraseFromCache();

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        // Blocks under a key that nobody else knows would only take room.
        if (_ownsKey) _source.EraseFromCache();
        _top = default;
        _filterLines = 0;
        NativeMemory.AlignedFree(_filter);
        NativeMemory.AlignedFree(_topIndex);
        _filter = _topIndex = null;
        _source.Dispose();
    }
}
