namespace Aevum.Vectors;

/// <summary>Rows that lie one after the other in native memory. Whoever scans them keeps the memory alive.</summary>
/// <param name="first">The first row.</param>
/// <param name="stride">Bytes from one row to the next.</param>
/// <param name="firstRow">The first row's number.</param>
/// <param name="count">How many.</param>
readonly unsafe struct VectorRows(byte* first, nint stride, uint firstRow, int count)
{
    public byte* First { get; } = first;

    public nint Stride { get; } = stride;

    public uint FirstRow { get; } = firstRow;

    public int Count { get; } = count;
}

/// <summary>Which rows count: one bit a row, by its number. Rows beyond the last bit do not count.</summary>
/// <param name="words">Bit row % 64 of word row / 64. Null: every row counts.</param>
/// <param name="rows">How many rows the words cover.</param>
readonly unsafe struct RowFilter(ulong* words, long rows)
{
    public ulong* Words { get; } = words;

    public long Rows { get; } = rows;

    public bool KeepsAll => Words == null;

    public bool Keeps(uint row) => Words == null || (row < Rows && ((Words[row >> 6] >> (int)(row & 63)) & 1) != 0);
}
