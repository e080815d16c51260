using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

public sealed class PersistentMapTests
{
    [Theory, Seeds(10)]
    public void A_map_is_a_sorted_dictionary_and_old_ones_never_change(ulong seed)
    {
        var random = new SeededRandom(seed);
        var oracle = new SortedDictionary<int, int>();
        var map = PersistentMap<int, int>.Empty;
        var kept = new List<(PersistentMap<int, int> Map, KeyValuePair<int, int>[] Items)>();
        for (var i = 0; i < 600; i++)
        {
            var key = random.Next(100);
            if (random.OneIn(2)) (map, oracle[key]) = (map.With(key, i), i);
            else if (oracle.Remove(key)) map = map.Without(key);
            else Assert.Same(map, map.Without(key));
            Check(map, [.. oracle], random.Next(100));
            if (random.OneIn(40)) kept.Add((map, [.. oracle]));
        }
        foreach (var (old, items) in kept) Check(old, items, 0);
    }

    static void Check(PersistentMap<int, int> map, KeyValuePair<int, int>[] items, int probe)
    {
        Assert.Equal(items, map.From(int.MinValue));
        Assert.Equal(items.Where(item => item.Key >= probe), map.From(probe));
        Assert.Equal(items.Length, map.Count);
        Assert.True(map.IsBalanced);
        var expected = items.Where(item => item.Key == probe).Select(item => (int?)item.Value).SingleOrDefault();
        Assert.Equal(expected, map.TryFind(probe, out var value) ? value : null);
    }

    [Fact]
    public void It_stays_balanced_whatever_the_order()
    {
        const int Count = 5000;
        foreach (var order in new[] { Enumerable.Range(0, Count), Enumerable.Range(0, Count).Reverse() })
        {
            var map = PersistentMap<int, int>.Empty;
            foreach (var key in order) map = map.With(key, key);
            Assert.True(map.Height <= 1.44 * Math.Log2(Count + 2), $"height {map.Height}");
            foreach (var key in order.Where(key => key % 8 != 0)) map = map.Without(key);
            Assert.True(map.Height <= 1.44 * Math.Log2((Count / 8) + 2), $"height {map.Height} of {map.Count}");
        }
    }
}
