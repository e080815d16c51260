// LatencyHistogram: how often which time was taken, in fixed memory: 1,248 counters, 10 KB, whatever is recorded.
//
//   0 to 63 ns        a bucket for each nanosecond
//   from 64 ns on     each doubling is cut into 32 buckets of equal width, so a bucket is at most 1/32 of its values wide
//   from 2^43 ns on   (2.4 hours) the last bucket takes everything
//
// So each power of two is the beginning of a bucket: how many were below it is known exactly, not about. The idea is that of HdrHistogram (Gil Tene).
//
// One writer and no lock: a reader on another thread sees each counter as it was at some moment since it began to read.

using System.Numerics;

namespace Aevum.Server.Resp.Measuring;

sealed class LatencyHistogram
{
    const int StepBits = 5;
    const int Steps = 1 << StepBits;
    const int ExponentMax = 43;

    /// <summary>How many buckets there are.</summary>
    public const int Buckets = (ExponentMax - StepBits + 1) << StepBits;

    readonly long[] _counts = new long[Buckets];

    /// <summary>Counts a time. By the writer only.</summary>
    public void Record(long nanoseconds) => _counts[BucketOf(nanoseconds)]++;

    /// <summary>Counts a time that several things took. By the writer only.</summary>
    public void Record(long nanoseconds, long times) => _counts[BucketOf(nanoseconds)] += times;

    /// <summary>Adds what was recorded to a sum.</summary>
    public void AddTo(LatencyDistribution sum)
    {
        for (var i = 0; i < Buckets; i++) sum.Add(i, Volatile.Read(ref _counts[i]));
    }

    public static int BucketOf(long nanoseconds)
    {
        if (nanoseconds < 2 * Steps) return (int)Math.Max(nanoseconds, 0);
        var shift = BitOperations.Log2((ulong)nanoseconds) - StepBits;
        return Math.Min((shift << StepBits) + (int)(nanoseconds >> shift), Buckets - 1);
    }

    /// <summary>The least time of a bucket.</summary>
    public static long FirstOf(int bucket)
    {
        if (bucket < 2 * Steps) return bucket;
        var shift = (bucket >> StepBits) - 1;
        return (long)(bucket - (shift << StepBits)) << shift;
    }

    /// <summary>The greatest time of a bucket; of the last one too, which has no end.</summary>
    public static long LastOf(int bucket) => FirstOf(bucket + 1) - 1;
}

/// <summary>Histograms summed up, or what came to them since a moment.</summary>
sealed class LatencyDistribution
{
    readonly long[] _counts = new long[LatencyHistogram.Buckets];

    /// <summary>Times counted.</summary>
    public long Count { get; private set; }

    public void Add(int bucket, long times)
    {
        _counts[bucket] += times;
        Count += times;
    }

    /// <summary>Adds what is counted here to another sum.</summary>
    public void AddTo(LatencyDistribution sum)
    {
        for (var i = 0; i < _counts.Length; i++) sum.Add(i, _counts[i]);
    }

    /// <summary>Takes away what an earlier sum of the same histograms had.</summary>
    public void Subtract(LatencyDistribution earlier)
    {
        for (var i = 0; i < _counts.Length; i++) Add(i, -earlier._counts[i]);
    }

    /// <summary>The time that so many percent of all times do not exceed, as the greatest one of its bucket. 0 if nothing was counted.</summary>
    /// <param name="percent">Above 100 is 100.</param>
    public long NanosecondsAt(double percent)
    {
        // The rank of HdrHistogram, so that both say the same of the same times: rounded to the next, the first at least.
        var rank = Math.Max(1, (long)((Math.Min(percent, 100) / 100 * Count) + 0.5));
        for (var i = 0; i < _counts.Length; i++)
            if ((rank -= _counts[i]) <= 0 && Count > 0) return LatencyHistogram.LastOf(i);
        return 0;
    }

    /// <summary>How many times were shorter. Exact for powers of two.</summary>
    public long CountBelow(long nanoseconds)
    {
        var end = LatencyHistogram.BucketOf(nanoseconds);
        long below = 0;
        for (var i = 0; i < end; i++) below += _counts[i];
        return below;
    }

    /// <summary>How many times were shorter than 1,024 ns, 2,048 ns and so on; the first of each count, as LATENCY HISTOGRAM tells them. The bound is
    /// told in microseconds as Redis tells it, which has buckets of 1/128 and names the end of the one that begins there (33, not 32).</summary>
    public IEnumerable<(long Microseconds, long Count)> Doublings()
    {
        long told = 0;
        for (var bound = 1024L; told < Count; bound *= 2)
        {
            var below = LatencyHistogram.BucketOf(bound) == LatencyHistogram.Buckets - 1 ? Count : CountBelow(bound);
            if (below > told) yield return ((bound + (bound / 128) - 1) / 1000, below);
            told = below;
        }
    }
}
