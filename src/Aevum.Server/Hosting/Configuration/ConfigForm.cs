// ConfigForm: how values are written in a configuration, whatever the place: a size, a time, a number, yes or no, one of some words, addresses.
//
//   SIZE      64MiB, 64MB, 1GiB, 4096        KiB MiB GiB TiB: powers of 1,024; KB MB GB TB: powers of 1,000; bytes without a unit
//   TIME      30s, 250ms, 10us, 5m, 1h, 2d   no number without a unit, but 0
//   ADDRESS   127.0.0.1:6379, [::1]:6379, localhost:6379, *:6379 (every address of the machine); port 0: any that is free; off: none
//
// Names of machines are not looked up: an address that depends on a name service is not the one that was meant.

using System.Globalization;
using System.Net;
using Aevum.Core.Errors;

namespace Aevum.Server.Hosting.Configuration;

/// <param name="Name">In capitals, for help and pages.</param>
/// <param name="Read">Throws InvalidArgument, saying what was expected.</param>
/// <param name="Write">Gives what Read would read.</param>
sealed record ConfigForm<T>(string Name, Func<string, T> Read, Func<T, string> Write, bool IsList = false);

static class ConfigForms
{
    static readonly (string Unit, long Bytes)[] s_sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000), ("B", 1),
    ];

    // The longer unit first: "ms" ends in "s".
    static readonly (string Unit, long Ticks)[] s_times =
    [
        ("us", TimeSpan.TicksPerMicrosecond), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour), ("d", TimeSpan.TicksPerDay),
    ];

    public static ConfigForm<string> Text(string name, Func<string, string>? read = null) =>
        new(name, read ?? (static text => text), static value => value);

    public static ConfigForm<bool> Switch { get; } = new("true|false", static text => text.ToLowerInvariant() switch
    {
        "true" or "yes" or "on" or "1" => true,
        "false" or "no" or "off" or "0" => false,
        _ => throw Wrong("true or false", text),
    }, static value => value ? "true" : "false");

    public static ConfigForm<int> Count(int min, int max) => new("N", text =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number : throw Wrong($"a number from {min} to {max}", text), static value => value.ToString(CultureInfo.InvariantCulture));

    public static ConfigForm<string> Choice(params string[] words) => new(string.Join('|', words), text =>
        Array.Find(words, w => w.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? throw Wrong($"one of {string.Join(", ", words)}", text),
        static value => value);

    public static ConfigForm<long> Size(long min, long max) => new("SIZE", text =>
        ReadSize(text) is var bytes && bytes >= min && bytes <= max
            ? bytes : throw Wrong($"a size from {WriteSize(min)} to {WriteSize(max)}", text), WriteSize);

    public static ConfigForm<TimeSpan> Time(TimeSpan min, TimeSpan max) => new("TIME", text =>
        ReadTime(text) is var time && time >= min && time <= max
            ? time : throw Wrong($"a time from {WriteTime(min)} to {WriteTime(max)}", text), WriteTime);

    public static ConfigForm<IReadOnlyList<IPEndPoint>> Addresses { get; } = new("ADDRESS,...", static text =>
    {
        if (text.Trim() is "" or "off") return [];
        return [.. text.Split(',').Select(t => ReadAddress(t.Trim()))];
    }, static value => value.Count == 0 ? "off" : string.Join(',', value), IsList: true);

    public static long ReadSize(string text)
    {
        var (digits, unit) = (text.Trim(), 1L);
        foreach (var (name, bytes) in s_sizes)
        {
            if (!digits.EndsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            (digits, unit) = (digits[..^name.Length].TrimEnd(), bytes);
            break;
        }
        return TryScale(digits, unit, out var size) ? size : throw Wrong("a size such as 64MiB", text);
    }

    public static string WriteSize(long bytes)
    {
        for (var i = 3; i >= 0; i--)
            if (bytes != 0 && bytes % s_sizes[i].Bytes == 0) return string.Create(CultureInfo.InvariantCulture, $"{bytes / s_sizes[i].Bytes}{s_sizes[i].Unit}");
        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    public static TimeSpan ReadTime(string text)
    {
        var digits = text.Trim();
        if (digits == "0") return TimeSpan.Zero;
        foreach (var (name, ticks) in s_times)
        {
            if (!digits.EndsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            if (!TryScale(digits[..^name.Length].TrimEnd(), ticks, out var time)) break;
            return new TimeSpan(time);
        }
        throw Wrong("a time such as 30s or 250ms", text);
    }

    public static string WriteTime(TimeSpan time)
    {
        for (var i = s_times.Length - 1; i >= 0; i--)
            if (time != TimeSpan.Zero && time.Ticks % s_times[i].Ticks == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / s_times[i].Ticks}{s_times[i].Unit}");
        return time == TimeSpan.Zero ? "0" : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds}us");
    }

    static bool TryScale(string digits, long unit, out long scaled)
    {
        scaled = 0;
        if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > long.MaxValue / unit) return false;
        scaled = (long)(number * unit);
        return true;
    }

    static IPEndPoint ReadAddress(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            var host = text[..colon];
            if (host == "localhost") return new IPEndPoint(IPAddress.Loopback, port);
            if (host == "*") return new IPEndPoint(IPAddress.Any, port);
            // An address of IPv6 needs its brackets, or its end would be taken for a port.
            if (host.StartsWith('[') == host.Contains(':') && IPAddress.TryParse(host.Trim('[', ']'), out var address)) return new IPEndPoint(address, port);
        }
        throw Wrong("an address such as 127.0.0.1:6379, [::1]:6379 or *:6379", text);
    }

    public static AevumException Wrong(string expected, string text) =>
        new(ErrorCode.InvalidArgument, $"expected {expected}, not '{(text.Length <= 60 ? text : text[..60] + "...")}'");
}
