// HistoryPolicy: how long superseded versions of a keyspace can be asked for.
//
//   none        only the present                          floor: SystemTime.Max
//   a duration  versions that were current within it      floor: now less the duration
//   forever     all of them                               floor: SystemTime.None
//
// Always true: a duration is above zero and a whole number of microseconds, rounded up, so that what is promised is kept at least as long as asked
// for; the text of a policy reads back as the same policy.
//
// Not here: what holds a floor back (open snapshots, feeds, backups, branch points), and that floors only rise: that is for those who move them.
// To add a kind: its number is stored (docs/formats/catalog.md), so it is a new one and never a used one.

using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.Catalog;

/// <summary>Stored.</summary>
public enum HistoryKind : byte
{
    None = 0,
    Forever = 1,
    Duration = 2,
}

/// <summary>How long superseded versions of a keyspace can be asked for. The policy wants a floor; what holds floors back (open snapshots,
/// feeds, backups, branch points) and that they only rise is for those who move them.</summary>
public readonly record struct HistoryPolicy
{
    HistoryPolicy(HistoryKind kind, TimeSpan duration) => (Kind, Duration) = (kind, duration);

    public HistoryKind Kind { get; }

    /// <summary>Of <see cref="HistoryKind.Duration"/>: above zero, whole microseconds.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Only the present.</summary>
    public static HistoryPolicy None => default;

    public static HistoryPolicy Forever => new(HistoryKind.Forever, default);

    /// <param name="duration">Above zero, at most 2^53 - 1 microseconds (285 years); what is no whole microsecond is rounded up.</param>
    /// <exception cref="AevumException">InvalidArgument.</exception>
    public static HistoryPolicy For(TimeSpan duration) => new(HistoryKind.Duration, Durations.Normalize(duration, "the history's duration"));

    /// <summary>The history floor that the policy wants at a moment: <see cref="SystemTime.Max"/> keeps no history, <see
    /// cref="SystemTime.None"/> all of it.</summary>
    public SystemTime FloorAt(SystemTime now)
    {
        if (Kind == HistoryKind.None) return SystemTime.Max;
        if (Kind == HistoryKind.Forever) return SystemTime.None;
        var back = Durations.ToMicroseconds(Duration) << SystemTime.CounterBits;
        return now.Value > back ? new SystemTime(now.Value - back) : SystemTime.None;
    }

    /// <summary>Reads a policy: none, forever, or a duration (<see cref="DurationText"/>).</summary>
    /// <returns>False if it is none of them.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out HistoryPolicy policy)
    {
        policy = text.Equals("forever", StringComparison.OrdinalIgnoreCase) ? Forever : None;
        if (policy.Kind == HistoryKind.Forever || text.Equals("none", StringComparison.OrdinalIgnoreCase)) return true;
        if (!DurationText.TryParse(text, out var duration) || duration <= TimeSpan.Zero ||
            Durations.ToMicroseconds(duration) > Durations.MicrosecondsMax) return false;
        policy = For(duration);
        return true;
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public string ToText() => Kind == HistoryKind.Duration ? DurationText.Format(Duration) : ToString();

    public override string ToString() => Kind switch
    {
        HistoryKind.None => "none",
        HistoryKind.Forever => "forever",
        _ => Duration.ToString("c"),
    };
}

/// <summary>Durations as the catalog keeps them: in microseconds, the unit of system time.</summary>
static class Durations
{
    public const ulong MicrosecondsMax = SystemTime.MicrosecondsMax;

    // Rounded up: what is promised is kept at least as long as asked for.
    public static TimeSpan Normalize(TimeSpan duration, string what)
    {
        var rest = duration.Ticks % TimeSpan.TicksPerMicrosecond;
        if (duration <= TimeSpan.Zero || duration.Ticks / TimeSpan.TicksPerMicrosecond + (rest > 0 ? 1 : 0) > (long)MicrosecondsMax)
            Throw.Invalid($"{what} is {duration}; it must be above zero and at most {MicrosecondsMax} microseconds");
        return rest == 0 ? duration : duration + TimeSpan.FromTicks(TimeSpan.TicksPerMicrosecond - rest);
    }

    public static ulong ToMicroseconds(TimeSpan normalized) => (ulong)(normalized.Ticks / TimeSpan.TicksPerMicrosecond);

    public static TimeSpan FromMicroseconds(ulong microseconds) => TimeSpan.FromTicks((long)microseconds * TimeSpan.TicksPerMicrosecond);
}
