namespace Aevum.Bench.Workloads.Rows;

static class Median
{
    /// <returns>The middle value, or the mean of the two middle ones; NaN of nothing.</returns>
    public static double Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        if (sorted.Length == 0) return double.NaN;
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
