// ArenaPool: native memory in chunks, handed from memtable to memtable instead of going back to the operating system.
//
// The first touch of a fresh page costs about 1.5 us per 4 KiB (the kernel zeroes it), which is 50 ns for a small write. A recycled
// chunk costs nothing, so the environment keeps one pool for all its memtables. The largest chunks are large pages of the processor where
// the system gives them (about 0.35 us per 4 KiB at the first touch, and fewer TLB misses after).
//
// Chunks come in powers of two from 4 KiB to 2 MiB; an arena starts with small ones and grows, so that an idle tree costs little and
// a busy one asks rarely. Blocks for single big values have odd sizes and are not kept: they come and go with their memtable.
//
//   chunk      header, 64 bytes: next chunk (of an arena, or of a free list) | total bytes     then memory to hand out
//
// Always true: chunks are aligned to 64 bytes; their content is garbage; at most RetainedBytesMax stay in the free lists.
// Thread-safe by one lock, which is taken once per chunk, not once per allocation.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Aevum.Core.Files;

namespace Aevum.Storage.Memtables;

/// <summary>Starts every chunk. 64 bytes, so that what follows is aligned to a cache line.</summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
unsafe struct ArenaChunk
{
    public const int Bytes = 64;

    public ArenaChunk* Next;
    public nint TotalBytes;
}

sealed unsafe class ArenaPool : IDisposable
{
    /// <summary>The largest chunk that is pooled, in bytes.</summary>
    public const int ChunkBytes = NativePages.LargePageBytes;

    const int SmallestLog2 = 12;
    const int Classes = 21 - SmallestLog2 + 1;

    readonly Lock _gate = new();
    readonly nint[] _free = new nint[Classes];
    readonly long _retainedBytesMax;
    long _retainedBytes;
    long _outstandingBytes;
    bool _disposed;

    /// <param name="retainedBytesMax">Free memory kept for the next memtables; about the memtable budget is right, more is waste.</param>
    public ArenaPool(long retainedBytesMax = 256L << 20) => _retainedBytesMax = retainedBytesMax;

    /// <summary>Free bytes kept for reuse.</summary>
    public long RetainedBytes => Volatile.Read(ref _retainedBytes);

    /// <summary>Bytes rented and not yet returned.</summary>
    public long OutstandingBytes => Volatile.Read(ref _outstandingBytes);

    /// <summary>A chunk of at least <paramref name="bytes"/> in all (its header included), at most <see cref="ChunkBytes"/>.</summary>
    public ArenaChunk* Rent(int bytes)
    {
        Debug.Assert(bytes is > ArenaChunk.Bytes and <= ChunkBytes);
        var index = ClassOf(bytes);
        var total = (nint)1 << (index + SmallestLog2);
        lock (_gate)
        {
            var free = (ArenaChunk*)_free[index];
            if (free != null)
            {
                _free[index] = (nint)free->Next;
                _retainedBytes -= total;
                _outstandingBytes += total;
                free->Next = null;
                return free;
            }
        }
        return RentExactly(total);
    }

    /// <summary>Fresh memory of exactly <paramref name="total"/> bytes in all, its header included: for what is too large to share a chunk.</summary>
    public ArenaChunk* RentExactly(nint total)
    {
        // Only whole large pages: a smaller chunk must not make the kernel hand out more than it holds.
        var large = total >= ChunkBytes;
        var chunk = (ArenaChunk*)NativeMemory.AlignedAlloc((nuint)total, large ? (nuint)ChunkBytes : 64);
        if (large) NativePages.PreferLarge(chunk, total / ChunkBytes * ChunkBytes);
        chunk->Next = null;
        chunk->TotalBytes = total;
        lock (_gate) _outstandingBytes += total;
        return chunk;
    }

    /// <summary>Takes back a list of chunks linked by their headers.</summary>
    public void Return(ArenaChunk* list)
    {
        while (list != null)
        {
            var chunk = list;
            list = chunk->Next;
            var total = chunk->TotalBytes;
            var keep = false;
            lock (_gate)
            {
                _outstandingBytes -= total;
                keep = !_disposed && IsPooledSize(total) && _retainedBytes + total <= _retainedBytesMax;
                if (keep)
                {
                    var index = ClassOf(total);
                    chunk->Next = (ArenaChunk*)_free[index];
                    _free[index] = (nint)chunk;
                    _retainedBytes += total;
                }
            }
            if (!keep) NativeMemory.AlignedFree(chunk);
        }
    }

    /// <summary>Frees what is retained; what is still rented is freed when it comes back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            for (var i = 0; i < Classes; i++)
            {
                for (var chunk = (ArenaChunk*)_free[i]; chunk != null;)
                {
                    var next = chunk->Next;
                    NativeMemory.AlignedFree(chunk);
                    chunk = next;
                }
                _free[i] = 0;
            }
            _retainedBytes = 0;
        }
    }

    static bool IsPooledSize(nint total) => total is >= 1 << SmallestLog2 and <= ChunkBytes && BitOperations.IsPow2(total);

    static int ClassOf(nint bytes) => Math.Max(0, BitOperations.Log2((ulong)(bytes - 1) | 1) + 1 - SmallestLog2);
}
