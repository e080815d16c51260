using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Tests.Exact;

public sealed unsafe class TopKTests
{
    [Fact]
    public void Keys_sort_as_distances_do_and_then_as_rows_do()
    {
        float[] distances = [float.NegativeInfinity, -3e38f, -1.5f, -1e-45f, 0f, 1e-45f, 0.5f, 2f, 3e38f, float.PositiveInfinity];
        var keys = distances.SelectMany(d => (uint[])[0, 1, uint.MaxValue], DistanceKey.Of).ToArray();
        Assert.Equal(keys.Order(), keys);
        Assert.Equal(distances.SelectMany(_ => (uint[])[0, 1, uint.MaxValue]), keys.Select(DistanceKey.Row));
        Assert.Equal(distances.SelectMany(d => (float[])[d, d, d]), keys.Select(DistanceKey.Distance));
        Assert.Equal(DistanceKey.Of(0f, 5), DistanceKey.Of(-0f, 5));
        Assert.True(keys[^1] < DistanceKey.Max || DistanceKey.Row(keys[^1]) == uint.MaxValue);
    }

    [Fact]
    public void What_is_kept_is_the_head_of_what_was_offered()
    {
        var random = new SeededRandom(9);
        var keys = stackalloc ulong[20];
        for (var round = 0; round < 300; round++)
        {
            var capacity = random.Next(1, 20);
            var max = random.OneIn(2) ? float.PositiveInfinity : random.Next(0, 20);
            var top = new TopK(keys, capacity, max);
            List<Neighbour> offered = [];
            for (uint row = 0; row < 60; row++) offered.Add(new(row, random.Next(-20, 20)));
            while (offered.Count > 0 && random.Next(offered.Count + 1) > 0) offered.RemoveAt(random.Next(offered.Count));
            var shuffled = offered.OrderBy(_ => random.NextUInt64()).ToArray();
            foreach (var o in shuffled)
            {
                if (o.Distance > top.Bound) Assert.False(top.Offer(o.Distance, o.Row));
                else top.Offer(o.Distance, o.Row);
            }
            var expected = offered.Where(o => o.Distance <= max).OrderBy(o => o.Distance).ThenBy(o => o.Row).Take(capacity);
            var sorted = top.Sort();
            var kept = new List<Neighbour>();
            for (var i = 0; i < top.Count; i++) kept.Add(DistanceKey.Neighbour(sorted[i]));
            Assert.Equal(expected, kept);
        }
    }
}
