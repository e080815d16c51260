namespace Aevum.Vectors;

/// <summary>How near two vectors are. Inside this library a smaller distance is always nearer. The values are written into files and never change
/// their meaning.</summary>
public enum Metric : byte
{
    /// <summary>Squared Euclidean distance; the root is taken, if at all, where a result is shown (<see cref="VectorShape.ToShown"/>).</summary>
    L2 = 1,

    /// <summary>1 minus the cosine of the angle: 0 (same direction) to 2 (opposite).</summary>
    Cosine = 2,

    /// <summary>The negative of the dot product.</summary>
    InnerProduct = 3,

    /// <summary>The sum of absolute differences.</summary>
    L1 = 4,

    /// <summary>How many bits differ.</summary>
    Hamming = 5,

    /// <summary>1 minus the share of common ones among all ones; 0 between two vectors without any one.</summary>
    Jaccard = 6,
}
