using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Quantization;

/// <summary>How many of the ten nearest are among the best by estimate, on embeddings of real text: what a rerank can bring back at most.</summary>
public sealed class CodeRecallTests
{
    // 128 components of WordNet's glosses; the numbers are what was measured, less two or three hundredths.
    [Theory]
    [InlineData(QuantizationKind.Scalar, true, 12, 0.99)]
    [InlineData(QuantizationKind.Product, true, 20, 0.97)]
    [InlineData(QuantizationKind.Product, false, 40, 0.80)]
    [InlineData(QuantizationKind.Binary, true, 60, 0.80)]
    public void The_demo_s_vectors(QuantizationKind kind, bool turns, int candidates, double recall)
    {
        var bytes = File.ReadAllBytes(Path.Combine(TestFolders.Repository, "demo", "vectors-128.i8"));
        var vectors = Enumerable.Range(0, 1_200).Select(row =>
            Enumerable.Range(0, 128).Select(i => (sbyte)bytes[(132 * row) + 4 + i] * BitConverter.ToSingle(bytes, 132 * row)).ToArray()).ToArray();
        Measure(kind, turns, vectors, candidates, recall);
    }

    [TheoryThatNeeds(Dataset = "fiori-docs/embeddings-778x384.f32")]
    [InlineData(QuantizationKind.Scalar, true, 12, 0.98)]
    [InlineData(QuantizationKind.Product, true, 40, 0.90)]
    [InlineData(QuantizationKind.Binary, true, 40, 0.85)]
    public void Sentence_embeddings(QuantizationKind kind, bool turns, int candidates, double recall)
    {
        var bytes = File.ReadAllBytes(TestFolders.FindDataset("fiori-docs/embeddings-778x384.f32")!);
        var vectors = Enumerable.Range(0, 778).Select(row =>
            Enumerable.Range(0, 384).Select(i => BitConverter.ToSingle(bytes, 4 * ((row * 384) + i))).ToArray());
        Measure(kind, turns, [.. vectors], candidates, recall);
    }

    static void Measure(QuantizationKind kind, bool turns, float[][] vectors, int candidates, double recall)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.Cosine, vectors[0].Length);
        var space = Codes.InSpace(shape, vectors);
        var (queries, rows) = (space[..50], space[50..]);
        using var quantizer = Codes.Train(shape, new(kind, 32, 256, 4, turns), rows, new SeededRandom(1));
        var codes = Array.ConvertAll(rows, r => Codes.Encode(quantizer, r));
        var hits = 0;
        foreach (var query in queries)
        {
            var nearest = Enumerable.Range(0, rows.Length).OrderBy(r => Codes.Exact(Metric.Cosine, query, rows[r])).Take(10).ToHashSet();
            var estimates = Codes.Distances(quantizer, query, codes);
            hits += Enumerable.Range(0, rows.Length).OrderBy(r => estimates[r]).Take(candidates).Count(nearest.Contains);
        }
        Assert.True(hits >= recall * 500, $"{hits} of 500");
    }
}
