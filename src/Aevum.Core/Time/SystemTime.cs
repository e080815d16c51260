// SystemTime: the version of a key, and the coordinate of every read.
//
//   bit 63        0
//   bits 62..10   microseconds since 1970-01-01 UTC (53 bits: good until the year 2255)
//   bits 9..0     a counter that tells batches of one microsecond apart
//
// Always true: a greater value is newer; times rise strictly per key.
// Not here: who hands times out (HybridClock), where a batch stands in its log (a position, never mixed with this).

using System.Globalization;

namespace Aevum.Core.Time;

/// <summary>When the database learned a thing: microseconds since 1970 UTC (53 bits) and a counter (10 bits). Greater is newer.</summary>
public readonly record struct SystemTime(ulong Value) : IComparable<SystemTime>
{
    /// <summary>Bits of the counter below the microseconds.</summary>
    public const int CounterBits = 10;

    /// <summary>The greatest counter of one microsecond.</summary>
    public const ulong CounterMax = (1UL << CounterBits) - 1;

    /// <summary>The greatest number of microseconds: 53 bits.</summary>
    public const ulong MicrosecondsMax = (1UL << 53) - 1;

    /// <summary>The greatest time of all, which sees every version. Never given to a batch.</summary>
    public static SystemTime Max => new(long.MaxValue);

    /// <summary>Before everything; also "none" where a time is optional.</summary>
    public static SystemTime None => default;

    public ulong Microseconds => Value >> CounterBits;

    public ulong Counter => Value & CounterMax;

    public static SystemTime FromMicroseconds(ulong microseconds, ulong counter = 0) => new((microseconds << CounterBits) | counter);

    /// <summary>The greatest time of the microsecond in which <paramref name="moment"/> lies: it names every version stamped at or
    /// before it. None before 1970, when there was no version; <see cref="Max"/> beyond the year 2255.</summary>
    public static SystemTime AtOrBefore(DateTimeOffset moment)
    {
        var ticks = moment.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        if (ticks < 0) return None;
        return FromMicroseconds(Math.Min((ulong)(ticks / TimeSpan.TicksPerMicrosecond), MicrosecondsMax), CounterMax);
    }

    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.UnixEpoch.AddTicks((long)Microseconds * TimeSpan.TicksPerMicrosecond);

    public int CompareTo(SystemTime other) => Value.CompareTo(other.Value);

    public static bool operator <(SystemTime left, SystemTime right) => left.Value < right.Value;
    public static bool operator >(SystemTime left, SystemTime right) => left.Value > right.Value;
    public static bool operator <=(SystemTime left, SystemTime right) => left.Value <= right.Value;
    public static bool operator >=(SystemTime left, SystemTime right) => left.Value >= right.Value;

    /// <summary>The decimal form, which is how a time crosses every protocol (never as a JSON number: it has more than 53 bits).</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
