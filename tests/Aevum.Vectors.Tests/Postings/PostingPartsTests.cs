using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Postings;

namespace Aevum.Vectors.Tests.Postings;

public sealed unsafe class PostingPartsTests
{
    [Theory, Seeds(20)]
    public void Versions_are_what_a_dictionary_holds(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new Dictionary<ulong, (ulong, uint)>();
        using var map = new VersionMap(MemoryBudget.Unlimited());
        var ids = 1 + random.Next(400);
        for (var step = 0; step < 3_000; step++)
        {
            var id = random.OneIn(10) ? ulong.MaxValue - (ulong)random.Next(5) : (ulong)random.Next(ids);
            if (random.Next(100) < 40)
            {
                Assert.Equal(model.Remove(id), map.Remove(id));
            }
            else
            {
                var value = (1 + (ulong)random.Next((long)VersionMap.VersionMax), (uint)random.Next((int)VersionMap.HomeMax + 1));
                model[id] = value;
                map.Set(id, value.Item1, value.Item2);
            }
            Assert.Equal(model.Count, map.Count);
            var asked = (ulong)random.Next(ids);
            Assert.Equal(model.TryGetValue(asked, out var right), map.TryFind(asked, out var version, out var home));
            Assert.Equal(right, (version, home));
            Assert.Equal(model.ContainsKey(asked), map.IsLive(asked, version) && version > 0);
            Assert.False(map.IsLive(asked, version + 1));
        }
        var all = new Dictionary<ulong, (ulong, uint)>();
        map.ForEach((id, version, home) => all.Add(id, (version, home)));
        Assert.Equal(model.OrderBy(p => p.Key), all.OrderBy(p => p.Key));
    }

    [Fact]
    public void A_budget_without_room_is_an_error_and_the_map_as_it_was()
    {
        var budget = new MemoryBudget(64 * 16);
        using var map = new VersionMap(budget);
        for (ulong id = 0; id < 48; id++) map.Set(id, id + 1, 7);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => map.Set(48, 1, 1)).Code);
        for (ulong id = 0; id < 48; id++) Assert.True(map.IsLive(id, id + 1));
        Assert.Equal(48, map.Count);
    }

    [Theory, Seeds(20)]
    public void Two_means_part_what_is_apart_and_never_leave_a_group_too_small(ulong seed)
    {
        var random = new SeededRandom(seed);
        var dimension = random.Next(1, 20);
        var count = random.Next(2, 80);
        var vectors = new float[count * dimension];
        var isFar = new bool[count];
        var kind = random.Next(3);   // two clusters, one point, one cloud
        for (var i = 0; i < count; i++)
        {
            isFar[i] = kind == 0 && i % 2 == 1;
            for (var c = 0; c < dimension; c++) vectors[(i * dimension) + c] = kind == 1 ? 3 : (isFar[i] ? 50 : 0) + (float)TestVectors.Normal(random);
        }
        var (means, isSecond) = (new float[2 * dimension], new bool[count]);
        fixed (float* v = vectors, m = means) TwoMeans.Split(v, count, dimension, m, isSecond, random);
        var second = isSecond.Count(s => s);
        Assert.InRange(second, (count + 3) / 4, count - ((count + 3) / 4));
        if (kind == 0 && count >= 4) Assert.True(isSecond.SequenceEqual(isFar) || isSecond.SequenceEqual(isFar.Select(f => !f)));
        for (var side = 0; side < 2; side++)
            for (var c = 0; c < dimension; c++)
                Assert.Equal(Enumerable.Range(0, count).Where(i => isSecond[i] == (side == 1)).Average(i => vectors[(i * dimension) + c]),
                    means[(side * dimension) + c], 1e-3);
    }

    [Fact]
    public void Ids_are_numbered_as_they_come()
    {
        var ids = new IdNumbers();
        var random = new SeededRandom(3);
        for (var round = 0; round < 5; round++)
        {
            ids.Clear();
            var model = new Dictionary<ulong, uint>();
            for (var i = 0; i < 3_000; i++)
            {
                var id = (ulong)random.Next(2_000) << (random.OneIn(2) ? 40 : 0);
                Assert.Equal(model.TryAdd(id, (uint)model.Count), ids.TryAdd(id, out var number));
                if (number == model.Count - 1) Assert.Equal(id, ids[number]);
            }
            foreach (var (id, number) in model) Assert.Equal(id, ids[number]);
        }
    }
}
