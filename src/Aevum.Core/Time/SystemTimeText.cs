// SystemTimeText: system times as people and protocols write them.
//
//   exact    1814903193600000005                       the 64 bits as a decimal number, at most 19 digits
//            2026-03-01T12:00:00.000000Z+5             RFC 3339 with the counter (0 to 1023)
//   moment   2026-03-01T12:00:00Z                      RFC 3339 without it: a wall time names every version stamped at or before it,
//                                                      so it means the greatest counter of its microsecond
//
// RFC 3339 (section 5.6) is read in full: T or t or a space, any number of fraction digits (what is finer than a microsecond is cut off, as
// a moment's microsecond is what counts; with a counter more than six digits are refused), Z or z or +hh:mm or -hh:mm. Refused: leap
// seconds (system time has none), years outside of 1970 to 2255, and a missing time or zone: there is no local time here.
// Written is always the exact form with six digits and Z; reading it gives the same time.

using System.Globalization;
using Aevum.Core.Errors;

namespace Aevum.Core.Time;

public static class SystemTimeText
{
    /// <summary>Longest text that is written, and room enough for any.</summary>
    public const int CharsMax = 32;

    const int DigitsMax = 19;

    /// <summary>RFC 3339 in UTC with six digits and the counter: 2026-03-01T12:00:00.000000Z+5.</summary>
    public static string ToRfc3339(SystemTime time)
    {
        Span<char> target = stackalloc char[CharsMax];
        TryFormatRfc3339(time, target, out var written);
        return target[..written].ToString();
    }

    /// <returns>False if the target is too short; <see cref="CharsMax"/> characters always suffice.</returns>
    public static bool TryFormatRfc3339(SystemTime time, Span<char> target, out int written) => target.TryWrite(
        CultureInfo.InvariantCulture, $"{time.ToDateTimeOffset().UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'}+{time.Counter}", out written);

    /// <summary>Reads any of the forms above.</summary>
    /// <exception cref="AevumException">InvalidArgument: it is none of them.</exception>
    public static SystemTime Parse(ReadOnlySpan<char> text)
    {
        if (!TryParse(text, out var time))
            Throw.Invalid($"'{text[..Math.Min(text.Length, 40)]}' is no system time: give a number, or RFC 3339 with or without +counter");
        return time;
    }

    /// <summary>Reads any of the forms above.</summary>
    /// <returns>False if it is none of them, whatever it is.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out SystemTime time)
    {
        if (text.Length is > 0 and <= DigitsMax && !text.ContainsAnyExceptInRange('0', '9'))
        {
            var done = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value);
            done &= value <= SystemTime.Max.Value;
            time = done ? new SystemTime(value) : SystemTime.None;
            return done;
        }
        return TryParseRfc3339(text, out time);
    }

    static bool TryParseRfc3339(ReadOnlySpan<char> text, out SystemTime time)
    {
        time = SystemTime.None;
        if (!TryNumber(ref text, 4, out var year) || !TryTake(ref text, '-')) return false;
        if (!TryNumber(ref text, 2, out var month) || !TryTake(ref text, '-')) return false;
        if (!TryNumber(ref text, 2, out var day)) return false;
        if (!TryTake(ref text, 'T') && !TryTake(ref text, 't') && !TryTake(ref text, ' ')) return false;
        if (!TryNumber(ref text, 2, out var hour) || !TryTake(ref text, ':')) return false;
        if (!TryNumber(ref text, 2, out var minute) || !TryTake(ref text, ':')) return false;
        if (!TryNumber(ref text, 2, out var second)) return false;
        if (!TryFraction(ref text, out var microseconds, out var fractionDigits)) return false;
        if (!TryZone(ref text, out var zoneMinutes)) return false;
        if (!TryCounter(ref text, out var counter) || !text.IsEmpty) return false;
        if (counter is not null && fractionDigits > 6) return false;   // an exact time has no finer part

        if (year is < 1 or > 9998 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (hour > 23 || minute > 59 || second > 59) return false;
        var sinceEpoch = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc) - DateTime.UnixEpoch;
        var seconds = (sinceEpoch.Ticks / TimeSpan.TicksPerSecond) - (zoneMinutes * 60L);
        if (seconds < 0 || seconds > (long)(SystemTime.MicrosecondsMax / 1_000_000)) return false;
        var total = ((ulong)seconds * 1_000_000) + (ulong)microseconds;
        if (total > SystemTime.MicrosecondsMax) return false;
        time = SystemTime.FromMicroseconds(total, counter ?? SystemTime.CounterMax);
        return true;
    }

    // Reads exactly this many digits.
    static bool TryNumber(ref ReadOnlySpan<char> text, int digits, out int number)
    {
        number = 0;
        if (text.Length < digits) return false;
        foreach (var digit in text[..digits])
        {
            if (!char.IsAsciiDigit(digit)) return false;
            number = (number * 10) + (digit - '0');
        }
        text = text[digits..];
        return true;
    }

    static bool TryTake(ref ReadOnlySpan<char> text, char expected)
    {
        if (text.IsEmpty || text[0] != expected) return false;
        text = text[1..];
        return true;
    }

    static bool TryFraction(ref ReadOnlySpan<char> text, out int microseconds, out int digits)
    {
        microseconds = 0;
        digits = 0;
        if (!TryTake(ref text, '.')) return true;
        for (; digits < text.Length && char.IsAsciiDigit(text[digits]); digits++)
            if (digits < 6) microseconds = (microseconds * 10) + (text[digits] - '0');
        for (var i = digits; i < 6; i++) microseconds *= 10;
        text = text[digits..];
        return digits > 0;
    }

    static bool TryZone(ref ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (TryTake(ref text, 'Z') || TryTake(ref text, 'z')) return true;
        var sign = TryTake(ref text, '+') ? 1 : TryTake(ref text, '-') ? -1 : 0;
        if (sign == 0 || !TryNumber(ref text, 2, out var hour) || !TryTake(ref text, ':')) return false;
        if (!TryNumber(ref text, 2, out var minute)) return false;
        minutes = sign * ((hour * 60) + minute);
        return hour <= 23 && minute <= 59;
    }

    static bool TryCounter(ref ReadOnlySpan<char> text, out ulong? counter)
    {
        counter = null;
        if (!TryTake(ref text, '+')) return true;
        if (text.Length is 0 or > 4 || text.ContainsAnyExceptInRange('0', '9')) return false;
        counter = ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        text = [];
        return counter <= SystemTime.CounterMax;
    }
}
