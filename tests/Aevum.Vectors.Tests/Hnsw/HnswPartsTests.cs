using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>The parts of the graph index, each against something slow and obvious.</summary>
public sealed unsafe class HnswPartsTests
{
    [Theory, Seeds(20)]
    public void Ids_are_found_as_in_a_dictionary(ulong seed)
    {
        var random = new SeededRandom(seed);
        var budget = MemoryBudget.Unlimited();
        using var rows = new RowTable(budget);
        using var ids = new RowIds(rows, budget);
        var model = new Dictionary<ulong, uint>();
        rows.Ensure(3000, exact: false);
        var free = new Stack<uint>(Enumerable.Range(0, 3000).Select(i => (uint)i));
        // Few different ids, some far apart and some side by side, so that runs of places form and break.
        ulong Draw() => random.OneIn(2) ? (ulong)random.Next(1500) : (ulong)random.Next(700) << 40;
        for (var step = 0; step < 6000; step++)
        {
            var id = Draw();
            if (random.OneIn(3))
            {
                Assert.Equal(model.Remove(id, out var expected), ids.Remove(id, out var removed));
                Assert.Equal(expected, removed);
                if (removed != 0 || expected != 0) free.Push(removed);
            }
            else if (free.TryPop(out var row))
            {
                rows.Begin(row, id, 0, RowTable.None);
                ids.Set(id, row);
                if (model.TryGetValue(id, out var old)) free.Push(old);
                model[id] = row;
            }
            var asked = Draw();
            Assert.Equal(model.TryGetValue(asked, out var held), ids.TryFind(asked, out var found));
            Assert.Equal(held, found);
            Assert.Equal(model.Count, ids.Count);
        }
        foreach (var (id, row) in model)
        {
            Assert.True(ids.TryFind(id, out var found));
            Assert.Equal(row, found);
        }
    }

    [Theory, Seeds(30)]
    public void Pools_keep_the_nearest_and_give_each_once(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var scratch = new SearchScratch(MemoryBudget.Unlimited());
        var ef = random.Next(1, 60);
        scratch.EnsureKeys(ef);
        var sorted = new SortedPool(scratch.Keys, ef, 3);
        Check(ref sorted, ef, random, out var nearest);
        Assert.Equal(nearest, Keys(scratch, sorted.Count));

        using var other = new SearchScratch(MemoryBudget.Unlimited());
        other.EnsureKeys(ef);
        var heaps = new HeapPool(other.Keys, other, ef);
        Check(ref heaps, ef, random, out nearest);
        heaps.Sort();
        Assert.Equal(nearest, Keys(other, heaps.Count));
    }

    static (float, uint)[] Keys(SearchScratch scratch, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (PoolKey.Distance(scratch.Keys[i]), PoolKey.Row(scratch.Keys[i])))];

    // Offers and takes at random: what is taken is the nearest of what is among the ef nearest and was not taken.
    static void Check<TPool>(ref TPool pool, int ef, SeededRandom random, out (float, uint)[] nearest)
        where TPool : struct, IPool
    {
        var kept = new SortedSet<(float Distance, uint Row)>();
        var taken = new HashSet<uint>();
        for (var row = 0u; row < 300; row++)
        {
            // Few different distances, negative ones too: ties go to the lower row.
            var distance = random.Next(-20, 40) / 4f;
            Assert.Equal(kept.Count == ef ? kept.Max.Distance : float.PositiveInfinity, pool.Bound);
            if (distance < pool.Bound)
            {
                pool.Offer(distance, row);
                kept.Add((distance, row));
                if (kept.Count > ef) kept.Remove(kept.Max);
            }
            if (!random.OneIn(3)) continue;
            var open = kept.Where(k => !taken.Contains(k.Row)).ToArray();
            Assert.Equal(open.Length > 0, pool.TryTake(out var given, out _));
            if (open.Length == 0) continue;
            Assert.Equal(open[0].Row, given);
            taken.Add(given);
        }
        nearest = [.. kept.Select(k => (k.Distance, k.Row))];
    }

    [Fact]
    public void Keys_order_as_distances_do()
    {
        float[] distances = [float.NegativeInfinity, -1e30f, -2, -1e-40f, 0, 1e-40f, 1, 3, float.MaxValue];
        for (var i = 0; i < distances.Length; i++)
        {
            Assert.Equal(distances[i], PoolKey.Distance(PoolKey.Of(distances[i], 7)));
            Assert.Equal(7u, PoolKey.Row(PoolKey.Of(distances[i], 7)));
            if (i > 0) Assert.True(PoolKey.Of(distances[i - 1], 9) < PoolKey.Of(distances[i], 1));
        }
        Assert.Equal(PoolKey.Of(0, 3), PoolKey.Of(-0f, 3));
        Assert.True(PoolKey.Of(1, 3) < PoolKey.Of(1, 4));
    }

    [Theory]
    [InlineData(64, 32)]
    [InlineData(100, 32)]
    [InlineData(130, 48)]
    public void A_turn_keeps_distances_and_leads_with_the_axes(int dimension, int cut)
    {
        var random = new SeededRandom((ulong)dimension);
        var axes = Orthonormal(dimension, cut, random);
        using var rotation = new LeadingRotation(axes, 1, MemoryBudget.Unlimited());
        var (x, y) = (Normal(dimension, random), Normal(dimension, random));
        var (turnedX, turnedY) = (Turn(rotation, x), Turn(rotation, y));
        Assert.Equal(Distance(x, y), Distance(turnedX, turnedY), 1e-4 * Distance(x, y));
        for (var i = 0; i < cut; i++)
        {
            var along = 0.0;
            for (var j = 0; j < dimension; j++) along += axes[i][j] * x[j];
            Assert.Equal(Math.Abs(along), Math.Abs(turnedX[i]), 1e-4);
        }
        // In place, and back.
        fixed (float* vector = x)
        {
            var before = x.ToArray();
            rotation.Apply(vector, vector);
            Assert.Equal(turnedX, x);
            rotation.ApplyInverse(vector, vector);
            for (var i = 0; i < dimension; i++) Assert.Equal(before[i], x[i], 1e-5);
        }
    }

    [Fact]
    public void The_axes_of_a_sample_are_found_or_there_are_none()
    {
        var budget = MemoryBudget.Unlimited();
        var random = new SeededRandom(3);
        var planted = Orthonormal(80, 10, random);
        var vectors = new float[1000][];
        for (var s = 0; s < vectors.Length; s++)
        {
            // Far from the origin: without centring the offset would be the first axis.
            vectors[s] = Normal(80, random);
            for (var i = 0; i < 80; i++) vectors[s][i] = (vectors[s][i] * 0.02f) + 50;
            foreach (var axis in planted)
            {
                var along = 3 * TestVectors.Normal(random);
                for (var i = 0; i < 80; i++) vectors[s][i] += (float)(along * axis[i]);
            }
        }
        using (var rotation = Learn(vectors))
        {
            Assert.NotNull(rotation);
            Assert.Equal(32, rotation.Cut);
            Assert.InRange(rotation.Energy, 0.99, 1.0001);
            Assert.Equal(rotation.Energy, EnergyOf(vectors, rotation), 1e-3);
            // What lies along a planted axis lies in the front.
            foreach (var axis in planted)
            {
                var turned = Turn(rotation, [.. axis.Select(a => (float)a)]);
                Assert.InRange(turned.Take(32).Sum(a => a * a), 0.99, 1.01);
            }
        }
        Assert.Null(Learn([.. Enumerable.Range(0, 1000).Select(_ => Normal(80, random))]));
        // All alike: no variance, no axes.
        Assert.Null(Learn([.. Enumerable.Range(0, 200).Select(_ => new float[80])]));
        Assert.Null(Learn(vectors[..100]));

        LeadingRotation? Learn(float[][] sample) => OnPointers(sample, p => PrincipalAxes.Learn(p, 80, new SeededRandom(1), budget));

        double EnergyOf(float[][] sample, LeadingRotation rotation) => OnPointers(sample, p => PrincipalAxes.EnergyOf(p, rotation));
    }

    [Fact]
    public void Slabs_never_move_and_refuse_what_the_budget_lacks()
    {
        var budget = new MemoryBudget(3 << 20);
        using (var table = new SlabTable(100, budget, zeroed: true))
        {
            var places = new List<nint>();
            var refused = Assert.Throws<AevumException>((Action)(() =>
            {
                for (var row = 0u; ; row++)
                {
                    table.Ensure(row + 1);
                    places.Add((nint)table[row]);
                    Assert.Equal(0, *(int*)table[row]);
                    *(uint*)table[row] = row;
                }
            }));
            Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
            Assert.True(places.Count > 20_000);
            for (var row = 0; row < places.Count; row++)
            {
                Assert.Equal(places[row], (nint)table[(uint)row]);
                Assert.Equal((uint)row, *(uint*)table[(uint)row]);
            }
            Assert.Equal(table.Bytes, budget.UsedBytes);
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    public void A_filter_is_the_same_from_bits_and_from_a_bitmap(int percent)
    {
        var random = new SeededRandom((ulong)percent);
        var builder = new BitmapBuilder();
        var words = new ulong[40];
        for (var row = 0u; row < 2500; row++)
            if (random.Next(100) < percent)
            {
                builder.Add(row);
                words[row / 64] |= 1UL << (int)(row % 64);
            }
        builder.Add(1_000_000);
        using var dense = new PreparedFilter(words);
        using var compressed = new PreparedFilter(builder.ToBitmap(), 2500);
        Assert.Equal(dense.Count, compressed.Count);
        Assert.Equal(percent == 3, dense.Rows != null);
        var listed = 0;
        for (var row = 0u; row < 3000; row++)
        {
            var isIn = row < 2500 && (words[row / 64] >> (int)(row % 64) & 1) != 0;
            Assert.Equal(isIn, dense.Contains(row));
            Assert.Equal(isIn, compressed.Contains(row));
            if (isIn && dense.Rows != null)
            {
                Assert.Equal(row, dense.Rows[listed]);
                Assert.Equal(row, compressed.Rows[listed++]);
            }
        }
        Assert.False(dense.Contains(uint.MaxValue));
        using var none = new PreparedFilter([]);
        Assert.Equal(0, none.Count);
        Assert.False(none.Contains(0));
    }

    [Theory]
    [InlineData(100, 100_000, 32, FilterWay.Scan)]
    [InlineData(1_000, 1_000_000, 32, FilterWay.Scan)]
    [InlineData(60_000, 120_000, 32, FilterWay.TwoHop)]
    [InlineData(100_000, 1_000_000, 32, FilterWay.TwoHop)]
    [InlineData(990_000, 1_000_000, 32, FilterWay.OverFetch)]
    [InlineData(0, 0, 32, FilterWay.Scan)]
    internal void The_cheapest_way_is_taken(long matching, long rows, int ef, FilterWay way)
    {
        var plan = FilterPlan.Choose(matching, rows, ef);
        if (way == FilterWay.TwoHop && plan.Way == FilterWay.OverFetch) Assert.True(matching * 4 > rows, "over-fetching pays only where many match");
        else Assert.Equal(way, plan.Way);
        Assert.True(plan.Ef >= ef);
    }

    [Fact]
    public void What_a_reader_stands_on_is_not_past_until_it_leaves()
    {
        using var readers = new Readers(MemoryBudget.Unlimited());
        var first = readers.Enter();
        var epoch = readers.NextEpoch();
        Assert.False(readers.IsPast(epoch));
        var second = readers.Enter();
        Assert.NotSame(first, second);
        readers.Leave(first);
        Assert.True(readers.IsPast(epoch));
        readers.Leave(second);
        // More at once than there are places for, and all come back.
        var many = Enumerable.Range(0, 40).Select(_ => readers.Enter()).ToArray();
        Assert.Equal(40, many.Distinct().Count());
        foreach (var scratch in many) readers.Leave(scratch);
        Assert.True(readers.IsPast(readers.NextEpoch()));
        readers.Close();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => readers.Enter()).Code);
    }

    delegate T OnSample<T>(float*[] sample);

    static T OnPointers<T>(float[][] sample, OnSample<T> body)
    {
        using var block = new NativeBlock(sample.Length * (long)sample[0].Length * sizeof(float), MemoryBudget.Unlimited());
        var pointers = new float*[sample.Length];
        for (var i = 0; i < sample.Length; i++)
        {
            pointers[i] = (float*)block.Pointer + (i * sample[i].Length);
            sample[i].CopyTo(new Span<float>(pointers[i], sample[i].Length));
        }
        return body(pointers);
    }

    static float[] Turn(LeadingRotation rotation, float[] vector)
    {
        var turned = new float[vector.Length];
        fixed (float* source = vector, target = turned) rotation.Apply(source, target);
        return turned;
    }

    static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => (x - y) * (double)(x - y)).Sum();

    static float[] Normal(int dimension, SeededRandom random) => [.. Enumerable.Range(0, dimension).Select(_ => (float)TestVectors.Normal(random))];

    static double[][] Orthonormal(int dimension, int count, SeededRandom random)
    {
        var axes = new double[count][];
        for (var i = 0; i < count; i++)
        {
            axes[i] = [.. Normal(dimension, random).Select(x => (double)x)];
            for (var pass = 0; pass < 2; pass++)
                for (var j = 0; j < i; j++)
                {
                    var dot = axes[i].Zip(axes[j], (x, y) => x * y).Sum();
                    for (var e = 0; e < dimension; e++) axes[i][e] -= dot * axes[j][e];
                }
            var length = Math.Sqrt(axes[i].Sum(x => x * x));
            for (var e = 0; e < dimension; e++) axes[i][e] /= length;
        }
        return axes;
    }
}
