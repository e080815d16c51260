using Aevum.Core.Errors;

namespace Aevum.Vectors;

/// <summary>How much of an ordered result is wanted.</summary>
/// <param name="K">How many neighbours at most.</param>
/// <param name="Offset">How many of the nearest to leave out first.</param>
/// <param name="DistanceMax">Only what is at most this far, in the units of the shape's metric; infinity: however far.</param>
public readonly record struct SearchLimits(int K, int Offset = 0, float DistanceMax = float.PositiveInfinity)
{
    /// <summary>The most that <see cref="K"/> and <see cref="Offset"/> may be together: 8 MiB of keys a query.</summary>
    public const int ResultsMax = 1 << 20;

    /// <summary>How many must be found so that K remain after the offset.</summary>
    public int Found => K + Offset;

    /// <exception cref="AevumException">InvalidArgument: K below 1, a negative offset, a limit that is not a number. LimitExceeded: more than
    /// <see cref="ResultsMax"/> in all.</exception>
    public void Validate()
    {
        if (K < 1) Throw.Invalid($"the number of neighbours asked for is {K}; it is at least 1");
        if (Offset < 0) Throw.Invalid($"the offset is {Offset}; it is at least 0");
        if (float.IsNaN(DistanceMax)) Throw.Invalid("the greatest distance asked for is not a number");
        if ((long)K + Offset > ResultsMax) Throw.Limit("the number of neighbours asked for, with the offset,", (long)K + Offset, ResultsMax);
    }
}
