// RecallSearch: which ef reaches a recall, and what a query costs exactly there.
//
//   (1) double ef until the recall is reached, then halve the interval: in the end recall(ef) reaches it and recall(ef - 1) does not
//   (2) in each round both ef are measured, and the cost at the recall wanted is read off the line between the two points
//
// Each side does this by itself: what counts is the recall, not the ef, for two libraries' ef need not mean the same. Recall of one index at one ef is
// the same each time, so (1) needs no repetition. It need not rise with every step of ef, but between the two that are measured it does.

using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Vectors;

/// <param name="Ef">The lesser one; the greater one is one more (the same, where the least ef already reaches it).</param>
readonly record struct RecallBracket(int Ef, double Recall, int NextEf, double NextRecall)
{
    /// <summary>What <paramref name="cost"/> at the lesser and <paramref name="nextCost"/> at the greater come to at the recall wanted.</summary>
    public double CostAt(double wanted, double cost, double nextCost)
    {
        if (Ef == NextEf) return nextCost;
        var share = Math.Clamp((wanted - Recall) / (NextRecall - Recall), 0, 1);
        return cost + (share * (nextCost - cost));
    }
}

static class RecallSearch
{
    public const int EfMax = 4096;

    /// <param name="recallAt">Recall at an ef; called for each at most once.</param>
    /// <param name="efMin">The least ef that makes sense: as many as are asked for.</param>
    public static RecallBracket Find(Func<int, double> recallAt, double wanted, int efMin = Truth.K)
    {
        double low = double.NaN, high = recallAt(efMin);
        var (lowEf, highEf) = (efMin, efMin);
        if (high >= wanted) return new(efMin, high, efMin, high);
        while (high < wanted)
        {
            (lowEf, low) = (highEf, high);
            if (highEf >= EfMax) throw new BenchException($"recall {wanted} is not reached: {high} at ef {highEf}");
            highEf = Math.Min(EfMax, highEf * 2);
            high = recallAt(highEf);
        }
        while (highEf - lowEf > 1)
        {
            var middle = (lowEf + highEf) / 2;
            var recall = recallAt(middle);
            if (recall >= wanted) (highEf, high) = (middle, recall);
            else (lowEf, low) = (middle, recall);
        }
        return new(lowEf, low, highEf, high);
    }
}
