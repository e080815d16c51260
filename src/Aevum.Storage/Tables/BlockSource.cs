// BlockSource: gets blocks of one table into memory, verified and uncompressed, wherever they lie: block cache, mapped file, file.
//
//   Cached    the reference kept for the block -> else cache -> else read into cache memory, check, uncompress into other cache memory if need be, publish
//   Mapped    the mapped file itself if the block is raw, checked the first time; else as above
//
// Always true: no block leaves here whose checksum was not computed over the very bytes that were read since they were read, and whose
// structure was not validated. Everything behind trusts its blocks.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Caching;

namespace Aevum.Storage.Tables;

/// <summary>What a block must be to be accepted.</summary>
enum BlockContent
{
    Data,
    IndexPartition,

    /// <summary>Checked by whoever asked.</summary>
    Other,
}

sealed unsafe class BlockSource : IDisposable
{
    /// <summary>Readable bytes behind the contents of every block, for loads in whole words.</summary>
    public const int PaddingBytes = 8;

    readonly IReadableFile _file;
    readonly BlockCache _cache;
    readonly ulong _tableKey;
    byte* _map;
    ulong* _verified;
    ulong _verifiedCount;

    // For each index partition and data block a reference to where the cache had it when it was last looked up, or 0: a hint, which the
    // cache verifies.
    ulong* _references;
    ulong _referenceCount;
    uint _partitionCount;

    public BlockSource(IReadableFile file, BlockCache cache, ulong tableKey)
    {
        _file = file;
        _cache = cache;
        _tableKey = tableKey;
    }

    public string Path => _file.Path;

    public long FileLength => _file.Length;

    /// <summary>From the table's properties; bounds what validation accepts.</summary>
    public int KeyBytesMax { get; set; } = TableFormat.KeyBytesMax;

    /// <summary>Bounds what a compressed block may claim to become.</summary>
    public long BlockBytesMax { get; set; } = TableFormat.BlockBytesMax;

    /// <summary>Data blocks end here.</summary>
    public ulong DataLength { get; set; }

    public bool IsMapped => _map != null;

    /// <summary>Bytes of memory held for bookkeeping.</summary>
    public long MemoryBytes => (long)(_verifiedCount + 63) / 64 * sizeof(ulong) + (long)_referenceCount * sizeof(ulong);

    /// <summary>Turns to mapped access, if the file can be mapped.</summary>
    public void TryMap(ulong dataBlocks)
    {
        if (!_file.TryMap(out var map)) return;
        _verifiedCount = dataBlocks;
        _verified = (ulong*)NativeMemory.AllocZeroed((nuint)((dataBlocks + 63) / 64), sizeof(ulong));
        _map = map;
    }

    /// <summary>Makes room for a reference to each data block and index partition: lookups of what is in memory then need no hash table.</summary>
    public void KeepReferences(ulong dataBlocks, int partitions)
    {
        var count = (_map == null ? dataBlocks : 0) + (uint)partitions;
        if (_cache.BytesMax == 0 || count == 0) return;
        _references = (ulong*)NativeMemory.AllocZeroed((nuint)count, sizeof(ulong));
        _referenceCount = count;
        _partitionCount = (uint)partitions;
    }

    /// <summary>As <see cref="Read"/> of a data block that will be cached, but by the shortest way to it.</summary>
    /// <param name="guess">What to ask for early.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReadForLookup(BlockHandle handle, ulong ordinal, in BlockGuess guess, ref BlockLease lease)
    {
        // A hostile index may number its blocks as it likes. Whatever place that makes, what is found there is another block's.
        var place = ordinal + _partitionCount;
        if (!TryFollow(handle, place, guess, ref lease)) ReadAndRefer(handle, ordinal, place, BlockContent.Data, ref lease);
    }

    /// <summary>As <see cref="Read"/> of an index partition that will be cached, but by the shortest way to it.</summary>
    public void ReadPartition(BlockHandle handle, int partition, ref BlockLease lease)
    {
        if (!TryFollow(handle, (uint)partition, default, ref lease))
            ReadAndRefer(handle, 0, (uint)partition, BlockContent.IndexPartition, ref lease);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    bool TryFollow(BlockHandle handle, ulong place, in BlockGuess guess, ref BlockLease lease)
    {
        if (place >= _referenceCount) return false;
        var reference = Volatile.Read(ref _references[place]);
        return reference != 0 && _cache.TryFollow(reference, _tableKey, handle.Offset, ref lease, guess);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void ReadAndRefer(BlockHandle handle, ulong ordinal, ulong place, BlockContent content, ref BlockLease lease)
    {
        Read(handle, ordinal, content, fillCache: true, ref lease);
        if (place < _referenceCount) Volatile.Write(ref _references[place], _cache.ReferenceTo(lease));
    }

    /// <summary>Puts the block into <paramref name="lease"/>, whose former block is released.</summary>
    /// <param name="ordinal">Number of the data block in its table; means nothing for other blocks.</param>
    public void Read(BlockHandle handle, ulong ordinal, BlockContent content, bool fillCache, ref BlockLease lease)
    {
        if (_map != null && content == BlockContent.Data && TryUseMapped(handle, ordinal, ref lease)) return;
        if (_cache.TryGet(_tableKey, handle.Offset, ref lease, lengthHint: (long)handle.Length)) return;
        ReadFromFile(handle, content, fillCache, ref lease);
    }

    /// <summary>Only if the block is in the cache.</summary>
    /// <param name="isProbe">A miss is not counted: the block will be asked for again.</param>
    public bool TryReadCached(BlockHandle handle, ref BlockLease lease, bool isProbe) =>
        _cache.TryGet(_tableKey, handle.Offset, ref lease, isProbe, (long)handle.Length);

    /// <summary>Asks for the memory that <see cref="TryReadCached"/> will look at.</summary>
    /// <param name="far">Only for the first of it.</param>
    public void PrefetchLookup(BlockHandle handle, bool far)
    {
        if (_map == null) _cache.PrefetchLookup(_tableKey, handle.Offset, far);
    }

    /// <summary>The stored bytes of a block where the file is mapped. They are not checked.</summary>
    public byte* MappedBlock(BlockHandle handle) => _map + handle.Offset;

    bool TryUseMapped(BlockHandle handle, ulong ordinal, ref BlockLease lease)
    {
        var stored = _map + handle.Offset;
        // A hostile index may number its blocks as it likes: those beyond the bitmap are checked each time.
        var known = ordinal < _verifiedCount && (Volatile.Read(ref _verified[ordinal >> 6]) & (1UL << (int)(ordinal & 63))) != 0;
        if (!known)
        {
            if (CheckTrailer(stored, handle) != Compression.None) return false;
            Validate(stored, (long)handle.Length, BlockContent.Data, handle);
            if (ordinal < _verifiedCount) Interlocked.Or(ref _verified[ordinal >> 6], 1UL << (int)(ordinal & 63));
        }
        lease.Dispose();
        lease = BlockLease.Unowned(stored, (long)handle.Length);
        return true;
    }

    /// <summary>Reads and checks a block, whatever the cache or a mapping hold, into memory of the lease's own.</summary>
    public void ReadFromFile(BlockHandle handle, BlockContent content, ref BlockLease lease) =>
        ReadFromFile(handle, content, false, ref lease);

    [MethodImpl(MethodImplOptions.NoInlining)]
    void ReadFromFile(BlockHandle handle, BlockContent content, bool fillCache, ref BlockLease lease)
    {
        var stored = default(BlockLease);
        try
        {
            Rent((long)handle.Length + TableFormat.TrailerBytes + PaddingBytes, handle, fillCache, ref stored);
            ReadRaw(handle.Offset, stored.Memory, (long)handle.Length + TableFormat.TrailerBytes);
            Accept(handle, content, fillCache, ref stored, ref lease);
        }
        finally
        {
            stored.Dispose();
        }
    }

    /// <summary>Reads bytes of the file as they are.</summary>
    public void ReadRaw(ulong offset, byte* target, long length)
    {
        for (long done = 0; done < length;)
        {
            var part = (int)Math.Min(length - done, 1 << 30);
            var got = _file.Read((long)offset + done, new Span<byte>(target + done, part));
            if (got != part) Throw.Corruption(Path, (long)offset + done + got, $"{part - got} more bytes before the end of the file");
            done += part;
        }
    }

    /// <summary>Checks a block that was read as part of something larger and hands it out: in place if it is raw and need not be
    /// cached.</summary>
    /// <param name="stored">Contents and trailer, followed by readable padding. Must stay as long as the lease.</param>
    public void Use(byte* stored, BlockHandle handle, bool fillCache, ref BlockLease lease)
    {
        if (!fillCache)
        {
            var inPlace = BlockLease.Unowned(stored, (long)handle.Length);
            Accept(handle, BlockContent.Data, false, ref inPlace, ref lease);
            return;
        }
        var copy = default(BlockLease);
        try
        {
            var length = (long)handle.Length + TableFormat.TrailerBytes;
            _cache.Rent(_tableKey, handle.Offset, length + PaddingBytes, ref copy);
            Buffer.MemoryCopy(stored, copy.Memory, length, length);
            Accept(handle, BlockContent.Data, true, ref copy, ref lease);
        }
        finally
        {
            copy.Dispose();
        }
    }

    // Memory of the cache's only for what may go into it.
    void Rent(long length, BlockHandle handle, bool fillCache, ref BlockLease lease)
    {
        if (fillCache) _cache.Rent(_tableKey, handle.Offset, length, ref lease);
        else lease = BlockLease.Private(length);
    }

    // From stored bytes to a block that may be trusted.
    void Accept(BlockHandle handle, BlockContent content, bool fillCache, ref BlockLease stored, ref BlockLease lease)
    {
        var compression = CheckTrailer(stored.Memory, handle);
        if (compression == Compression.None)
        {
            stored.Length = (long)handle.Length;
            Validate(stored.Memory, stored.Length, content, handle);
            if (fillCache) _cache.Publish(_tableKey, handle.Offset, ref stored);
            lease.Dispose();
            lease = stored;
            stored = default;
            return;
        }

        var length = BlockCompressor.UncompressedLength(stored.Memory, (long)handle.Length);
        if (length <= 0 || length > BlockBytesMax)
            Throw.Corruption(Path, (long)handle.Offset, "an uncompressed length within the table's longest block");
        var contents = default(BlockLease);
        try
        {
            Rent(length + PaddingBytes, handle, fillCache, ref contents);
            contents.Length = length;
            if (!BlockCompressor.TryDecompress(compression, stored.Memory, (long)handle.Length,
                new Span<byte>(contents.Memory, (int)length)))
                Throw.Corruption(Path, (long)handle.Offset, $"a block compressed with {compression}");
            Validate(contents.Memory, length, content, handle);
            if (fillCache) _cache.Publish(_tableKey, handle.Offset, ref contents);
            lease.Dispose();
            lease = contents;
            contents = default;
        }
        finally
        {
            contents.Dispose();
        }
    }

    /// <summary>The compression that the trailer names, if its checksum holds.</summary>
    public Compression CheckTrailer(byte* stored, BlockHandle handle)
    {
        var length = (long)handle.Length;
        if (Crc32C.Compute(stored, length + 1) != Unsafe.ReadUnaligned<uint>(stored + length + 1))
            Throw.Corruption(Path, (long)handle.Offset, $"a block of {length} bytes whose checksum holds");
        var compression = (Compression)stored[length];
        if (compression > Compression.Brotli) Throw.Corruption(Path, (long)handle.Offset + length, "a known compression");
        return compression;
    }

    void Validate(byte* contents, long length, BlockContent content, BlockHandle handle)
    {
        var expected = content switch
        {
            BlockContent.Data => DataBlock.TryValidate(contents, length, KeyBytesMax),
            BlockContent.IndexPartition => IndexBlock.TryValidate(contents, length, DataLength),
            _ => null,
        };
        if (expected is not null) Throw.Corruption(Path, (long)handle.Offset, expected);
    }

    /// <summary>Forgets the table's blocks in the cache: its file is going to be deleted.</summary>
    public void EraseFromCache() => _cache.EraseTable(_tableKey);

    public void Dispose()
    {
        _map = null;
        NativeMemory.Free(_verified);
        NativeMemory.Free(_references);
        _verified = _references = null;
        _verifiedCount = _referenceCount = 0;
        _file.Dispose();
    }
}
