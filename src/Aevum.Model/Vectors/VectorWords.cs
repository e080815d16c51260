// VectorWords: the words of metrics, elements and quantizations, and the way back, for every door: commands, command lines, answers. A value that is added to
// the catalog gets its word here, in both directions, and nowhere else.

using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Model.Vectors;

/// <summary>How people write metrics and elements: in commands, on the command line, in answers. One word each, and a few more that are understood.</summary>
public static class VectorWords
{
    /// <summary>Words of metrics that compare numbers, not bits.</summary>
    public static IReadOnlyList<string> NumberMetrics { get; } = ["cosine", "l2", "dot", "l1"];

    /// <summary>Words of elements that are numbers.</summary>
    public static IReadOnlyList<string> NumberElements { get; } = ["f32", "f16", "int8"];

    /// <summary>In any case; <c>euclidean</c> and <c>ip</c> are understood, too.</summary>
    public static bool TryMetric(string word, out VectorMetric metric)
    {
        VectorMetric? found = word.ToLowerInvariant() switch
        {
            "cosine" => VectorMetric.Cosine,
            "l2" or "euclidean" => VectorMetric.L2,
            "dot" or "ip" => VectorMetric.InnerProduct,
            "l1" => VectorMetric.L1,
            "hamming" => VectorMetric.Hamming,
            "jaccard" => VectorMetric.Jaccard,
            _ => null,
        };
        metric = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>In any case.</summary>
    public static bool TryElement(string word, out VectorElement element)
    {
        VectorElement? found = word.ToLowerInvariant() switch
        {
            "f32" => VectorElement.Float32,
            "f16" => VectorElement.Float16,
            "int8" => VectorElement.Int8,
            "bit" => VectorElement.Bit,
            _ => null,
        };
        element = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>In any case; <c>sq</c> and <c>product</c> are understood, too.</summary>
    public static bool TryQuantization(string word, out VectorQuantization quantization)
    {
        VectorQuantization? found = word.ToLowerInvariant() switch
        {
            "none" => VectorQuantization.None,
            "int8" or "sq" => VectorQuantization.Int8,
            "pq" or "product" => VectorQuantization.Product,
            _ => null,
        };
        quantization = found.GetValueOrDefault();
        return found is not null;
    }

    /// <exception cref="AevumException">InvalidArgument: no metric is called so.</exception>
    public static VectorMetric Metric(string word) =>
        TryMetric(word, out var metric) ? metric : throw new AevumException(ErrorCode.InvalidArgument, $"no metric is called \"{word}\"");

    /// <exception cref="AevumException">InvalidArgument: no element is called so.</exception>
    public static VectorElement Element(string word) =>
        TryElement(word, out var element) ? element : throw new AevumException(ErrorCode.InvalidArgument, $"no type is called \"{word}\"");

    public static string WordOf(VectorMetric metric) => metric switch
    {
        VectorMetric.Cosine => "cosine",
        VectorMetric.L2 => "l2",
        VectorMetric.InnerProduct => "dot",
        VectorMetric.L1 => "l1",
        VectorMetric.Hamming => "hamming",
        _ => "jaccard",
    };

    public static string WordOf(VectorElement element) => element switch
    {
        VectorElement.Float32 => "f32",
        VectorElement.Float16 => "f16",
        VectorElement.Int8 => "int8",
        _ => "bit",
    };

    public static string WordOf(VectorQuantization quantization) => quantization switch
    {
        VectorQuantization.None => "none",
        VectorQuantization.Int8 => "int8",
        _ => "pq",
    };
}
