// WordRange: bits first to last, both inclusive, of a row of words.

using System.Numerics;

namespace Aevum.Core.Bitmaps;

static class WordRange
{
    public static void Set(Span<ulong> words, int first, int last)
    {
        var (a, b) = (first >> 6, last >> 6);
        if (a == b)
        {
            words[a] |= From(first) & UpTo(last);
            return;
        }
        words[a] |= From(first);
        words[(a + 1)..b].Fill(ulong.MaxValue);
        words[b] |= UpTo(last);
    }

    public static void Clear(Span<ulong> words, int first, int last)
    {
        var (a, b) = (first >> 6, last >> 6);
        if (a == b)
        {
            words[a] &= ~(From(first) & UpTo(last));
            return;
        }
        words[a] &= ~From(first);
        words[(a + 1)..b].Clear();
        words[b] &= ~UpTo(last);
    }

    public static int Count(ReadOnlySpan<ulong> words, int first, int last)
    {
        var (a, b) = (first >> 6, last >> 6);
        if (a == b) return BitOperations.PopCount(words[a] & From(first) & UpTo(last));
        var count = BitOperations.PopCount(words[a] & From(first)) + BitOperations.PopCount(words[b] & UpTo(last));
        foreach (var word in words[(a + 1)..b]) count += BitOperations.PopCount(word);
        return count;
    }

    // Shifts count modulo 64.
    static ulong From(int first) => ulong.MaxValue << first;

    static ulong UpTo(int last) => ulong.MaxValue >> (63 - (last & 63));
}
