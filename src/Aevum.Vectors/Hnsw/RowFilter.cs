// RowFilter: which rows may be results, as dense bits over row numbers, with their number; and, where they are few, as an ascending list too, so that
// a scan of them does not look at every word.
//
// It is filled once and used for any number of searches at a time. A row that is reused for another vector keeps its bit: whoever keeps filters for
// long makes them anew as rows change (HnswIndex.RowOf).

using System.Numerics;
using System.Runtime.CompilerServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe class RowFilter : IDisposable
{
    // Below one row in so many a list is made: it is then smaller than the bits.
    const int SparseShare = 32;

    readonly NativeBlock _bits;
    readonly NativeBlock? _list;
    readonly ulong* _words;
    readonly uint* _rows;

    /// <param name="words">Row i is bit i % 64 of word i / 64; rows beyond the last word are not in the filter. Copied.</param>
    /// <exception cref="AevumException">LimitExceeded: the budget has no room for a copy.</exception>
    public RowFilter(ReadOnlySpan<ulong> words, MemoryBudget? budget = null)
    {
        budget ??= MemoryBudget.Unlimited();
        _bits = new((words.Length + 1L) * sizeof(ulong), budget);
        _words = (ulong*)_bits.Pointer;
        words.CopyTo(new(_words, words.Length));
        _words[words.Length] = 0;
        WordCount = words.Length;
        var count = 0L;
        foreach (var word in words) count += BitOperations.PopCount(word);
        Count = count;
        if (count * SparseShare > words.Length * 64L) return;
        try
        {
            _list = new(Math.Max(1, count) * sizeof(uint), budget);
        }
        catch
        {
            _bits.Dispose();
            throw;
        }
        _rows = (uint*)_list.Pointer;
        var at = _rows;
        for (var i = 0; i < words.Length; i++)
            for (var word = words[i]; word != 0; word &= word - 1) *at++ = (uint)((i * 64) + BitOperations.TrailingZeroCount(word));
    }

    /// <summary>How many rows are in the filter.</summary>
    public long Count { get; }

    internal int WordCount { get; }

    internal ulong* Words => _words;

    /// <summary>The rows, ascending; null unless they are few.</summary>
    internal uint* List => _rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(uint row) => (int)(row >> 6) < WordCount && ((_words[row >> 6] >> (int)(row & 63)) & 1) != 0;

    public void Dispose()
    {
        _bits.Dispose();
        _list?.Dispose();
    }
}
