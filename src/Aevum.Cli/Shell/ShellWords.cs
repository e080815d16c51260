// ShellWords: what words mean beyond being bytes: numbers, durations, moments, names, values of several words.

using System.Globalization;
using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Shell;

static class ShellWords
{
    public static string Text(byte[] word) => Encoding.UTF8.GetString(word);

    /// <summary>The rest of a line: words joined by one blank each.</summary>
    public static byte[] Join(IEnumerable<byte[]> words)
    {
        var joined = new List<byte>();
        foreach (var word in words)
        {
            if (joined.Count > 0) joined.Add((byte)' ');
            joined.AddRange(word);
        }
        return [.. joined];
    }

    public static int Limit(byte[] word)
    {
        if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
            Throw.Invalid($"{ByteText.OfKey(word)} is no limit: a number from 1 on");
        return number;
    }

    public static long Number(byte[] word)
    {
        if (!long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            Throw.Invalid($"{ByteText.OfKey(word)} is no whole number of 64 bits");
        return number;
    }

    /// <summary>A number and its unit: ms, s, m, h or d.</summary>
    public static TimeSpan Duration(byte[] word)
    {
        var text = Text(word);
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        var unit = text[digits..] switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            _ => 0,
        };
        if (unit == 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ||
            count == 0 || count > TimeSpan.MaxValue.Ticks / unit)
            Throw.Invalid($"{ByteText.OfKey(word)} is no duration: 500ms, 10s, 5m, 2h, 30d");
        return TimeSpan.FromTicks(long.Parse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture) * unit);
    }

    public static HistoryPolicy History(byte[] word) => Text(word) switch
    {
        "none" => HistoryPolicy.None,
        "forever" => HistoryPolicy.Forever,
        _ => HistoryPolicy.For(Duration(word)),
    };

    /// <summary>A time, or a mark's name.</summary>
    public static SystemTime Moment(ShellSession session, byte[] word)
    {
        var text = Text(word);
        if (text == "now") return session.Database.Now;
        return session.Marks.TryGetValue(text, out var moment) ? moment : SystemTimeText.Parse(text);
    }

    public static string Show(SystemTime time) => SystemTimeText.ToRfc3339(time);
}
