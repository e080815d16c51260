// CollectionOptions: what makes a keyspace a vector collection: what its vectors are, how two of them are compared, how their index is built.
//
// Element, metric and dimension are what the rows mean: they never change once there is a collection. The rest is about the index, which is derived.
// Numbers of elements and metrics are stored, and those of Aevum.Vectors, which this project does not know.

using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

/// <summary>What a component of a vector is. Stored.</summary>
public enum VectorElement : byte
{
    Float32 = 1,
    Float16 = 2,
    Int8 = 3,
    Bit = 4,
}

/// <summary>How two vectors are compared: smaller is nearer, always. Stored.</summary>
public enum VectorMetric : byte
{
    /// <summary>Euclidean.</summary>
    L2 = 1,

    /// <summary>1 - the cosine of the angle.</summary>
    Cosine = 2,

    /// <summary>The negative inner product.</summary>
    InnerProduct = 3,

    /// <summary>The sum of the differences' amounts.</summary>
    L1 = 4,

    /// <summary>Bits that differ.</summary>
    Hamming = 5,

    /// <summary>1 - bits in both over bits in any.</summary>
    Jaccard = 6,
}

/// <summary>What the index keeps in memory of each vector. Stored.</summary>
public enum VectorQuantization : byte
{
    /// <summary>The vector.</summary>
    None = 0,

    /// <summary>A byte a component.</summary>
    Int8 = 1,

    /// <summary>Product codes: a byte for each of some parts of the vector.</summary>
    Product = 2,
}

/// <summary>What a vector collection was told. Equal if every option is.</summary>
public sealed record CollectionOptions
{
    /// <summary>Greatest dimension.</summary>
    public const int DimensionMax = 65_536;

    const int LinksMax = 256;
    const int EfMax = 1 << 20;

    /// <param name="dimension">Components of each vector.</param>
    /// <exception cref="AevumException">InvalidArgument: not 1 to <see cref="DimensionMax"/>.</exception>
    public CollectionOptions(int dimension)
    {
        if (dimension is < 1 or > DimensionMax) Throw.Invalid($"the dimension of a vector is 1 to {DimensionMax}, not {dimension}");
        Dimension = dimension;
    }

    public int Dimension { get; }

    public VectorElement Element { get; init; } = VectorElement.Float32;

    public VectorMetric Metric { get; init; } = VectorMetric.Cosine;

    /// <summary>Links of a vector in the index's graph: 8 to 48 make sense.</summary>
    public int M { get; init; } = 16;

    /// <summary>Candidates that an insert weighs: 100 to 500 make sense.</summary>
    public int EfConstruction { get; init; } = 200;

    /// <summary>Candidates that a search keeps unless it says otherwise: recall against time.</summary>
    public int EfSearch { get; init; } = 64;

    public VectorQuantization Quantization { get; init; }

    internal UnknownFields Unknown { get; init; } = UnknownFields.None;

    /// <summary>Bytes of a vector's components.</summary>
    public int VectorBytes => Element switch
    {
        VectorElement.Float32 => 4 * Dimension,
        VectorElement.Float16 => 2 * Dimension,
        VectorElement.Int8 => Dimension,
        _ => (Dimension + 7) / 8,
    };

    /// <exception cref="AevumException">InvalidArgument: elements and metric do not go together, or a number is out of its range.</exception>
    public void Validate()
    {
        if (FindFault() is { } fault) Throw.Invalid(fault);
    }

    internal string? FindFault()
    {
        if (!Enum.IsDefined(Element)) return $"there is no element type {(byte)Element}";
        if (!Enum.IsDefined(Metric)) return $"there is no metric {(byte)Metric}";
        if (!Enum.IsDefined(Quantization)) return $"there is no quantization {(byte)Quantization}";
        if ((Element == VectorElement.Bit) != (Metric is VectorMetric.Hamming or VectorMetric.Jaccard))
            return Element == VectorElement.Bit
                ? $"vectors of bits are compared by Hamming or Jaccard, not by {Metric}"
                : $"vectors of {Element} are compared by L2, Cosine, InnerProduct or L1, not by {Metric}, which counts bits";
        if (M is < 2 or > LinksMax) return $"m is 2 to {LinksMax}, not {M}";
        if (EfConstruction is < 1 or > EfMax) return $"ef_construction is 1 to {EfMax}, not {EfConstruction}";
        if (EfSearch is < 1 or > EfMax) return $"ef_search is 1 to {EfMax}, not {EfSearch}";
        if (Quantization != VectorQuantization.None && Element != VectorElement.Float32) return $"vectors of {Element} are not quantized further";
        return null;
    }

    /// <summary>Whether rows written under one of them can be read under the other.</summary>
    public bool HasShapeOf(CollectionOptions other) => Element == other.Element && Metric == other.Metric && Dimension == other.Dimension;
}
