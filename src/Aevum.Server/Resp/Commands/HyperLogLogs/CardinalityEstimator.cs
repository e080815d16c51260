// CardinalityEstimator: from registers to the number of different things, without tables and without a bias at either end: Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches", 2017, algorithm 6 (the improved raw estimator), with sigma and tau of its section 2.4.
//
// It asks only how many registers have which rank, so sparse and dense ones that say the same give the same.

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

static class CardinalityEstimator
{
    const double Alpha = 0.721347520444481703680;   // 1 / (2 ln 2): the limit for many registers

    /// <param name="registers">Shape [16384], ranks of 0 to 63.</param>
    public static long Estimate(ReadOnlySpan<byte> registers)
    {
        // Four at once: neighbours of one rank would wait for each other.
        Span<int> counts = stackalloc int[4 * 64];
        counts.Clear();
        for (var i = 0; i < registers.Length; i += 4)
        {
            counts[registers[i] & 63]++;
            counts[64 + (registers[i + 1] & 63)]++;
            counts[128 + (registers[i + 2] & 63)]++;
            counts[192 + (registers[i + 3] & 63)]++;
        }
        for (var rank = 0; rank < 64; rank++) counts[rank] += counts[64 + rank] + counts[128 + rank] + counts[192 + rank];
        return Estimate(counts[..64], registers.Length);
    }

    static long Estimate(ReadOnlySpan<int> counts, double registers)
    {
        var z = registers * Tau((registers - counts[Ranks.Max]) / registers);
        for (var rank = Ranks.Max - 1; rank >= 1; rank--) z = 0.5 * (z + counts[rank]);
        z += registers * Sigma(counts[0] / registers);
        return (long)Math.Round(Alpha * registers * registers / z, MidpointRounding.AwayFromZero);
    }

    static double Sigma(double x)
    {
        if (x == 1) return double.PositiveInfinity;
        var (weight, sum) = (1.0, x);
        for (var before = double.NaN; sum != before;)
        {
            x *= x;
            before = sum;
            sum += x * weight;
            weight += weight;
        }
        return sum;
    }

    static double Tau(double x)
    {
        if (x is 0 or 1) return 0;
        var (weight, sum) = (1.0, 1 - x);
        for (var before = double.NaN; sum != before;)
        {
            x = Math.Sqrt(x);
            before = sum;
            weight *= 0.5;
            sum -= (1 - x) * (1 - x) * weight;
        }
        return sum / 3;
    }
}
