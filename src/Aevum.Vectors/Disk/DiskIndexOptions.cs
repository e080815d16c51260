using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Disk;

/// <summary>How an index larger than memory is made.</summary>
public sealed record DiskIndexOptions
{
    /// <summary>Bytes the index may hold in memory, as a share of the bytes of its whole vectors: codes, links, upper layers, codebook, and the marks of
    /// one search.</summary>
    public double MemoryShare { get; init; } = 0.25;

    /// <summary>num_sub: parts of a code, a byte each. More: better estimates, so fewer reads a query. 0: as many as the memory leaves room for, at most
    /// one for two components and at most 96.</summary>
    public int SubCount { get; init; }

    /// <summary>Vectors that the codebook learns from at most.</summary>
    public int SampleMax { get; init; } = 32_768;

    /// <summary>Bytes of a page, a multiple of 4,096; 0: as fits the vectors.</summary>
    public int PageBytes { get; init; }

    public ulong Seed { get; init; } = 100;

    internal void Validate()
    {
        if (!(MemoryShare > 0)) Throw.Invalid($"the share of memory is {MemoryShare}; it is above 0");
        if (SubCount < 0) Throw.Invalid($"a code has {SubCount} parts; 0 means as many as there is room for");
        if (SampleMax < 1) Throw.Invalid("codes cannot be learnt from no vectors");
        if (PageBytes != 0 && (PageBytes % PageLayout.Unit != 0 || PageBytes is < PageLayout.Unit or > PageLayout.BytesMax))
            Throw.Invalid($"a page has a multiple of {PageLayout.Unit} bytes, at most {PageLayout.BytesMax}, not {PageBytes}");
    }
}

/// <summary>What is asked of an index on disk.</summary>
/// <param name="K">How many rows at most; fewer come back only where fewer exist (in the filter, within the distance, after the offset).</param>
public readonly record struct DiskQuery(int K)
{
    /// <summary>Candidates kept while walking by estimates. They cost memory accesses, not reads, so there may be many. 0: 64.</summary>
    public int Ef { get; init; }

    /// <summary>Pages read at most, as long as there are fewer results than asked for: then reading goes on. 0: 60.</summary>
    public int ReadsMax { get; init; }

    /// <summary>How sure to be that a candidate left unread is no result, in standard deviations of the errors of this query's estimates. Higher: more
    /// reads, more recall. 0: 1. Below 0 is allowed.</summary>
    public double Assurance { get; init; }

    /// <summary>So many of the nearest rows are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Rows farther than this are left out.</summary>
    public float DistanceMax { get; init; } = float.PositiveInfinity;

    /// <summary>End the walk after so many expansions without an improvement among the first K + Offset; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>Only rows in it.</summary>
    public PreparedFilter? Filter { get; init; }

    internal void Validate()
    {
        QueryChecks.Results(K, Offset, DistanceMax);
        QueryChecks.Walk(Ef, Patience);
        if (ReadsMax < 0) Throw.Invalid($"the pages to read are at least 0, not {ReadsMax}");
        if (!double.IsFinite(Assurance)) Throw.Invalid("the assurance is no finite number");
    }
}

/// <summary>What a search cost.</summary>
/// <param name="Reads">Pages read.</param>
/// <param name="Rounds">How often it waited for reads, all of a round being on their way together.</param>
/// <param name="Compared">Whole vectors compared.</param>
public readonly record struct DiskCost(int Reads, int Rounds, int Compared);
