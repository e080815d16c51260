using System.Globalization;
using Aevum.Core.Bytes;

namespace Aevum.Core.Time;

/// <summary>Durations as people write them, in commands and in a configuration alike: a number, whole or with a fraction, and its unit: us, ms, s, m, h
/// or d.</summary>
public static class DurationText
{
    /// <summary>For messages: what is taken.</summary>
    public const string Forms = "500ms, 10s, 5m, 2h, 30d";

    static readonly (string Name, long Ticks)[] Units = [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond), ("us", TimeSpan.TicksPerMicrosecond),
    ];

    /// <summary>What is finer than a tick of 100 ns is cut off. Units are in small letters: M could be minutes or months.</summary>
    /// <returns>False if it is no duration, or longer than a TimeSpan holds.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        var digits = text.IndexOfAnyInRange('a', 'z');
        if (digits <= 0) return false;
        foreach (var (name, ticks) in Units)
        {
            if (!text[digits..].SequenceEqual(name)) continue;
            if (!ScaledNumber.TryParse(text[..digits], ticks, out var scaled)) return false;
            duration = new TimeSpan(scaled);
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
