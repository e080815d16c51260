namespace Aevum.Vectors;

/// <summary>A distance in two parts, so that a search may stop after the first where that alone is too much: the components that hold most of the
/// vectors' energy lead (rows rotated by their principal axes), the others follow.</summary>
/// <remarks>Under L2 and Cosine neither part is negative, in floats as on paper: a leading part at or above a bound means a distance at or above
/// it. Under InnerProduct use <see cref="SplitBound.InnerProduct"/>. Leading + Rest is the distance, up to the last bits of what
/// <see cref="IDistance.One"/> gives.</remarks>
unsafe interface ISplitDistance
{
    float Leading(byte* query, byte* vector);

    void LeadingFour(byte* query, byte* a, byte* b, byte* c, byte* d, float* results);

    float Rest(byte* query, byte* vector);
}

/// <summary>Code that is to run with whatever kernel in two parts a shape and this machine need.</summary>
interface ISplitVisitor<TResult>
{
    TResult Visit<TDistance>(TDistance distance) where TDistance : struct, ISplitDistance;
}

static class SplitBound
{
    /// <summary>What a distance by InnerProduct is at least, given its leading part and how long the two remainders are (Cauchy and Schwarz).</summary>
    /// <param name="leading">Of <see cref="ISplitDistance.Leading"/>.</param>
    /// <param name="queryRest">Euclidean length of the query's components after the cut.</param>
    /// <param name="vectorRest">The same of the vector.</param>
    /// <param name="dimension">All components; the bound leaves room for what their summing may round away.</param>
    public static float InnerProduct(float leading, float queryRest, float vectorRest, int dimension) =>
        leading - (queryRest * vectorRest * (1 + 1e-6f + (1e-8f * dimension))) - (MathF.Abs(leading) * 2e-7f);
}
