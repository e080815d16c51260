// DistanceKey: a distance and a row in 64 bits that sort as results do: smaller distance first, among equals the smaller row.
//
//   bits 63..32   the float's bits; of a negative number all inverted, of any other the sign set: then they sort as the numbers do
//   bits 31..0    the row
//
// Hence one comparison of whole numbers decides, and ties are decided alike everywhere. Not for NaN. -0 becomes 0, or two equal distances would differ.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aevum.Vectors;

static class DistanceKey
{
    /// <summary>Above every key of a distance.</summary>
    public const ulong Max = ulong.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(float distance, uint row)
    {
        Debug.Assert(!float.IsNaN(distance), "the encoder lets no vector through whose distances could be NaN");
        var bits = BitConverter.SingleToInt32Bits(distance + 0f);   // -0 + 0 is 0
        var ordered = (uint)(bits ^ ((bits >> 31) | int.MinValue));
        return ((ulong)ordered << 32) | row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Row(ulong key) => (uint)key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Distance(ulong key)
    {
        var ordered = (int)(key >> 32);
        return BitConverter.Int32BitsToSingle(ordered ^ ((~ordered >> 31) | int.MinValue));
    }

    public static Neighbour Neighbour(ulong key) => new(Row(key), Distance(key));
}
