using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Iterators;

public sealed class RangeDeletesTests
{
    static byte[] Key(string text) => Encoding.ASCII.GetBytes(text);

    static RangeDelete Range(string start, string end, ulong version) => new(Key(start), Key(end), version);

    static bool Covers(RangeDelete range, byte[] key) =>
        key.AsSpan().SequenceCompareTo(range.Start) >= 0 && key.AsSpan().SequenceCompareTo(range.End) < 0;

    // Two bytes of two letters at most, with the empty key and keys that are prefixes of others: dense enough that ends meet.
    static byte[] DrawKey(SeededRandom random)
    {
        var key = new byte[random.Next(4)];
        foreach (ref var b in key.AsSpan()) b = random.OneIn(6) ? (byte)(random.Next(2) * 255) : (byte)('a' + random.Next(4));
        return key;
    }

    static List<RangeDelete> DrawRanges(SeededRandom random) =>
        [.. Enumerable.Range(0, random.Next(12)).Select(_ => new RangeDelete(DrawKey(random), DrawKey(random), (ulong)random.Next(1, 15)))];

    [Fact]
    public void The_example_of_the_essay()
    {
        var deletes = RangeDeletes.Build([Range("a", "m", 5), Range("f", "z", 9)]);
        Assert.Equal(["a-f 5", "f-m 9 5", "m-z 9"], deletes.Fragments.Select(Describe));
    }

    static string Describe(RangeDeleteFragment fragment) =>
        $"{Encoding.ASCII.GetString(fragment.Start)}-{Encoding.ASCII.GetString(fragment.End)} {string.Join(' ', fragment.ListVersions())}";

    [Fact]
    public void Nothing_and_empty_ranges_build_nothing()
    {
        Assert.True(RangeDeletes.Build([]).IsEmpty);
        Assert.True(RangeDeletes.Build([Range("b", "b", 1), Range("c", "a", 2)]).IsEmpty);
        Assert.True(RangeDeletes.Empty.IsEmpty);
        Assert.True(RangeDeletes.Union([]).IsEmpty);
        Assert.Equal(0UL, RangeDeletes.Empty.NewestCovering(Key("a"), ulong.MaxValue));
        Assert.Equal(0UL, RangeDeletes.Empty.OldestCoveringAfter(Key("a"), 0));
        Assert.Null(RangeDeletes.Empty.FragmentOver(Key("a")));
        Assert.False(RangeDeletes.Empty.Touches(Key("a"), null));
        Assert.True(RangeDeletes.Empty.Clip(Key("a"), Key("b")).IsEmpty);
    }

    [Theory, Seeds(3)]
    public void Looking_up_gives_what_the_list_gives(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 300; round++)
        {
            var list = DrawRanges(random);
            var deletes = RangeDeletes.Build(list);
            CheckFragments(deletes);
            for (var n = 0; n < 40; n++) CheckLookups(deletes, list, DrawKey(random), (ulong)random.Next(17));
        }
    }

    static void CheckFragments(RangeDeletes deletes)
    {
        byte[]? end = null;
        foreach (var fragment in deletes.Fragments)
        {
            Assert.True(fragment.Start.AsSpan().SequenceCompareTo(fragment.End) < 0);
            if (end is not null) Assert.True(end.AsSpan().SequenceCompareTo(fragment.Start) <= 0, "fragments overlap or are out of order");
            end = fragment.End;
            var versions = fragment.ListVersions();
            Assert.NotEmpty(versions);
            Assert.Equal(versions.Distinct().OrderDescending(), versions);
            Assert.Equal((versions[0], versions[^1]), (fragment.Newest, fragment.Oldest));
        }
        Assert.Equal(deletes.Fragments.Count == 0, deletes.IsEmpty);
    }

    static void CheckLookups(RangeDeletes deletes, List<RangeDelete> list, byte[] key, ulong at)
    {
        var versions = list.Where(r => Covers(r, key)).Select(r => r.Version).ToArray();
        Assert.Equal(versions.Where(v => v <= at).DefaultIfEmpty(0UL).Max(), deletes.NewestCovering(key, at));
        Assert.Equal(versions.Where(v => v > at).DefaultIfEmpty(0UL).Min(), deletes.OldestCoveringAfter(key, at));

        var fragment = deletes.FragmentOver(key);
        Assert.Equal(versions.Distinct().OrderDescending(), fragment?.ListVersions() ?? []);
        for (ulong below = 0; fragment is not null && below < 17; below++)
            Assert.Equal(Array.Exists(versions, v => v > below && v <= at), fragment.HasBetween(below, at));

        var after = deletes.FirstEndingAfter(key);
        Assert.InRange(after, 0, deletes.Fragments.Count);
        Assert.All(deletes.Fragments.Take(after), f => Assert.True(f.End.AsSpan().SequenceCompareTo(key) <= 0));
        Assert.All(deletes.Fragments.Skip(after), f => Assert.True(f.End.AsSpan().SequenceCompareTo(key) > 0));
    }

    // Shapes that random draws seldom make: nests, stairs, equal bounds, one version again and again.
    static List<RangeDelete> DrawShaped(SeededRandom random)
    {
        var list = new List<RangeDelete>();
        var count = random.Next(1, 40);
        var (shape, few) = (random.Next(4), random.OneIn(3));
        for (var i = 0; i < count; i++)
        {
            var (start, end) = shape switch
            {
                0 => (i, 100 - i),
                1 => (i, i + 1 + random.Next(20)),
                2 => (10 * random.Next(3), 30 + (10 * random.Next(3))),
                _ => (random.Next(100), random.Next(100)),
            };
            list.Add(new([(byte)start], [(byte)end], (ulong)random.Next(1, few ? 4 : 1000)));
        }
        return list;
    }

    [Theory, Seeds(3)]
    public void Nests_stairs_and_equal_bounds_give_what_the_list_gives(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 100; round++)
        {
            var list = DrawShaped(random);
            var deletes = RangeDeletes.Build(list);
            CheckFragments(deletes);
            for (var key = 0; key <= 120; key++) CheckLookups(deletes, list, [(byte)key], (ulong)random.Next(1010));

            var flat = deletes.Flatten();
            Assert.True(flat.Count <= list.Count);
            Assert.Equal(flat.OrderBy(r => r.Start, KeyComparer.Instance).ThenByDescending(r => r.Version), flat);
            foreach (var (a, b) in flat.SelectMany((a, i) => flat.Skip(i + 1).Select(b => (a, b))))
                Assert.False(a.Version == b.Version && Shares(a, b.Start, b.End), "range deletes of one version overlap");
        }
    }

    [Fact]
    public void Range_deletes_of_one_version_that_only_touch_stay_apart()
    {
        var deletes = RangeDeletes.Build([Range("f", "m", 5), Range("a", "f", 5), Range("g", "z", 5)]);
        Assert.Equal(["a-f 5", "f-z 5"], deletes.Fragments.Select(Describe));
        Assert.Equal(2, deletes.Flatten().Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Twenty_thousand_nested_range_deletes_stay_small(bool newestOutside)
    {
        const int count = 20_000;
        var list = Enumerable.Range(0, count)
            .Select(i => new RangeDelete(Big(i), Big((2 * count) - i), (ulong)(newestOutside ? count - i : i + 1))).ToList();
        static byte[] Big(int number) => [(byte)(number >> 16), (byte)(number >> 8), (byte)number];

        var before = GC.GetAllocatedBytesForCurrentThread();
        var deletes = RangeDeletes.Build(list);
        var united = RangeDeletes.Union([deletes, RangeDeletes.Build(list)]);
        var clipped = united.Clip(Big(100), Big((2 * count) - 100));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // Listed for each fragment it would be 400 million numbers, 3.2 GB. Each range delete may leave 2 log2(fragments).
        Assert.InRange(deletes.HeldVersions, count, 2 * count * 16);
        Assert.InRange(allocated, 0, 100L << 20);
        Assert.Equal((2 * count) - 1, deletes.Fragments.Count);
        Assert.Equal((count, count, count), (deletes.Flatten().Count, united.Flatten().Count, clipped.Flatten().Count));

        foreach (var depth in (int[])[1, 2, 777, 10_000, count])
            foreach (var at in (ulong[])[0, 1, 5_000, 19_999, 20_000, ulong.MaxValue])
            {
                // Over this key lie the outermost `depth` ones: versions 1 to depth, or the last `depth`.
                var (lowest, highest) = newestOutside ? ((ulong)(count - depth + 1), (ulong)count) : (1UL, (ulong)depth);
                foreach (var set in (RangeDeletes[])[deletes, united])
                {
                    Assert.Equal(at < lowest ? 0 : Math.Min(at, highest), set.NewestCovering(Big(depth - 1), at));
                    Assert.Equal(at >= highest ? 0 : Math.Max(at + 1, lowest), set.OldestCoveringAfter(Big((2 * count) - depth), at));
                }
            }
    }

    [Theory, Seeds(3)]
    public void Touching_is_sharing_a_key_that_could_be(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 3000; round++)
        {
            var list = DrawRanges(random);
            var (start, end) = (DrawKey(random), random.OneIn(4) ? null : DrawKey(random));
            // Half-open ranges share a key if and only if the greater start lies below the lesser end.
            var expected = list.Exists(r => r.Start.AsSpan().SequenceCompareTo(r.End) < 0 && Shares(r, start, end));
            Assert.Equal(expected, RangeDeletes.Build(list).Touches(start, end));
        }
    }

    static bool Shares(RangeDelete range, byte[] start, byte[]? end)
    {
        var from = start.AsSpan().SequenceCompareTo(range.Start) > 0 ? start : range.Start;
        var to = end is not null && end.AsSpan().SequenceCompareTo(range.End) < 0 ? end : range.End;
        return from.AsSpan().SequenceCompareTo(to) < 0;
    }

    [Theory, Seeds(3)]
    public void Clipped_it_covers_the_same_within_and_nothing_outside(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 1000; round++)
        {
            var list = DrawRanges(random);
            var (start, end) = (random.OneIn(4) ? null : DrawKey(random), random.OneIn(4) ? null : DrawKey(random));
            var clipped = RangeDeletes.Build(list).Clip(start, end);
            CheckFragments(clipped);
            for (var n = 0; n < 20; n++)
            {
                var key = DrawKey(random);
                var within = start is null || key.AsSpan().SequenceCompareTo(start) >= 0;
                within &= end is null || key.AsSpan().SequenceCompareTo(end) < 0;
                CheckLookups(clipped, within ? list : [], key, (ulong)random.Next(17));
            }
        }
    }

    [Theory, Seeds(3)]
    public void Flattened_or_united_it_covers_the_same(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 300; round++)
        {
            var lists = Enumerable.Range(0, random.Next(1, 4)).Select(_ => DrawRanges(random)).ToArray();
            var union = RangeDeletes.Union([.. lists.Select(RangeDeletes.Build)]);
            var again = RangeDeletes.Build([.. union.Flatten()]);
            CheckFragments(union);
            Assert.Equal(union.Fragments.Select(Describe), again.Fragments.Select(Describe));
            var all = lists.SelectMany(l => l).ToList();
            for (var n = 0; n < 30; n++) CheckLookups(union, all, DrawKey(random), (ulong)random.Next(17));
        }
    }

    [Fact]
    public void Keys_order_as_bytes_and_equal_keys_hash_alike()
    {
        var random = new SeededRandom(1);
        var comparer = KeyComparer.Instance;
        for (var round = 0; round < 2000; round++)
        {
            var (a, b) = (DrawKey(random), DrawKey(random));
            var expected = string.CompareOrdinal(Encoding.Latin1.GetString(a), Encoding.Latin1.GetString(b));
            Assert.Equal(Math.Sign(expected), Math.Sign(comparer.Compare(a, b)));
            Assert.Equal(expected == 0, comparer.Equals(a, b));
            if (expected == 0) Assert.Equal(comparer.GetHashCode(a), comparer.GetHashCode(b));
        }
    }
}
