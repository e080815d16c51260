// KeyHash: the 64-bit hash of a key. It is stored (Bloom filters of sorted tables hold bits chosen by it), so it never changes: a
// better hash would be a second class and a new filter format. It is XXH3-64 with seed 0, see XxHash3.
//
// It is no defence against chosen keys: there is no secret in it. Whatever is indexed by it must stay correct, and bounded in cost,
// when all keys hash alike (a filter that never says no is slow, not wrong).

using System.Runtime.CompilerServices;

namespace Aevum.Core.Bytes;

public static unsafe class KeyHash
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(byte* key, int length) => XxHash3.Compute(key, length);

    public static ulong Compute(ReadOnlySpan<byte> key) => XxHash3.Compute(key);
}
