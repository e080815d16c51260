// RoundTask and RoundReply: what the coordinator and a child say to each other, one JSON object a line over the child's standard input
// and output. The child's standard error is the coordinator's own, so that progress shows at once.

using System.Text.Json;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Running;

/// <summary>Sizes of a run: the real ones, smaller ones for a first look, and tiny ones for the tests of this harness.</summary>
enum Scale { Full, Quick, Tiny }

/// <summary>One round of one scenario, to be run by one child.</summary>
sealed record RoundTask
{
    public required string Scenario { get; init; }

    /// <summary>Which part, for scenarios whose parts run in processes of their own; else empty.</summary>
    public string Step { get; init; } = "";

    /// <summary>From 1. Seeds differ from round to round, never from engine to engine.</summary>
    public required int Round { get; init; }

    public required Scale Scale { get; init; }

    /// <summary>The rows somebody asked for: parts that feed no other row are left out.</summary>
    public required string[] Rows { get; init; }

    /// <summary>Exists; kept between the steps of one scenario, emptied by the coordinator between rounds.</summary>
    public required string Directory { get; init; }

    public HistoryKind History { get; init; }

    public CompressionKind Compression { get; init; }

    public bool PeerMapsTables { get; init; }

    public bool PeerTickers { get; init; }

    public string PeerOptions { get; init; } = "";

    /// <summary>Stands before each progress line, behind the time.</summary>
    public string Label { get; init; } = "";

    /// <summary>When the whole run began (<see cref="Environment.TickCount64"/>, the machine's clock).</summary>
    public long RunStartMs { get; init; } = Environment.TickCount64;

    public ulong Seed(int phase) => (ulong)(Round * 1000 + phase);

    public bool Wants(params ReadOnlySpan<string> rows)
    {
        foreach (var row in rows)
            if (Rows.Contains(row)) return true;
        return false;
    }

    public StoreOptions StoreOptions => new()
    {
        History = History,
        Compression = Compression,
        PeerMapsTables = PeerMapsTables,
        PeerTickers = PeerTickers,
        PeerOptions = PeerOptions,
    };

    public string ToLine() => JsonSerializer.Serialize(this);

    public static RoundTask Parse(string line) => JsonSerializer.Deserialize<RoundTask>(line)!;
}

/// <summary>One figure: of which row, which of its fields ("cpu" is the row's own, others are told beside).</summary>
sealed record Reading(string Row, string Field, double Value);

sealed record RoundReply
{
    public Reading[] Readings { get; init; } = [];

    /// <summary>What went wrong, or empty.</summary>
    public string Error { get; init; } = "";

    public string ToLine() => JsonSerializer.Serialize(this);

    public static RoundReply Parse(string line) => JsonSerializer.Deserialize<RoundReply>(line)!;
}
