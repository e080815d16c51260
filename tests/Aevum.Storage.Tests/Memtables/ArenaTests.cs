using Aevum.Core.Scheduling;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed unsafe class ArenaTests
{
    [Fact]
    public void Blocks_do_not_overlap_and_keep_what_is_written()
    {
        using var pool = new ArenaPool();
        var arena = new Arena(pool, 4096);
        Assert.Equal(0, arena.AllocatedBytes);
        var random = new SeededRandom(1);
        var blocks = new List<(nint At, int Length, byte Mark)>();
        for (var i = 0; i < 5000; i++)
        {
            var length = 8 * (1 + random.Next(random.OneIn(100) ? 50_000 : 30));
            var at = arena.Allocate(length);
            Assert.Equal(0, (nint)at % 8);
            new Span<byte>(at, length).Fill((byte)i);
            blocks.Add(((nint)at, length, (byte)i));
        }
        Assert.Equal(pool.OutstandingBytes, arena.AllocatedBytes);
        Assert.True(arena.AllocatedBytes >= blocks.Sum(b => b.Length));
        foreach (var (at, length, mark) in blocks) Assert.False(new ReadOnlySpan<byte>((void*)at, length).ContainsAnyExcept(mark));
        arena.Release();
        Assert.Equal(0, pool.OutstandingBytes);
    }

    [Fact]
    public void Blocks_of_whole_cache_lines_start_at_one()
    {
        using var pool = new ArenaPool();
        var arena = new Arena(pool, 4096);
        for (var i = 0; i < 300; i++) Assert.Equal(0, (nint)arena.Allocate(64 * (1 + (i % 7))) % 64);
        arena.Release();
    }

    [Fact]
    public void What_was_reserved_comes_out_of_one_chunk()
    {
        using var pool = new ArenaPool();
        var arena = new Arena(pool, 4096);
        arena.Allocate(4000);
        arena.Reserve(10_000);
        var held = arena.AllocatedBytes;
        for (var i = 0; i < 10; i++) arena.Allocate(1000);
        Assert.Equal(held, arena.AllocatedBytes);
        arena.Release();
    }

    [Fact]
    public void Chunks_are_recycled_up_to_the_bound()
    {
        using var pool = new ArenaPool(retainedBytesMax: 3 * ArenaPool.ChunkBytes);
        var first = new Arena(pool, ArenaPool.ChunkBytes);
        var chunks = new HashSet<nint>();
        for (var i = 0; i < 50; i++) chunks.Add((nint)first.Allocate(200_000) >> 20);
        first.Release();
        Assert.Equal(3 * ArenaPool.ChunkBytes, pool.RetainedBytes);
        var second = new Arena(pool, ArenaPool.ChunkBytes);
        second.Allocate(8);
        Assert.Equal(2 * ArenaPool.ChunkBytes, pool.RetainedBytes);
        second.Release();
        Assert.Equal(3 * ArenaPool.ChunkBytes, pool.RetainedBytes);
        Assert.Equal(0, pool.OutstandingBytes);
    }

    [Fact]
    public void Big_blocks_are_not_kept()
    {
        using var pool = new ArenaPool();
        var arena = new Arena(pool, 4096);
        arena.Allocate(600_000);
        arena.Allocate(3_000_000);
        Assert.Equal(3_600_000 + (2 * ArenaChunk.Bytes), arena.AllocatedBytes);
        arena.Release();
        Assert.Equal(0, pool.RetainedBytes);
    }

    [Fact]
    public void A_disposed_pool_keeps_nothing()
    {
        var pool = new ArenaPool();
        var arena = new Arena(pool, 4096);
        arena.Allocate(8);
        pool.Dispose();
        arena.Release();
        Assert.Equal(0, pool.RetainedBytes);
        Assert.Equal(0, pool.OutstandingBytes);
    }
}
