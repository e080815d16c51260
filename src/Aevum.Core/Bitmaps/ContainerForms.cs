// ContainerForms: which form takes the fewest bytes, and how to get there. Each method takes the members of one chunk in some loose form
// and makes a container of the smallest one, or says that there are no members.
//
// Not here: checks of bytes from outside (BitmapReader), combining (ContainerOperations).

using System.Numerics;

namespace Aevum.Core.Bitmaps;

static class ContainerForms
{
    /// <summary>The form of the fewest bytes for <paramref name="count"/> members in <paramref name="runs"/> runs.</summary>
    public static ContainerKind Smallest(int count, int runs)
    {
        if (runs <= Container.RunCountMax && 2 * runs < count) return ContainerKind.Runs;
        return count <= Container.ArrayCountMax ? ContainerKind.Array : ContainerKind.Words;
    }

    /// <returns>False if no bit is set.</returns>
    public static bool TryFromWords(ReadOnlySpan<ulong> words, out Container container)
    {
        var count = 0;
        foreach (var word in words) count += BitOperations.PopCount(word);
        container = default;
        if (count == 0) return false;
        var runs = CountRuns(words);
        container = Smallest(count, runs) switch
        {
            ContainerKind.Array => Container.OfArray(ValuesOf(words, count)),
            ContainerKind.Words => Container.OfWords(words.ToArray(), count),
            _ => Container.OfRuns(RunsOf(words, runs), count),
        };
        return true;
    }

    /// <param name="values">Rising strictly.</param>
    /// <returns>False if there is none.</returns>
    public static bool TryFromValues(ReadOnlySpan<ushort> values, out Container container)
    {
        container = default;
        if (values.IsEmpty) return false;
        var runs = CountRuns(values);
        switch (Smallest(values.Length, runs))
        {
            case ContainerKind.Array:
                container = Container.OfArray(values.ToArray());
                break;
            case ContainerKind.Words:
                var words = new ulong[Container.WordCount];
                foreach (var value in values) words[value >> 6] |= 1UL << value;
                container = Container.OfWords(words, values.Length);
                break;
            default:
                var pairs = new ushort[2 * runs];
                ToRuns(values, pairs);
                container = Container.OfRuns(pairs, values.Length);
                break;
        }
        return true;
    }

    /// <param name="runs">First, last, first, last; rising, never touching.</param>
    /// <returns>False if there is none.</returns>
    public static bool TryFromRuns(ReadOnlySpan<ushort> runs, out Container container)
    {
        container = default;
        if (runs.IsEmpty) return false;
        var count = CountMembers(runs);
        switch (Smallest(count, runs.Length / 2))
        {
            case ContainerKind.Array:
                var values = new ushort[count];
                var at = 0;
                for (var i = 0; i < runs.Length; i += 2)
                    for (int value = runs[i]; value <= runs[i + 1]; value++) values[at++] = (ushort)value;
                container = Container.OfArray(values);
                break;
            case ContainerKind.Words:
                var words = new ulong[Container.WordCount];
                for (var i = 0; i < runs.Length; i += 2) WordRange.Set(words, runs[i], runs[i + 1]);
                container = Container.OfWords(words, count);
                break;
            default:
                container = count == Container.ChunkSize ? Container.Full : Container.OfRuns(runs.ToArray(), count);
                break;
        }
        return true;
    }

    public static int CountMembers(ReadOnlySpan<ushort> runs)
    {
        var count = 0;
        for (var i = 0; i < runs.Length; i += 2) count += runs[i + 1] - runs[i] + 1;
        return count;
    }

    public static int CountRuns(ReadOnlySpan<ushort> values)
    {
        var runs = 1;
        for (var i = 1; i < values.Length; i++) runs += values[i] != values[i - 1] + 1 ? 1 : 0;
        return runs;
    }

    public static int CountRuns(ReadOnlySpan<ulong> words)
    {
        var runs = 0;
        var carry = 0UL;
        foreach (var word in words)
        {
            runs += BitOperations.PopCount(word & ~((word << 1) | carry));   // bits that begin a run
            carry = word >> 63;
        }
        return runs;
    }

    /// <summary>Joins values that follow each other.</summary>
    /// <returns>How many numbers were written, two a run.</returns>
    public static int ToRuns(ReadOnlySpan<ushort> values, Span<ushort> runs)
    {
        var at = 0;
        for (var i = 0; i < values.Length;)
        {
            var first = i;
            while (i + 1 < values.Length && values[i + 1] == values[i] + 1) i++;
            runs[at++] = values[first];
            runs[at++] = values[i++];
        }
        return at;
    }

    static ushort[] ValuesOf(ReadOnlySpan<ulong> words, int count)
    {
        var values = new ushort[count];
        var at = 0;
        for (var i = 0; i < words.Length; i++)
            for (var word = words[i]; word != 0; word &= word - 1) values[at++] = (ushort)((i * 64) + BitOperations.TrailingZeroCount(word));
        return values;
    }

    static ushort[] RunsOf(ReadOnlySpan<ulong> words, int runs)
    {
        // First bits of runs and last bits of runs come in the same order, so each fills its own places as it is met.
        var pairs = new ushort[2 * runs];
        int firsts = 0, lasts = 1;
        for (var i = 0; i < words.Length; i++)
        {
            var before = i == 0 ? 0 : words[i - 1] >> 63;
            var after = i == words.Length - 1 ? 0 : words[i + 1] << 63;
            for (var starts = words[i] & ~((words[i] << 1) | before); starts != 0; starts &= starts - 1, firsts += 2)
                pairs[firsts] = (ushort)((i * 64) + BitOperations.TrailingZeroCount(starts));
            for (var ends = words[i] & ~((words[i] >> 1) | after); ends != 0; ends &= ends - 1, lasts += 2)
                pairs[lasts] = (ushort)((i * 64) + BitOperations.TrailingZeroCount(ends));
        }
        return pairs;
    }
}
