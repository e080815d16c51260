// Row: one line of a report, with the one bound it is judged by.
//
// A row beside a peer is judged by its ratio, peer's figure over ours, so above 1 is better for us: AtLeast. A row without a peer is
// judged by our own figure: AtMost, or AtLeast where more is better (BoundsOurs). Exactly one of the two is set. The aim is a wish beyond the bound,
// in the same direction.

namespace Aevum.Bench.Workloads.Rows;

sealed record Row
{
    /// <summary>Fixed: reports of different days are compared by it.</summary>
    public required string Name { get; init; }

    /// <summary>The scenario that measures it.</summary>
    public required string Scenario { get; init; }

    /// <summary>Of the figures "ours" and "peer"; smaller is better in all of them.</summary>
    public required string Unit { get; init; }

    /// <summary>What is measured, in a line.</summary>
    public required string What { get; init; }

    public double? AtLeast { get; init; }

    public double? AtMost { get; init; }

    public double? Aim { get; init; }

    /// <summary>The readings it is judged by; of several the one with the worst ratio counts (fills: to the last put, to idle).</summary>
    public string[] Fields { get; init; } = ["cpu"];

    /// <summary>AtLeast is meant of our own figure, in which more is better.</summary>
    public bool BoundsOurs { get; init; }

    /// <summary>False: what it would measure is not built yet; it is listed and not run.</summary>
    public bool IsBuilt { get; init; } = true;

    /// <summary>With more bytes a vector than these the row is missed, whatever its ratio.</summary>
    public double? BytesMax { get; init; }

    public bool HasPeer => AtLeast is not null && !BoundsOurs;

    public string BoundText => AtLeast is not { } least ? $"ours <= {AtMost:0.##} {Unit}"
        : BoundsOurs ? $"ours >= {least:0.##} {Unit}"
        : $"ratio >= {least:0.##}";

    public string AimText => Aim is { } aim ? $"{aim:0.##}" : "";
}
