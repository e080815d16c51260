namespace Aevum.Bench.Workloads.Rows;

/// <summary>A group of rows measured on one store in one go, and how the coordinator runs it.</summary>
sealed record Scenario
{
    public required string Name { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Rounds of a quick run.</summary>
    public int QuickRounds { get; init; } = 1;

    /// <summary>Rounds in which the peer takes part (fewer where its figure is only told beside; 0: never).</summary>
    public int PeerRoundsMax { get; init; } = int.MaxValue;

    /// <summary>A new process for every round, so that memory starts from nothing.</summary>
    public bool NewProcessPerRound { get; init; }

    /// <summary>Parts of a round that run in processes of their own, in order; between them the process is killed (SIGKILL).</summary>
    public string[] Steps { get; init; } = [""];

    /// <summary>Free space it needs, full size.</summary>
    public double DiskGib { get; init; } = 0.5;

    /// <summary>Whether --variants (history for ever, LZ4) runs it again.</summary>
    public bool HasVariants { get; init; }

    /// <summary>Measured seconds per round, full and quick, for the estimate that a run prints first; the first is ours.</summary>
    public (double Ours, double Peer) Seconds { get; init; } = (5, 5);

    public (double Ours, double Peer) QuickSeconds { get; init; } = (2, 2);
}
