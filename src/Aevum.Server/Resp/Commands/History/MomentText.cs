// MomentText: moments as requests name them.
//
//   v:1814903193600000005            a system time, as GETV and HISTORY answer it
//   2026-03-01T12:00:00.5Z           RFC 3339, with +counter or without
//   1772366400s  ...000ms  ...000us  Unix time with its unit
//
// A bare number is refused: it could be meant in any unit.

using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Aevum.Core.Time;

namespace Aevum.Server.Resp.Commands.History;

static class MomentText
{
    /// <summary>For messages.</summary>
    public const string Forms =
        "v:<system time>, RFC 3339 with or without +counter, or Unix time with its unit: 1772366400s, 1772366400000ms, 1772366400000000us";

    static ReadOnlySpan<byte> VersionPrefix => "v:"u8;

    /// <returns>False if it is none of the forms.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out SystemTime time)
    {
        if (TryParseVersion(text, out time)) return true;
        if (text.IsEmpty || text.Length > 64 || !Ascii.IsValid(text)) return false;
        Span<char> chars = stackalloc char[text.Length];
        Encoding.ASCII.GetChars(text, chars);
        var digits = chars.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) return false;   // a bare number
        return TryUnix(chars, digits, out time) || SystemTimeText.TryParse(chars, out time);
    }

    /// <summary>Reads a version alone.</summary>
    public static bool TryParseVersion(ReadOnlySpan<byte> text, out SystemTime version)
    {
        version = default;
        if (!text.StartsWith(VersionPrefix)) return false;
        var digits = text[VersionPrefix.Length..];
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        if (!Utf8Parser.TryParse(digits, out ulong value, out var used) || used != digits.Length || value > SystemTime.Max.Value) return false;
        version = new SystemTime(value);
        return true;
    }

    public static string OfVersion(SystemTime version) => string.Create(CultureInfo.InvariantCulture, $"v:{version.Value}");

    // All of the named unit: a time without a counter means the last of its microsecond, and a second its first microsecond.
    static bool TryUnix(ReadOnlySpan<char> text, int digits, out SystemTime time)
    {
        time = default;
        ulong scale = text[digits..] switch
        {
            "s" => 1_000_000,
            "ms" => 1_000,
            "us" => 1,
            _ => 0,
        };
        if (scale == 0 || !ulong.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > SystemTime.MicrosecondsMax / scale) return false;
        time = SystemTime.FromMicroseconds(number * scale, SystemTime.CounterMax);
        return true;
    }
}
