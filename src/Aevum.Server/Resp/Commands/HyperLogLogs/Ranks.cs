// Ranks: where a thing goes, and how rare it is: the hash's low 14 bits are its register, and the rank is the place of the lowest bit that is set among
// the other 50, from 1; 51 if none is.
//
// The hash is MurmurHash64A (Austin Appleby, 2009, public domain) with the seed that Redis uses: the same things go to the same registers in both.

using System.Buffers.Binary;
using System.Numerics;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

static class Ranks
{
    /// <summary>The greatest.</summary>
    public const int Max = 64 - HyperLogLog.IndexBits + 1;

    const ulong Seed = 0xadc83b19;
    const ulong Multiplier = 0xc6a4a7935bd1e995;
    const int Shift = 47;

    public static (int Register, byte Rank) Of(ReadOnlySpan<byte> thing)
    {
        var hash = Hash(thing);
        var register = (int)(hash & (HyperLogLog.Registers - 1));
        var rest = (hash >> HyperLogLog.IndexBits) | (1UL << (64 - HyperLogLog.IndexBits));
        return (register, (byte)(BitOperations.TrailingZeroCount(rest) + 1));
    }

    public static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = Seed ^ unchecked((ulong)bytes.Length * Multiplier);
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes) * Multiplier;
            word = (word ^ (word >> Shift)) * Multiplier;
            hash = (hash ^ word) * Multiplier;
        }
        if (!bytes.IsEmpty)
        {
            var rest = 0UL;
            for (var i = bytes.Length - 1; i >= 0; i--) rest = (rest << 8) | bytes[i];
            hash = (hash ^ rest) * Multiplier;
        }
        hash = (hash ^ (hash >> Shift)) * Multiplier;
        return hash ^ (hash >> Shift);
    }
}
