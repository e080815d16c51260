// GhostQueue: remembers which blocks left the small queue lately, by fingerprint alone.
//
// A set-associative table: four slots a bucket, a slot = fingerprint u32 and the number of the eviction u32. An entry counts as
// forgotten when more evictions than the queue is long have passed since; so the queue needs no order of its own (S3-FIFO, section 5.2).
// A false match (about 4 in 2^32 for each question) merely puts a block into the main queue.

using System.Runtime.InteropServices;

namespace Aevum.Storage.Caching;

unsafe struct GhostQueue : IDisposable
{
    const int Ways = 4;

    ulong* _slots;
    uint _bucketMask;
    uint _evictions;

    public static long BytesFor(int buckets) => (long)buckets * Ways * sizeof(ulong);

    /// <param name="buckets">A power of two.</param>
    public static GhostQueue Create(int buckets)
    {
        var slots = (ulong*)NativeMemory.AlignedAlloc((nuint)BytesFor(buckets), 64);
        NativeMemory.Clear(slots, (nuint)BytesFor(buckets));
        return new() { _slots = slots, _bucketMask = (uint)buckets - 1, _evictions = 1 };
    }

    static uint FingerprintOf(ulong hash) => (uint)(hash >> 24) | 1;

    public void Add(ulong hash)
    {
        var bucket = _slots + (hash & _bucketMask) * Ways;
        var fingerprint = FingerprintOf(hash);
        var oldest = 0;
        uint oldestAge = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i] == 0 || (uint)(bucket[i] >> 32) == fingerprint)
            {
                oldest = i;
                break;
            }
            var age = _evictions - (uint)bucket[i];
            if (age < oldestAge) continue;
            oldest = i;
            oldestAge = age;
        }
        bucket[oldest] = ((ulong)fingerprint << 32) | _evictions;
        _evictions++;
    }

    /// <summary>True if the block was among the last <paramref name="length"/> that were added; it is forgotten then.</summary>
    public bool TryTake(ulong hash, int length)
    {
        var bucket = _slots + (hash & _bucketMask) * Ways;
        var fingerprint = FingerprintOf(hash);
        for (var i = 0; i < Ways; i++)
        {
            if ((uint)(bucket[i] >> 32) != fingerprint) continue;
            var isRecent = _evictions - (uint)bucket[i] <= (uint)length;
            bucket[i] = 0;
            return isRecent;
        }
        return false;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_slots);
        _slots = null;
    }
}
