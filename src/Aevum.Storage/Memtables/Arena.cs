// Arena: memory that is handed out by moving a pointer and given back all at once.
//
// One writer allocates. Addresses stay valid until Release, so readers follow plain pointers and never ask the arena anything.
// Nothing is rented before the first allocation: an idle memtable owns no native memory.

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

/// <remarks>A mutable struct: keep it in a field, never copy it.</remarks>
unsafe struct Arena
{
    readonly ArenaPool _pool;
    byte* _at;
    byte* _end;
    ArenaChunk* _chunks;
    int _nextChunkBytes;
    long _allocatedBytes;

    public Arena(ArenaPool pool, int firstChunkBytes)
    {
        _pool = pool;
        _nextChunkBytes = Math.Clamp(firstChunkBytes, 4096, ArenaPool.ChunkBytes);
    }

    /// <summary>Native bytes this arena holds, used or not.</summary>
    public readonly long AllocatedBytes => _allocatedBytes;

    /// <param name="bytes">A multiple of 8; of 64 on every call if blocks must be aligned to cache lines.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Allocate(nint bytes)
    {
        var at = _at;
        if (bytes > _end - at) return AllocateSlow(bytes);
        _at = at + bytes;
        return at;
    }

    /// <summary>Makes sure that allocations of together <paramref name="bytes"/> cannot fail.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory; nothing changed.</exception>
    public void Reserve(int bytes)
    {
        if (bytes > _end - _at) RentChunk(bytes);
    }

    public void Release()
    {
        _pool?.Return(_chunks);
        _chunks = null;
        _at = _end = null;
        _allocatedBytes = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    byte* AllocateSlow(nint bytes)
    {
        if (bytes > ArenaPool.ChunkBytes / 4)
        {
            // A block of its own: the present chunk goes on serving small allocations.
            var own = Adopt(_pool.RentExactly(bytes + ArenaChunk.Bytes));
            return (byte*)own + ArenaChunk.Bytes;
        }
        RentChunk((int)bytes);
        return Allocate(bytes);
    }

    void RentChunk(int bytes)
    {
        var chunk = Adopt(_pool.Rent(Math.Max(bytes + ArenaChunk.Bytes, _nextChunkBytes)));
        _at = (byte*)chunk + ArenaChunk.Bytes;
        _end = (byte*)chunk + chunk->TotalBytes;
        _nextChunkBytes = Math.Min(_nextChunkBytes * 4, ArenaPool.ChunkBytes);
    }

    ArenaChunk* Adopt(ArenaChunk* chunk)
    {
        chunk->Next = _chunks;
        _chunks = chunk;
        _allocatedBytes += chunk->TotalBytes;
        return chunk;
    }
}
