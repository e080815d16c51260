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

    readonly MemoryBudget _budget;
    NativeBlock _bits;
    NativeBlock? _list;
    ulong* _words;
    uint* _rows;

    /// <param name="words">Row i is bit i % 64 of word i / 64; rows beyond the last word are not in the filter. Copied.</param>
    /// <exception cref="AevumException">LimitExceeded: the budget has no room for a copy.</exception>
    public PreparedFilter(ReadOnlySpan<ulong> words, MemoryBudget? budget = null)
    {
        _budget = budget ??= MemoryBudget.Unlimited();
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
        _budget = budget ??= MemoryBudget.Unlimited();
        WordCount = (int)((rowCount + 63) / 64);
        _bits = new((WordCount + 1L) * sizeof(ulong), budget, zeroed: true);
        _words = (ulong*)_bits.Pointer;
        rows.CopyTo(_words, rowCount);
        for (var i = 0; i < WordCount; i++) Count += BitOperations.PopCount(_words[i]);
        _rows = List(budget, out _list);
    }

    /// <summary>How many rows are in the filter.</summary>
    public long Count { get; private set; }

    internal int WordCount { get; private set; }

    internal ulong* Words => _words;

    /// <summary>The rows, ascending; null unless they are few.</summary>
    internal uint* Rows => _rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(uint row) => (int)(row >> 6) < WordCount && ((_words[row >> 6] >> (int)(row & 63)) & 1) != 0;

    /// <summary>An empty one, to be filled again and again by <see cref="Refill"/>, by one thread at a time.</summary>
    internal PreparedFilter(MemoryBudget budget)
    {
        _budget = budget;
        _bits = new(0, budget);
        _words = (ulong*)_bits.Pointer;
    }

    /// <summary>The rows of [0, <paramref name="rowCount"/>) that held what they hold at a moment, and a few that nearly did (TimeIndex); where another filter
    /// is given, those of them that are in it.</summary>
    internal void Refill(LifetimeTable times, ulong time, long rowCount, PreparedFilter? within)
    {
        var words = (int)((rowCount + 63) / 64);
        Count = 0;
        WordCount = 0;
        _rows = null;
        if (_bits.Bytes < (words + 1L) * sizeof(ulong))
        {
            var bits = new NativeBlock((words + 1L + (words / 4)) * sizeof(ulong), _budget);
            _bits.Dispose();
            _bits = bits;
            _words = (ulong*)bits.Pointer;
        }
        times.MarkHeld(time, rowCount, _words);
        for (var i = 0; i < words && within is not null; i++) _words[i] &= i < within.WordCount ? within._words[i] : 0;
        var count = 0L;
        for (var i = 0; i < words; i++) count += BitOperations.PopCount(_words[i]);
        Count = count;
        WordCount = words;
        if (Count * SparseShare > words * 64L) return;
        if (_list is null || _list.Bytes < Count * sizeof(uint))
        {
            var list = new NativeBlock(Math.Max(64, Count + (Count / 4)) * sizeof(uint), _budget);
            _list?.Dispose();
            _list = list;
        }
        FillList(_list);
    }

    void FillList(NativeBlock list)
    {
        var at = (uint*)list.Pointer;
        for (var i = 0; i < WordCount; i++)
            for (var word = _words[i]; word != 0; word &= word - 1) *at++ = (uint)((i * 64) + BitOperations.TrailingZeroCount(word));
        _rows = (uint*)list.Pointer;
    }

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
        FillList(list);
        return _rows;
    }

    public void Dispose()
    {
        _bits.Dispose();
        _list?.Dispose();
    }
}
