// IvfList: the rows of one list: their numbers, and beside them whole vectors or codes.
//
//   rows      u32 each, in no order
//   entries   vectors: one every Stride bytes.   codes: blocks of 32, turned (FastScan)
//
// A place that is freed is filled by the last entry, so a list has no holes. Memory doubles when it is full, and is given back when a quarter is used.
// A list of an index that was opened lies in the image of the file (mapped copy on write, so places in it may be filled anew) until it grows beyond what it had
// there; then it moves to memory of its own. The image is the index's to free.
// Always true: Count entries are whole; the index's lock decides who may read and write.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfList(int entryBytes, bool isCoded, MemoryBudget budget) : IDisposable
{
    /// <summary>Rows of one list: places are counted on in blocks, in 32 bits.</summary>
    public const int RowsMax = 1 << 30;

    NativeBlock? _rows;
    NativeBlock? _entries;
    int _capacity;

    public int Count { get; private set; }

    public uint* Rows { get; private set; }

    public byte* Entries { get; private set; }

    /// <summary>Of its own memory.</summary>
    public long Bytes => (_rows?.Bytes ?? 0) + (_entries?.Bytes ?? 0);

    /// <summary>Bytes of so many entries, whole blocks where they are codes.</summary>
    public static long EntriesBytes(long count, int entryBytes, bool isCoded) =>
        (isCoded ? (count + FastScan.BlockCodes - 1) / FastScan.BlockCodes * FastScan.BlockCodes : count) * entryBytes;

    /// <summary>Takes over what lies elsewhere, and stays where it is while the list is used. Only of a list that holds nothing.</summary>
    /// <param name="rows">Room for <paramref name="count"/>.</param>
    /// <param name="entries">Room for <see cref="EntriesBytes"/>.</param>
    public void Adopt(uint* rows, byte* entries, int count)
    {
        Rows = rows;
        Entries = entries;
        Count = _capacity = count;
    }

    /// <returns>The place it got.</returns>
    /// <exception cref="AevumException">LimitExceeded: the list is full, or the budget has no room; nothing changed.</exception>
    public int Add(uint row, byte* entry)
    {
        if (Count == RowsMax) Throw.Limit("the number of rows of a list", RowsMax + 1L, RowsMax);
        if (Count == _capacity) Resize((int)Math.Clamp(_capacity * 2L, FastScan.BlockCodes, RowsMax));
        Rows[Count] = row;
        Write(Count, entry);
        return Count++;
    }

    public void Write(int place, byte* entry)
    {
        if (isCoded) FastScan.Write(Block(place), place % FastScan.BlockCodes, entry, entryBytes);
        else Unsafe.CopyBlockUnaligned(Entries + ((nint)place * entryBytes), entry, (uint)entryBytes);
    }

    public void Read(int place, byte* entry)
    {
        if (isCoded) FastScan.Read(Block(place), place % FastScan.BlockCodes, entry, entryBytes);
        else Unsafe.CopyBlockUnaligned(entry, Entries + ((nint)place * entryBytes), (uint)entryBytes);
    }

    /// <summary>Frees a place.</summary>
    /// <returns>Whether another row came to that place: the last one did, unless it was the last one's own.</returns>
    public bool Remove(int place, byte* scratch)
    {
        var last = --Count;
        if (place != last)
        {
            Rows[place] = Rows[last];
            Read(last, scratch);
            Write(place, scratch);
        }
        if (_rows is not null && _capacity > FastScan.BlockCodes && Count <= _capacity / 4) Shrink();
        return place != last;
    }

    public void Dispose()
    {
        _rows?.Dispose();
        _entries?.Dispose();
        (_rows, _entries, _capacity, Count) = (null, null, 0, 0);
        Rows = null;
        Entries = null;
    }

    public byte* Block(int place) => Entries + ((nint)(place / FastScan.BlockCodes) * FastScan.BlockCodes * entryBytes);

    // Giving memory back needs some first; where there is none, the list stays as large as it is.
    void Shrink()
    {
        try
        {
            Resize(_capacity / 2);
        }
        catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
        {
        }
    }

    // Own capacities are multiples of a block, so that a block is never cut.
    void Resize(int capacity)
    {
        capacity = (capacity + FastScan.BlockCodes - 1) & -FastScan.BlockCodes;
        var rows = new NativeBlock((long)capacity * sizeof(uint), budget);
        NativeBlock entries;
        try
        {
            entries = new((long)capacity * entryBytes, budget);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
        if (Count > 0)
        {
            Buffer.MemoryCopy(Rows, rows.Pointer, rows.Bytes, (long)Count * sizeof(uint));
            Buffer.MemoryCopy(Entries, entries.Pointer, entries.Bytes, EntriesBytes(Count, entryBytes, isCoded));
        }
        _rows?.Dispose();
        _entries?.Dispose();
        (_rows, _entries, _capacity) = (rows, entries, capacity);
        Rows = (uint*)rows.Pointer;
        Entries = entries.Pointer;
    }
}
