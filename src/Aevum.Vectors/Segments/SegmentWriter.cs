// SegmentWriter: writes a segment's file from front to back. The sections and their lengths are known beforehand; their bytes come in order, in pieces of any
// size. A file is whole when Finish has returned; what is left of one that never finished has no name anybody knows (VectorDirectory).

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;
using Aevum.Core.Diagnostics;
using Aevum.Core.Files;

namespace Aevum.Vectors;

sealed class SegmentWriter : IDisposable
{
    // Blocks are gathered to pieces worth a call.
    const int PieceBytes = 32 * SegmentFormat.BlockBytes;

    readonly IWritableFile _file;
    readonly SectionPlan[] _sections;
    readonly long[] _starts;
    readonly byte[] _piece = new byte[PieceBytes];
    readonly List<uint> _checksums = [];
    readonly long _end;
    int _filled;
    int _section = -1;
    long _at = SegmentFormat.HeaderBytes;   // of the next byte, counting what is in the piece

    /// <param name="facts">What the kind says of itself, at most <see cref="SegmentFormat.FactsBytes"/>.</param>
    public SegmentWriter(IFileSystem files, string path, SegmentKind kind, ReadOnlySpan<byte> facts, IReadOnlyList<SectionPlan> sections)
    {
        Invariant.Require(facts.Length <= SegmentFormat.FactsBytes && sections.Count <= SegmentFormat.SectionsMax, "the header has room");
        _sections = [.. sections];
        _starts = new long[sections.Count];
        _end = SegmentFormat.HeaderBytes;
        for (var i = 0; i < _sections.Length; i++)
        {
            _starts[i] = _end;
            _end += SegmentFormat.Aligned(_sections[i].Length);
        }
        _file = files.Create(path);
        try
        {
            _file.Append(Header(kind, facts));
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the whole file.</summary>
    public long Length => _end + ((SegmentFormat.BlocksOf(_end) + 1) * sizeof(uint));

    /// <summary>Begins the next section; the one before must be full.</summary>
    public void Begin(SectionKind kind)
    {
        EndSection();
        _section++;
        Invariant.Require(_section < _sections.Length && _sections[_section].Kind == kind, "sections are written in the order planned");
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Invariant.Require(_at + bytes.Length <= _starts[_section] + _sections[_section].Length, "a section is as long as planned");
        Append(bytes);
    }

    public unsafe void Write(byte* memory, long bytes)
    {
        for (var at = 0L; at < bytes; at += PieceBytes) Write(new ReadOnlySpan<byte>(memory + at, (int)Math.Min(PieceBytes, bytes - at)));
    }

    public void Write<T>(ReadOnlySpan<T> values) where T : unmanaged => Write(MemoryMarshal.AsBytes(values));

    /// <summary>Ends the file and makes it durable; its name is the caller's to sync.</summary>
    public void Finish()
    {
        EndSection();
        Invariant.Require(_section == _sections.Length - 1 && _at == _end, "all sections are written");
        Flush();
        var table = new byte[(_checksums.Count + 1) * sizeof(uint)];
        for (var i = 0; i < _checksums.Count; i++) BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4 * i), _checksums[i]);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4 * _checksums.Count), Crc32C.Compute(table.AsSpan(0, 4 * _checksums.Count)));
        _file.Append(table);
        _file.Sync();
    }

    public void Dispose() => _file.Dispose();

    void EndSection()
    {
        if (_section < 0) return;
        Invariant.Require(_at == _starts[_section] + _sections[_section].Length, "a section is as long as planned");
        Append(new byte[SegmentFormat.Aligned(_at) - _at]);
    }

    void Append(ReadOnlySpan<byte> bytes)
    {
        _at += bytes.Length;
        while (bytes.Length > 0)
        {
            var count = Math.Min(bytes.Length, PieceBytes - _filled);
            bytes[..count].CopyTo(_piece.AsSpan(_filled));
            _filled += count;
            bytes = bytes[count..];
            if (_filled == PieceBytes) Flush();
        }
    }

    void Flush()
    {
        for (var at = 0; at < _filled; at += SegmentFormat.BlockBytes)
            _checksums.Add(Crc32C.Compute(_piece.AsSpan(at, Math.Min(SegmentFormat.BlockBytes, _filled - at))));
        _file.Append(_piece.AsSpan(0, _filled));
        _filled = 0;
    }

    byte[] Header(SegmentKind kind, ReadOnlySpan<byte> facts)
    {
        var header = new byte[SegmentFormat.HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, SegmentFormat.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), SegmentFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), (uint)kind);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), Length);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), _end);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(32), _sections.Length);
        facts.CopyTo(header.AsSpan(SegmentFormat.FactsOffset));
        for (var i = 0; i < _sections.Length; i++)
        {
            var entry = header.AsSpan(SegmentFormat.TableOffset + (i * SegmentFormat.TableEntryBytes));
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)_sections[i].Kind);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], _sections[i].Stride);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _starts[i]);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], _sections[i].Length);
        }
        var end = header.Length - sizeof(uint);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(end), Crc32C.Compute(header.AsSpan(0, end)));
        return header;
    }
}
