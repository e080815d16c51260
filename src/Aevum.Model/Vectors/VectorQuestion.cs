using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.Vectors;

/// <summary>What is asked of a vector collection.</summary>
public readonly record struct VectorQuestion
{
    /// <summary>More than this many answers, those passed over among them, are refused.</summary>
    public const int AnswersMax = 1 << 20;

    /// <summary>The components of the query, in the collection's element type, little endian; checked (Model/Vectors/VectorRow).</summary>
    public required ReadOnlyMemory<byte> Elements { get; init; }

    /// <summary>How many answers at most; fewer come only where fewer exist.</summary>
    public required int K { get; init; }

    /// <summary>Candidates that a search of the graph keeps: recall against time. 0: the collection's own.</summary>
    public int Ef { get; init; }

    /// <summary>So many of the nearest are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Only what is at most this far, as distances are shown; null: however far.</summary>
    public float? DistanceMax { get; init; }

    /// <summary>Looks at every row, and so misses none.</summary>
    public bool Exact { get; init; }

    /// <summary>As of this moment; null: now.</summary>
    public SystemTime? AsOf { get; init; }

    /// <exception cref="AevumException">InvalidArgument, LimitExceeded.</exception>
    public void Validate()
    {
        if (K < 0) Throw.Invalid($"the number of neighbours asked for is {K}; it is at least 0");
        if (Offset < 0) Throw.Invalid($"the offset is {Offset}; it is at least 0");
        if (Ef < 0) Throw.Invalid($"ef is {Ef}; it is at least 0");
        if (DistanceMax is { } max && float.IsNaN(max)) Throw.Invalid("the greatest distance asked for is not a number");
        if ((long)K + Offset > AnswersMax) Throw.Limit("the number of neighbours asked for, with the offset,", (long)K + Offset, AnswersMax);
    }
}

/// <summary>A row that was found.</summary>
/// <param name="Key">As the user gave it.</param>
/// <param name="Distance">As people expect it: of L2 the root; of Cosine 1 - the cosine; of InnerProduct the negative product.</param>
public readonly record struct VectorAnswer(byte[] Key, float Distance);
