using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Bench.Workloads.Vectors;

/// <summary>Which index of ours answers which rows: the first word of a row's name. A variant that is not here makes its rows "not yet built".</summary>
static class IndexVariants
{
    /// <summary>Null: nobody has added it yet.</summary>
    public static IIndexVariant? Find(string kind) => kind switch
    {
        "f32" => new HnswVariant(new HnswOptions { M = HnswlibSide.M, EfConstruction = HnswlibSide.EfConstruction }),
        "int8" => new CodedVariant(new(new(QuantizationKind.Scalar))),
        "pq" => new CodedVariant(new(new(QuantizationKind.Product))),
        _ => null,
    };
}
