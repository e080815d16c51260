// CommonSubsequence: the longest common subsequence of two strings a and b, 64 cells of the table at a time.
//
// The table L[i, j], the length for the first i bytes of a and the first j of b, grows along a row by 0 or 1 a cell. A row is kept as those
// differences, one bit a cell: bit j-1 of row i is 0 where L[i, j] = L[i, j-1] + 1. The next row follows with an addition whose carry runs along it
// (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004, after Crochemore et al., 2001): with M the places in b of a's next byte,
//
//     V' = (V + (V & M)) | (V & ~M)
//
// The way back needs no more than those bits: where a[i-1] != b[j-1], the cell above is greater than the cell to the left exactly when the bit is 0.
// Of the subsequences that are longest this finds the one that Redis finds: a byte that matches is taken, else up if that is greater, else left.

using System.Runtime.InteropServices;

namespace Aevum.Server.Resp.Commands.Strings;

/// <summary>A part of a that stands in b, byte for byte. Ends are included.</summary>
readonly record struct CommonRun(int StartA, int StartB, int Length)
{
    public int EndA => StartA + Length - 1;

    public int EndB => StartB + Length - 1;
}

sealed class CommonSubsequence
{
    const int BitsPerWord = 64;

    readonly ulong[] _rows;   // all of them, or the last one alone
    readonly int _words;

    CommonSubsequence(ulong[] rows, int words, int length) => (_rows, _words, Length) = (rows, words, length);

    /// <summary>Bytes of the longest common subsequence.</summary>
    public int Length { get; }

    /// <param name="keepsRows">True if <see cref="Runs"/> will be asked: a bit a cell is kept.</param>
    public static CommonSubsequence Of(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, bool keepsRows)
    {
        var words = (b.Length + BitsPerWord - 1) / BitsPerWord;
        var (places, firstOf) = PlacesOf(a, b, words);
        var rows = new ulong[keepsRows ? (long)(a.Length + 1) * words : 2L * words];
        rows.AsSpan(0, words).Fill(ulong.MaxValue);
        var last = rows.AsSpan(0, words);
        for (var i = 0; i < a.Length; i++)
        {
            var next = rows.AsSpan((keepsRows ? i + 1 : (i + 1) & 1) * words, words);
            Next(last, places.AsSpan(firstOf[a[i]], words), next);
            last = next;
        }
        var length = 0;
        for (var j = 0; j < b.Length; j++) length += IsGrowth(last, j) ? 1 : 0;
        return new CommonSubsequence(rows, words, length);
    }

    // Of each byte that a has: a bit for each place in b where it stands.
    static (ulong[] Places, int[] FirstOf) PlacesOf(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int words)
    {
        var firstOf = new int[256];
        firstOf.AsSpan().Fill(-1);
        var used = 0;
        foreach (var letter in a)
        {
            if (firstOf[letter] >= 0) continue;
            firstOf[letter] = used;
            used += words;
        }
        var places = new ulong[used];
        for (var j = 0; j < b.Length; j++)
            if (firstOf[b[j]] is >= 0 and var first) places[first + (j / BitsPerWord)] |= 1UL << j;
        return (places, firstOf);
    }

    static void Next(ReadOnlySpan<ulong> last, ReadOnlySpan<ulong> places, Span<ulong> next)
    {
        var carry = 0UL;
        for (var w = 0; w < next.Length; w++)
        {
            var matched = last[w] & places[w];
            var sum = last[w] + matched;
            var carried = sum < matched ? 1UL : 0;
            sum += carry;
            carry = carried | (sum < carry ? 1UL : 0);
            next[w] = sum | (last[w] & ~places[w]);
        }
    }

    static bool IsGrowth(ReadOnlySpan<ulong> row, int place) => (row[place / BitsPerWord] >> place & 1) == 0;

    /// <summary>The subsequence as runs, the last one first.</summary>
    public List<CommonRun> Runs(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var runs = new List<CommonRun>();
        var (i, j) = (a.Length, b.Length);
        while (i > 0 && j > 0)
        {
            if (a[i - 1] == b[j - 1])
            {
                i--;
                j--;
                var all = CollectionsMarshal.AsSpan(runs);
                if (all.Length > 0 && all[^1].StartA == i + 1 && all[^1].StartB == j + 1) all[^1] = new CommonRun(i, j, all[^1].Length + 1);
                else runs.Add(new CommonRun(i, j, 1));
            }
            else if (IsGrowth(_rows.AsSpan(i * _words, _words), j - 1))
            {
                i--;
            }
            else
            {
                j--;
            }
        }
        return runs;
    }
}
