using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed unsafe class TableReaderTests
{
    static byte[] Key(int i) => System.Text.Encoding.ASCII.GetBytes($"key{i:d8}");

    static TableImage Image(int entries, TableWriterOptions? options = null)
    {
        var oracle = new TableOracle();
        for (var i = 0; i < entries; i++) oracle.Entries.Add(new(Key(i), 5, EffectKind.Put, 0, 0, BitConverter.GetBytes(i * 31L)));
        return TableImage.Of(oracle, 1, options);
    }

    static void CheckFind(TableReader table, int i, ref BlockLease lease)
    {
        var key = Key(i);
        Assert.True(table.TryFind(key, KeyHash.Compute(key), 5, out var found, ref lease));
        Assert.Equal(i * 31L, BitConverter.ToInt64(found.Value));
    }

    /// <summary>Counts reads, and fails those it is told to.</summary>
    sealed class WatchedFile(byte[] bytes) : IReadableFile
    {
        public int Reads;
        public int FailFrom = int.MaxValue;

        public string Path => "watched";

        public long Length => bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            if (Interlocked.Increment(ref Reads) > FailFrom) throw new AevumException(ErrorCode.InputOutput, "the device failed");
            var length = (int)Math.Min(target.Length, bytes.Length - offset);
            bytes.AsSpan((int)offset, length).CopyTo(target);
            return length;
        }

        public bool TryMap(out byte* memory)
        {
            memory = null;
            return false;
        }

        public void Dispose() { }
    }

    [Fact]
    public void A_long_scan_reads_in_large_pieces_and_a_lookup_reads_one_block()
    {
        var image = Image(60_000);
        Assert.True(image.Bytes.Length > 600_000);
        using var cache = new BlockCache(64 << 20);
        var file = new WatchedFile(image.Bytes);
        using var table = TableReader.Open(file, 1, cache);

        file.Reads = 0;
        var lease = default(BlockLease);
        CheckFind(table, 777, ref lease);
        CheckFind(table, 778, ref lease);
        Assert.Equal(1, file.Reads);
        lease.Dispose();

        int Scan(TableCursorOptions options)
        {
            file.Reads = 0;
            using var cursor = table.CreateCursor(options);
            var entries = 0;
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) entries++;
            Assert.Equal(60_000, entries);
            return file.Reads;
        }
        Assert.InRange(Scan(TableCursorOptions.Bypass), 1, image.Bytes.Length / (256 << 10) + 2);
        // It starts small and doubles: 16, 32, 64, 128, 256, 256, ... KiB.
        Assert.InRange(Scan(TableCursorOptions.Default), 1, image.Bytes.Length / (256 << 10) + 10);
        Assert.Equal(0, Scan(TableCursorOptions.Default));
        Assert.Equal(table.Properties.DataBlocks, (ulong)cache.Statistics.Blocks);
    }

    [Fact]
    public void A_scan_that_bypasses_the_cache_leaves_nothing_there()
    {
        foreach (var compression in new[] { Compression.None, Compression.Lz4 })
        {
            var image = Image(5000, new() { CompressionOf = _ => compression });
            using var cache = new BlockCache(8 << 20);
            using var table = TableReader.Open(new ArrayFile(image.Bytes), 1, cache);
            using var cursor = table.CreateCursor(TableCursorOptions.Bypass);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) { }
            Assert.Equal(0, cache.Statistics.Inserts);
            Assert.Equal(0, cache.Statistics.Refused);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_failed_read_is_reported_and_the_next_one_works(bool partitioned)
    {
        var image = Image(3000, new()
        {
            BlockBytes = 500,
            IndexBytesMax = partitioned ? 0 : 1 << 20,
            IndexPartitionBytes = 500,
            CompressionOf = _ => Compression.Lz4,
        });
        using var cache = new BlockCache(1 << 20);
        for (var failAt = 0; failAt < 12; failAt++)
        {
            var opening = new WatchedFile(image.Bytes) { FailFrom = failAt };
            try
            {
                using var early = TableReader.Open(opening, 1, cache);
            }
            catch (AevumException failure) when (failure.Code == ErrorCode.InputOutput)
            {
                continue;
            }
            Assert.True(failAt >= 4);
        }

        var file = new WatchedFile(image.Bytes);
        using var table = TableReader.Open(file, 1, cache);
        using var cursor = table.CreateCursor();
        var lease = default(BlockLease);
        var random = new SeededRandom(3);
        var failures = 0;
        for (var round = 0; round < 600; round++)
        {
            var i = random.Next(3000);
            file.Reads = 0;
            file.FailFrom = random.Next(3);
            try
            {
                if (random.OneIn(2))
                {
                    CheckFind(table, i, ref lease);
                }
                else
                {
                    cursor.Seek(Key(i), 5);
                    Assert.Equal(Key(i), cursor.Key.ToArray());
                    for (var steps = 0; steps < 60 && cursor.Valid; steps++) cursor.Next();
                    for (var steps = 0; steps < 20 && cursor.Valid; steps++) cursor.Prev();
                }
            }
            catch (AevumException failure) when (failure.Code == ErrorCode.InputOutput)
            {
                failures++;
                Assert.True(!cursor.Valid || cursor.Key.Length > 0);
                file.FailFrom = int.MaxValue;
                CheckFind(table, i, ref lease);
                cursor.Seek(Key(i), 5);
                Assert.Equal(Key(i), cursor.Key.ToArray());
            }
            if (random.OneIn(30)) table.EraseFromCache();
        }
        Assert.True(failures > 30, $"{failures}");
        lease.Dispose();
        cursor.Dispose();
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.Null(cache.FindInconsistency());
    }

    [Fact]
    public void Threads_read_one_table_at_once_through_a_small_cache()
    {
        var image = Image(8000,
            new() { IndexBytesMax = 0, IndexPartitionBytes = 800, BlockBytes = 1000, CompressionOf = _ => Compression.Lz4 });
        using var cache = new BlockCache(60_000);
        foreach (var access in new[] { TableAccess.Cached, TableAccess.Mapped })
        {
            using var table = TableReader.Open(new ArrayFile(image.Bytes), 1, cache, new() { Access = access });
            var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
            var threads = Enumerable.Range(1, 3).Select(seed => new Thread(() =>
            {
                try
                {
                    var random = new SeededRandom((ulong)seed);
                    var lease = default(BlockLease);
                    using var cursor = table.CreateCursor();
                    for (var i = 0; i < 2500; i++)
                    {
                        CheckFind(table, random.Next(8000), ref lease);
                        if (!random.OneIn(10)) continue;
                        var at = random.Next(7900);
                        cursor.Seek(Key(at), 5);
                        for (var step = 0; step < 80; step++, cursor.Next())
                            Assert.Equal((at + step) * 31L, BitConverter.ToInt64(cursor.Value));
                    }
                    lease.Dispose();
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
        Assert.Equal(0, cache.Statistics.PinnedBytes);
        Assert.Null(cache.FindInconsistency());
    }

    [Fact]
    public void A_real_file_is_read_by_either_access()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"aevum-table-{Guid.NewGuid():n}");
        var files = new DiskFileSystem();
        files.CreateDirectory(directory);
        try
        {
            var path = Path.Combine(directory, "t");
            using (var writer = new TableWriter(files.Create(path), 1))
            {
                for (var i = 0; i < 5000; i++) writer.Add(Key(i), 5, EffectKind.Put, 0, 0, BitConverter.GetBytes(i * 31L));
                writer.Finish();
            }
            using var cache = new BlockCache(1 << 20);
            foreach (var access in new[] { TableAccess.Cached, TableAccess.Mapped })
            {
                using var table = TableReader.Open(files, path, 1, cache, new() { Access = access });
                var lease = default(BlockLease);
                for (var i = 0; i < 5000; i += 7) CheckFind(table, i, ref lease);
                lease.Dispose();
                Assert.Empty(table.Verify());
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
