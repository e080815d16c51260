// VectorStore: the records that a walk reads. A record is the front of a vector, then its links on the lowest layer; it begins on a cache line.
// Whatever of the vector is not in the front (ISpace) lies in a table of its own, as do the lengths of links, which only building needs.
//
//   record:   | front, FrontBytes | links, 2M x u32; 0xFFFFFFFF ends the list | padding to 64 |
//   rest:     | rest of the vector, RestBytes | padding |
//   lengths:  | 2M x f32, in the order of the links |                                           only while kept
//
// No count stands before the links: with 128 float32 and M = 16 the record is exactly ten cache lines, with a front of 32 elements four.
//
// Always true for a reader beside a writer: each link read is a row that was linked at some moment, or the end; a record never moves.
// A store is replaced as a whole when the vectors are rotated (the links stay the same), and the old one is freed after its last reader.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class VectorStore : IDisposable
{
    /// <summary>Ends a list of links.</summary>
    public const uint End = uint.MaxValue;

    readonly SlabTable _records;
    readonly SlabTable? _rests;
    SlabTable? _lengths;
    readonly MemoryBudget _budget;

    /// <param name="linksMax">Links a row has on the lowest layer, 2M.</param>
    /// <param name="keepLengths">Whether lengths of links are kept: 4 bytes a link, for quicker building.</param>
    public VectorStore(int frontBytes, int restBytes, int linksMax, bool keepLengths, MemoryBudget budget)
    {
        FrontBytes = frontBytes;
        RestBytes = restBytes;
        LinksMax = linksMax;
        LinkOffset = (frontBytes + 3) & -4;
        _budget = budget;
        _records = new(Lines(LinkOffset + (linksMax * sizeof(uint))), budget, zeroed: false);
        if (restBytes > 0) _rests = new(restBytes >= 256 ? Lines(restBytes) : (restBytes + 15) & -16, budget, zeroed: false);
        if (keepLengths) _lengths = new(linksMax * sizeof(float), budget, zeroed: false);
    }

    public int FrontBytes { get; }

    public int RestBytes { get; }

    public int LinksMax { get; }

    public int LinkOffset { get; }

    public int Rows { get; private set; }

    public int RecordStride => _records.Stride;

    /// <summary>0: there are no rests.</summary>
    public int RestStride => _rests?.Stride ?? 0;

    public bool KeepsLengths => _lengths is not null;

    public long Bytes => _records.Bytes + (_rests?.Bytes ?? 0) + (_lengths?.Bytes ?? 0);

    /// <summary>What a walk needs, taken once.</summary>
    public StoreView View => new(
        _records.Table, _rests is null ? null : _rests.Table, _records.Stride, _rests?.Stride ?? 0, LinkOffset, LinksMax, FrontBytes, RestBytes);

    public void Ensure(long rows, bool exact)
    {
        _records.Ensure(rows, exact);
        _rests?.Ensure(rows, exact);
        _lengths?.Ensure(rows, exact);
        Rows = Math.Max(Rows, _records.Rows);
    }

    /// <summary>Takes records and rests where they are (<see cref="SlabTable.Adopt"/>). The lengths of links are not there then.</summary>
    public void Adopt(byte* records, byte* rests, long rows)
    {
        DropLengths();
        _records.Adopt(records, rows);
        _rests?.Adopt(rests, rows);
        Rows = _records.Rows;
    }

    public long AdoptedBytes => _records.AdoptedBytes + (_rests?.AdoptedBytes ?? 0);

    public byte* Front(uint row) => _records[row];

    public byte* Rest(uint row) => _rests is null ? null : _rests[row];

    public uint* Links(uint row) => (uint*)(_records[row] + LinkOffset);

    /// <summary>The lengths of the links of a row; null when they are not kept.</summary>
    public float* Lengths(uint row) => _lengths is null ? null : (float*)_lengths[row];

    public Point Point(uint row) => new(Front(row), Rest(row));

    /// <summary>Frees the lengths of links. Building goes on, a little slower.</summary>
    public void DropLengths()
    {
        _lengths?.Dispose();
        _lengths = null;
    }

    public void Dispose()
    {
        _records.Dispose();
        _rests?.Dispose();
        _lengths?.Dispose();
    }

    static int Lines(int bytes) => (bytes + 63) & -64;
}

/// <summary>The pointers and sizes of a store, in registers of a walk.</summary>
readonly unsafe struct StoreView(
    byte** records, byte** rests, int recordStride, int restStride, int linkOffset, int linksMax, int frontBytes, int restBytes)
{
    public readonly byte** Records = records;
    public readonly byte** Rests = rests;
    public readonly int RecordStride = recordStride;
    public readonly int RestStride = restStride;
    public readonly int LinkOffset = linkOffset;
    public readonly int LinksMax = linksMax;
    public readonly int FrontBytes = frontBytes;
    public readonly int RestBytes = restBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Front(uint row) => SlabTable.At(Records, RecordStride, row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Rest(uint row) => SlabTable.At(Rests, RestStride, row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint* Links(uint row) => (uint*)(Front(row) + LinkOffset);
}
