// BitDistance: the kernels over bits: Hamming counts the bits that differ, Jaccard the common ones and those that stand in either.
//
// BitDistance runs in wide registers (IBitLanes) and needs as many bytes as one holds; the tail is read again and masked as in FloatDistance.
// WordBits takes any length, eight bytes at a time with the processor's own count of ones; it is the form for short vectors and for Arm.
//
// Exact: whole numbers, and for Jaccard one division of two of them.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

readonly unsafe struct HammingDistance<TLanes, TVector> : IDistance
    where TLanes : struct, IBitLanes<TVector>
    where TVector : struct
{
    readonly int _bytes;

    /// <param name="bytes">At least the bytes of a register.</param>
    public HammingDistance(int bytes)
    {
        Debug.Assert(bytes >= TLanes.Count, "a vector shorter than a register needs a narrower kernel");
        _bytes = bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* vector)
    {
        var sum = TLanes.Zero;
        nint i = 0, bytes = _bytes;
        for (; i <= bytes - TLanes.Count; i += TLanes.Count) sum = TLanes.AddOnes(sum, TLanes.Xor(TLanes.Load(query + i), TLanes.Load(vector + i)));
        if (i < bytes)
        {
            var left = (int)(bytes - i);
            i = bytes - TLanes.Count;
            sum = TLanes.AddOnes(sum, TLanes.KeepLast(TLanes.Xor(TLanes.Load(query + i), TLanes.Load(vector + i)), left));
        }
        return TLanes.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        TVector sumA = TLanes.Zero, sumB = TLanes.Zero, sumC = TLanes.Zero, sumD = TLanes.Zero;
        nint i = 0, bytes = _bytes;
        for (; i <= bytes - TLanes.Count; i += TLanes.Count)
        {
            var part = TLanes.Load(query + i);
            sumA = TLanes.AddOnes(sumA, TLanes.Xor(part, TLanes.Load(a + i)));
            sumB = TLanes.AddOnes(sumB, TLanes.Xor(part, TLanes.Load(b + i)));
            sumC = TLanes.AddOnes(sumC, TLanes.Xor(part, TLanes.Load(c + i)));
            sumD = TLanes.AddOnes(sumD, TLanes.Xor(part, TLanes.Load(d + i)));
        }
        if (i < bytes)
        {
            var left = (int)(bytes - i);
            i = bytes - TLanes.Count;
            var part = TLanes.Load(query + i);
            sumA = TLanes.AddOnes(sumA, TLanes.KeepLast(TLanes.Xor(part, TLanes.Load(a + i)), left));
            sumB = TLanes.AddOnes(sumB, TLanes.KeepLast(TLanes.Xor(part, TLanes.Load(b + i)), left));
            sumC = TLanes.AddOnes(sumC, TLanes.KeepLast(TLanes.Xor(part, TLanes.Load(c + i)), left));
            sumD = TLanes.AddOnes(sumD, TLanes.KeepLast(TLanes.Xor(part, TLanes.Load(d + i)), left));
        }
        Vector128.ConvertToSingle(TLanes.SumFour(sumA, sumB, sumC, sumD)).Store(results);
    }
}

readonly unsafe struct JaccardDistance<TLanes, TVector> : IDistance
    where TLanes : struct, IBitLanes<TVector>
    where TVector : struct
{
    readonly int _bytes;

    /// <param name="bytes">At least the bytes of a register.</param>
    public JaccardDistance(int bytes)
    {
        Debug.Assert(bytes >= TLanes.Count, "a vector shorter than a register needs a narrower kernel");
        _bytes = bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* vector)
    {
        TVector differing = TLanes.Zero, any = TLanes.Zero;
        nint i = 0, bytes = _bytes;
        for (; i <= bytes - TLanes.Count; i += TLanes.Count)
        {
            TVector a = TLanes.Load(query + i), b = TLanes.Load(vector + i);
            differing = TLanes.AddOnes(differing, TLanes.Xor(a, b));
            any = TLanes.AddOnes(any, TLanes.Or(a, b));
        }
        if (i < bytes)
        {
            var left = (int)(bytes - i);
            i = bytes - TLanes.Count;
            TVector a = TLanes.KeepLast(TLanes.Load(query + i), left), b = TLanes.KeepLast(TLanes.Load(vector + i), left);
            differing = TLanes.AddOnes(differing, TLanes.Xor(a, b));
            any = TLanes.AddOnes(any, TLanes.Or(a, b));
        }
        return WordBits.Jaccard(TLanes.Sum(differing), TLanes.Sum(any));
    }

    // Two counts for each of four vectors, and the division after, leave little to share.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}

/// <summary>Eight bytes at a time, of any length.</summary>
readonly unsafe struct WordBits(Metric metric, int bytes) : IDistance
{
    readonly bool _jaccard = metric == Metric.Jaccard;
    readonly int _bytes = bytes;

    /// <summary>Of two counts: bits that differ, and bits that are set in either.</summary>
    public static float Jaccard(int differing, int any) => any == 0 ? 0 : (float)((double)differing / any);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* vector)
    {
        int differing = 0, any = 0;
        nint i = 0, bytes = _bytes;
        for (; i <= bytes - 8; i += 8)
        {
            ulong a = Unsafe.ReadUnaligned<ulong>(query + i), b = Unsafe.ReadUnaligned<ulong>(vector + i);
            differing += BitOperations.PopCount(a ^ b);
            if (_jaccard) any += BitOperations.PopCount(a | b);
        }
        for (; i < bytes; i++)
        {
            differing += BitOperations.PopCount((uint)(query[i] ^ vector[i]));
            if (_jaccard) any += BitOperations.PopCount((uint)(query[i] | vector[i]));
        }
        return _jaccard ? Jaccard(differing, any) : differing;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}
