// ChunkPool: the memory that output waits in, shared by the connections of a loop. Two sizes are kept for the next who needs them; what is
// larger is made and freed. So a connection that has nothing to say holds nothing.
//
//   chunk, from first byte to last:   next (8), capacity (4), start (4), end (4), padding (4), bytes
//
// On the loop only.

using System.Runtime.InteropServices;

namespace Aevum.Core.Network;

unsafe struct Chunk
{
    /// <summary>Bytes of this head.</summary>
    public const int HeadBytes = 24;

    public Chunk* Next;

    /// <summary>Bytes behind the head.</summary>
    public int Capacity;

    /// <summary>The first byte not sent.</summary>
    public int Start;

    /// <summary>Behind the last byte written.</summary>
    public int End;

    public static byte* Bytes(Chunk* chunk) => (byte*)chunk + HeadBytes;
}

sealed unsafe class ChunkPool : IDisposable
{
    const int Small = 16 << 10;
    const int Large = 128 << 10;

    // 4 MiB and 8 MiB at most are kept.
    const int SmallKept = 256;
    const int LargeKept = 64;

    Chunk* _small, _large;
    int _smallCount, _largeCount;

    /// <summary>Chunks given out and not given back.</summary>
    public int Rented { get; private set; }

    /// <param name="bytes">At least so many behind the head.</param>
    /// <param name="first">The first of its connection: most replies fit in a small one. Those that follow are large.</param>
    public Chunk* Rent(int bytes, bool first)
    {
        Rented++;
        var chunk = first && bytes <= Small - Chunk.HeadBytes ? Take(ref _small, ref _smallCount, Small)
            : bytes <= Large - Chunk.HeadBytes ? Take(ref _large, ref _largeCount, Large)
            : Make((long)bytes + Chunk.HeadBytes);
        chunk->Next = null;
        chunk->Start = chunk->End = 0;
        return chunk;
    }

    public void Return(Chunk* chunk)
    {
        Rented--;
        if (chunk->Capacity == Small - Chunk.HeadBytes && _smallCount < SmallKept) Keep(chunk, ref _small, ref _smallCount);
        else if (chunk->Capacity == Large - Chunk.HeadBytes && _largeCount < LargeKept) Keep(chunk, ref _large, ref _largeCount);
        else NativeMemory.Free(chunk);
    }

    public void Dispose()
    {
        Free(ref _small);
        Free(ref _large);
        _smallCount = _largeCount = 0;
    }

    static Chunk* Take(ref Chunk* list, ref int count, int size)
    {
        if (list is null) return Make(size);
        var chunk = list;
        list = chunk->Next;
        count--;
        return chunk;
    }

    static Chunk* Make(long size)
    {
        var chunk = (Chunk*)NativeMemory.Alloc((nuint)size);
        chunk->Capacity = (int)Math.Min(size - Chunk.HeadBytes, int.MaxValue);
        return chunk;
    }

    /// <summary>A large chunk, empty, that is no pool's until it is adopted. Any thread.</summary>
    public static Chunk* MakeLarge()
    {
        var chunk = Make(Large);
        chunk->Next = null;
        chunk->Start = chunk->End = 0;
        return chunk;
    }

    /// <summary>So many chunks made elsewhere are given out by this pool from now on.</summary>
    public void Adopt(int chunks) => Rented += chunks;

    static void Keep(Chunk* chunk, ref Chunk* list, ref int count)
    {
        chunk->Next = list;
        list = chunk;
        count++;
    }

    internal static void Free(ref Chunk* list)
    {
        while (list is not null)
        {
            var next = list->Next;
            NativeMemory.Free(list);
            list = next;
        }
    }
}
