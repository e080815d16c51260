// VectorPreset: settings that are known to fit common embeddings, as one table. A preset is a beginning: recall depends on the data, and is measured
// (`./dev bench vectors`).
//
//   hnsw     m, ef_construction, ef_search                          the graph; whole vectors
//   codes    num_sub, num_centroids, max_iter, rerank_k             product codes in place of vectors, for graphs that do not fit in memory otherwise
//
// The defaults are those of HnswOptions and QuantizationOptions; a test holds this table to them. To add one: a line in All, and in
// docs/internals/lifetimes.md.

using Aevum.Core.Errors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

/// <param name="Name">Lower case, words joined by hyphens.</param>
/// <param name="Use">What it is for.</param>
/// <param name="Dimension">What it was made for; 0: any.</param>
/// <param name="M">Links of a row.</param>
/// <param name="EfConstruction">Candidates of an insert.</param>
/// <param name="EfSearch">Candidates of a search; at least k.</param>
/// <param name="SubCount">num_sub: parts of a vector that get a code each; 0: a quarter of the dimension.</param>
/// <param name="RerankCount">rerank_k: candidates compared exactly. 0 in a query means what was measured, which is mostly less.</param>
public sealed record VectorPreset(
    string Name, string Use, int Dimension, Metric Metric, int M, int EfConstruction, int EfSearch, int SubCount, int RerankCount)
{
    /// <summary>num_centroids: of each part. A byte a part.</summary>
    public int CentroidCount { get; init; } = 256;

    /// <summary>max_iter: rounds of k-means at most.</summary>
    public int RoundsMax { get; init; } = 20;

    public static VectorPreset Default { get; } = new("default", "anything", 0, Metric.L2, 16, 200, 64, 32, 100);

    public static IReadOnlyList<VectorPreset> All { get; } =
    [
        Default,
        new("text-1536", "text embeddings of 1,536 components", 1536, Metric.Cosine, 16, 200, 100, 192, 200),
        new("sentence-384", "sentence embeddings of 384 components", 384, Metric.Cosine, 16, 200, 64, 48, 100),
        new("image-512", "image embeddings of 512 components", 512, Metric.InnerProduct, 24, 300, 128, 64, 200),
        new("low-latency", "answers below a millisecond before recall", 0, Metric.L2, 8, 100, 32, 0, 50),
        new("low-memory-128", "a million vectors of 128 components and more, by codes", 128, Metric.L2, 16, 200, 64, 32, 100),
    ];

    /// <exception cref="AevumException">NotFound: there is no preset of that name; the message lists those that are.</exception>
    public static VectorPreset Find(string name) =>
        All.FirstOrDefault(p => p.Name == name)
        ?? throw new AevumException(ErrorCode.NotFound, $"there is no preset {name}; there are {string.Join(", ", All.Select(p => p.Name))}");

    public HnswOptions Graph => new() { M = M, EfConstruction = EfConstruction, EfSearch = EfSearch };

    /// <summary>Product codes for vectors of so many components.</summary>
    public CodedOptions Codes(int dimension)
    {
        var parts = Math.Clamp(SubCount == 0 ? dimension / 4 : SubCount, 1, dimension);
        return new(new QuantizationOptions(QuantizationKind.Product, parts, CentroidCount, RoundsMax));
    }
}
