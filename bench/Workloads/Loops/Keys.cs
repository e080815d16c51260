// Keys: 20 bytes of ASCII, "aevum-bench-" and eight digits. The order of keys is the order of their indexes. Ten thousand keys share
// 16 leading bytes, ten million share 13: as hard on prefix caches as names in a real keyspace.
//
// The digits are made by arithmetic on one word (eight decimal digits by three divisions in parallel lanes), a few nanoseconds, the
// same for every engine and inside the measured part.

using System.Text;

namespace Aevum.Bench.Workloads.Loops;

static unsafe class Keys
{
    public const int Length = 20;
    const int PrefixLength = 12;

    static ReadOnlySpan<byte> Prefix => "aevum-bench-"u8;

    /// <summary>Writes the part all keys share; then <see cref="Set"/> turns the buffer into one key after another.</summary>
    public static void Begin(byte* key) => Prefix.CopyTo(new Span<byte>(key, PrefixLength));

    /// <param name="key">Prepared by <see cref="Begin"/>.</param>
    /// <param name="index">Below 100,000,000.</param>
    public static void Set(byte* key, uint index)
    {
        ulong v = index / 10_000 | (ulong)(index % 10_000) << 32;               // two lanes of four digits
        var hundreds = v * 10_486 >> 20 & 0x0000_007F_0000_007F;                 // x / 100 for x < 10,000
        v = hundreds | (v - hundreds * 100) << 16;                               // four lanes of two digits
        var tens = v * 103 >> 10 & 0x000F_000F_000F_000F;                        // x / 10 for x < 100
        v = tens | (v - tens * 10) << 8;                                         // eight lanes of one digit
        *(ulong*)(key + PrefixLength) = v | 0x3030_3030_3030_3030;               // little-endian: the first digit lies lowest
    }

    /// <returns>The index, or -1 if these bytes are no key of ours.</returns>
    public static long IndexOf(ReadOnlySpan<byte> key) =>
        key.Length == Length && key.StartsWith(Prefix) && uint.TryParse(Encoding.ASCII.GetString(key[PrefixLength..]), out var index)
            ? index
            : -1;
}
