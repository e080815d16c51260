using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;

namespace Aevum.Storage.Tests.Caching;

public sealed unsafe class BlockCacheTests
{
    // A block's bytes follow from its name and length, so that any mix-up shows.
    static void Fill(ref BlockLease lease, ulong table, ulong offset, int length)
    {
        lease.Length = length;
        new Span<byte>(lease.Memory, length).Fill((byte)(table * 31 + offset * 7 + (ulong)length));
    }

    static void Check(in BlockLease lease, ulong table, ulong offset, int length)
    {
        Assert.Equal(length, lease.Length);
        var expected = (byte)(table * 31 + offset * 7 + (ulong)length);
        Assert.False(new ReadOnlySpan<byte>(lease.Memory, length).ContainsAnyExcept(expected));
    }

    static bool Touch(BlockCache cache, ulong table, ulong offset, int length)
    {
        var lease = default(BlockLease);
        var hit = cache.TryGet(table, offset, ref lease);
        if (!hit)
        {
            cache.Rent(table, offset, length, ref lease);
            Fill(ref lease, table, offset, length);
            cache.Publish(table, offset, ref lease);
        }
        Check(in lease, table, offset, length);
        lease.Dispose();
        return hit;
    }

    static int LengthOf(ulong table, ulong offset) => (int)((table * 7919 + offset * 104729) % 9000) + 1;

    [Theory, InlineData(0), InlineData(5_000), InlineData(60_000), InlineData(300_000), InlineData(3_000_000)]
    public void Holds_what_was_put_into_it_within_its_limit(int bytesMax)
    {
        using var cache = new BlockCache(bytesMax);
        var random = new SeededRandom(1);
        var held = new List<(ulong Table, ulong Offset, BlockLease Lease)>();
        long hits = 0;
        const int rounds = 30_000;
        for (var i = 0; i < rounds; i++)
        {
            ulong table = 1 + (ulong)random.Next(4), offset = (ulong)random.Next(300);
            if (Touch(cache, table, offset, LengthOf(table, offset))) hits++;
            if (random.OneIn(20))
            {
                var lease = default(BlockLease);
                if (cache.TryGet(table, offset, ref lease)) held.Add((table, offset, lease));
            }
            if (held.Count > 0 && (held.Count > 20 || random.OneIn(40)))
            {
                var at = random.Next(held.Count);
                var (t, o, lease) = held[at];
                Check(in lease, t, o, LengthOf(t, o));
                lease.Dispose();
                held.RemoveAt(at);
            }
            if (random.OneIn(500)) cache.EraseTable(table);
            if (random.OneIn(300)) Assert.Null(cache.FindInconsistency());
        }
        foreach (var (t, o, lease) in held)
        {
            Check(in lease, t, o, LengthOf(t, o));
            lease.Dispose();
        }
        Assert.Null(cache.FindInconsistency());
        var statistics = cache.Statistics;
        Assert.True(statistics.Bytes <= bytesMax);
        Assert.Equal(0, statistics.PinnedBytes);
        Assert.True(statistics.Hits >= hits);
        Assert.Equal(rounds - hits, statistics.Inserts + (bytesMax == 0 ? rounds : statistics.Refused));
        if (bytesMax >= 60_000) Assert.True(hits > 0);
        if (bytesMax == 0) Assert.Equal(0, hits);
    }

    [Fact]
    public void Everything_stays_while_there_is_room()
    {
        using var cache = new BlockCache(8 << 20);
        for (ulong i = 0; i < 1000; i++) Assert.False(Touch(cache, 1, i * 4096, 4000));
        for (ulong i = 0; i < 1000; i++) Assert.True(Touch(cache, 1, i * 4096, 4000));
        Assert.Equal(0, cache.Statistics.Evictions);
    }

    [Fact]
    public void Blocks_of_a_scan_pass_without_pushing_out_what_is_in_use()
    {
        using var cache = new BlockCache(8 << 20);
        const int hot = 800;
        for (var round = 0; round < 4; round++)
            for (ulong i = 0; i < hot; i++) Touch(cache, 1, i * 4096, 4000);

        // Twenty times the cache, each block once. An LRU would keep none of the hot blocks.
        for (ulong i = 0; i < 40_000; i++) Touch(cache, 2, i * 4096, 4000);
        var kept = 0;
        for (ulong i = 0; i < hot; i++)
            if (Touch(cache, 1, i * 4096, 4000)) kept++;
        Assert.True(kept > hot * 95 / 100, $"{kept} of {hot} kept");
    }

    [Fact]
    public void A_block_that_comes_back_soon_after_it_left_is_kept_longer()
    {
        // One shard of 64 blocks or so. Blocks asked for at a distance beyond the small queue but within the ghost's memory get into main.
        using var cache = new BlockCache(400_000);
        ulong next = 1000;
        var hits = 0;
        for (var round = 0; round < 200; round++)
        {
            for (ulong i = 0; i < 20; i++)
                if (Touch(cache, 1, i * 4096, 4000)) hits++;
            for (var i = 0; i < 60; i++) Touch(cache, 1, next++ * 4096, 4000);
        }
        Assert.True(hits > 200 * 20 / 2, $"{hits} of {200 * 20}");
    }

    // A thousand blocks, some asked for far more often than others, and room for a fifth of them.
    [Fact]
    public void Hits_at_least_as_often_as_a_list_in_order_of_use_would()
    {
        const int length = 4000;
        var cost = BufferClasses.CostOf(BufferClasses.ClassOf(length)) + CacheEntry.Bytes;
        using var cache = new BlockCache(cost * 200 + 8000);
        var lru = new LinkedList<ulong>();
        var random = new SeededRandom(17);
        int hits = 0, lruHits = 0;
        for (var i = 0; i < 60_000; i++)
        {
            // Zipf's law, roughly: rank r about as often as 1/r.
            var offset = (ulong)(Math.Exp(random.NextDouble() * Math.Log(1000)) - 1);
            if (Touch(cache, 1, offset, length)) hits++;
            if (lru.Remove(offset)) lruHits++;
            lru.AddFirst(offset);
            if (lru.Count > 200) lru.RemoveLast();
        }
        Assert.True(cache.Statistics.Blocks <= 200);
        Assert.True(hits >= lruHits, $"{hits} against {lruHits}");
    }

    [Fact]
    public void What_is_pinned_is_never_evicted_and_what_finds_no_room_stays_private()
    {
        using var cache = new BlockCache(300_000);
        var leases = new BlockLease[200];
        var inCache = 0;
        for (var i = 0; i < leases.Length; i++)
        {
            cache.Rent(1, (ulong)i, 4000, ref leases[i]);
            Fill(ref leases[i], 1, (ulong)i, 4000);
            cache.Publish(1, (ulong)i, ref leases[i]);
            if (leases[i].IsCacheMemory) inCache++;
        }
        Assert.InRange(inCache, 30, 75);
        Assert.Equal(leases.Length - inCache, cache.Statistics.Refused);
        Assert.True(cache.Statistics.Bytes <= 300_000);
        Assert.Equal(0, cache.Statistics.Evictions);
        for (var i = 0; i < leases.Length; i++)
        {
            Check(in leases[i], 1, (ulong)i, 4000);
            leases[i].Dispose();
        }
        Assert.Null(cache.FindInconsistency());
        Assert.Equal(0, cache.Statistics.PinnedBytes);
    }

    [Fact]
    public void An_erased_table_is_gone_but_its_leases_hold()
    {
        using var cache = new BlockCache(1 << 20);
        for (ulong i = 0; i < 50; i++)
        {
            Touch(cache, 1, i, 1000);
            Touch(cache, 2, i, 1000);
        }
        var lease = default(BlockLease);
        Assert.True(cache.TryGet(1, 7, ref lease));
        cache.EraseTable(1);
        var other = default(BlockLease);
        for (ulong i = 0; i < 50; i++)
        {
            Assert.False(cache.TryGet(1, i, ref other));
            Assert.True(cache.TryGet(2, i, ref other));
        }
        other.Dispose();
        Check(in lease, 1, 7, 1000);
        Assert.Null(cache.FindInconsistency());
        lease.Dispose();
        Assert.Null(cache.FindInconsistency());
        Assert.Equal(50, cache.Statistics.Blocks);
    }

    [Fact]
    public void A_rented_block_that_is_never_published_is_given_back()
    {
        using var cache = new BlockCache(1 << 20);
        for (var i = 0; i < 1000; i++)
        {
            var lease = default(BlockLease);
            cache.Rent(1, 1, 4000, ref lease);
            Assert.True(lease.IsCacheMemory);
            lease.Dispose();
        }
        Assert.Null(cache.FindInconsistency());
        Assert.Equal(0, cache.Statistics.Blocks);
        Assert.Equal(0, cache.Statistics.Refused);
    }

    [Fact]
    public void The_first_to_publish_wins()
    {
        using var cache = new BlockCache(1 << 20);
        BlockLease a = default, b = default;
        cache.Rent(1, 1, 100, ref a);
        cache.Rent(1, 1, 100, ref b);
        Fill(ref a, 1, 1, 100);
        Fill(ref b, 1, 1, 100);
        cache.Publish(1, 1, ref a);
        cache.Publish(1, 1, ref b);
        Assert.True(a.Memory == b.Memory);
        Assert.Equal(1, cache.Statistics.Blocks);
        a.Dispose();
        Check(in b, 1, 1, 100);
        b.Dispose();
        Assert.Null(cache.FindInconsistency());
    }

    [Fact]
    public void Threads_never_see_a_block_that_is_not_the_one_they_asked_for()
    {
        using var cache = new BlockCache(600_000);
        var failures = 0;
        var threads = Enumerable.Range(1, 4).Select(seed => new Thread(() =>
        {
            try
            {
                var random = new SeededRandom((ulong)seed);
                var held = new BlockLease[4];
                var names = new (ulong Table, ulong Offset)[4];
                for (var i = 0; i < 60_000; i++)
                {
                    ulong table = 1 + (ulong)random.Next(3), offset = (ulong)(random.Next(100) * random.Next(3));
                    var slot = random.Next(held.Length);
                    var (t, o) = names[slot];
                    if (held[slot].HoldsBlock) Check(in held[slot], t, o, LengthOf(t, o));
                    if (!cache.TryGet(table, offset, ref held[slot]))
                    {
                        cache.Rent(table, offset, LengthOf(table, offset), ref held[slot]);
                        Fill(ref held[slot], table, offset, LengthOf(table, offset));
                        cache.Publish(table, offset, ref held[slot]);
                    }
                    names[slot] = (table, offset);
                    Check(in held[slot], table, offset, LengthOf(table, offset));
                    if (random.OneIn(200)) cache.EraseTable(table);
                    if (random.OneIn(3)) held[slot].Dispose();
                }
                for (var i = 0; i < held.Length; i++) held[i].Dispose();
            }
            catch (Exception)
            {
                Interlocked.Increment(ref failures);
                throw;
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(0, failures);
        Assert.Null(cache.FindInconsistency());
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.True(cache.Statistics.Bytes <= 600_000);
    }

    // By the reference if one is given and still leads there, else as Touch.
    static bool TouchBy(ref ulong reference, BlockCache cache, ulong table, ulong offset, ref BlockLease lease)
    {
        var length = LengthOf(table, offset);
        var seen = Volatile.Read(ref reference);
        var followed = seen != 0 && cache.TryFollow(seen, table, offset, ref lease, new(length, IsWide: true, 0, length));
        if (!followed && !cache.TryGet(table, offset, ref lease))
        {
            cache.Rent(table, offset, length, ref lease);
            Fill(ref lease, table, offset, length);
            cache.Publish(table, offset, ref lease);
        }
        Check(in lease, table, offset, length);
        if (!followed) Volatile.Write(ref reference, cache.ReferenceTo(lease));
        return followed;
    }

    [Fact]
    public void A_reference_leads_to_its_block_while_that_is_in_the_cache_and_to_nothing_after()
    {
        using var cache = new BlockCache(300_000);
        var random = new SeededRandom(7);
        var references = new Dictionary<(ulong, ulong), List<ulong>>();
        int followed = 0, stale = 0, foreign = 0;
        for (var i = 0; i < 30_000; i++)
        {
            ulong table = 1 + (ulong)random.Next(3), offset = (ulong)random.Next(60);
            if (!references.TryGetValue((table, offset), out var known)) references[(table, offset)] = known = [];
            // What the cache has, the newest reference finds; no reference, however old, finds anything else, or what the cache has not.
            var found = default(BlockLease);
            var isCached = cache.TryGet(table, offset, ref found);
            found.Dispose();
            for (var at = 0; at < known.Count; at++)
            {
                var lease = default(BlockLease);
                if (cache.TryFollow(known[at], table, offset, ref lease, default))
                {
                    Assert.True(isCached);
                    Check(in lease, table, offset, LengthOf(table, offset));
                    followed++;
                }
                else
                {
                    Assert.False(isCached && at == known.Count - 1);
                    stale++;
                }
                lease.Dispose();
            }
            var held = default(BlockLease);
            var last = 0UL;
            TouchBy(ref last, cache, table, offset, ref held);
            if (last != 0 && (known.Count == 0 || known[^1] != last)) known.Add(last);
            // A reference that is followed under another name finds that name's block or none.
            var other = default(BlockLease);
            if (last != 0 && cache.TryFollow(last, table, offset + 1000, ref other, default)) foreign++;
            held.Dispose();
            if (known.Count > 8) known.RemoveAt(0);
            if (random.OneIn(500)) cache.EraseTable(table);
        }
        Assert.Equal(0, foreign);
        Assert.True(followed > 1000 && stale > 1000, $"{followed} followed, {stale} stale");
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.Null(cache.FindInconsistency());
    }

    [Fact]
    public void Threads_that_share_references_never_see_a_block_that_is_not_the_one_they_asked_for()
    {
        using var cache = new BlockCache(600_000);
        var references = new ulong[3 * 200];
        var failures = 0;
        long followed = 0;
        var threads = Enumerable.Range(1, 4).Select(seed => new Thread(() =>
        {
            try
            {
                var random = new SeededRandom((ulong)seed);
                var held = new BlockLease[4];
                var names = new (ulong Table, ulong Offset)[4];
                for (var i = 0; i < 60_000; i++)
                {
                    ulong table = 1 + (ulong)random.Next(3), offset = (ulong)(random.Next(100) * random.Next(3));
                    var slot = random.Next(held.Length);
                    var (t, o) = names[slot];
                    if (held[slot].HoldsBlock) Check(in held[slot], t, o, LengthOf(t, o));
                    ref var reference = ref references[(table - 1) * 200 + offset];
                    if (TouchBy(ref reference, cache, table, offset, ref held[slot])) Interlocked.Increment(ref followed);
                    names[slot] = (table, offset);
                    if (random.OneIn(200)) cache.EraseTable(table);
                    if (random.OneIn(3)) held[slot].Dispose();
                }
                for (var i = 0; i < held.Length; i++) held[i].Dispose();
            }
            catch (Exception)
            {
                Interlocked.Increment(ref failures);
                throw;
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(0, failures);
        Assert.True(followed > 1000, $"{followed} followed");
        Assert.Null(cache.FindInconsistency());
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.True(cache.Statistics.Bytes <= 600_000);
    }

    [Fact]
    public void Hits_and_misses_allocate_no_managed_memory()
    {
        using var cache = new BlockCache(1 << 20);
        for (ulong i = 0; i < 3000; i++) Touch(cache, 1, i * 4096, 4000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong i = 0; i < 3000; i++)
        {
            var lease = default(BlockLease);
            if (!cache.TryGet(1, i * 4096, ref lease))
            {
                cache.Rent(1, i * 4096, 4000, ref lease);
                lease.Length = 4000;
                cache.Publish(1, i * 4096, ref lease);
            }
            lease.Dispose();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}

public sealed class BufferClassesTests
{
    [Fact]
    public void Classes_rise_and_waste_at_most_a_fifth()
    {
        for (long bytes = 1; bytes < 1L << 31; bytes += 1 + bytes / 97)
        {
            var sizeClass = BufferClasses.ClassOf(bytes);
            var room = BufferClasses.BytesOf(sizeClass);
            Assert.True(room >= bytes);
            if (sizeClass > 0) Assert.True(BufferClasses.BytesOf(sizeClass - 1) < bytes);
            if (bytes > 2048) Assert.True(room <= bytes * 5 / 4 + 1);
        }
    }
}
