// RecallChart: recall against queries a second, a line an index, as SVG by hand. What lies up and to the right is better.
//
// The rates are logarithmic: equal heights are equal factors. The recalls are drawn by the distance from 1, logarithmic too (0.9, 0.99, 0.999 at equal
// steps), because the last hundredths are what costs. A point that found everything is drawn at the right edge.

using System.Globalization;
using System.Net;
using System.Text;

namespace Aevum.Bench.Workloads.Vectors;

readonly record struct RecallPoint(int Ef, double Recall, double QueriesPerSecond);

sealed record RecallCurve(string Name, IReadOnlyList<RecallPoint> Points);

sealed class RecallChart
{
    const int Left = 70, Top = 50, Width = 640, Height = 380, Legend = 170, Bottom = 50;
    const double MissMax = 0.5, MissMin = 0.0005;
    const string Ink = "#1b1f24", Faint = "#57606a", Grid = "#d8dee4";

    static readonly string[] Colors = ["#1a7f37", "#0969da", "#8250df", "#bf8700", "#cf222e", "#57606a"];
    static readonly double[] Recalls = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
    static readonly double[] Rates = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];

    readonly StringBuilder _svg = new();
    readonly double _rateMin, _rateMax;

    RecallChart(double rateMin, double rateMax) => (_rateMin, _rateMax) = (rateMin, rateMax);

    public static string Write(IReadOnlyList<RecallCurve> curves, string what)
    {
        var rates = curves.SelectMany(c => c.Points).Select(p => p.QueriesPerSecond).DefaultIfEmpty(1).ToArray();
        return new RecallChart(rates.Min() / 1.3, rates.Max() * 1.3).Draw(curves, what);
    }

    string Draw(IReadOnlyList<RecallCurve> curves, string what)
    {
        const int width = Left + Width + Legend, height = Top + Height + Bottom;
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"");
        Add($"     font-family=\"sans-serif\" font-size=\"12\">");
        Add($"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Text(12, 22, what, Ink, "font-size=\"15\" font-weight=\"bold\"");
        Text(12, 40, "queries a CPU second of one thread (logarithmic) against recall@10", Faint);
        foreach (var recall in Recalls)
        {
            Line(X(recall), Top, X(recall), Top + Height, Grid);
            Text(X(recall), Top + Height + 18, recall.ToString(CultureInfo.InvariantCulture), Faint, "text-anchor=\"middle\"");
        }
        foreach (var rate in Rates.Where(r => r >= _rateMin && r <= _rateMax))
        {
            Line(Left, Y(rate), Left + Width, Y(rate), Grid);
            Text(Left - 8, Y(rate) + 4, rate >= 1e3 ? $"{rate / 1e3}K" : $"{rate}", Faint, "text-anchor=\"end\"");
        }
        for (var i = 0; i < curves.Count; i++) DrawCurve(curves[i], Colors[i % Colors.Length], Top + 16 + (i * 20));
        Add($"</svg>");
        return _svg.ToString();
    }

    void DrawCurve(RecallCurve curve, string color, int legendY)
    {
        var points = string.Join(' ', curve.Points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.Recall):F1},{Y(p.QueriesPerSecond):F1}")));
        Add($"<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>");
        foreach (var p in curve.Points)
        {
            Add($"<circle cx=\"{X(p.Recall):F1}\" cy=\"{Y(p.QueriesPerSecond):F1}\" r=\"3\" fill=\"{color}\">");
            Add($"<title>ef {p.Ef}: {p.Recall:F4}, {p.QueriesPerSecond:F0} q/s</title></circle>");
        }
        Line(Left + Width + 14, legendY - 4, Left + Width + 34, legendY - 4, color);
        Text(Left + Width + 40, legendY, curve.Name, Ink);
    }

    static double X(double recall) =>
        Left + (Width * Math.Log(MissMax / Math.Clamp(1 - recall, MissMin, MissMax)) / Math.Log(MissMax / MissMin));

    double Y(double rate) => Top + (Height * Math.Log(_rateMax / rate) / Math.Log(_rateMax / _rateMin));

    void Line(double x, double y, double x2, double y2, string color) =>
        Add($"<line x1=\"{x:F1}\" y1=\"{y:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"{color}\"/>");

    void Text(double x, double y, string text, string color, string attributes = "") =>
        Add($"<text x=\"{x:F1}\" y=\"{y:F1}\" fill=\"{color}\" {attributes}>{WebUtility.HtmlEncode(text)}</text>");

    void Add(FormattableString element) => _svg.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
