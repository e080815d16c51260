using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Ivf;

namespace Aevum.Vectors.Tests.Ivf;

/// <summary>Where rows are, held against a dictionary.</summary>
public sealed class IvfPlacesTests
{
    [Theory, Seeds(12)]
    public void Rows_are_where_they_were_set_last(ulong seed)
    {
        var random = new SeededRandom(seed);
        var budget = new MemoryBudget(16 << 20);
        using (var places = new IvfPlaces(budget))
        {
            var expected = new Dictionary<uint, (int List, int Place)>();
            // Rows that follow each other, lie at equal steps (of a Fibonacci number, which multiplication alone spreads worst), or anywhere.
            var step = (uint)random.Next(3) switch { 0 => 1u, 1 => 1_346_269u, _ => (uint)random.NextUInt64() | 1 };
            for (var i = 0; i < 6000; i++)
            {
                var row = (uint)random.Next(2000) * step;
                if (random.OneIn(3))
                {
                    places.Remove(row);
                    expected.Remove(row);
                }
                else
                {
                    places.EnsureRoom(1);
                    expected[row] = (random.Next(1 << 20), random.Next(1 << 30));
                    places.Set(row, expected[row].List, expected[row].Place);
                }
                Assert.Equal(expected.Count, places.Count);
                Check(row);
            }
            for (var i = 0u; i < 2000; i++) Check(i * step);

            void Check(uint row)
            {
                var isThere = expected.TryGetValue(row, out var place);
                Assert.Equal((isThere, isThere ? place : (-1, -1)), (places.TryGet(row, out var list, out var at), (list, at)));
            }
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Theory, InlineData(1u), InlineData(1_346_269u), InlineData(1u << 20)]
    public void A_row_costs_as_much_wherever_it_lies(uint step)
    {
        using var places = new IvfPlaces(MemoryBudget.Unlimited());
        for (var i = 0u; i < 4000; i++)
        {
            places.EnsureRoom(1);
            places.Set(i * step, 1, 1);
            if (i > 64) Assert.InRange(places.Bytes / (double)(i + 1), 14, 17);
        }
    }

    [Fact]
    public void Where_there_is_no_room_everything_stays_where_it_was()
    {
        var budget = new MemoryBudget(4000);
        using var places = new IvfPlaces(budget);
        var row = 0u;
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() =>
        {
            for (; row < 10_000; row++)
            {
                places.EnsureRoom(1);
                places.Set(row, (int)row, 7);
            }
        }).Code);
        Assert.InRange(row, 64u, 300u);
        for (var i = 0u; i < row; i++) Assert.Equal((true, (int)i), (places.TryGet(i, out var list, out _), list));
        Assert.False(places.TryGet(row, out _, out _));
    }
}
