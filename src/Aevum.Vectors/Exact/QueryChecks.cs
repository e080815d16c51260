using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

/// <summary>Checks of the numbers that every kind of index takes with a query: the same words for the same mistake.</summary>
static class QueryChecks
{
    /// <exception cref="AevumException">InvalidArgument: names the number that is wrong.</exception>
    public static void Results(int k, int offset, float distanceMax)
    {
        if (k < 0) Throw.Invalid($"k is at least 0, not {k}");
        if (offset < 0) Throw.Invalid($"the offset is at least 0, not {offset}");
        if (float.IsNaN(distanceMax)) Throw.Invalid("the greatest distance is not a number");
    }

    /// <exception cref="AevumException">InvalidArgument: names the number that is wrong.</exception>
    public static void Walk(int ef, int patience)
    {
        if (ef is < 0 or > HnswOptions.EfMax) Throw.Invalid($"ef is 0 (the default) to {HnswOptions.EfMax}, not {ef}");
        if (patience < 0) Throw.Invalid($"the patience is at least 0, not {patience}");
    }
}
