using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

/// <summary>How links lie in a coded graph.</summary>
public enum CodedLayout : byte
{
    /// <summary>Behind each code, room for all links: one address for both, 8 M bytes a row.</summary>
    Records = 1,

    /// <summary>As many links behind each code as fill its cache line, the others packed elsewhere: 4 bytes a link that is there and 4 a row, about 40 %
    /// less; one address more to wait for.</summary>
    Packed = 2,
}

/// <summary>What a coded graph is made with.</summary>
public sealed record CodedOptions(QuantizationOptions Quantization)
{
    /// <summary>Null: records for scalar codes, packed for the smaller ones, whose links are the larger part.</summary>
    public CodedLayout? Layout { get; init; }

    /// <summary>Vectors that the codebook learns from at most.</summary>
    public int SampleMax { get; init; } = 32_768;

    public ulong Seed { get; init; } = 100;
}

/// <summary>What is asked of a coded graph.</summary>
/// <param name="K">How many rows at most; fewer come back only where fewer exist (in the filter, within the distance, after the offset).</param>
public readonly record struct CodedQuery(int K)
{
    /// <summary>Candidates kept while walking by estimates: recall against time. 0: 64.</summary>
    public int Ef { get; init; }

    /// <summary>rerank_k: how many of the candidates are compared exactly. 0: as many as the codes need, which was measured when the graph was made
    /// (<see cref="CodedGraph.RerankFactor"/>), and at least 20. Never less than K + Offset.</summary>
    public int RerankCount { get; init; }

    /// <summary>So many of the nearest rows are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Rows farther than this, exactly, are left out.</summary>
    public float DistanceMax { get; init; } = float.PositiveInfinity;

    /// <summary>End the walk after so many expansions without an improvement among the first K + Offset; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>Only rows in it.</summary>
    public PreparedFilter? Filter { get; init; }

    /// <summary>Compare every row exactly instead of walking.</summary>
    public bool Exact { get; init; }

    internal void Validate()
    {
        QueryChecks.Results(K, Offset, DistanceMax);
        QueryChecks.Walk(Ef, Patience);
        if (RerankCount < 0) Throw.Invalid($"the rows to compare exactly are at least 0, not {RerankCount}");
    }
}
