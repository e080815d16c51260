// Crc32CTables: CRC-32C without CPU support. Tables[k][b] is the CRC register after byte b followed by k zero bytes, so that 8 bytes
// are folded by 8 independent look-ups ("slicing by 8": Kounavis and Berry, "Novel table lookup-based algorithms for high-performance
// CRC generation", 2008). Works on CPUs of either byte order. Also the oracle for Crc32C; its own oracle is a loop over bits in the tests.

namespace Aevum.Core.Bytes;

static unsafe class Crc32CTables
{
    const int Slices = 8;

    static readonly uint[] Tables = Build();

    /// <summary>As <see cref="Crc32C.Extend(uint, byte*, long)"/>.</summary>
    internal static uint Extend(uint crc, byte* bytes, long length)
    {
        var state = ~crc;
        fixed (uint* tables = Tables)
        {
            for (; length >= Slices; length -= Slices, bytes += Slices)
            {
                state ^= (uint)(bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24));
                state = tables[(7 * 256) + (byte)state] ^ tables[(6 * 256) + (byte)(state >> 8)]
                    ^ tables[(5 * 256) + (byte)(state >> 16)] ^ tables[(4 * 256) + (state >> 24)]
                    ^ tables[(3 * 256) + bytes[4]] ^ tables[(2 * 256) + bytes[5]]
                    ^ tables[256 + bytes[6]] ^ tables[bytes[7]];
            }
            for (; length > 0; length--, bytes++) state = (state >> 8) ^ tables[(byte)state ^ *bytes];
        }
        return ~state;
    }

    static uint[] Build()
    {
        var tables = new uint[Slices * 256];
        for (uint value = 0; value < 256; value++)
        {
            var state = value;
            for (var bit = 0; bit < 8; bit++) state = (state & 1) != 0 ? (state >> 1) ^ Crc32CPowers.Polynomial : state >> 1;
            tables[value] = state;
        }
        for (var i = 256; i < tables.Length; i++) tables[i] = (tables[i - 256] >> 8) ^ tables[(byte)tables[i - 256]];
        return tables;
    }
}
