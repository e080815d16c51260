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

    /// <summary>A number and its unit, above zero.</summary>
    public static TimeSpan Duration(byte[] word)
    {
        if (!DurationText.TryParse(Text(word), out var duration) || duration == TimeSpan.Zero)
            Throw.Invalid($"{ByteText.OfKey(word)} is no duration: {DurationText.Forms}");
        return duration;
    }

    public static HistoryPolicy History(byte[] word)
    {
        if (!HistoryPolicy.TryParse(Text(word), out var policy))
            Throw.Invalid($"{ByteText.OfKey(word)} is no history policy: none, forever, or a duration ({DurationText.Forms})");
        return policy;
    }

    /// <summary>A time, or a mark's name.</summary>
    public static SystemTime Moment(ShellSession session, byte[] word)
    {
        var text = Text(word);
        if (text == "now") return session.Database.Now;
        return session.Marks.TryGetValue(text, out var moment) ? moment : SystemTimeText.Parse(text);
    }

    public static string Show(SystemTime time) => SystemTimeText.ToRfc3339(time);
}
