// Bitmap: an immutable, compressed set of unsigned 32-bit numbers (row ids of an index, members of a filter), after Roaring bitmaps (Chambi,
// Lemire and others, 2016; Lemire and others, 2018).
//
//   keys        [ 0 | 1 | 7 | ... ]              the high 16 bits of the members, rising
//   containers  [ array | words | runs | ... ]   the low 16 bits of the members under each key
//   before      [ 0 | 912 | 66448 | ... | all ]  how many members lie under the keys before, for rank and select
//
// Always true: no container is empty, and each has its smallest form (Container.cs): equal sets are equal key by key and byte by byte, in memory and
// stored. Results of operations share the containers they did not change. Any number of threads may read.
//
// Not here: changing one (BitmapBuilder), operations of two (Bitmap.Operations.cs), bytes (BitmapFormat; docs/formats/bitmap.md).

using Aevum.Core.Errors;

namespace Aevum.Core.Bitmaps;

public sealed partial class Bitmap : IEquatable<Bitmap>
{
    internal const int KeyCountMax = 1 << 16;

    readonly ushort[] _keys;
    readonly Container[] _containers;
    readonly long[] _before;

    internal Bitmap(ushort[] keys, Container[] containers)
    {
        _keys = keys;
        _containers = containers;
        _before = new long[keys.Length + 1];
        for (var i = 0; i < keys.Length; i++) _before[i + 1] = _before[i] + containers[i].Count;
    }

    public static Bitmap Empty { get; } = new([], []);

    /// <summary>How many members there are, 0 to 2^32.</summary>
    public long Count => _before[^1];

    public bool IsEmpty => _keys.Length == 0;

    internal ReadOnlySpan<ushort> Keys => _keys;

    internal ReadOnlySpan<Container> Containers => _containers;

    /// <summary>The least member.</summary>
    /// <exception cref="AevumException">InvalidArgument: there is none.</exception>
    public uint Min
    {
        get
        {
            if (IsEmpty) Throw.Invalid("an empty bitmap has no least member");
            return Join(_keys[0], _containers[0].First);
        }
    }

    /// <summary>The greatest member.</summary>
    /// <exception cref="AevumException">InvalidArgument: there is none.</exception>
    public uint Max
    {
        get
        {
            if (IsEmpty) Throw.Invalid("an empty bitmap has no greatest member");
            return Join(_keys[^1], _containers[^1].Last);
        }
    }

    /// <summary>Bytes on the managed heap, without those of what other bitmaps share counted apart.</summary>
    public long MemoryBytes
    {
        get
        {
            var bytes = _keys.Length * 34L;
            foreach (var container in _containers) bytes += container.DataBytes + 24;
            return bytes;
        }
    }

    /// <summary>All numbers from <paramref name="first"/> to <paramref name="last"/>, both inclusive.</summary>
    public static Bitmap Range(uint first, uint last)
    {
        if (first > last) Throw.Invalid($"the range from {first} to {last} ends before it begins");
        var firstKey = (int)(first >> 16);
        var count = (int)(last >> 16) - firstKey + 1;
        var keys = new ushort[count];
        var containers = new Container[count];
        for (var i = 0; i < count; i++)
        {
            keys[i] = (ushort)(firstKey + i);
            var low = i == 0 ? (ushort)first : (ushort)0;
            var high = i == count - 1 ? (ushort)last : ushort.MaxValue;
            ContainerForms.TryFromRuns([low, high], out containers[i]);
        }
        return new(keys, containers);
    }

    /// <param name="values">In any order; one that comes twice counts once.</param>
    public static Bitmap Of(params ReadOnlySpan<uint> values)
    {
        var builder = new BitmapBuilder();
        foreach (var value in values) builder.Add(value);
        return builder.ToBitmap();
    }

    public bool Contains(uint value)
    {
        var at = _keys.AsSpan().BinarySearch((ushort)(value >> 16));
        return at >= 0 && _containers[at].Contains((ushort)value);
    }

    /// <summary>How many members are less than <paramref name="value"/>.</summary>
    public long Rank(uint value)
    {
        var at = _keys.AsSpan().BinarySearch((ushort)(value >> 16));
        return at < 0 ? _before[~at] : _before[at] + _containers[at].Rank((ushort)value);
    }

    /// <summary>The member that has <paramref name="rank"/> members below it.</summary>
    /// <exception cref="AevumException">InvalidArgument: there are not that many.</exception>
    public uint Select(long rank)
    {
        if (rank < 0 || rank >= Count) Throw.Invalid($"member {rank} of a bitmap that has {Count}");
        // The last key that has at most `rank` members before it. No key is without members, so counts rise strictly.
        var at = _before.AsSpan().BinarySearch(rank);
        if (at < 0) at = ~at - 1;
        return Join(_keys[at], _containers[at].Select((int)(rank - _before[at])));
    }

    /// <summary>Members in rising order. <see cref="BitmapEnumerator.SkipTo"/> leaps ahead.</summary>
    public BitmapEnumerator GetEnumerator() => new(this);

    public uint[] ToArray()
    {
        if (Count > Array.MaxLength) Throw.Limit("the number of members", Count, Array.MaxLength);
        var members = new uint[Count];
        var walk = GetEnumerator();
        walk.Read(members);
        return members;
    }

    /// <summary>Writes bit i of the words for each number i below <paramref name="bitCount"/>: set if it is a member, clear if not.</summary>
    /// <param name="words">Room for ceil(bitCount / 64) words; the bits of the last word from <paramref name="bitCount"/> on are cleared.</param>
    public unsafe void CopyTo(ulong* words, long bitCount)
    {
        if (bitCount < 0 || bitCount > 1L << 32) Throw.Invalid($"{bitCount} bits are not between 0 and 2^32");
        var wordCount = (bitCount + 63) / 64;
        long done = 0;   // words written
        for (var i = 0; i < _keys.Length; i++)
        {
            var start = (long)_keys[i] * Container.WordCount;
            if (start >= wordCount) break;
            Clear(words + done, start - done);
            var here = (int)Math.Min(Container.WordCount, wordCount - start);
            if (here == Container.WordCount) WriteBits(_containers[i], new(words + start, here));
            else WriteFirstBits(_containers[i], new(words + start, here));
            done = start + here;
        }
        Clear(words + done, wordCount - done);
        if (bitCount % 64 != 0) words[wordCount - 1] &= (1UL << (int)(bitCount % 64)) - 1;
    }

    /// <summary>The numbers below <paramref name="bitCount"/> whose bit is set.</summary>
    public static unsafe Bitmap FromBits(ulong* words, long bitCount)
    {
        if (bitCount < 0 || bitCount > 1L << 32) Throw.Invalid($"{bitCount} bits are not between 0 and 2^32");
        var keys = new List<ushort>();
        var containers = new List<Container>();
        Span<ulong> scratch = stackalloc ulong[Container.WordCount];
        for (long start = 0; start < bitCount; start += Container.ChunkSize)
        {
            var bits = (int)Math.Min(Container.ChunkSize, bitCount - start);
            scoped var chunk = new ReadOnlySpan<ulong>(words + (start / 64), (bits + 63) / 64);
            if (bits < Container.ChunkSize)
            {
                scratch.Clear();
                chunk.CopyTo(scratch);
                if (bits % 64 != 0) scratch[bits / 64] &= (1UL << (bits % 64)) - 1;
                chunk = scratch;
            }
            if (!ContainerForms.TryFromWords(chunk, out var container)) continue;
            keys.Add((ushort)(start >> 16));
            containers.Add(container);
        }
        return new([.. keys], [.. containers]);
    }

    public bool Equals(Bitmap? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || other.Count != Count || !_keys.AsSpan().SequenceEqual(other._keys)) return false;
        for (var i = 0; i < _containers.Length; i++)
            if (!_containers[i].Equals(other._containers[i])) return false;
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as Bitmap);

    public override int GetHashCode() => IsEmpty ? 0 : HashCode.Combine(Count, Min, Max);

    public override string ToString() => IsEmpty ? "empty" : $"{Count} of {Min}..{Max}";

    internal static uint Join(ushort key, ushort low) => ((uint)key << 16) | low;

    static void WriteBits(in Container container, Span<ulong> words)
    {
        if (container.Kind == ContainerKind.Words)
        {
            container.Words.CopyTo(words);
            return;
        }
        words.Clear();
        container.SetBits(words);
    }

    static void WriteFirstBits(in Container container, Span<ulong> words)
    {
        Span<ulong> whole = stackalloc ulong[Container.WordCount];
        WriteBits(container, whole);
        whole[..words.Length].CopyTo(words);
    }

    static unsafe void Clear(ulong* words, long count)
    {
        for (; count > 0; count -= int.MaxValue, words += int.MaxValue) new Span<ulong>(words, (int)Math.Min(count, int.MaxValue)).Clear();
    }
}
