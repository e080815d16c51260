// FreeNodes: memory that nobody can reach any more, by size, to be taken again. Last in, first out: what was used last is the likeliest to be in the
// core's cache still. The addresses are kept beside the memory, not in it: giving a piece back does not touch it.

using System.Runtime.CompilerServices;

namespace Aevum.Storage.Memtables;

sealed unsafe class FreeNodes
{
    /// <summary>Larger ones are not kept: they stay unused until the memtable goes.</summary>
    public const int BytesMax = 4096;

    const int Step = 8;
    const int Ahead = 6;

    readonly nint[]?[] _stacks = new nint[]?[(BytesMax / Step) + 1];
    readonly int[] _counts = new int[(BytesMax / Step) + 1];

    /// <summary>A piece of exactly so many bytes; null: there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Take(nint bytes)
    {
        if (bytes > BytesMax) return null;
        ref var count = ref _counts[(int)bytes / Step];
        if (count == 0) return null;
        var stack = _stacks[(int)bytes / Step]!;
        // What comes next is asked for while this one is filled.
        if (count > Ahead)
        {
            MemtableTree.Prefetch((byte*)stack[count - 1 - Ahead]);
            MemtableTree.Prefetch((byte*)stack[count - 1 - Ahead] + 64);
        }
        return (byte*)stack[--count];
    }

    /// <param name="bytes">As it was allocated: a multiple of 8, at most <see cref="BytesMax"/>.</param>
    public void Add(nint node, int bytes)
    {
        ref var stack = ref _stacks[bytes / Step];
        ref var count = ref _counts[bytes / Step];
        stack ??= new nint[64];
        if (count == stack.Length) Array.Resize(ref stack, 2 * count);
        stack[count++] = node;
    }
}
