// Variant: the same rows measured under another setting, told beside the row as <name>_ours, <name>_peer, <name>_ratio. Bounds bind the
// main setting only. A side that a variant leaves out keeps its figure of the main setting in the ratio.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Running;

sealed record Variant(string Name)
{
    public HistoryKind OursHistory { get; init; }

    public CompressionKind Compression { get; init; }

    public bool PeerMapsTables { get; init; }

    public bool HasOurs { get; init; } = true;

    public bool HasPeer { get; init; } = true;

    public static Variant Main { get; } = new("");

    public static Variant[] Others { get; } =
    [
        new("history_forever") { OursHistory = HistoryKind.Forever, HasPeer = false },
        new("lz4") { Compression = CompressionKind.Lz4 },
        new("peer_mmap") { PeerMapsTables = true, HasOurs = false },
    ];

    public RowResult AddTo(RowResult result, ScenarioOutcome outcome, ScenarioOutcome main)
    {
        if (result.Error.Length > 0 || !result.Row.HasPeer) return result;
        var other = RowResult.Create(result.Row, "", HasOurs ? outcome.Ours : main.Ours, HasPeer ? outcome.Peer : main.Peer, outcome.Error);
        if (other.Error.Length > 0) return result;
        var beside = result.Beside.ToList();
        if (HasOurs && other.Ours is { } ours) beside.Add(new(Name + "_ours", ours));
        if (HasPeer && other.Peer is { } theirs) beside.Add(new(Name + "_peer", theirs));
        if (other.Ratio is { } ratio) beside.Add(new(Name + "_ratio", ratio));
        return result with { Beside = beside };
    }
}
