using System.Globalization;
using System.Text;
using Aevum.Bench.Workloads.Loops;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Tests;

public sealed unsafe class LoopTests
{
    [Fact]
    public void Keys_are_what_formatting_would_write()
    {
        var random = new SeededRandom(1);
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        uint[] edges = [0, 9, 10, 99, 100, 9_999, 10_000, 10_001, 99_999_999];
        foreach (var index in edges.Concat(Enumerable.Range(0, 20_000).Select(_ => (uint)random.Next(100_000_000))))
        {
            Keys.Set(key, index);
            var text = Encoding.ASCII.GetString(key, Keys.Length);
            Assert.Equal("aevum-bench-" + index.ToString("D8", CultureInfo.InvariantCulture), text);
            Assert.Equal(index, Keys.IndexOf(new(key, Keys.Length)));
        }
    }

    [Theory]
    [InlineData("aevum-bench-0000001")]
    [InlineData("aevum-bench-0000000x")]
    [InlineData("other-bench-00000001")]
    public void Other_bytes_are_no_key(string text) => Assert.Equal(-1, Keys.IndexOf(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Values_differ_by_epoch_and_are_half_repetition()
    {
        var same = Enumerable.Range(0, 1000).Count(i => Values.Of((uint)i, 1, 100).SequenceEqual(Values.Of((uint)i, 2, 100)));
        Assert.Equal(0, same);
        var value = Values.Of(12345, 1, 1000);
        var repeated = 0;
        for (var i = 50; i < value.Length; i++) repeated += value[i] == value[i - 50] ? 1 : 0;
        Assert.InRange(repeated / 950.0, 0.45, 0.60);
    }

    [Fact]
    public void A_shuffled_order_holds_each_index_once_and_follows_its_seed()
    {
        using var first = Order.Shuffled(5_000, 3);
        using var again = Order.Shuffled(5_000, 3);
        using var other = Order.Shuffled(5_000, 4);
        var indexes = new ReadOnlySpan<uint>(first.Indexes, first.Count);
        Assert.Equal(Enumerable.Range(0, 5_000).Select(i => (uint)i), indexes.ToArray().Order());
        Assert.True(indexes.SequenceEqual(new(again.Indexes, again.Count)));
        Assert.False(indexes.SequenceEqual(new(other.Indexes, other.Count)));
    }

    [Fact]
    public void The_meter_counts_the_work_of_other_threads_too()
    {
        var meter = Meter.Start();
        long sum = 0;
        var thread = new Thread(() =>
        {
            // Until a good deal of CPU time is spent, on however slow a machine.
            while (meter.Stop().CpuNs < 30e6) sum++;
        });
        thread.Start();
        thread.Join();
        Assert.True(meter.Stop().CpuNs >= 30e6);
        Assert.NotEqual(0, sum);
    }
}
