// SegmentImage: a segment's file in memory, mapped copy on write where the file system maps, read into native memory elsewhere. Nothing of it is answered from
// before every byte was compared with its checksum; sections are handed out only with the length and stride that the reader expects.
//
//   header    magic, version, kind, lengths, its checksum        read first; a lie here is found before anything is mapped
//   table     checksums of blocks, and theirs
//   blocks    on all threads there are
//
// A file that is mapped must not be cut short while it is (the process would die); whoever publishes segments writes new files and never changes one.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors;

sealed unsafe class SegmentImage : IDisposable
{
    // Pieces that threads take: large enough that taking costs nothing, small enough to share evenly.
    const int PieceBlocks = 64;

    readonly IReadableFile _file;
    readonly Dictionary<SectionKind, (int Stride, long Start, long Length)> _sections = [];
    readonly byte[] _header;
    NativeBlock? _block;
    byte* _memory;

    SegmentImage(IReadableFile file, byte[] header) => (_file, _header) = (file, header);

    public string Path => _file.Path;

    public SegmentKind Kind => (SegmentKind)BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(12));

    /// <summary>What the kind says of itself.</summary>
    public ReadOnlySpan<byte> Facts => _header.AsSpan(SegmentFormat.FactsOffset, SegmentFormat.FactsBytes);

    /// <summary>Bytes of the whole file.</summary>
    public long Length { get; private set; }

    /// <summary>Whether the file is mapped; otherwise it is in memory counted against the budget.</summary>
    public bool IsMapped => _block is null;

    /// <summary>Opens a file and verifies all of it.</summary>
    /// <param name="scheduler">Whose threads help to verify; null: the caller alone.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat; LimitExceeded: it must be read and the budget has no room; what the file system
    /// throws.</exception>
    public static SegmentImage Open(IFileSystem files, string path, MemoryBudget budget, IScheduler? scheduler) =>
        OpenOrMap(files, path, budget, scheduler)!;

    /// <summary>The same where the file system maps; null: it does not.</summary>
    public static SegmentImage? TryMap(IFileSystem files, string path, IScheduler? scheduler) => OpenOrMap(files, path, null, scheduler);

    // Without a budget nothing is read into memory.
    static SegmentImage? OpenOrMap(IFileSystem files, string path, MemoryBudget? budget, IScheduler? scheduler)
    {
        if (!BitConverter.IsLittleEndian) Throw.UnsupportedFormat(path, "little endian", "index segments on machines of that byte order only");
        var file = files.OpenRead(path);
        SegmentImage? image = null;
        try
        {
            var length = file.Length;
            image = new(file, ReadHeader(file, length)) { Length = length };
            var end = image.ReadTable();
            if (!image.TryMapFile())
            {
                if (budget is null)
                {
                    image.Dispose();
                    return null;
                }
                image.Load(budget, scheduler);
            }
            image.Verify(end, scheduler);
            return image;
        }
        catch
        {
            if (image is not null) image.Dispose();
            else file.Dispose();
            throw;
        }
    }

    public bool Has(SectionKind kind) => _sections.ContainsKey(kind);

    /// <summary>Bytes of a section; -1: there is none.</summary>
    public long LengthOf(SectionKind kind) => _sections.TryGetValue(kind, out var section) ? section.Length : -1;

    /// <summary>The first byte of a section, which must have this stride and length.</summary>
    /// <exception cref="CorruptionException">It is not there, or of another size.</exception>
    public byte* Section(SectionKind kind, int stride, long length)
    {
        if (!_sections.TryGetValue(kind, out var section) || section.Stride != stride || section.Length != length)
            Throw.Corruption(Path, SegmentFormat.TableOffset, $"a section {kind} of {length} bytes, {stride} a row");
        return _memory + section.Start;
    }

    /// <summary>The shape that facts of vectors begin with: element, metric, and after two bytes of the kind's own the dimension.</summary>
    /// <exception cref="CorruptionException">There is no such shape.</exception>
    public VectorShape ReadShape(bool canBeBits)
    {
        var (element, metric, dimension) = ((ElementType)Facts[0], (Metric)Facts[1], BinaryPrimitives.ReadInt32LittleEndian(Facts[4..]));
        var isElement = VectorShape.Supports(element, metric) && (canBeBits || element != ElementType.Bit);
        Require(isElement && dimension is > 0 and <= VectorShape.DimensionMax, "a shape");
        return new(element, metric, dimension);
    }

    /// <summary>Says that a rule of the facts does not hold.</summary>
    public void Require(bool holds, string expected)
    {
        if (!holds) Throw.Corruption(Path, SegmentFormat.FactsOffset, expected);
    }

    /// <summary>Says that a rule of the content does not hold.</summary>
    public void Require(bool holds, SectionKind kind, string expected)
    {
        if (!holds) Throw.Corruption(Path, _sections.TryGetValue(kind, out var section) ? section.Start : SegmentFormat.FactsOffset, expected);
    }

    public void Dispose()
    {
        _memory = null;
        _file.Dispose();
        _block?.Dispose();
    }

    static byte[] ReadHeader(IReadableFile file, long length)
    {
        var header = new byte[SegmentFormat.HeaderBytes];
        if (file.Read(0, header) < header.Length) Throw.Corruption(file.Path, length, $"a header of {SegmentFormat.HeaderBytes} bytes");
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != SegmentFormat.Magic) Throw.Corruption(file.Path, 0, "an index segment's magic number");
        var end = header.Length - sizeof(uint);
        var isWhole = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(end)) == Crc32C.Compute(header.AsSpan(0, end));
        var version = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8));
        // A later version may keep its checksum elsewhere.
        if (version != SegmentFormat.Version && (isWhole || version is > SegmentFormat.Version and < 1000))
            Throw.UnsupportedFormat(file.Path, $"{version}", $"{SegmentFormat.Version}");
        if (!isWhole) Throw.Corruption(file.Path, end, "the checksum of the header");
        return header;
    }

    // Returns where sections end.
    long ReadTable()
    {
        var length = BinaryPrimitives.ReadInt64LittleEndian(_header.AsSpan(16));
        var end = BinaryPrimitives.ReadInt64LittleEndian(_header.AsSpan(24));
        var count = BinaryPrimitives.ReadInt32LittleEndian(_header.AsSpan(32));
        if (Length != length) Throw.Corruption(Path, Length, $"a file of {length} bytes");
        if (end < SegmentFormat.HeaderBytes || end > length || end % SegmentFormat.SectionAlignment != 0
            || length != end + ((SegmentFormat.BlocksOf(end) + 1) * sizeof(uint)))
            Throw.Corruption(Path, 24, "the end of the sections");
        if (count is < 0 or > SegmentFormat.SectionsMax) Throw.Corruption(Path, 32, "a number of sections");
        var at = (long)SegmentFormat.HeaderBytes;
        for (var i = 0; i < count; i++)
        {
            var offset = SegmentFormat.TableOffset + (i * SegmentFormat.TableEntryBytes);
            var entry = _header.AsSpan(offset);
            var kind = (SectionKind)BinaryPrimitives.ReadUInt32LittleEndian(entry);
            var stride = BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);
            var start = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            var bytes = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
            if (start != at || bytes < 0 || bytes > end - start || stride < 1 || bytes % stride != 0 || !_sections.TryAdd(kind, (stride, start, bytes)))
                Throw.Corruption(Path, offset, "a section behind the one before");
            at += SegmentFormat.Aligned(bytes);
        }
        if (at != end) Throw.Corruption(Path, 24, "the last section to end where sections end");
        return end;
    }

    bool TryMapFile()
    {
        var isMapped = _file.TryMapPrivate(out var memory);
        _memory = memory;
        return isMapped;
    }

    void Load(MemoryBudget budget, IScheduler? scheduler)
    {
        _block = new(Length, budget, large: true);
        _memory = _block.Pointer;
        const int piece = 16 << 20;
        ParallelPieces.Run(checked((int)((Length + piece - 1) / piece)), i =>
        {
            var start = (long)i * piece;
            var count = (int)Math.Min(piece, Length - start);
            if (_file.Read(start, new Span<byte>(_memory + start, count)) != count) Throw.Corruption(Path, start, $"{count} bytes");
        }, scheduler);
    }

    void Verify(long end, IScheduler? scheduler)
    {
        var blocks = SegmentFormat.BlocksOf(end);
        var table = _memory + end;
        if (*(uint*)(table + (blocks * sizeof(uint))) != Crc32C.Compute(table, blocks * sizeof(uint)))
            Throw.Corruption(Path, end + (blocks * sizeof(uint)), "the checksum of the checksums");
        ParallelPieces.Run(checked((int)((blocks + PieceBlocks - 1) / PieceBlocks)), piece =>
        {
            var last = Math.Min(blocks, (piece + 1L) * PieceBlocks);
            for (var block = (long)piece * PieceBlocks; block < last; block++)
            {
                var start = SegmentFormat.HeaderBytes + (block * SegmentFormat.BlockBytes);
                var bytes = Math.Min(SegmentFormat.BlockBytes, end - start);
                if (((uint*)table)[block] != Crc32C.Compute(_memory + start, bytes)) Throw.Corruption(Path, start, $"the checksum of {bytes} bytes");
            }
        }, scheduler);
    }
}
