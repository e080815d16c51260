// RatioChart: the ratios as horizontal bars, written as SVG by hand: a few rectangles and words need no library.
//
// The axis is logarithmic, because 8x and 1.5x stand side by side: equal lengths are equal factors. A bar starts at 1 (as good as the
// peer) and goes right when we are better, left when we are worse; a dark tick is the bound, a light one the aim.

using System.Globalization;
using System.Net;
using System.Text;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Reporting;

sealed class RatioChart
{
    const int LabelWidth = 190, PlotWidth = 620, FigureWidth = 90, RowHeight = 24, Top = 66, SmallLine = 16;
    const double RatioMin = 0.5;
    const string Ink = "#1b1f24", Faint = "#57606a", Grid = "#d8dee4", AimInk = "#8c959f";

    static readonly double[] Marks = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

    readonly StringBuilder _svg = new();
    readonly double _ratioMax;

    RatioChart(double ratioMax) => _ratioMax = ratioMax;

    public static string Write(IReadOnlyList<RowResult> results, Suite suite, string head)
    {
        var rows = results.Where(r => r.Ratio is > 0).ToArray();
        var greatest = rows.Select(r => Math.Max(r.Ratio!.Value, r.Row.Aim ?? 0)).DefaultIfEmpty(1).Max();
        return new RatioChart(Math.Max(10, greatest * 1.15)).Draw(rows, suite, head.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    string Draw(RowResult[] rows, Suite suite, string[] headLines)
    {
        var bottom = Top + rows.Length * RowHeight;
        var height = bottom + 40 + headLines.Length * SmallLine;
        const int width = LabelWidth + PlotWidth + FigureWidth;
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"");
        Add($"     font-family=\"sans-serif\" font-size=\"13\">");
        Box(0, 0, width, height, "#ffffff");
        Text(12, 24, $"{suite.What}: how many times better", Ink, "font-size=\"16\" font-weight=\"bold\"");
        Text(12, 44, $"{suite.PeerName}'s figure over ours, logarithmic. Dark tick: bound. Light tick: aim.", Faint);
        foreach (var mark in Marks.Where(m => m <= _ratioMax))
        {
            Box(X(mark), Top - 6, 1, bottom - Top + 6, mark == 1 ? Faint : Grid);
            Text(X(mark), bottom + 16, $"{mark.ToString(CultureInfo.InvariantCulture)}x", Faint, "text-anchor=\"middle\"");
        }
        for (var i = 0; i < rows.Length; i++) DrawRow(rows[i], Top + i * RowHeight);
        for (var i = 0; i < headLines.Length; i++)
            Text(12, bottom + 44 + i * SmallLine, headLines[i], Faint, "font-size=\"11\" xml:space=\"preserve\"");
        Add($"</svg>");
        return _svg.ToString();
    }

    void DrawRow(RowResult result, int y)
    {
        var ratio = result.Ratio!.Value;
        var (left, right) = (Math.Min(X(1), X(ratio)), Math.Max(X(1), X(ratio)));
        var color = result.Verdict switch { Verdict.Aimed => "#1a7f37", Verdict.Met => "#6fbf86", _ => "#cf222e" };
        Text(LabelWidth - 8, y + 16, result.Name, Ink, "text-anchor=\"end\"");
        Box(left, y + 4, Math.Max(1, right - left), RowHeight - 8, color);
        if (result.Row.Aim is { } aim) Box(X(aim) - 1, y + 2, 2, RowHeight - 4, AimInk);
        if (result.Row.AtLeast is { } least) Box(X(least) - 1, y + 2, 2, RowHeight - 4, Ink);
        Text(LabelWidth + PlotWidth + 8, y + 16, ratio.ToString("0.0", CultureInfo.InvariantCulture) + "x", Ink);
    }

    double X(double ratio) =>
        LabelWidth + PlotWidth * Math.Log(Math.Clamp(ratio, RatioMin, _ratioMax) / RatioMin) / Math.Log(_ratioMax / RatioMin);

    void Box(double x, double y, double width, double height, string color) =>
        Add($"<rect x=\"{x:F1}\" y=\"{y:F1}\" width=\"{width:F1}\" height=\"{height:F1}\" fill=\"{color}\"/>");

    void Text(double x, double y, string text, string color, string attributes = "") =>
        Add($"<text x=\"{x:F1}\" y=\"{y:F1}\" fill=\"{color}\" {attributes}>{WebUtility.HtmlEncode(text)}</text>");

    void Add(FormattableString element) => _svg.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
