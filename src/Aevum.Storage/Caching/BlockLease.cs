using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aevum.Storage.Caching;

/// <summary>Holds one block in memory until it is disposed: pinned in the cache, or in memory of its own, or where no holding is
/// needed.</summary>
/// <remarks>The default value holds nothing. Disposing one lease twice is harmless, disposing two copies of it is not: pass it by
/// reference. A lease must be disposed before its cache is.</remarks>
unsafe struct BlockLease : IDisposable
{
    const int Alignment = 64;

    // With a cache: the entry it pins. Without: private memory, or nothing.
    void* _owned;
    BlockCache? _cache;

    /// <summary>The block's contents, uncompressed and verified.</summary>
    public byte* Memory;

    /// <summary>Bytes of <see cref="Memory"/>.</summary>
    public long Length;

    public readonly bool HoldsBlock => Memory != null;

    /// <summary>True if the block counts against a cache's limit.</summary>
    public readonly bool IsCacheMemory => _cache is not null;

    internal readonly CacheEntry* Entry => _cache is null ? null : (CacheEntry*)_owned;

    /// <summary>A block that lies in memory which needs no holding: a mapped file, or a buffer of the caller's.</summary>
    public static BlockLease Unowned(byte* memory, long length) => new() { Memory = memory, Length = length };

    /// <summary>Memory that belongs to this lease alone, aligned to a cache line.</summary>
    public static BlockLease Private(long length)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)length, Alignment);
        return new() { _owned = memory, Memory = memory, Length = length };
    }

    /// <summary>A lease over an entry that the caller has pinned for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Hold(BlockCache cache, CacheEntry* entry)
    {
        _owned = entry;
        _cache = cache;
        Memory = entry->Memory;
        Length = entry->Length;
    }

    /// <summary>Takes private memory out of the lease. To be freed with NativeMemory.AlignedFree.</summary>
    public byte* Detach()
    {
        System.Diagnostics.Debug.Assert(_cache is null, "cache memory stays the cache's");
        var memory = (byte*)_owned;
        this = default;
        return memory;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        if (_owned == null)
        {
            Memory = null;
            return;
        }
        Release();
    }

    void Release()
    {
        if (_cache is null) NativeMemory.AlignedFree(_owned);
        else _cache.Unpin((CacheEntry*)_owned);
        this = default;
    }
}
