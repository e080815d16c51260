// VectorIndexOptions, VectorQuery, VectorHit, VectorIndexStatistics: what an index is made with, what is asked of it, what it answers and tells of itself.

using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

/// <summary>What a vector index is made with.</summary>
public sealed record VectorIndexOptions
{
    /// <summary>How graphs are built and, by default, searched.</summary>
    public HnswOptions Graph { get; init; } = new();

    /// <summary>Whether what was replaced or deleted can still be found as of then. False: times are not kept (8 bytes a row less), and a search as of a
    /// moment is refused.</summary>
    public bool KeepHistory { get; init; } = true;

    /// <summary>What stands for vectors in what is sealed of the live rows (<see cref="VectorIndex.Maintain"/>); null: vectors do. Of numbers only.</summary>
    public CodedOptions? Codes { get; init; }

    /// <summary>A history segment of so many entries is sealed, and another begun; and, with codes, so many live rows.</summary>
    public int SealRows { get; init; } = 65_536;

    /// <summary>How codebooks are learnt and watched; null: <see cref="CodebookKeeperOptions"/>'s own.</summary>
    internal CodebookKeeperOptions? Keeping { get; init; }

    /// <summary>Called when merged codes are made and before they take the place of the old ones; for tests that put something in between.</summary>
    internal Action? BeforeMergeCounts { get; init; }

    /// <summary>Segments merge (<see cref="VectorIndex.Maintain"/>) up to so many entries.</summary>
    public int MergeRowsMax { get; init; } = 4 << 20;

    internal void Validate(VectorShape shape)
    {
        Graph.Validate();
        if (Codes is { } codes)
        {
            VectorFloats.Require(shape);
            var parts = codes.Quantization.SubCount;
            if (codes.Quantization.Kind == QuantizationKind.Product && (parts < 1 || parts > shape.Dimension))
                Throw.Invalid($"vectors of {shape.Dimension} components are cut into 1 to {shape.Dimension} parts, not {parts}");
        }
        if (MergeRowsMax < 1) Throw.Invalid($"history segments merge up to 1 entry or more, not {MergeRowsMax}");
        if (SealRows < 1) Throw.Invalid($"a history segment is sealed at 1 entry or more, not {SealRows}");
    }
}

/// <summary>What is asked of a vector index.</summary>
/// <param name="K">How many ids at most; fewer come back only where fewer exist (then, in the filter, within the distance, after the offset).</param>
public readonly record struct VectorQuery(int K)
{
    /// <summary>Candidates kept while walking: recall against time. 0: the index's own (<see cref="HnswOptions.EfSearch"/>).</summary>
    public int Ef { get; init; }

    /// <summary>So many of the nearest are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Ids farther than this are left out; by the index's metric, L2 squared (<see cref="VectorShape.FromShown"/>).</summary>
    public float DistanceMax { get; init; } = float.PositiveInfinity;

    /// <summary>End a walk after so many expansions in a row that brought nothing; 0: never (<see cref="HnswQuery.Patience"/>).</summary>
    public int Patience { get; init; }

    /// <summary>Compare with every vector instead of walking.</summary>
    public bool Exact { get; init; }

    /// <summary>Only these ids.</summary>
    public VectorFilter? Filter { get; init; }

    /// <summary>What the index held at this moment; null: what it holds.</summary>
    public SystemTime? AsOf { get; init; }
}

/// <summary>An id that was found.</summary>
/// <param name="Distance">By the index's metric; L2 is squared (<see cref="VectorShape.ToShown"/>).</param>
public readonly record struct VectorHit(ulong Id, float Distance);

/// <summary>What an index holds and takes.</summary>
public sealed record VectorIndexStatistics
{
    /// <summary>Ids that have a vector.</summary>
    public long Count { get; init; }

    /// <summary>Ids whose vectors are codes, and in how many segments.</summary>
    public long CodedCount { get; init; }

    public int CodedSegments { get; init; }

    /// <summary>Rows of these segments that are dead.</summary>
    public long CodedDead { get; init; }

    /// <summary>Codes, links, upper layers and ids of these segments, in native memory or in mapped files; in no other figure but
    /// <see cref="LiveBytes"/>.</summary>
    public long CodedBytes { get; init; }

    /// <summary>Bytes for each id that has a vector: what is live, with what finds it; not whole vectors that lie in mapped files beside codes, not lifetimes
    /// beside codes.</summary>
    public double BytesPerVector => Count == 0 ? 0 : LiveBytes / (double)Count;

    /// <summary>Vectors that were replaced or deleted and can be found as of then.</summary>
    public long HistoryEntries { get; init; }

    public int HistorySegments { get; init; }

    /// <summary>Vectors or codes, links, ids and times of what is live.</summary>
    public long LiveBytes { get; init; }

    /// <summary>The same of history.</summary>
    public long HistoryBytes { get; init; }

    /// <summary>Bytes of mapped files that live rows and history lie in; not counted against the budget.</summary>
    public long MappedBytes { get; init; }

    /// <summary>What the budget counts: both, and scratches of searches.</summary>
    public long UsedBytes { get; init; }

    /// <summary>The memory limit.</summary>
    public long BytesMax { get; init; }

    /// <summary>Searches as of a moment before this are refused.</summary>
    public SystemTime HistoryFloor { get; init; }

    /// <summary>The latest time that was written.</summary>
    public SystemTime LastTime { get; init; }
}
