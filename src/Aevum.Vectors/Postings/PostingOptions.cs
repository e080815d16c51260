using Aevum.Core.Bitmaps;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Postings;

/// <summary>How an index of postings is kept.</summary>
public sealed record PostingOptions
{
    /// <summary>A posting with more entries is split. A search reads whole postings: long ones cost bytes, short ones reads and centroids in
    /// memory.</summary>
    public int LengthMax { get; init; } = 128;

    /// <summary>A posting with fewer vectors of its own is merged into its neighbours. At most a quarter of <see cref="LengthMax"/>.</summary>
    public int LengthMin { get; init; } = 16;

    /// <summary>A vector near the border of several postings is put into so many at most: bytes on disk against recall.</summary>
    public int ReplicasMax { get; init; } = 2;

    /// <summary>How much farther than the nearest centroid another may be for a replica: 0.1 is a tenth.</summary>
    public double ReplicaSlack { get; init; } = 0.15;

    /// <summary>Postings around a split one whose vectors are looked at again.</summary>
    public int Neighbourhood { get; init; } = 24;

    /// <summary>Postings a search reads unless it says otherwise.</summary>
    public int Probes { get; init; } = 32;

    public ulong Seed { get; init; } = 100;

    internal void Validate()
    {
        if (LengthMax is < 4 or > 1 << 20) Throw.Invalid($"a posting has at most 4 to {1 << 20} entries, not {LengthMax}");
        if (LengthMin < 0 || LengthMin > LengthMax / 4) Throw.Invalid($"a posting has at least 0 to {LengthMax / 4} vectors, not {LengthMin}");
        if (ReplicasMax is < 1 or > 8) Throw.Invalid($"a vector is in 1 to 8 postings, not {ReplicasMax}");
        if (!(ReplicaSlack >= 0 && ReplicaSlack <= 10)) Throw.Invalid($"the slack of replicas is 0 to 10, not {ReplicaSlack}");
        if (Neighbourhood is < 0 or > 1024) Throw.Invalid($"0 to 1024 postings around a split one are looked at, not {Neighbourhood}");
        if (Probes < 1) Throw.Invalid($"a search reads at least one posting, not {Probes}");
    }
}

/// <summary>What is asked of an index of postings.</summary>
/// <param name="K">How many ids at most; fewer come back only where fewer exist (in the filter; within the distance, among the postings read).</param>
public readonly record struct PostingQuery(int K)
{
    /// <summary>Postings to read. 0: the index's own (<see cref="PostingOptions.Probes"/>). As many as there are: the search is exact.</summary>
    public int Probes { get; init; }

    /// <summary>Ids farther than this are left out.</summary>
    public float DistanceMax { get; init; } = float.PositiveInfinity;

    /// <summary>Only ids in it, which are below 2^32.</summary>
    public Bitmap? Filter { get; init; }

    internal void Validate()
    {
        QueryChecks.Results(K, offset: 0, DistanceMax);
        if (K > SearchLimits.ResultsMax) Throw.Limit("the number of neighbours asked for", K, SearchLimits.ResultsMax);
        if (Probes < 0) Throw.Invalid($"the postings to read are at least 0, not {Probes}");
    }
}

/// <summary>A vector that was found.</summary>
/// <param name="Distance">By the index's metric; L2 is squared.</param>
public readonly record struct PostingMatch(ulong Id, float Distance);

/// <summary>What a search cost.</summary>
/// <param name="Postings">Read.</param>
/// <param name="Compared">Entries compared, stale ones and replicas included.</param>
public readonly record struct PostingCost(int Postings, int Compared);
