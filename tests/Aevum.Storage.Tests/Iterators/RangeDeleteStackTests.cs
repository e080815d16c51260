// Several sets of range deletes, looked at together: what the plain list of all of them says. And the sets that a memtable hands to walks.

using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Iterators;

public sealed class RangeDeleteStackTests
{
    static byte[] Key(int number) => Encoding.ASCII.GetBytes($"{number:D3}");

    static RangeDelete Draw(SeededRandom random, ulong version)
    {
        var start = random.Next(200);
        return new RangeDelete(Key(start), Key(start + random.Next(1, random.OneIn(5) ? 100 : 8)), version);
    }

    static bool Covers(RangeDelete range, byte[] key) =>
        key.AsSpan().SequenceCompareTo(range.Start) >= 0 && key.AsSpan().SequenceCompareTo(range.End) < 0;

    static void Check(RangeDeleteStack stack, IReadOnlyList<RangeDelete> all, byte[] key, SeededRandom random)
    {
        var covering = all.Where(r => Covers(r, key)).Select(r => r.Version).ToArray();
        var at = random.OneIn(3) ? ulong.MaxValue : (ulong)random.Next(1, 300);
        Assert.Equal(covering.Where(v => v <= at).DefaultIfEmpty().Max(), stack.NewestCovering(key, at));
        var below = (ulong)random.Next(0, 300);
        Assert.Equal(covering.Any(v => v > below && v <= at), stack.HasBetween(key, below, at));
    }

    [Theory, Seeds(4)]
    public void Walks_and_jumps_see_what_the_list_says(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 60; round++)
        {
            var lists = Enumerable.Range(0, random.Next(5)).Select(_ =>
                Enumerable.Range(0, random.Next(12)).Select(_ => Draw(random, (ulong)random.Next(1, 250))).ToArray()).ToArray();
            RangeDelete[] all = [.. lists.SelectMany(l => l)];
            var stack = new RangeDeleteStack([.. lists.Select(RangeDeletes.Build)]);
            Assert.Equal(all.Length == 0, stack.IsEmpty);
            var at = random.Next(310);
            for (var step = 0; step < 150; step++)
            {
                at = random.Next(10) switch
                {
                    0 => random.Next(310),
                    < 4 => Math.Max(0, at - random.Next(4)),
                    _ => Math.Min(309, at + random.Next(4)),
                };
                Check(stack, all, Key(at), random);
            }
        }
    }

    [Fact]
    public void Nothing_covers_nothing()
    {
        Assert.True(RangeDeleteStack.Empty.IsEmpty);
        Assert.Equal(0UL, RangeDeleteStack.Empty.NewestCovering("a"u8, ulong.MaxValue));
        Assert.False(new RangeDeleteStack([RangeDeletes.Empty]).HasBetween("a"u8, 0, ulong.MaxValue));
    }

    [Theory, Seeds(3)]
    public void The_sets_of_a_memtable_are_all_that_was_added(ulong seed)
    {
        var random = new SeededRandom(seed);
        var deletes = new MemtableRangeDeletes();
        var all = new List<RangeDelete>();
        for (ulong version = 1; version <= 250; version++)
        {
            var delete = Draw(random, version);
            all.Add(delete);
            deletes.Add(delete);
            if (!random.OneIn(3)) continue;
            var sets = deletes.Sets();
            Assert.Same(sets, deletes.Sets());
            Assert.InRange(sets.Count, 1, 10);
            var stack = new RangeDeleteStack(sets);
            for (var look = 0; look < 20; look++) Check(stack, all, Key(random.Next(310)), random);
            Assert.Equal(all.Count, sets.Sum(s => s.Flatten().Count));
        }
    }
}
