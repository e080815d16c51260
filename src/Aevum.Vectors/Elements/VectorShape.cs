// VectorShape: what every vector of one index has in common: element type, metric, dimension; and from them the bytes of a stored vector.
//
//   elements, ElementBytes                      | inverse length, float32       (only Float16 and Int8 under Cosine)
//   Float32 4 * d, Float16 2 * d, Int8 d, Bit (d + 7) / 8
//
// Under Cosine a Float32 vector is stored divided by its length, so that the distance is 1 minus a dot product. Float16 and Int8 keep what was
// given (rounding a unit vector again would move it) and carry 1 / length behind the elements, so that the distance is exact.
//
// Which elements go with which metric: Float32, Float16 and Int8 with L2, Cosine, InnerProduct and L1; Bit with Hamming and Jaccard. The rest is
// refused: on bits, L2 and L1 are Hamming under another name, a cosine of bits is seldom meant, and Hamming and Jaccard of numbers would first
// need a rule that turns numbers into bits.
//
// Always true: a shape that exists is valid; Stride is a multiple of 64, so that vectors at a stride begin on cache lines.
// Not here: checking and converting vectors (VectorEncoder).

using Aevum.Core.Errors;

namespace Aevum.Vectors;

public sealed class VectorShape : IEquatable<VectorShape>
{
    /// <summary>With it, 65,536 * 255 * 255, the largest sum of squares of Int8, still fits in 32 bits without a sign.</summary>
    public const int DimensionMax = 65_536;

    /// <exception cref="AevumException">InvalidArgument: the dimension is not 1 to <see cref="DimensionMax"/>, or the element type and the
    /// metric do not go together.</exception>
    public VectorShape(ElementType element, Metric metric, int dimension)
    {
        if (!Supports(element, metric)) Throw.Invalid(Refusal(element, metric));
        if (dimension is < 1 or > DimensionMax) Throw.Invalid($"the dimension of a vector is 1 to {DimensionMax}, not {dimension}");
        Element = element;
        Metric = metric;
        Dimension = dimension;
        ElementBytes = element switch
        {
            ElementType.Float32 => 4 * dimension,
            ElementType.Float16 => 2 * dimension,
            ElementType.Int8 => dimension,
            _ => (dimension + 7) / 8,
        };
        Bytes = ElementBytes + (CarriesInverseLength ? sizeof(float) : 0);
    }

    public ElementType Element { get; }

    public Metric Metric { get; }

    /// <summary>How many components a vector has.</summary>
    public int Dimension { get; }

    /// <summary>Bytes of the components alone, as a caller gives them.</summary>
    public int ElementBytes { get; }

    /// <summary>Bytes of one stored vector, without padding.</summary>
    public int Bytes { get; }

    /// <summary><see cref="Bytes"/> rounded up to whole cache lines of 64 bytes.</summary>
    public int Stride => (Bytes + 63) & -64;

    /// <summary>Whether a stored vector ends in 1 / length, a float32 at <see cref="ElementBytes"/>.</summary>
    public bool CarriesInverseLength => Metric == Metric.Cosine && Element is ElementType.Float16 or ElementType.Int8;

    /// <summary>Whether vectors of <paramref name="element"/> can be compared by <paramref name="metric"/>.</summary>
    public static bool Supports(ElementType element, Metric metric) => element switch
    {
        ElementType.Float32 or ElementType.Float16 or ElementType.Int8 => metric is Metric.L2 or Metric.Cosine or Metric.InnerProduct or Metric.L1,
        ElementType.Bit => metric is Metric.Hamming or Metric.Jaccard,
        _ => false,
    };

    /// <summary>A distance as a person expects it: the root of a squared Euclidean distance; by cosine within 0 to 2, which rounding may leave by
    /// a ten-millionth; everything else as it is.</summary>
    public float ToShown(float distance) => Metric switch
    {
        Metric.L2 => MathF.Sqrt(distance),
        Metric.Cosine => Math.Clamp(distance, 0, 2),
        _ => distance,
    };

    /// <summary>The way back of <see cref="ToShown"/>, for thresholds.</summary>
    public float FromShown(float shown) => Metric == Metric.L2 ? shown * shown : shown;

    public bool Equals(VectorShape? other) =>
        other is not null && Element == other.Element && Metric == other.Metric && Dimension == other.Dimension;

    public override bool Equals(object? obj) => Equals(obj as VectorShape);

    public override int GetHashCode() => HashCode.Combine(Element, Metric, Dimension);

    public override string ToString() => $"{Element} x {Dimension} by {Metric}";

    static string Refusal(ElementType element, Metric metric)
    {
        if (!Enum.IsDefined(element)) return $"there is no element type {(int)element}";
        if (!Enum.IsDefined(metric)) return $"there is no metric {(int)metric}";
        return element == ElementType.Bit
            ? $"vectors of bits are compared by Hamming or Jaccard, not by {metric}"
            : $"vectors of {element} are compared by L2, Cosine, InnerProduct or L1, not by {metric}, which counts bits";
    }
}
