using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Tests.Resp.Measuring;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Buckets_follow_each_other_without_gap_and_are_narrow()
    {
        Assert.Equal(0, LatencyHistogram.FirstOf(0));
        for (var bucket = 0; bucket < LatencyHistogram.Buckets - 1; bucket++)
        {
            var (first, last) = (LatencyHistogram.FirstOf(bucket), LatencyHistogram.LastOf(bucket));
            Assert.Equal(last + 1, LatencyHistogram.FirstOf(bucket + 1));
            Assert.Equal(bucket, LatencyHistogram.BucketOf(first));
            Assert.Equal(bucket, LatencyHistogram.BucketOf(last));
            Assert.True(last - first <= first / 32, $"bucket {bucket} is from {first} to {last}");
        }
        Assert.Equal(LatencyHistogram.Buckets - 1, LatencyHistogram.BucketOf(long.MaxValue));
        Assert.Equal(0, LatencyHistogram.BucketOf(-1));
        for (var power = 0; power < 43; power++) Assert.Equal(1L << power, LatencyHistogram.FirstOf(LatencyHistogram.BucketOf(1L << power)));
    }

    // The oracle is the sorted list of everything that was recorded.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Percentiles_and_counts_agree_with_a_sorted_list(ulong seed)
    {
        var random = new SeededRandom(seed);
        var histogram = new LatencyHistogram();
        var all = new List<long>();
        for (var i = 0; i < 5000; i++)
        {
            var value = (long)(random.NextUInt64() >> random.Next(24, 64));
            histogram.Record(value);
            all.Add(value);
        }
        all.Sort();
        var sum = new LatencyDistribution();
        histogram.AddTo(sum);
        Assert.Equal(all.Count, sum.Count);
        foreach (var percent in (double[])[0, 0.1, 1, 25, 50, 90, 99, 99.9, 100, 200])
        {
            var rank = Math.Clamp((int)((Math.Min(percent, 100) / 100 * all.Count) + 0.5), 1, all.Count);
            var exact = all[rank - 1];
            var told = sum.NanosecondsAt(percent);
            Assert.True(told >= exact && told - exact <= exact / 32, $"{percent} percent: {told}, not {exact}");
        }
        for (var power = 0; power < 40; power++) Assert.Equal(all.Count(v => v < 1L << power), sum.CountBelow(1L << power));
        Assert.Equal(all.Count, sum.Doublings().Last().Count);
    }

    [Fact]
    public void Doublings_are_told_where_something_came_as_redis_tells_them()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(300, times: 99);
        histogram.Record(3_000, times: 7);
        histogram.Record(5_000, times: 5);
        histogram.Record(20_000);
        var sum = new LatencyDistribution();
        histogram.AddTo(sum);
        Assert.Equal([(1, 99), (4, 106), (8, 111), (33, 112)], sum.Doublings());
    }

    [Fact]
    public void What_came_since_is_a_difference()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(100);
        var before = new LatencyDistribution();
        histogram.AddTo(before);
        histogram.Record(1_000_000);
        var since = new LatencyDistribution();
        histogram.AddTo(since);
        since.Subtract(before);
        Assert.Equal(1, since.Count);
        Assert.InRange(since.NanosecondsAt(50), 1_000_000, 1_032_000);
        Assert.Equal(0, new LatencyDistribution().NanosecondsAt(99));
        Assert.Empty(new LatencyDistribution().Doublings());
    }

    [Fact]
    public void Times_beyond_the_last_bucket_are_counted_in_it()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(long.MaxValue);
        var sum = new LatencyDistribution();
        histogram.AddTo(sum);
        Assert.Equal(1, sum.Count);
        Assert.Equal((1L << 43) - 1, sum.NanosecondsAt(100));
        Assert.Equal(1, Assert.Single(sum.Doublings()).Count);
    }
}
