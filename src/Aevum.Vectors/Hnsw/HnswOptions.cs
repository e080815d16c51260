// HnswOptions, HnswQuery, VectorMatch: what a graph is built with, what is asked of it, what it answers. Every number is checked before it is used; the
// defaults are those that most libraries have.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

/// <summary>How a graph is built. The names and defaults of M and ef are those of the paper and of what most libraries call them.</summary>
public sealed record HnswOptions
{
    public const int LinksMax = 256;
    public const int EfMax = 1 << 20;

    /// <summary>Links that a new row gets on a layer; on the lowest a row keeps up to twice as many. 8 to 48 make sense: more cost 8 bytes each a
    /// row and slower inserts, and help where many dimensions tell vectors apart.</summary>
    public int M { get; init; } = 16;

    /// <summary>How many candidates an insert weighs. 100 to 500; inserts cost in proportion, searches gain recall.</summary>
    public int EfConstruction { get; init; } = 200;

    /// <summary>How many candidates a search keeps unless it says otherwise (<see cref="HnswQuery.Ef"/>).</summary>
    public int EfSearch { get; init; } = 64;

    /// <summary>Levels of rows, and the learning of the rotation, follow from it. The same rows in the same order by one thread: the same graph.</summary>
    public ulong Seed { get; init; } = 100;

    /// <summary>Learn a rotation after so many rows, and look again whenever there are 16 times as many; 0: never turn vectors.</summary>
    public int RotateAfterRows { get; init; } = 8192;

    /// <summary>Keep the lengths of links (8 M bytes a row), which makes inserts about a quarter cheaper. <see cref="HnswIndex.Trim"/> drops them.</summary>
    public bool KeepLengths { get; init; } = true;

    /// <summary>Searches walk, or filter, in this way even where another would cost less: to measure it, and to test walks on few rows.</summary>
    internal FilterWay? ForcedWay { get; init; }

    /// <summary>Whether rows carry since when, or since and until when, they hold what they hold: 8 or 16 bytes a row.</summary>
    internal LifetimeKind Lifetimes { get; init; }

    internal void Validate()
    {
        if (M is < 2 or > LinksMax) Throw.Invalid($"m is 2 to {LinksMax}, not {M}");
        if (EfConstruction is < 1 or > EfMax) Throw.Invalid($"ef_construction is 1 to {EfMax}, not {EfConstruction}");
        if (EfSearch is < 1 or > EfMax) Throw.Invalid($"ef_search is 1 to {EfMax}, not {EfSearch}");
        if (RotateAfterRows < 0) Throw.Invalid("the rows after which a rotation is learned are negative");
    }
}

/// <summary>What is asked of a graph.</summary>
/// <param name="K">How many rows at most; fewer come back only where fewer exist (in the filter, within the distance, after the offset).</param>
public readonly record struct HnswQuery(int K)
{
    /// <summary>Candidates kept while walking: recall against time. 0: the index's own (<see cref="HnswOptions.EfSearch"/>).</summary>
    public int Ef { get; init; }

    /// <summary>So many of the nearest rows are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Rows farther than this are left out.</summary>
    public float DistanceMax { get; init; } = float.PositiveInfinity;

    /// <summary>End the walk after so many expansions in a row that brought nothing among the first K + Offset: cheaper, and a little less recall where
    /// ef is large. 0: never. 16 to 64 make sense.</summary>
    public int Patience { get; init; }

    /// <summary>Only rows in it.</summary>
    public PreparedFilter? Filter { get; init; }

    /// <summary>Only these ids; in place of <see cref="Filter"/>.</summary>
    internal VectorFilter? Ids { get; init; }

    /// <summary>Look at every row instead of walking: the answer is exact.</summary>
    public bool Exact { get; init; }

    /// <summary>A walk that brought too little is not followed by a wider one.</summary>
    internal bool IsLax { get; init; }

    /// <summary>Rows at this distance or farther are of no use to the caller, who has enough nearer ones. Inside, as the graph computes distances.</summary>
    internal float Bound { get; init; } = float.PositiveInfinity;

    /// <summary>What a pin noted (<see cref="HnswIndex.Pin"/>); null: as of when the search begins.</summary>
    internal uint? Death { get; init; }

    /// <summary>Only rows that held what they hold at this moment (<see cref="LifetimeTable"/>); 0: no such limit.</summary>
    internal ulong AsOf { get; init; }

    /// <summary>How many rows held then, if the caller has counted (<see cref="HnswIndex.CountHeld"/>).</summary>
    internal PastCount? Counted { get; init; }

    internal void Validate()
    {
        QueryChecks.Results(K, Offset, DistanceMax);
        QueryChecks.Walk(Ef, Patience);
    }
}

/// <summary>A row that was found.</summary>
/// <param name="Id">As it was put.</param>
/// <param name="Distance">By the index's metric; L2 is squared.</param>
/// <param name="Row">Its number inside the index, which filters are made of.</param>
public readonly record struct VectorMatch(ulong Id, float Distance, uint Row);
