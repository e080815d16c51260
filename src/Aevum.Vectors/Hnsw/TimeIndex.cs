// TimeIndex: which rows held what they hold at a moment, quickly and nearly: a row that did is always named, one that did not rarely. Whoever names results
// looks at the times themselves (LifetimeTable.Holds), late, of the few that are near enough.
//
//   bounds   a sample of the times of the rows, sorted, at most BoundsMax
//   codes    u16 a row: how many bounds are at most its from; for history another: at most its to
//   ranges   of each 64 rows the least and the greatest code; most words of a time that is far from their rows' are decided by these alone
//   counts   how many rows have a code of at most c
//
// from <= t implies code(from) <= code(t), and t < to implies code(to) >= code(t). Two bytes a row are compared, 32 rows at a time,
// instead of eight or sixteen.
//
// Rows change after an index was made: one that is used anew then holds something newer than all that the index knows (where it does not, LifetimeTable makes
// another index), so before that moment it is rightly left to the late look, and after it every live row is named. Rows beyond Rows are the table's to look at.

using System.Runtime.Intrinsics;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class TimeIndex
{
    const int BoundsMax = 16_384;
    const int SampleMax = 4 * BoundsMax;

    readonly ulong[] _bounds;
    readonly ushort[] _from;
    readonly ushort[]? _to;
    readonly (ushort Least, ushort Greatest)[] _fromRanges;
    readonly (ushort Least, ushort Greatest)[] _toRanges = [];
    readonly long[] _fromCounts;   // by code: rows whose from has at most this code
    readonly long[] _toCounts = [];

    public TimeIndex(LifetimeTable times, long rows)
    {
        Rows = rows;
        var hasEnds = times.Kind == LifetimeKind.FromTo;
        var step = Math.Max(1, rows / SampleMax);
        var sample = new List<ulong>();
        for (var row = 0L; row < rows; row += step)
        {
            if (times.From((uint)row) == LifetimeTable.Never) continue;
            sample.Add(times.From((uint)row));
            if (hasEnds) sample.Add(times.To((uint)row));
        }
        sample.Sort();
        var bounds = new List<ulong>();
        var every = Math.Max(1, sample.Count / BoundsMax);
        for (var i = 0; i < sample.Count; i += every)
            if (bounds.Count == 0 || sample[i] > bounds[^1]) bounds.Add(sample[i]);
        _bounds = [.. bounds];
        _from = Codes(row => times.From(row), rows, out _fromRanges, out _fromCounts);
        All = _fromCounts[^1];
        if (hasEnds) _to = Codes(row => times.To(row), rows, out _toRanges, out _toCounts);
    }

    /// <summary>Rows below it have codes.</summary>
    public long Rows { get; }

    /// <summary>Rows that hold anything.</summary>
    public long All { get; }

    /// <summary>How many rows <see cref="MarkHeld"/> names.</summary>
    public long CountHeld(ulong time)
    {
        var code = CodeOf(time);
        // Those that began, without those that ended.
        return Math.Max(0, _fromCounts[code] - (_to is null || code == 0 ? 0 : _toCounts[code - 1]));
    }

    /// <param name="rows">A multiple of 64.</param>
    public void MarkHeld(ulong time, long rows, ulong* words)
    {
        var code = CodeOf(time);
        fixed (ushort* from = _from, to = _to)
            for (var i = 0; i < rows / 64; i++)
            {
                var (least, greatest) = _fromRanges[i];
                var word = least > code ? 0 : greatest <= code ? ulong.MaxValue : AtMost(from + (64 * i), code);
                if (word != 0 && to != null)
                {
                    (least, greatest) = _toRanges[i];
                    if (greatest < code) word = 0;
                    else if (least < code) word &= ~AtMost(to + (64 * i), (ushort)(code - 1));
                }
                words[i] = word;
            }
    }

    static ulong AtMost(ushort* codes, ushort code)
    {
        var limit = Vector256.Create(code);
        var bits = 0UL;
        for (var i = 0; i < 64; i += 32)
        {
            var low = Vector256.LessThanOrEqual(Vector256.Load(codes + i), limit);
            var high = Vector256.LessThanOrEqual(Vector256.Load(codes + i + 16), limit);
            // All ones stay all ones in a byte.
            bits |= (ulong)Vector256.Narrow(low, high).ExtractMostSignificantBits() << i;
        }
        return bits;
    }

    ushort CodeOf(ulong time)
    {
        var at = Array.BinarySearch(_bounds, time);
        return (ushort)(at >= 0 ? at + 1 : ~at);
    }

    // Arrays are rounded up to whole words of rows; rows that are not there have the greatest code.
    ushort[] Codes(Func<uint, ulong> timeOf, long rows, out (ushort, ushort)[] ranges, out long[] counts)
    {
        var codes = new ushort[(rows + 63) & -64];
        counts = new long[_bounds.Length + 1];
        ranges = new (ushort, ushort)[codes.Length / 64];
        Array.Fill(codes, ushort.MaxValue);
        for (var row = 0u; row < rows; row++)
        {
            var time = timeOf(row);
            if (time == LifetimeTable.Never) continue;
            codes[row] = CodeOf(time);
            counts[codes[row]]++;
        }
        for (var c = 1; c < counts.Length; c++) counts[c] += counts[c - 1];
        for (var i = 0; i < ranges.Length; i++)
        {
            var (least, greatest) = (ushort.MaxValue, ushort.MinValue);
            foreach (var code in codes.AsSpan(64 * i, 64)) (least, greatest) = (Math.Min(least, code), Math.Max(greatest, code));
            ranges[i] = (least, greatest);
        }
        return codes;
    }
}
