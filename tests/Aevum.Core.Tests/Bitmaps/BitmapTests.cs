using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Tests.Bytes;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bitmaps;

public sealed unsafe class BitmapTests
{
    [Theory, Seeds(35)]
    public void Operations_agree_with_sorted_sets(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (a, b) = (RandomSets.Next(random), RandomSets.Next(random));
        var (left, right) = (RandomSets.ToBitmap(a), RandomSets.ToBitmap(b));
        AssertSame(a.Intersect(b), left.And(right));
        AssertSame(a.Union(b), left.Or(right));
        AssertSame(a.Except(b).Union(b.Except(a)), left.Xor(right));
        AssertSame(a.Except(b), left.AndNot(right));
        AssertSame(b.Except(a), right.AndNot(left));
        Assert.Equal(a.Count(b.Contains), left.CountCommon(right));
        Assert.Equal(a.Count(b.Contains), right.CountCommon(left));
        Assert.Equal(a.Overlaps(b), left.Overlaps(right));
        Assert.Equal(a.IsSubsetOf(b), left.IsSubsetOf(right));
        Assert.True(left.And(right).IsSubsetOf(right));
        var first = random.Next(RandomSets.Bound);
        var last = random.Next(first, RandomSets.Bound);
        var range = Enumerable.Range(first, last - first + 1).Select(v => (uint)v).ToHashSet();
        AssertSame(a.Where(v => !range.Contains(v)).Concat(range.Where(v => !a.Contains(v))), left.Flip((uint)first, (uint)last));
    }

    [Theory, Seeds(40)]
    public void Questions_agree_with_sorted_sets(ulong seed)
    {
        var random = new SeededRandom(seed);
        var set = RandomSets.Next(random);
        var bitmap = RandomSets.ToBitmap(set);
        AssertSame(set, bitmap);
        var members = set.ToArray();
        Assert.Equal(members.Length, bitmap.Count);
        if (members.Length > 0) Assert.Equal((members[0], members[^1]), (bitmap.Min, bitmap.Max));
        for (var i = 0; i < 200; i++)
        {
            var value = (uint)random.Next(RandomSets.Bound);
            if (members.Length > 0 && random.OneIn(2)) value = members[random.Next(members.Length)] + (uint)random.Next(2);
            Assert.Equal(set.Contains(value), bitmap.Contains(value));
            var at = Array.BinarySearch(members, value);
            Assert.Equal(at < 0 ? ~at : at, bitmap.Rank(value));
            if (members.Length == 0) continue;
            var rank = random.Next(members.Length);
            Assert.Equal(members[rank], bitmap.Select(rank));
            Assert.Equal(rank, bitmap.Rank(members[rank]));
        }
    }

    [Theory, Seeds(40)]
    public void A_walk_leaps_and_reads_as_a_sorted_array_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var members = RandomSets.Next(random).ToArray();
        var bitmap = RandomSets.ToBitmap(members);
        var walk = bitmap.GetEnumerator();
        var next = 0;   // index of the first member not yet passed
        var target = new uint[5_000];
        while (true)
        {
            switch (random.Next(3))
            {
                case 0:
                    var count = random.Next(target.Length);
                    var expected = members.Skip(next).Take(count).ToArray();
                    Assert.Equal(expected.Length, walk.Read(target.AsSpan(0, count)));
                    Assert.Equal(expected, target[..expected.Length]);
                    next += expected.Length;
                    break;
                case 1:
                    Assert.Equal(next < members.Length, walk.MoveNext());
                    if (next < members.Length) Assert.Equal(members[next++], walk.Current);
                    break;
                default:
                    var near = next < members.Length ? members[next] : RandomSets.Bound;
                    var to = (uint)Math.Clamp(near + random.Next(random.OneIn(4) ? 70_000 : 100) - 20L, 0, uint.MaxValue);
                    while (next < members.Length && members[next] < to) next++;
                    Assert.Equal(next < members.Length, walk.SkipTo(to));
                    if (next < members.Length) Assert.Equal(members[next++], walk.Current);
                    break;
            }
            if (next < members.Length) continue;
            Assert.False(walk.MoveNext());
            Assert.Equal(0, walk.Read(target));
            return;
        }
    }

    [Theory, Seeds(40)]
    public void Dense_bits_go_out_and_in(ulong seed)
    {
        var random = new SeededRandom(seed);
        var set = RandomSets.Next(random);
        var bitmap = RandomSets.ToBitmap(set);
        var bitCount = random.OneIn(3) ? 64 * random.Next(RandomSets.Bound / 64) : random.Next(RandomSets.Bound + 1_000);
        using var memory = new GuardedMemory(8 * ((bitCount + 63) / 64));
        var bytes = memory.AtEnd(8 * ((bitCount + 63) / 64));
        random.Fill(bytes);
        fixed (byte* pinned = bytes)
        {
            var words = (ulong*)pinned;
            bitmap.CopyTo(words, bitCount);
            for (var i = 0; i < ((bitCount + 63) & -64); i++)
                if ((words[i / 64] >> i & 1) != 0 != (i < bitCount && set.Contains((uint)i))) Assert.Fail($"bit {i} of {bitCount}");
            AssertSame(set.Where(v => v < bitCount), Bitmap.FromBits(words, bitCount));
            // What lies behind the last bit counts for nothing.
            if (bitCount % 64 != 0) words[bitCount / 64] |= ulong.MaxValue << bitCount;
            AssertSame(set.Where(v => v < bitCount), Bitmap.FromBits(words, bitCount));
        }
    }

    [Fact]
    public void The_whole_range_of_numbers_fits()
    {
        var all = Bitmap.Range(0, uint.MaxValue);
        Assert.Equal(1L << 32, all.Count);
        Assert.Equal((0u, uint.MaxValue), (all.Min, all.Max));
        Assert.Equal(uint.MaxValue, all.Select((1L << 32) - 1));
        Assert.Equal(uint.MaxValue, all.Rank(uint.MaxValue));
        Assert.True(all.AndNot(all).IsEmpty);
        var most = all.Flip(7, 7).Flip(uint.MaxValue, uint.MaxValue);
        Assert.Equal((1L << 32) - 2, most.Count);
        Assert.Equal(8u, most.Select(7));
        Assert.Equal([7u, uint.MaxValue], all.AndNot(most).ToArray());
        var walk = all.GetEnumerator();
        Assert.True(walk.SkipTo(uint.MaxValue));
        Assert.Equal(uint.MaxValue, walk.Current);
        Assert.False(walk.MoveNext());
    }

    [Fact]
    public void What_has_no_answer_is_refused()
    {
        Invalid(() => _ = Bitmap.Empty.Min);
        Invalid(() => _ = Bitmap.Empty.Max);
        Invalid(() => Bitmap.Of(1, 2).Select(2));
        Invalid(() => Bitmap.Of(1, 2).Select(-1));
        Invalid(() => Bitmap.Range(2, 1));
        Invalid(() => Bitmap.Empty.CopyTo(null, -1));
        Invalid(() => Bitmap.FromBits(null, (1L << 32) + 1));
        Invalid(() => new BitmapBuilder().AddRange(2, 1));
        Invalid(() => new BitmapBuilder().RemoveRange(2, 1));
    }

    [Fact]
    public void A_set_takes_its_smallest_form()
    {
        Assert.Equal(ContainerKind.Array, Bitmap.Of(1, 2, 5, 9).Containers[0].Kind);
        Assert.Equal(ContainerKind.Runs, Bitmap.Range(10, 20).Containers[0].Kind);
        Assert.Equal(ContainerKind.Array, Bitmap.Range(10, 11).Containers[0].Kind);   // 4 bytes in both forms
        var odd = RandomSets.ToBitmap(Enumerable.Range(0, 4_097).Select(v => (uint)(2 * v)));
        Assert.Equal(ContainerKind.Words, odd.Containers[0].Kind);
        Assert.Equal(ContainerKind.Array, odd.AndNot(Bitmap.Of(0)).Containers[0].Kind);
        Assert.Equal(ContainerKind.Runs, odd.Or(Bitmap.Range(0, 60_000)).Containers[0].Kind);
        Assert.True(Bitmap.Range(0, 1 << 30).MemoryBytes < 2_000_000);
    }

    internal static void AssertSame(IEnumerable<uint> expected, Bitmap actual)
    {
        var sorted = expected.Order().ToArray();
        Assert.Equal(sorted.Length, actual.Count);
        Assert.True(sorted.AsSpan().SequenceEqual(actual.ToArray()));
        // A set has one form, however it came about.
        var same = RandomSets.ToBitmap(sorted);
        Assert.Equal(same, actual);
        Assert.Equal(same.GetHashCode(), actual.GetHashCode());
        Assert.Equal(BitmapFormat.ToBytes(same), BitmapFormat.ToBytes(actual));
    }

    static void Invalid(Action action) => Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(action).Code);
}
