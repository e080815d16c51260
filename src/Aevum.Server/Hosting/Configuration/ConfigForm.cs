// ConfigForm: how values are written in a configuration, whatever the place: a size, a time, a number, yes or no, one of some words, addresses.
//
//   SIZE      64MiB, 64MB, 1GiB, 4096        KiB MiB GiB TiB: powers of 1,024; KB MB GB TB: powers of 1,000; bytes without a unit
//   TIME      30s, 250ms, 10us, 5m, 1.5h, 2d no number without a unit, but 0
//   ADDRESS   127.0.0.1:6379, [::1]:6379, localhost:6379, *:6379 (every address of the machine); port 0: any that is free; off: none
//
// Names of machines are not looked up: an address that depends on a name service is not the one that was meant.

using System.Globalization;
using System.Net;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Server.Hosting.Configuration;

/// <param name="Name">In capitals, for help and pages.</param>
/// <param name="Read">Throws InvalidArgument, saying what was expected.</param>
/// <param name="Write">Gives what Read would read.</param>
sealed record ConfigForm<T>(string Name, Func<string, T> Read, Func<T, string> Write, bool IsList = false);

static class ConfigForms
{
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

    public static long ReadSize(string text) =>
        ByteSizeText.TryParse(text.Trim(), out var bytes) ? bytes : throw Wrong("a size such as 64MiB", text);

    public static string WriteSize(long bytes) => ByteSizeText.Format(bytes);

    public static TimeSpan ReadTime(string text)
    {
        var trimmed = text.Trim();
        if (trimmed == "0") return TimeSpan.Zero;
        return DurationText.TryParse(trimmed, out var time) ? time : throw Wrong("a time such as 30s or 250ms", text);
    }

    public static string WriteTime(TimeSpan time) => time == TimeSpan.Zero ? "0" : DurationText.Format(time);

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
