using System.Globalization;
using System.Text;

namespace Aevum.Bench.Workloads.Rows;

/// <summary>What "list" prints: each row with its bound.</summary>
static class SuiteList
{
    public static string Write(Suite suite)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{suite.Name}: {suite.What} (peer: {suite.PeerName})\n");
        foreach (var row in suite.Rows)
        {
            var aim = row.Aim is null ? "" : $", aim {row.AimText}";
            var built = row.IsBuilt ? "" : " (not yet built)";
            text.Append(CultureInfo.InvariantCulture, $"  {row.Name,-20} {row.BoundText + aim,-24} {row.Scenario,-8} {row.What}{built}\n");
        }
        return text.ToString();
    }
}
