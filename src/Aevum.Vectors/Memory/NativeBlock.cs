// NativeBlock: one piece of native memory that never moves, counted against a budget. What grows is made of several of these, so that a reader
// beside a writer keeps a pointer that stays good.
//
// Always true: the memory begins on a cache line (on a large page where those were asked for and fit); it is freed once, by Dispose or by the
// finalizer, and the budget gets back what it lent. Whoever holds the pointer keeps the block reachable too.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Vectors;

sealed unsafe class NativeBlock : IDisposable
{
    public const int Alignment = 64;

    /// <summary>Bytes of a piece of a block, so that the next piece begins on a cache line.</summary>
    public static long Room(long bytes) => (bytes + Alignment - 1) & -Alignment;

    readonly MemoryBudget _budget;
    byte* _memory;

    /// <param name="bytes">At least 0.</param>
    /// <param name="budget">What the bytes are counted against.</param>
    /// <param name="zeroed">False: the content is garbage until written.</param>
    /// <param name="large">Ask for large pages (2 MiB), which pay where memory is walked at random. Ignored for small blocks.</param>
    /// <exception cref="AevumException">LimitExceeded: the budget or the machine has no room for it. Nothing was taken.</exception>
    public NativeBlock(long bytes, MemoryBudget budget, bool zeroed = false, bool large = false)
    {
        _budget = budget;
        if (bytes < 0) Throw.Invalid("a block's size is negative");
        budget.Reserve(bytes);
        Bytes = bytes;
        var pages = large && bytes >= NativePages.LargePageBytes;
        try
        {
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), pages ? NativePages.LargePageBytes : (nuint)Alignment);
        }
        catch (OutOfMemoryException e)
        {
            budget.Release(bytes);
            GC.SuppressFinalize(this);
            throw new AevumException(ErrorCode.LimitExceeded, $"the machine has no {bytes} bytes of memory left for vectors", e);
        }
        if (pages) NativePages.PreferLarge(_memory, bytes & -NativePages.LargePageBytes);
        if (zeroed) NativeMemory.Clear(_memory, (nuint)bytes);
    }

    ~NativeBlock() => Free();

    /// <summary>The first byte; null after Dispose.</summary>
    public byte* Pointer => _memory;

    public long Bytes { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    void Free()
    {
        if (_memory == null) return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _budget.Release(Bytes);
    }
}
