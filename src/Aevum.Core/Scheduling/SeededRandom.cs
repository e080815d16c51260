// SeededRandom: xoshiro256** seeded through splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018).
// The same seed gives the same numbers on every platform and in every version of .NET, which System.Random does not promise.

using System.Numerics;

namespace Aevum.Core.Scheduling;

public sealed class SeededRandom
{
    ulong _s0, _s1, _s2, _s3;

    public SeededRandom(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    // From a state as the authors' reference vectors give it.
    internal SeededRandom(ulong s0, ulong s1, ulong s2, ulong s3) => (_s0, _s1, _s2, _s3) = (s0, s1, s2, s3);

    static ulong SplitMix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, <paramref name="bound"/>), by multiplication and shift (the bias is below bound / 2^64).</summary>
    public long Next(long bound) => (long)Math.BigMul(NextUInt64(), (ulong)bound, out _);

    /// <summary>Uniform in [0, <paramref name="bound"/>).</summary>
    public int Next(int bound) => (int)Next((long)bound);

    /// <summary>Uniform in [<paramref name="lower"/>, <paramref name="upper"/>).</summary>
    public int Next(int lower, int upper) => lower + Next(upper - lower);

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True once in <paramref name="n"/> calls on average.</summary>
    public bool OneIn(int n) => Next(n) == 0;

    public void Fill(Span<byte> target)
    {
        while (target.Length >= 8)
        {
            BitConverter.TryWriteBytes(target, NextUInt64());
            target = target[8..];
        }
        if (target.Length == 0) return;
        Span<byte> rest = stackalloc byte[8];
        BitConverter.TryWriteBytes(rest, NextUInt64());
        rest[..target.Length].CopyTo(target);
    }
}
