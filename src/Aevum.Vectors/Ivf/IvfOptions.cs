using Aevum.Core.Errors;

namespace Aevum.Vectors.Ivf;

/// <summary>How an index of inverted lists is built.</summary>
public sealed record IvfOptions
{
    public const int ListsMax = 1 << 20;

    /// <summary>Number of lists. About the root of the number of rows up to four times that; more: shorter lists, and more centroids to compare with.</summary>
    public int Lists { get; init; } = 256;

    /// <summary>Lists looked at by a search unless it says otherwise: recall against time.</summary>
    public int Probes { get; init; } = 8;

    /// <summary>Keep codes of half a byte a part instead of vectors: a row takes 4 + <see cref="SubCount"/> / 2 bytes, and results are estimates
    /// unless vectors to rerank with are at hand.</summary>
    public bool IsCoded { get; init; }

    /// <summary>num_sub: parts of a coded vector. More: better, larger codes; two components a part are a good start.</summary>
    public int SubCount { get; init; } = 32;

    /// <summary>max_iter: rounds of k-means at most, for lists and for parts.</summary>
    public int RoundsMax { get; init; } = 20;

    internal void Validate()
    {
        if (Lists is < 1 or > ListsMax) Throw.Invalid($"an index has 1 to {ListsMax} lists, not {Lists}");
        if (Probes < 1) Throw.Invalid($"a search looks at 1 list at least, not {Probes}");
        if (RoundsMax < 0) Throw.Invalid("rounds of k-means are negative");
    }
}

/// <summary>What is asked of inverted lists.</summary>
/// <param name="Limits">How many results, from which on, how far.</param>
readonly record struct IvfQuery(SearchLimits Limits)
{
    /// <summary>Lists looked at; 0: the index's own number. More are looked at where these hold fewer than K rows that count.</summary>
    public int Probes { get; init; }

    /// <summary>rerank_k: how many of the best estimates are compared exactly; 0: ten times what is asked for, at least 100. Only of coded indexes that have
    /// vectors to rerank with.</summary>
    public int RerankCount { get; init; }

    public RowFilter Filter { get; init; }

    internal int CandidatesFor(bool reranks) =>
        !reranks ? Limits.Found
        : RerankCount > 0 ? Math.Max(Limits.Found, RerankCount)
        : (int)Math.Min(SearchLimits.ResultsMax, Math.Max(100, 10L * Limits.Found));

    internal void Validate()
    {
        Limits.Validate();
        if (Probes < 0) Throw.Invalid($"the lists to look at are {Probes}; 0 is the index's own number");
        if (RerankCount is < 0 or > SearchLimits.ResultsMax)
            Throw.Invalid($"{RerankCount} rows to compare exactly; 0 to {SearchLimits.ResultsMax} are possible");
    }
}
