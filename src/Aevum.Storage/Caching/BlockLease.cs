using System.Runtime.InteropServices;

namespace Aevum.Storage.Caching;

/// <summary>Holds one block in memory until it is disposed. A lease that holds nothing is the default value; disposing twice is harmless,
/// disposing two copies is not: pass it by reference.</summary>
unsafe struct BlockLease : IDisposable
{
    const int Alignment = 64;

    byte* _private;

    /// <summary>The block's contents, uncompressed and verified.</summary>
    public byte* Memory;

    /// <summary>Bytes of <see cref="Memory"/>.</summary>
    public long Length;

    public readonly bool HoldsBlock => Memory != null;

    /// <summary>A block that lies in memory which needs no holding: a mapped file, or a buffer of the caller's.</summary>
    public static BlockLease Unowned(byte* memory, long length) => new() { Memory = memory, Length = length };

    /// <summary>Memory that belongs to this lease alone.</summary>
    public static BlockLease Private(long length)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)length, Alignment);
        return new() { _private = memory, Memory = memory, Length = length };
    }

    /// <summary>Takes private memory out of the lease. To be freed with NativeMemory.AlignedFree.</summary>
    public byte* Detach()
    {
        var memory = _private;
        this = default;
        return memory;
    }

    public void Dispose()
    {
        if (_private != null) NativeMemory.AlignedFree(_private);
        this = default;
    }
}
