using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Tests.Tables;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Caching;

public sealed class TableCacheTests : IDisposable
{
    readonly MemoryFileSystem _files = new();
    readonly BlockCache _blocks = new(4 << 20);

    public void Dispose() => _blocks.Dispose();

    void Write(ulong id)
    {
        var oracle = new TableOracle();
        for (var i = 0; i < 200; i++)
            oracle.Entries.Add(new(BitConverter.GetBytes(i * 7919), 1, Core.Batches.EffectKind.Put, 0, 0, BitConverter.GetBytes(id)));
        oracle.Sort();
        oracle.Write(_files, $"{id}", id);
    }

    static void Check(in TableLease lease, ulong id, int i)
    {
        var key = BitConverter.GetBytes(i * 7919);
        var block = default(BlockLease);
        Assert.True(lease.Reader.TryFind(key, KeyHash.Compute(key), ulong.MaxValue, out var found, ref block));
        Assert.Equal(id, BitConverter.ToUInt64(found.Value));
        block.Dispose();
    }

    [Fact]
    public void Keeps_at_most_the_limit_open_and_opens_again_what_it_closed()
    {
        using var cache = new TableCache(_files, _blocks, openMax: 5);
        var tables = new CachedTable[20];
        for (ulong id = 1; id <= 20; id++)
        {
            Write(id);
            tables[id - 1] = cache.Add($"{id}", id);
        }
        Assert.Equal(0, cache.OpenTables);
        var random = new SeededRandom(3);
        for (var i = 0; i < 2000; i++)
        {
            var id = 1 + (ulong)random.Next(20);
            using var lease = tables[id - 1].Acquire();
            Check(in lease, id, random.Next(200));
            Assert.InRange(cache.OpenTables, 1, 6);
        }
        Assert.InRange(cache.OpenTables, 1, 5);

        // What was read stays in the block cache while its table is closed: 20 tables of two blocks each.
        Assert.True(_blocks.Statistics.Misses <= 20 * 3);
    }

    [Fact]
    public void Leased_tables_stay_open_beyond_the_limit()
    {
        using var cache = new TableCache(_files, _blocks, openMax: 2);
        var leases = new List<TableLease>();
        var tables = new List<CachedTable>();
        for (ulong id = 1; id <= 6; id++)
        {
            Write(id);
            tables.Add(cache.Add($"{id}", id));
            leases.Add(tables[^1].Acquire());
        }
        Assert.Equal(6, cache.OpenTables);
        for (ulong id = 1; id <= 6; id++) Check(leases[(int)id - 1], id, 5);
        foreach (var lease in leases) lease.Dispose();
        Assert.InRange(cache.OpenTables, 0, 2);
    }

    [Fact]
    public void Memory_of_indexes_and_filters_is_bounded()
    {
        Write(1);
        long one;
        using (var cache = new TableCache(_files, _blocks))
        {
            using (cache.Add("1", 1).Acquire()) one = cache.Bytes;
            Assert.True(one > 200 * 10 / 8);
        }
        using (var cache = new TableCache(_files, _blocks, bytesMax: one * 3 + 100))
        {
            for (ulong id = 1; id <= 10; id++)
            {
                Write(id);
                using var lease = cache.Add($"{id}", id).Acquire();
                Check(in lease, id, 7);
            }
            Assert.InRange(cache.Bytes, 1, one * 3 + 100);
            Assert.InRange(cache.OpenTables, 1, 3);
        }
    }

    [Fact]
    public void A_removed_table_closes_with_its_last_lease_and_its_blocks_go()
    {
        using var cache = new TableCache(_files, _blocks);
        Write(1);
        var table = cache.Add("1", 1);
        var lease = table.Acquire();
        Check(in lease, 1, 3);
        table.Remove();
        Check(in lease, 1, 4);
        Assert.Equal(1, cache.OpenTables);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => table.Acquire()).Code);
        lease.Dispose();
        Assert.Equal(0, cache.OpenTables);
        Assert.Equal(0, cache.Bytes);
        Assert.Equal(0, _blocks.Statistics.Blocks);
    }

    [Fact]
    public void A_table_that_cannot_be_opened_says_so_each_time()
    {
        using var cache = new TableCache(_files, _blocks);
        var table = cache.Add("nowhere", 1);
        for (var i = 0; i < 2; i++) Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => table.Acquire()).Code);
        Write(1);
        _files.Rename("1", "nowhere");
        using (var lease = table.Acquire()) Check(in lease, 1, 3);
    }

    [Fact]
    public void Many_threads_share_one_open_reader()
    {
        var counting = new CountingFileSystem(_files);
        using var cache = new TableCache(counting, _blocks, openMax: 3);
        for (ulong id = 1; id <= 8; id++) Write(id);
        var tables = Enumerable.Range(1, 8).Select(id => cache.Add($"{id}", (ulong)id)).ToArray();

        // All at once for one table: one open.
        Parallel(8, _ =>
        {
            using var lease = tables[0].Acquire();
            Check(in lease, 1, 1);
        });
        Assert.Equal(1, counting.Opens);

        // Then a storm over all, with closing under way.
        Parallel(4, seed =>
        {
            var random = new SeededRandom((ulong)seed);
            for (var i = 0; i < 3000; i++)
            {
                var id = 1 + (ulong)random.Next(8);
                using var lease = tables[id - 1].Acquire();
                Check(in lease, id, random.Next(200));
            }
        });
        Assert.InRange(cache.OpenTables, 1, 3);
        Assert.Null(_blocks.FindInconsistency());
    }

    static void Parallel(int count, Action<int> body)
    {
        var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        var threads = Enumerable.Range(0, count).Select(i => new Thread(() =>
        {
            try
            {
                body(i);
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Empty(failures);
    }

    sealed class CountingFileSystem(IFileSystem inner) : ForwardingFiles(inner)
    {
        int _opens;

        public int Opens => _opens;

        public override IReadableFile OpenRead(string path)
        {
            Interlocked.Increment(ref _opens);
            return base.OpenRead(path);
        }
    }
}
