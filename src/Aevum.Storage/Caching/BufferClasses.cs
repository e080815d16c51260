// BufferClasses: recycled native memory in size classes, for one shard of the block cache. Not thread safe: the shard's gate guards it.
//
//   classes 0..31     256, 512, ... 8,192 bytes
//   classes 32..      four to each doubling above that: 10,240, 12,288, 14,336, 16,384, 20,480, ...
//
// Freed buffers up to 64 KiB wait in a list of their class, linked through their own first bytes; larger ones go back at once.
// Every buffer, waiting or not, counts in Bytes with what the allocator adds to it.

using System.Numerics;
using System.Runtime.InteropServices;

namespace Aevum.Storage.Caching;

unsafe struct BufferClasses : IDisposable
{
    const int Step = 256;
    const int Linear = 32;
    const int LinearMax = Step * Linear;
    const int RecycledClasses = Linear + 12;

    /// <summary>What the allocator keeps beside a buffer (16 bytes in glibc; others are alike).</summary>
    const int AllocatorBytes = 16;

    byte** _free;
    ulong _nonEmpty;

    /// <summary>Memory held, waiting buffers included.</summary>
    public long Bytes { get; private set; }

    /// <summary>Memory of waiting buffers.</summary>
    public long FreeBytes { get; private set; }

    public static BufferClasses Create() =>
        new() { _free = (byte**)NativeMemory.AllocZeroed(RecycledClasses, (nuint)sizeof(byte*)) };

    /// <summary>The smallest class of at least so many bytes.</summary>
    public static int ClassOf(long bytes)
    {
        if (bytes <= LinearMax) return (int)((Math.Max(bytes, 1) + Step - 1) / Step) - 1;
        // Within [2^n, 2^(n+1)): four steps of 2^(n-2).
        var log = BitOperations.Log2((ulong)(bytes - 1));
        var quarter = ((bytes - 1) >> (log - 2)) & 3;
        return Linear + (log - 13) * 4 + (int)quarter;
    }

    /// <summary>Usable bytes of a class.</summary>
    public static long BytesOf(int sizeClass)
    {
        if (sizeClass < Linear) return (sizeClass + 1L) * Step;
        var above = sizeClass - Linear;
        return (5L + (above & 3)) << (11 + (above >> 2));
    }

    /// <summary>What a buffer of the class costs.</summary>
    public static long CostOf(int sizeClass) => BytesOf(sizeClass) + AllocatorBytes;

    /// <summary>A buffer that waits, if there is one of this class.</summary>
    public bool TryTake(int sizeClass, out byte* buffer)
    {
        buffer = null;
        if (sizeClass >= RecycledClasses || (buffer = _free[sizeClass]) == null) return false;
        _free[sizeClass] = *(byte**)buffer;
        if (_free[sizeClass] == null) _nonEmpty &= ~(1UL << sizeClass);
        FreeBytes -= CostOf(sizeClass);
        return true;
    }

    /// <summary>A new buffer. The caller has seen to the limit.</summary>
    public byte* Allocate(int sizeClass)
    {
        Bytes += CostOf(sizeClass);
        return (byte*)NativeMemory.Alloc((nuint)BytesOf(sizeClass));
    }

    public void Give(int sizeClass, byte* buffer)
    {
        if (sizeClass >= RecycledClasses)
        {
            NativeMemory.Free(buffer);
            Bytes -= CostOf(sizeClass);
            return;
        }
        *(byte**)buffer = _free[sizeClass];
        _free[sizeClass] = buffer;
        _nonEmpty |= 1UL << sizeClass;
        FreeBytes += CostOf(sizeClass);
    }

    /// <summary>Gives one waiting buffer, of the largest class that has one, back to the system.</summary>
    public bool TryTrim()
    {
        if (_nonEmpty == 0) return false;
        var sizeClass = BitOperations.Log2(_nonEmpty);
        TryTake(sizeClass, out var buffer);
        NativeMemory.Free(buffer);
        Bytes -= CostOf(sizeClass);
        return true;
    }

    public void Dispose()
    {
        if (_free == null) return;
        while (TryTrim()) { }
        NativeMemory.Free(_free);
        _free = null;
    }
}
