// KeyExpiry: when a key expires, in milliseconds since 1970, up to the last one of 63 bits. A row's expiry is a system time, and those end in the year
// 2255; what lies behind is kept in the head (StructureHead), and its row never expires.
//
//   up to 2255     the system time itself: FromMicroseconds(milliseconds * 1000)
//   later          bit 63 set (no system time has it), the milliseconds below
//
// Always true: of two expiries the greater one is the later one, whichever forms they have; None is never.
// Far ones live in memory only, between a head and whoever reads or writes it: none is ever a row's expiry.

using Aevum.Core.Time;

namespace Aevum.Model.Structures;

public static class KeyExpiry
{
    const ulong FarFlag = 1UL << 63;
    const long NearMax = (long)(SystemTime.MicrosecondsMax / 1000);

    /// <summary>True if a row cannot hold it.</summary>
    public static bool IsFar(SystemTime expiry) => (expiry.Value & FarFlag) != 0;

    /// <summary>Those before 1970 are its first millisecond.</summary>
    public static SystemTime FromMilliseconds(long milliseconds) =>
        milliseconds <= NearMax ? SystemTime.FromMicroseconds((ulong)Math.Max(1, milliseconds) * 1000) : new SystemTime(FarFlag | (ulong)milliseconds);

    /// <summary>Milliseconds since 1970; 0 for None.</summary>
    public static long ToMilliseconds(SystemTime expiry) => IsFar(expiry) ? (long)(expiry.Value & ~FarFlag) : (long)(expiry.Microseconds / 1000);
}
