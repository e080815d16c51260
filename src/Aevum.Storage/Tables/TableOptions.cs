// TableOptions: every choice in writing, opening and walking a table, each with its effect, range and cost.
//
// None of them is needed to read a table again: what a reader must know stands in the file. So any of them may change from one table to
// the next, except that all writers of one tree agree on the keyspace prefix.

using Aevum.Core.Batches;
using Aevum.Core.Files;

namespace Aevum.Storage.Tables;

/// <summary>Sees every version that goes into a table and leaves a property behind, by which a reader may later skip the table.</summary>
/// <remarks>Created once per table, called from one thread. What it returns is kept under "collector." + <see cref="Name"/>.</remarks>
public interface IPropertyCollector
{
    string Name { get; }

    void Add(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ReadOnlySpan<byte> value);

    byte[] Finish();
}

/// <summary>How a table is laid out. All sizes in bytes.</summary>
sealed record TableWriterOptions
{
    public static TableWriterOptions Default { get; } = new();

    /// <summary>A data block is cut before its uncompressed contents and trailer exceed this. Sensible: 2 KiB (point reads) to 64 KiB
    /// (scans, better compression). One entry is never cut, so a block with one entry may be larger.</summary>
    public int BlockBytes { get; init; } = 4 << 10;

    /// <summary>Entries between keys that are stored whole. Sensible: 8 to 32. More saves a few bytes and costs time per lookup.</summary>
    public int RestartInterval { get; init; } = 16;

    /// <summary>Bits of filter per key; 0 leaves the filter out. 10 give about 1 % false positives.</summary>
    public int FilterBitsPerKey { get; init; } = 10;

    /// <summary>An index of more encoded bytes than this is cut into partitions that are read through the block cache.</summary>
    public int IndexBytesMax { get; init; } = 1 << 20;

    /// <summary>Encoded bytes of one index partition.</summary>
    public int IndexPartitionBytes { get; init; } = 16 << 10;

    /// <summary>A block is cut where the first so many bytes of the key change: no block crosses a keyspace. 0: never.</summary>
    public int KeyspacePrefixBytes { get; init; }

    /// <summary>How the blocks of a keyspace are stored. The argument: the keys' first 8 bytes as a big-endian number, padded with zeros
    /// (0 if <see cref="KeyspacePrefixBytes"/> is 0). Null: raw.</summary>
    public Func<ulong, Compression>? CompressionOf { get; init; }

    /// <summary>A block is stored raw unless compression saves at least one part in so many (8: 12.5 %).</summary>
    public int CompressionGainDivisor { get; init; } = 8;

    /// <summary>0 (fast) to 11 (small), for blocks compressed with Brotli.</summary>
    public int BrotliQuality { get; init; } = 4;

    public IReadOnlyList<Func<IPropertyCollector>> Collectors { get; init; } = [];

    /// <summary>Creation facts of the caller's choice (why, from which log position, ...), kept under "creation." + name.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]>> CreationFacts { get; init; } = [];

    /// <summary>Bytes collected before the file is written to.</summary>
    public int ChunkBytes { get; init; } = NativePages.LargePageBytes;
}

/// <summary>How a reader gets at the bytes of data blocks.</summary>
enum TableAccess
{
    /// <summary>Read and checked into the block cache.</summary>
    Cached = 0,

    /// <summary>Uncompressed blocks are used where the operating system mapped them, checked once per open file; the others go through the
    /// cache. Costs no cache memory, but an error of the device ends the process (SIGBUS) instead of being reported.</summary>
    Mapped = 1,
}

sealed record TableReaderOptions
{
    public static TableReaderOptions Default { get; } = new();

    public TableAccess Access { get; init; } = TableAccess.Cached;
}

/// <summary>How one cursor reads.</summary>
sealed record TableCursorOptions
{
    public static TableCursorOptions Default { get; } = new();

    /// <summary>For reads that pass over much and come back to nothing: compaction, verification, backup.</summary>
    public static TableCursorOptions Bypass { get; } = new() { FillCache = false, ReadaheadBytesMin = 256 << 10 };

    /// <summary>False: blocks that are not in the cache are not put there.</summary>
    public bool FillCache { get; init; } = true;

    /// <summary>Readahead starts here once a scan has crossed a few blocks, and doubles up to <see cref="ReadaheadBytesMax"/>. A value
    /// equal to or above the maximum starts at once, at the maximum.</summary>
    public int ReadaheadBytesMin { get; init; } = 16 << 10;

    /// <summary>Bytes of one read of a long forward scan. 0: no readahead.</summary>
    public int ReadaheadBytesMax { get; init; } = 256 << 10;

    /// <summary>Blocks that hold nothing which a reader at this time could see may be left out of what the cursor shows: all versions
    /// newer, or (history tables) all superseded at or before it. What it shows may still hold such versions.</summary>
    public ulong? At { get; init; }

    /// <summary>Versions above this are not shown. Unlike with <see cref="At"/>, what has been superseded is: merges may need it.</summary>
    public ulong Ceiling { get; init; } = ulong.MaxValue;
}
