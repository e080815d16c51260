// OutputLimits: how much may wait to be sent to a client before it is ended (client-output-buffer-limit): at once above the hard limit, and above the
// soft one when it has been so for some seconds. 0 is no limit.

using System.Globalization;

namespace Aevum.Server.Resp.Settings;

readonly record struct OutputLimit(long Hard, long Soft, long SoftSeconds);

enum OutputClass
{
    Normal = 0,
    Replica = 1,
    PubSub = 2,
}

sealed class OutputLimits
{
    const string WrongCount = "Wrong number of arguments in buffer limit configuration.";
    static readonly string[] Names = ["normal", "slave", "pubsub"];

    readonly OutputLimit[] _limits;

    OutputLimits(OutputLimit[] limits) => _limits = limits;

    public static OutputLimits Default { get; } =
        new([default, new OutputLimit(256L << 20, 64L << 20, 60), new OutputLimit(32L << 20, 8L << 20, 60)]);

    public OutputLimit Of(OutputClass which) => _limits[(int)which];

    public override string ToString() =>
        string.Join(' ', _limits.Select((l, i) => string.Create(CultureInfo.InvariantCulture, $"{Names[i]} {l.Hard} {l.Soft} {l.SoftSeconds}")));

    /// <summary>Reads groups of class, hard limit, soft limit, seconds. Classes that are not named stay as they were.</summary>
    /// <returns>What is wrong; null: nothing.</returns>
    public static string? TryRead(string text, OutputLimits before, out OutputLimits limits)
    {
        limits = before;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || words.Length % 4 != 0) return WrongCount;
        var next = before._limits.ToArray();
        for (var i = 0; i < words.Length; i += 4)
        {
            var name = words[i].Equals("replica", StringComparison.OrdinalIgnoreCase) ? "slave" : words[i];
            var which = Array.FindIndex(Names, n => n.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (which < 0) return "Invalid client class specified in buffer limit configuration.";
            if (!ByteSizes.TryRead(words[i + 1], out var hard) || hard < 0 || !ByteSizes.TryRead(words[i + 2], out var soft) || soft < 0 ||
                !long.TryParse(words[i + 3], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
            next[which] = new OutputLimit(hard, soft, seconds);
        }
        limits = new OutputLimits(next);
        return null;
    }
}
