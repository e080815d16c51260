// PreparedFilter: which rows may be results, as dense bits over row numbers, with their number; and, where they are few, as an ascending list too, so that
// a scan of them does not look at every word.
//
// It is filled once and used for any number of searches at a time. A row that is reused for another vector keeps its bit: whoever keeps filters for
// long makes them anew as rows change (HnswIndex.RowOf).

using System.Numerics;
using System.Runtime.CompilerServices;
using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe class PreparedFilter : IDisposable
{
    // Below one row in so many a list is made: it is then smaller than the bits.
    const int SparseShare = 32;

    readonly NativeBlock _bits;
    readonly NativeBlock? _list;
    readonly ulong* _words;
    readonly uint* _rows;

    /// <param name="words">Row i is bit i % 64 of word i / 64; rows beyond the last word are not in the filter. Copied.</param>
    /// <exception cref="AevumException">LimitExceeded: the budget has no room for a copy.</exception>
    public PreparedFilter(ReadOnlySpan<ulong> words, MemoryBudget? budget = null)
    {
        budget ??= MemoryBudget.Unlimited();
        WordCount = words.Length;
        _bits = new((words.Length + 1L) * sizeof(ulong), budget);
        _words = (ulong*)_bits.Pointer;
        words.CopyTo(new(_words, words.Length));
        _words[words.Length] = 0;
        foreach (var word in words) Count += BitOperations.PopCount(word);
        _rows = List(budget, out _list);
    }

    /// <param name="rows">The rows, compressed.</param>
    /// <param name="rowCount">Rows from here on are left out (<see cref="HnswIndex.RowCount"/>).</param>
    /// <exception cref="AevumException">LimitExceeded: the budget has no room for the dense form.</exception>
    public PreparedFilter(Bitmap rows, long rowCount, MemoryBudget? budget = null)
    {
        if (rowCount is < 0 or > HnswIndex.RowsMax) Throw.Invalid($"the number of rows is 0 to {HnswIndex.RowsMax}, not {rowCount}");
        budget ??= MemoryBudget.Unlimited();
        WordCount = (int)((rowCount + 63) / 64);
        _bits = new((WordCount + 1L) * sizeof(ulong), budget, zeroed: true);
        _words = (ulong*)_bits.Pointer;
        rows.CopyTo(_words, rowCount);
        for (var i = 0; i < WordCount; i++) Count += BitOperations.PopCount(_words[i]);
        _rows = List(budget, out _list);
    }

    /// <summary>How many rows are in the filter.</summary>
    public long Count { get; }

    internal int WordCount { get; }

    internal ulong* Words => _words;

    /// <summary>The rows, ascending; null unless they are few.</summary>
    internal uint* Rows => _rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(uint row) => (int)(row >> 6) < WordCount && ((_words[row >> 6] >> (int)(row & 63)) & 1) != 0;

    uint* List(MemoryBudget budget, out NativeBlock? list)
    {
        list = null;
        if (Count * SparseShare > WordCount * 64L) return null;
        try
        {
            list = new(Math.Max(1, Count) * sizeof(uint), budget);
        }
        catch
        {
            _bits.Dispose();
            throw;
        }
        var at = (uint*)list.Pointer;
        for (var i = 0; i < WordCount; i++)
            for (var word = _words[i]; word != 0; word &= word - 1) *at++ = (uint)((i * 64) + BitOperations.TrailingZeroCount(word));
        return (uint*)list.Pointer;
    }

    public void Dispose()
    {
        _bits.Dispose();
        _list?.Dispose();
    }
}
