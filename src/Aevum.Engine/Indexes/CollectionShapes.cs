using Aevum.Model.Catalog;
using Aevum.Vectors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Quantization;

namespace Aevum.Engine.Indexes;

/// <summary>What the catalog says of a collection, in the words of Aevum.Vectors. Numbers of elements and metrics are the same there.</summary>
static class CollectionShapes
{
    const int PartsMin = 32;
    const int PartsMax = 4096;

    public static VectorShape ShapeOf(CollectionOptions options) => new((ElementType)options.Element, (Metric)options.Metric, options.Dimension);

    /// <summary>What stands for vectors that are sealed; null: vectors do. Product codes have a part for eight components, and 32 at least, as far as there are
    /// so many components: what the presets have.</summary>
    public static CodedOptions? CodesOf(CollectionOptions options) => options.Quantization switch
    {
        VectorQuantization.Int8 => new CodedOptions(new QuantizationOptions(QuantizationKind.Scalar)),
        VectorQuantization.Product => new CodedOptions(new QuantizationOptions(
            QuantizationKind.Product, Math.Clamp(options.Dimension / 8, Math.Min(PartsMin, options.Dimension), PartsMax))),
        _ => null,
    };
}
