// VectorReport: the trial as a table, or as JSON, and what it recommends: of the kinds of index that reach the recall wanted, the smallest that is at least
// half as fast as the fastest. Memory is what a server runs out of first; half the speed is what few would notice.

using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aevum.Cli.Benching.Vectors;

static class VectorReport
{
    const double SpeedShareMin = 0.5;

    static readonly double[] Recalls = [0.9, 0.95, 0.98, 0.99];

    /// <summary>Null: nothing reaches the recall.</summary>
    public static (TriedIndex Index, TriedPoint Point)? Recommend(IReadOnlyList<TriedIndex> tried, double recall)
    {
        var able = tried.Select(t => (Index: t, Point: t.At(recall)!)).Where(t => t.Point is not null).ToArray();
        if (able.Length == 0) return null;
        var fastest = able.Max(t => t.Point.QueriesPerSecond);
        return able.Where(t => t.Point.QueriesPerSecond >= SpeedShareMin * fastest).MinBy(t => t.Index.BytesPerVector);
    }

    public static string AsText(VectorSet set, VectorTrialOptions options, double buildRate, IReadOnlyList<TriedIndex> tried)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{set.Rows.Count:N0} vectors of {set.Shape.Dimension} components by {options.Metric}; ");
        text.Append(CultureInfo.InvariantCulture, $"{set.Queries.Count:N0} others are asked for, {set.K} neighbours each\n");
        text.Append(CultureInfo.InvariantCulture, $"built with m {options.M}, ef_construction {options.EfConstruction}: ");
        text.Append(CultureInfo.InvariantCulture, $"{buildRate:N0} vectors a second, {options.Threads} {(options.Threads == 1 ? "thread" : "threads")}\n\n");
        text.Append("index      bytes a vector").Append(string.Concat(Recalls.Select(r => string.Create(CultureInfo.InvariantCulture, $"{"recall " + r,20}"))));
        text.Append('\n');
        foreach (var index in tried)
        {
            text.Append(CultureInfo.InvariantCulture, $"{index.Name,-10}{index.BytesPerVector,15:N0}");
            foreach (var recall in Recalls)
            {
                var shown = index.At(recall) is { } at ? string.Create(CultureInfo.InvariantCulture, $"{at.QueriesPerSecond:N0}/s ef {at.Ef}") : "-";
                text.Append(CultureInfo.InvariantCulture, $"{shown,20}");
            }
            text.Append('\n');
        }
        text.Append("\nQueries a second are those of one thread. Codes are followed by a comparison with whole vectors, which are in memory here.\n\n");
        if (Recommend(tried, options.Recall) is not var (recommended, point))
        {
            text.Append(CultureInfo.InvariantCulture, $"No index reaches a recall of {options.Recall}: try a greater --m and --ef-construction.\n");
            return text.ToString();
        }
        text.Append(CultureInfo.InvariantCulture, $"Recommended for a recall of {options.Recall}: {PresetOf(options, recommended, point)}\n");
        text.Append(CultureInfo.InvariantCulture, $"{point.QueriesPerSecond:N0} queries a second at a recall of {point.Recall:F3}, ");
        text.Append(CultureInfo.InvariantCulture, $"{recommended.BytesPerVector * set.Rows.Count / (1 << 20):N0} MiB for these vectors\n");
        return text.ToString();
    }

    static string PresetOf(VectorTrialOptions options, TriedIndex index, TriedPoint point) => string.Create(CultureInfo.InvariantCulture,
        $"{index.Name}, m {options.M}, ef_construction {options.EfConstruction}, ef_search {point.Ef}")
        + (index.Settings.Length > 0 ? ", " + index.Settings : "");

    public static string AsJson(VectorSet set, VectorTrialOptions options, double buildRate, IReadOnlyList<TriedIndex> tried)
    {
        var recommended = Recommend(tried, options.Recall);
        return JsonSerializer.Serialize(new
        {
            vectors = set.Rows.Count,
            dimension = set.Shape.Dimension,
            metric = options.Metric.ToString(),
            queries = set.Queries.Count,
            k = set.K,
            m = options.M,
            ef_construction = options.EfConstruction,
            built_per_second = Math.Round(buildRate),
            indexes = tried.Select(t => new
            {
                name = t.Name,
                bytes_per_vector = Math.Round(t.BytesPerVector, 1),
                points = t.Points.Select(p => new { ef = p.Ef, recall = Math.Round(p.Recall, 4), queries_per_second = Math.Round(p.QueriesPerSecond) }),
            }),
            recommended = recommended is var (index, point) ? new { name = index.Name, ef_search = point.Ef, recall = Math.Round(point.Recall, 4) } : null,
        });
    }
}
