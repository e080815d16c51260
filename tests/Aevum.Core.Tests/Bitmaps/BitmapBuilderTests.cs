using Aevum.Core.Bitmaps;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bitmaps;

public sealed class BitmapBuilderTests
{
    // Every kind of change in random order against a SortedSet; bitmaps made on the way must not change afterwards.
    [Theory, Seeds(20)]
    public void Changes_agree_with_a_sorted_set(ulong seed)
    {
        var random = new SeededRandom(seed);
        var set = random.OneIn(2) ? RandomSets.Next(random) : [];
        var builder = new BitmapBuilder(RandomSets.ToBitmap(set));
        var taken = new List<(uint[] Members, Bitmap Bitmap)>();
        for (var i = 0; i < 40; i++)
        {
            Change(builder, set, random);
            Assert.Equal(set.Count, builder.Count);
            if (random.OneIn(10)) taken.Add(([.. set], builder.ToBitmap()));
        }
        BitmapTests.AssertSame(set, builder.ToBitmap());
        foreach (var (members, bitmap) in taken) BitmapTests.AssertSame(members, bitmap);
        builder.Clear();
        Assert.Equal(0, builder.Count);
        Assert.True(builder.ToBitmap().IsEmpty);
    }

    static void Change(BitmapBuilder builder, SortedSet<uint> set, SeededRandom random)
    {
        switch (random.Next(6))
        {
            case 0:
                for (var i = random.Next(3_000); i > 0; i--) Add(builder, set, (uint)(random.Next(3) * 65_536 + random.Next(65_536)));
                break;
            case 1:
                for (uint value = (uint)random.Next(RandomSets.Bound), end = value + (uint)random.Next(5_000); value < end; value += 2)
                    Add(builder, set, value);
                break;
            case 2:
                foreach (var value in set.Where(_ => random.OneIn(3)).ToArray()) Remove(builder, set, value);
                break;
            case 3:
                for (var i = 0; i < 50; i++) Remove(builder, set, (uint)random.Next(RandomSets.Bound));
                break;
            default:
                var first = random.OneIn(4) ? 65_536 * random.Next(4) : random.Next(RandomSets.Bound);
                var last = random.OneIn(4) ? (first | 65_535) : Math.Min(first + random.Next(random.OneIn(4) ? 100_000 : 300), RandomSets.Bound);
                var range = Enumerable.Range(first, last - first + 1).Select(v => (uint)v);
                if (random.OneIn(2))
                {
                    builder.AddRange((uint)first, (uint)last);
                    set.UnionWith(range);
                }
                else
                {
                    builder.RemoveRange((uint)first, (uint)last);
                    set.ExceptWith(range);
                }
                break;
        }
    }

    static void Add(BitmapBuilder builder, SortedSet<uint> set, uint value)
    {
        Assert.Equal(set.Contains(value), builder.Contains(value));
        Assert.Equal(set.Add(value), builder.Add(value));
    }

    static void Remove(BitmapBuilder builder, SortedSet<uint> set, uint value)
    {
        Assert.Equal(set.Remove(value), builder.Remove(value));
        Assert.False(builder.Contains(value));
    }
}
