// TimeColumn: how a column of times is stored: each as its distance from the least, in as few bytes as the greatest distance needs.
//
//   distance         stored as it is, or shifted right by 10 if all times of the column agree in their low 10 bits. Those are a system
//                    time's counter, mostly 0: a column over one hour then takes 4 bytes a time, not 6
//   optional times   0: there is none, else the stored distance plus 1

using System.Numerics;
using System.Runtime.CompilerServices;
using Aevum.Core.Time;

namespace Aevum.Storage.Tables;

static class TimeColumn
{
    /// <param name="bits">The bits in which the column's times differ.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Shift(ulong bits) => (bits & SystemTime.CounterMax) == 0 ? SystemTime.CounterBits : 0;

    /// <summary>Bytes of each stored distance, 0 to 8.</summary>
    /// <param name="range">The greatest distance.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Width(ulong range, int shift) => (71 - BitOperations.LeadingZeroCount(range >> shift)) >> 3;

    /// <summary>The same for optional times, of which there is one at least.</summary>
    public static int OptionalWidth(ulong range, int shift) => (71 - BitOperations.LeadingZeroCount((range >> shift) + 1)) >> 3;

    /// <summary>What of a loaded word belongs to a column of this width.</summary>
    public static ulong Mask(int width) => width == 0 ? 0 : ulong.MaxValue >> (64 - 8 * width);
}
