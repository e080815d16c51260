// CodedSight: which rows of codes a search may answer with: those of a filter, those that are not dead, those that had begun at a moment. A walk passes over
// every row; this is asked of what it collected, before anything is compared exactly.
//
// Dead rows are bits that writers set while searches run: a search sees a row or does not, and either is right.

using System.Runtime.CompilerServices;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Coded;

/// <param name="filter">Null: all rows.</param>
/// <param name="dead">A bit for each row; null: none is dead.</param>
/// <param name="deadCount">How many, about.</param>
/// <param name="from">Since when a row holds what it holds; null: not asked.</param>
readonly unsafe struct CodedSight(PreparedFilter? filter, ulong* dead = null, long deadCount = 0, ulong* from = null, ulong asOf = 0)
{
    const int Sampled = 64;

    public readonly PreparedFilter? Filter = filter;

    readonly ulong* _dead = dead;
    readonly long _deadCount = deadCount;
    readonly ulong* _from = from;
    readonly ulong _asOf = asOf;

    public static implicit operator CodedSight(PreparedFilter? filter) => new(filter);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Sees(uint row) =>
        (Filter is null || Filter.Contains(row))
        && (_dead == null || ((Volatile.Read(ref _dead[row >> 6]) >> (int)(row & 63)) & 1) == 0)
        && (_from == null || _from[row] <= _asOf);

    /// <summary>The rows of [start, start + 64) that are seen; those from <paramref name="rows"/> on are none.</summary>
    /// <param name="start">A multiple of 64.</param>
    public ulong Word(uint start, int rows)
    {
        var word = Filter is null ? ulong.MaxValue : start / 64 < Filter.WordCount ? Filter.Words[start / 64] : 0;
        if (rows - start < 64) word &= (1UL << (int)(rows - start)) - 1;
        if (_dead != null) word &= ~Volatile.Read(ref _dead[start / 64]);
        if (_from == null || word == 0) return word;
        var begun = 0UL;
        for (var rest = word; rest != 0; rest &= rest - 1)
        {
            var i = System.Numerics.BitOperations.TrailingZeroCount(rest);
            if (_from[start + i] <= _asOf) begun |= 1UL << i;
        }
        return begun;
    }

    /// <summary>How many rows match the filter at most.</summary>
    public long Matching(int rows) => Filter is null ? rows : Math.Min(Filter.Count, rows);

    /// <summary>Candidates that a walk keeps so that <paramref name="ef"/> are left of them. A filter that keeps a share leaves that share; a half more,
    /// because matches are not spread evenly. Dead rows lie anywhere; of the times a few are looked at.</summary>
    public double WidthFor(int ef, int rows)
    {
        var width = Filter is null ? ef : ef * Math.Max(1, 1.5 / Math.Min(1, Filter.Count / (double)rows));
        if (_deadCount > 0) width *= rows / Math.Max(1, (double)(rows - _deadCount));
        if (_from != null)
        {
            var begun = 0;
            for (var i = 0; i < Sampled; i++)
                if (_from[(long)i * rows / Sampled] <= _asOf) begun++;
            if (begun < Sampled) width *= 1.5 * Sampled / Math.Max(begun, 0.5);
        }
        return Math.Ceiling(width);
    }
}
