using System.Globalization;
using Aevum.Core.Files;

namespace Aevum.Storage.Log;

/// <summary>Names in a log's directory: <c>0000000001.log</c> is a segment, <c>spare-1.tmp</c> one that is being made or kept for
/// later.</summary>
static class LogFiles
{
    const string SegmentSuffix = ".log";
    const int SegmentDigits = 10;

    public static string SegmentPath(string directory, uint number) =>
        FilePaths.Combine(directory, number.ToString("D10", CultureInfo.InvariantCulture) + SegmentSuffix);

    public static string SparePath(string directory, long number) =>
        FilePaths.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"spare-{number}.tmp"));

    /// <summary>The number of the segment of that name; 0 if it is no segment's name.</summary>
    public static uint NumberOf(string name)
    {
        if (name.Length != SegmentDigits + SegmentSuffix.Length || !name.EndsWith(SegmentSuffix, StringComparison.Ordinal)) return 0;
        return uint.TryParse(name.AsSpan(0, SegmentDigits), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    public static bool IsSpare(string name) =>
        name.StartsWith("spare-", StringComparison.Ordinal) && name.EndsWith(".tmp", StringComparison.Ordinal);
}
