using System.Globalization;

namespace Aevum.Core.Time;

/// <summary>Durations as people write them: a whole number and its unit: us, ms, s, m, h or d.</summary>
public static class DurationText
{
    /// <summary>For messages: what is taken.</summary>
    public const string Forms = "500ms, 10s, 5m, 2h, 30d";

    static readonly (string Name, long Ticks)[] Units = [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond), ("us", TimeSpan.TicksPerMicrosecond),
    ];

    /// <returns>False if it is no duration, or longer than a TimeSpan holds.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        var digits = text.IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0) return false;
        foreach (var (name, ticks) in Units)
        {
            if (!text[digits..].SequenceEqual(name)) continue;
            if (!long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return false;
            if (count > TimeSpan.MaxValue.Ticks / ticks) return false;
            duration = new TimeSpan(count * ticks);
            return true;
        }
        return false;
    }

    /// <summary>In the largest unit of which it is a whole number; what is finer than a microsecond is cut off.</summary>
    /// <param name="duration">0 or above.</param>
    public static string Format(TimeSpan duration)
    {
        foreach (var (name, ticks) in Units)
            if (duration.Ticks % ticks == 0 && duration != TimeSpan.Zero)
                return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / ticks}{name}");
        return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / TimeSpan.TicksPerMicrosecond}us");
    }
}
