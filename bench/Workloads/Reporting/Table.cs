using System.Globalization;
using System.Text;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Reporting;

/// <summary>The table for people at the end of a run.</summary>
static class Table
{
    public static string Write(IReadOnlyList<RowResult> results, RunOptions options)
    {
        var text = new StringBuilder();
        string[] head = ["row", options.OursName, options.Suite.PeerName, "unit", "ratio", "bound", "aim", "wall", "spread", "verdict"];
        var lines = new List<string[]> { head };
        foreach (var r in results)
        {
            lines.Add(
            [
                r.Name, Figure(r.Ours), Figure(r.Peer ?? BesideOf(r, "beside_peer")), r.Row.Unit, r.Ratio is { } x ? $"{x:0.00}x" : "-",
                r.Row.BoundText, r.Row.AimText, BesideOf(r, "wall_ratio") is { } w ? $"{w:0.00}x" : "-",
                r.Spread is { } s ? $"{s * 100:F0} %" : "-", VerdictText(r, options),
            ]);
        }
        var widths = Enumerable.Range(0, head.Length).Select(column => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
        {
            for (var column = 0; column < line.Length; column++)
                text.Append(column is >= 1 and <= 2 or 4 or >= 6 and <= 8
                    ? line[column].PadLeft(widths[column])
                    : line[column].PadRight(widths[column])).Append("  ");
            while (text[^1] == ' ') text.Length--;
            text.Append('\n');
        }
        foreach (var r in results.Where(r => r.Error.Length > 0)) text.Append(CultureInfo.InvariantCulture, $"{r.Name}: {r.Error}\n");
        foreach (var r in results.Where(r => r.Exceeded.Length > 0)) text.Append(CultureInfo.InvariantCulture, $"{r.Name}: {r.Exceeded}\n");
        foreach (var r in results)
        {
            // Wall and its ratio have their column; the rest of what is told beside goes on a line per row.
            var rest = r.Beside.Where(b => b.Key is not ("wall_ratio" or "beside_peer" or "ours_wall" or "peer_wall"));
            var told = string.Join(", ", rest.Select(b => $"{b.Key} {Figure(b.Value)}"));
            if (told.Length > 0) text.Append(CultureInfo.InvariantCulture, $"  {r.Name}: {told}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{Count(results, Verdict.Aimed)} at their aim, ");
        text.Append(CultureInfo.InvariantCulture, $"{Count(results, Verdict.Met)} within the bound, ");
        text.Append(CultureInfo.InvariantCulture, $"{Count(results, Verdict.Missed)} MISSED, {Count(results, Verdict.Failed)} FAILED");
        var unjudged = Count(results, Verdict.NoBound);
        text.Append(unjudged > 0 ? $", {unjudged} not judged (one side only)\n" : "\n");
        return text.ToString();
    }

    static int Count(IEnumerable<RowResult> results, Verdict verdict) => results.Count(r => r.Verdict == verdict);

    static string VerdictText(RowResult result, RunOptions options) => result.Verdict switch
    {
        Verdict.Failed => "FAILED",
        Verdict.NoBound => "",
        Verdict.Missed => options.Scale == Scale.Full ? "MISSED" : "MISSED (not the row's size)",
        Verdict.Aimed => "ok, aim reached",
        _ => "ok",
    };

    static double? BesideOf(RowResult result, string name) =>
        result.Beside.Where(b => b.Key == name).Select(b => (double?)b.Value).FirstOrDefault();

    static string Figure(double? value) => value switch
    {
        null => "-",
        >= 1000 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.Value.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.###", CultureInfo.InvariantCulture),
    };
}
