// IvfList: the rows of one list: their numbers, and beside them whole vectors or codes.
//
//   rows      u32 each, in no order
//   entries   vectors: one every Stride bytes.   codes: blocks of 32, turned (FastScan)
//
// A place that is freed is filled by the last entry, so a list has no holes. Memory doubles when it is full, and is given back when a quarter is used.
// Always true: Count entries are whole; the index's lock decides who may read and write.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfList(int entryBytes, bool isCoded, MemoryBudget budget) : IDisposable
{
    NativeBlock? _rows;
    NativeBlock? _entries;
    int _capacity;

    public int Count { get; private set; }

    public uint* Rows => (uint*)(_rows is null ? null : _rows.Pointer);

    public byte* Entries => _entries is null ? null : _entries.Pointer;

    public long Bytes => (_rows?.Bytes ?? 0) + (_entries?.Bytes ?? 0);

    /// <returns>The place it got.</returns>
    public int Add(uint row, byte* entry)
    {
        if (Count == _capacity) Resize(Math.Max(FastScan.BlockCodes, _capacity * 2));
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
        if (_capacity > FastScan.BlockCodes && Count <= _capacity / 4) Shrink();
        return place != last;
    }

    public void Dispose()
    {
        _rows?.Dispose();
        _entries?.Dispose();
        (_rows, _entries, _capacity, Count) = (null, null, 0, 0);
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

    // Capacities are multiples of a block, so that a block is never cut.
    void Resize(int capacity)
    {
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
            var blocks = (Count + FastScan.BlockCodes - 1L) / FastScan.BlockCodes;
            Buffer.MemoryCopy(Entries, entries.Pointer, entries.Bytes, isCoded ? blocks * FastScan.BlockCodes * entryBytes : (long)Count * entryBytes);
        }
        _rows?.Dispose();
        _entries?.Dispose();
        (_rows, _entries, _capacity) = (rows, entries, capacity);
    }
}
