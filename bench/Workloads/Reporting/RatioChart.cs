// RatioChart: the ratios as horizontal bars, written as SVG by hand: a few rectangles and words need no library.
//
// The axis is logarithmic, because 8x and 1.5x stand side by side: equal lengths are equal factors. A bar starts at 1 (as good as the
// peer) and goes right when we are better, left when we are worse; a dark tick is the bound, a light one the aim.

using System.Globalization;
using System.Net;
using System.Text;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Reporting;

static class RatioChart
{
    const int LabelWidth = 190, PlotWidth = 620, FigureWidth = 90, RowHeight = 24, Top = 66, Line = 16;
    const double RatioMin = 0.5;

    public static string Write(IReadOnlyList<RowResult> results, Suite suite, string head)
    {
        var rows = results.Where(r => r.Ratio is > 0).ToArray();
        var ratioMax = Math.Max(10, rows.Select(r => Math.Max(r.Ratio!.Value, r.Row.Aim ?? 0)).DefaultIfEmpty(1).Max() * 1.15);
        var headLines = head.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var bottom = Top + rows.Length * RowHeight;
        var height = bottom + 40 + headLines.Length * Line;
        var width = LabelWidth + PlotWidth + FigureWidth;
        double X(double ratio) =>
            LabelWidth + PlotWidth * Math.Log(Math.Clamp(ratio, RatioMin, ratioMax) / RatioMin) / Math.Log(ratioMax / RatioMin);

        var svg = new StringBuilder();
        void Add(FormattableString element) => svg.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">");
        Add($"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Add($"<text x=\"12\" y=\"24\" font-size=\"16\" font-weight=\"bold\" fill=\"#1b1f24\">{WebUtility.HtmlEncode(suite.What)}: how many times better</text>");
        Add($"<text x=\"12\" y=\"44\" fill=\"#57606a\">{suite.PeerName}'s figure over ours, logarithmic. Dark tick: bound. Light tick: aim.</text>");
        foreach (var mark in new[] { 0.5, 1, 2, 5, 10, 20, 50, 100 }.Where(m => m <= ratioMax))
        {
            var color = mark == 1 ? "#57606a" : "#d8dee4";
            Add($"<line x1=\"{X(mark):F1}\" y1=\"{Top - 6}\" x2=\"{X(mark):F1}\" y2=\"{bottom}\" stroke=\"{color}\"/>");
            Add($"<text x=\"{X(mark):F1}\" y=\"{bottom + 16}\" text-anchor=\"middle\" fill=\"#57606a\">{mark}x</text>");
        }
        for (var i = 0; i < rows.Length; i++)
        {
            var (result, y) = (rows[i], Top + i * RowHeight);
            var ratio = result.Ratio!.Value;
            var (left, right) = (Math.Min(X(1), X(ratio)), Math.Max(X(1), X(ratio)));
            var color = result.Verdict switch { Verdict.Aimed => "#1a7f37", Verdict.Met => "#6fbf86", _ => "#cf222e" };
            Add($"<text x=\"{LabelWidth - 8}\" y=\"{y + 16}\" text-anchor=\"end\" fill=\"#1b1f24\">{WebUtility.HtmlEncode(result.Name)}</text>");
            Add($"<rect x=\"{left:F1}\" y=\"{y + 4}\" width=\"{Math.Max(1, right - left):F1}\" height=\"{RowHeight - 8}\" fill=\"{color}\"/>");
            if (result.Row.Aim is { } aim) Add($"<rect x=\"{X(aim) - 1:F1}\" y=\"{y + 2}\" width=\"2\" height=\"{RowHeight - 4}\" fill=\"#8c959f\"/>");
            if (result.Row.AtLeast is { } least) Add($"<rect x=\"{X(least) - 1:F1}\" y=\"{y + 2}\" width=\"2\" height=\"{RowHeight - 4}\" fill=\"#1b1f24\"/>");
            Add($"<text x=\"{LabelWidth + PlotWidth + 8}\" y=\"{y + 16}\" fill=\"#1b1f24\">{ratio:0.0}x</text>");
        }
        for (var i = 0; i < headLines.Length; i++)
            Add($"<text x=\"12\" y=\"{bottom + 44 + i * Line}\" font-size=\"11\" fill=\"#57606a\" xml:space=\"preserve\">{WebUtility.HtmlEncode(headLines[i])}</text>");
        Add($"</svg>");
        return svg.ToString();
    }
}
