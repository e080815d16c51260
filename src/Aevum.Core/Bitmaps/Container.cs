// Container: the members of one chunk of 65,536 numbers, by their low 16 bits. Immutable; bitmaps share it.
//
//   Array   sorted values, 2 bytes each                         few members
//   Words   1,024 words of 64 bits, 8,192 bytes                 many members without order
//   Runs    pairs (first, last), both inclusive, 4 bytes each   members that stand side by side
//
// Always true: (1) a container has at least one member; (2) it has the form that takes the fewest bytes, Array before Words before Runs where
// they tie (ContainerForms decides), so that equal sets have equal containers; (3) values rise strictly, runs rise and never touch.
//
// Not here: what makes containers (ContainerForms), what combines them (ContainerOperations).

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aevum.Core.Bitmaps;

enum ContainerKind : byte
{
    Array = 1,
    Words = 2,
    Runs = 3,
}

readonly struct Container
{
    /// <summary>How many numbers a chunk has.</summary>
    public const int ChunkSize = 1 << 16;

    public const int WordCount = ChunkSize / 64;

    /// <summary>The most values of the form Array: beyond, words are smaller.</summary>
    public const int ArrayCountMax = WordCount * sizeof(ulong) / sizeof(ushort);

    /// <summary>The most runs of the form Runs: beyond, words are no larger.</summary>
    public const int RunCountMax = (WordCount * sizeof(ulong) / (2 * sizeof(ushort))) - 1;

    readonly object _data;   // ushort[] or ulong[], as Kind says

    Container(object data, ContainerKind kind, int count) => (_data, Kind, Count) = (data, kind, count);

    public static Container OfArray(ushort[] values) => new(values, ContainerKind.Array, values.Length);

    public static Container OfWords(ulong[] words, int count) => new(words, ContainerKind.Words, count);

    public static Container OfRuns(ushort[] runs, int count) => new(runs, ContainerKind.Runs, count);

    /// <summary>All numbers of a chunk.</summary>
    public static readonly Container Full = OfRuns([0, ushort.MaxValue], ChunkSize);

    public ContainerKind Kind { get; }

    /// <summary>Members, 1 to 65,536.</summary>
    public int Count { get; }

    /// <summary>Of an array: its values.</summary>
    public ReadOnlySpan<ushort> Values => Unsafe.As<ushort[]>(_data);

    /// <summary>Of runs: first, last, first, last and so on.</summary>
    public ReadOnlySpan<ushort> Runs => Unsafe.As<ushort[]>(_data);

    public ReadOnlySpan<ulong> Words => Unsafe.As<ulong[]>(_data);

    public int DataBytes => Kind == ContainerKind.Words ? WordCount * sizeof(ulong) : Values.Length * sizeof(ushort);

    public ReadOnlySpan<byte> Data => Kind == ContainerKind.Words ? MemoryMarshal.AsBytes(Words) : MemoryMarshal.AsBytes(Values);

    public bool IsSameObject(in Container other) => ReferenceEquals(_data, other._data);

    public bool Equals(in Container other) =>
        IsSameObject(other) || (Kind == other.Kind && Count == other.Count && Data.SequenceEqual(other.Data));

    public ushort First => Kind == ContainerKind.Words ? (ushort)NextInWords(Words, 0) : Values[0];

    public ushort Last
    {
        get
        {
            if (Kind != ContainerKind.Words) return Values[^1];
            var at = WordCount - 1;
            while (Words[at] == 0) at--;
            return (ushort)((at * 64) + 63 - BitOperations.LeadingZeroCount(Words[at]));
        }
    }

    public bool Contains(ushort value) => Kind switch
    {
        ContainerKind.Array => LowerBound(Values, value) is var at && at < Values.Length && Values[at] == value,
        ContainerKind.Words => (Words[value >> 6] >> value & 1) != 0,
        _ => RunAtOrAfter(value) is var run && run < Runs.Length / 2 && Runs[2 * run] <= value,
    };

    /// <summary>Members below <paramref name="value"/>, which may be 65,536.</summary>
    public int Rank(int value)
    {
        if (value >= ChunkSize) return Count;
        switch (Kind)
        {
            case ContainerKind.Array:
                return LowerBound(Values, (ushort)value);
            case ContainerKind.Words:
                var count = 0;
                foreach (var word in Words[..(value >> 6)]) count += BitOperations.PopCount(word);
                return count + BitOperations.PopCount(Words[value >> 6] & ((1UL << value) - 1));
            default:
                var below = 0;
                for (var at = 0; at < Runs.Length && Runs[at] < value; at += 2) below += Math.Min(Runs[at + 1] + 1, value) - Runs[at];
                return below;
        }
    }

    /// <summary>The member with <paramref name="rank"/> members below it, 0 to Count - 1.</summary>
    public ushort Select(int rank)
    {
        switch (Kind)
        {
            case ContainerKind.Array:
                return Values[rank];
            case ContainerKind.Words:
                var at = 0;
                for (; BitOperations.PopCount(Words[at]) is var inWord && rank >= inWord; at++) rank -= inWord;
                var word = Words[at];
                for (; rank > 0; rank--) word &= word - 1;
                return (ushort)((at * 64) + BitOperations.TrailingZeroCount(word));
            default:
                var run = 0;
                for (; Runs[run + 1] - Runs[run] + 1 is var length && rank >= length; run += 2) rank -= length;
                return (ushort)(Runs[run] + rank);
        }
    }

    /// <summary>Sets the bits of all members in <paramref name="words"/>, which has 1,024 words.</summary>
    public void SetBits(Span<ulong> words)
    {
        switch (Kind)
        {
            case ContainerKind.Array:
                foreach (var value in Values) words[value >> 6] |= 1UL << value;
                break;
            case ContainerKind.Words:
                for (var i = 0; i < WordCount; i++) words[i] |= Words[i];
                break;
            default:
                for (var at = 0; at < Runs.Length; at += 2) WordRange.Set(words, Runs[at], Runs[at + 1]);
                break;
        }
    }

    /// <summary>Index of the first value at or after <paramref name="value"/>; the length if there is none.</summary>
    public static int LowerBound(ReadOnlySpan<ushort> values, ushort value)
    {
        int low = 0, high = values.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (values[middle] < value) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Number of the first run that ends at or after <paramref name="value"/>; how many there are if none does.</summary>
    public int RunAtOrAfter(ushort value)
    {
        int low = 0, high = Runs.Length / 2;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Runs[(2 * middle) + 1] < value) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The first bit at or after <paramref name="from"/> that is set; -1 if none is.</summary>
    public static int NextInWords(ReadOnlySpan<ulong> words, int from)
    {
        var at = from >> 6;
        if (at >= words.Length) return -1;
        var word = words[at] & (ulong.MaxValue << from);
        while (word == 0)
        {
            if (++at == words.Length) return -1;
            word = words[at];
        }
        return (at * 64) + BitOperations.TrailingZeroCount(word);
    }
}
