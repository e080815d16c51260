// SyncPolicy: when an acknowledged record must survive the loss of power. (That it survives the death of the process is true of all.)
//
//   os            when the operating system gets round to it
//   always        before it is acknowledged; committers that come together share a sync
//   every:<n>     at most n acknowledged records are at risk at any moment
//   <interval>    a sync that covers it begins at most this long after it was appended, or when the sync before has ended if that one
//                 takes longer than the interval

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Aevum.Core.Errors;

namespace Aevum.Storage.Log;

public enum SyncKind
{
    Os,
    Always,
    Every,
    Interval,
}

public readonly record struct SyncPolicy
{
    SyncPolicy(SyncKind kind, long records, TimeSpan interval)
    {
        Kind = kind;
        Records = records;
        Interval = interval;
    }

    public SyncKind Kind { get; }

    /// <summary>Of <see cref="SyncKind.Every"/>: most acknowledged records that may be lost with power; at least 1.</summary>
    public long Records { get; }

    /// <summary>Of <see cref="SyncKind.Interval"/>: at least a millisecond, at most an hour.</summary>
    public TimeSpan Interval { get; }

    public static SyncPolicy Os => default;

    public static SyncPolicy Always => new(SyncKind.Always, 0, default);

    public static SyncPolicy Every(long records)
    {
        if (records < 1) Throw.Invalid($"a sync policy every:{records} has no meaning: at least one record");
        return new(SyncKind.Every, records, default);
    }

    public static SyncPolicy Each(TimeSpan interval)
    {
        var milliseconds = interval.Ticks / TimeSpan.TicksPerMillisecond;
        if (milliseconds is < 1 or > 3_600_000 || interval.Ticks % TimeSpan.TicksPerMillisecond != 0)
            Throw.Invalid($"a sync interval is a whole number of milliseconds up to an hour, not {interval}");
        return new(SyncKind.Interval, 0, interval);
    }

    /// <exception cref="AevumException">InvalidArgument: the text is none of os, always, every:n, &lt;n&gt;ms, &lt;n&gt;s,
    /// &lt;n&gt;m.</exception>
    public static SyncPolicy Parse(string text)
    {
        if (!TryParse(text, out var policy))
            Throw.Invalid($"'{text}' is no sync policy: os, always, every:<n>, or an interval such as 100ms or 1s");
        return policy;
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out SyncPolicy policy)
    {
        policy = default;
        switch (text)
        {
            case null: return false;
            case "os": return true;
            case "always": policy = Always; return true;
        }
        if (text.StartsWith("every:", StringComparison.Ordinal))
        {
            if (!TryParseNumber(text["every:".Length..], out var records) || records < 1) return false;
            policy = Every(records);
            return true;
        }
        var (digits, milliseconds) = text switch
        {
            [.. var d, 'm', 's'] => (d, 1L),
            [.. var d, 's'] => (d, 1000L),
            [.. var d, 'm'] => (d, 60_000L),
            _ => ("", 0L),
        };
        if (!TryParseNumber(digits, out var count) || count < 1 || count > 3_600_000 / Math.Max(milliseconds, 1)) return false;
        policy = Each(TimeSpan.FromMilliseconds(count * milliseconds));
        return true;
    }

    static bool TryParseNumber(string text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    public override string ToString() => Kind switch
    {
        SyncKind.Os => "os",
        SyncKind.Always => "always",
        SyncKind.Every => string.Create(CultureInfo.InvariantCulture, $"every:{Records}"),
        _ when Interval.Ticks % TimeSpan.TicksPerSecond == 0 => InUnits(TimeSpan.TicksPerSecond, "s"),
        _ => InUnits(TimeSpan.TicksPerMillisecond, "ms"),
    };

    string InUnits(long ticks, string unit) => (Interval.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + unit;
}
