// RowResult: what the rounds of one row come to. Pure: readings in, medians and verdict out.
//
//   ours, peer   medians over the rounds of the field that judges
//   ratio        peer / ours of those medians (rounds alternate, so both saw the same machine)
//   spread       how far the ratios of single rounds lie apart, over their median: the noise to read the ratio with
//
// Every other reading of the row becomes a field told beside: ours_<field>, peer_<field>.

using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Rows;

enum Verdict { Failed, NoBound, Missed, Met, Aimed }

sealed record RowResult
{
    public required Row Row { get; init; }

    /// <summary>The row's name, with " (quick)" or the like where the sizes are not the row's own.</summary>
    public required string Name { get; init; }

    /// <summary>Whose figure the peer's is, where rows of a suite have different ones.</summary>
    public string? PeerName { get; init; }

    public double? Ours { get; init; }

    public double? Peer { get; init; }

    public double? Ratio { get; init; }

    /// <summary>Why there are no figures; else empty.</summary>
    public string Error { get; init; } = "";

    /// <summary>A second bound that does not hold, in words; else empty. The figures stand, the verdict is missed.</summary>
    public string Exceeded { get; init; } = "";

    public int Rounds { get; init; }

    public double? Spread { get; init; }

    /// <summary>Told beside, in order; names as in the JSON object.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Beside { get; init; } = [];

    public Verdict Verdict
    {
        get
        {
            if (Error.Length > 0) return Verdict.Failed;
            if (Exceeded.Length > 0) return Verdict.Missed;
            if (Row.AtMost is { } most) return Ours is not { } ours ? Verdict.NoBound : ours <= most ? Verdict.Met : Verdict.Missed;
            var judged = Row.BoundsOurs ? Ours : Ratio;
            if (judged is not { } ratio) return Verdict.NoBound;   // only one side was run
            return ratio < Row.AtLeast ? Verdict.Missed : Row.Aim is { } aim && ratio >= aim ? Verdict.Aimed : Verdict.Met;
        }
    }

    /// <param name="ours">A list of readings per round.</param>
    /// <param name="peer">The same, of the peer; rounds in which it took no part are missing at the end.</param>
    public static RowResult Create(Row row, string suffix, IReadOnlyList<Reading[]> ours, IReadOnlyList<Reading[]> peer, string error)
    {
        var result = new RowResult { Row = row, Name = row.Name + suffix, Error = error, Rounds = Math.Max(ours.Count, peer.Count) };
        if (error.Length > 0) return result;
        var judging = row.Fields.OrderBy(field => RatioOf(row, field, ours, peer) ?? double.MaxValue).First();
        var (mine, theirs) = (MedianOf(row, judging, ours), MedianOf(row, judging, peer));
        if (mine is null && theirs is null) return result with { Error = "no reading" };
        return result with
        {
            Ours = mine,
            Peer = row.HasPeer ? theirs : null,
            Ratio = row.HasPeer ? RatioOf(row, judging, ours, peer) : null,
            Spread = row.HasPeer ? SpreadOf(row, judging, ours, peer) : SpreadOf(Values(row, judging, ours)),
            Beside = BesideOf(row, judging, ours, peer),
        };
    }

    static List<KeyValuePair<string, double>> BesideOf(
        Row row, string judging, IReadOnlyList<Reading[]> ours, IReadOnlyList<Reading[]> peer)
    {
        var beside = new List<KeyValuePair<string, double>>();
        void Tell(string name, double? value)
        {
            if (value is { } v && double.IsFinite(v)) beside.Add(new(name, v));
        }

        var wall = judging == "to_last_put" ? "wall_to_last_put" : "wall";
        Tell("wall_ratio", RatioOf(row, wall, ours, peer));
        Tell("ours_wall", MedianOf(row, wall, ours));
        Tell("peer_wall", MedianOf(row, wall, peer));
        if (!row.HasPeer) Tell("beside_peer", MedianOf(row, judging, peer));
        var fields = ours.Concat(peer).SelectMany(r => r).Where(r => r.Row == row.Name).Select(r => r.Field).Distinct();
        foreach (var field in fields.Where(f => f != judging && f != wall))
        {
            // "cpu" is the row's own word for a figure to the end of all work; beside another judge it needs a telling name.
            var name = field == "cpu" ? "to_idle" : field;
            Tell("ours_" + name, MedianOf(row, field, ours));
            Tell("peer_" + name, MedianOf(row, field, peer));
        }
        return beside;
    }

    static IEnumerable<double> Values(Row row, string field, IReadOnlyList<Reading[]> rounds) =>
        rounds.SelectMany(round => round.Where(r => r.Row == row.Name && r.Field == field)).Select(r => r.Value);

    static double? MedianOf(Row row, string field, IReadOnlyList<Reading[]> rounds) =>
        Median.Of(Values(row, field, rounds)) is var median && double.IsFinite(median) ? median : null;

    static double? RatioOf(Row row, string field, IReadOnlyList<Reading[]> ours, IReadOnlyList<Reading[]> peer) =>
        MedianOf(row, field, ours) is { } mine && MedianOf(row, field, peer) is { } theirs && mine > 0 ? theirs / mine : null;

    static double? SpreadOf(Row row, string field, IReadOnlyList<Reading[]> ours, IReadOnlyList<Reading[]> peer) =>
        SpreadOf(Values(row, field, ours).Zip(Values(row, field, peer), (mine, theirs) => theirs / mine));

    static double? SpreadOf(IEnumerable<double> values)
    {
        var all = values.ToArray();
        var median = Median.Of(all);
        return all.Length < 2 || !double.IsFinite(median) || median == 0 ? null : (all.Max() - all.Min()) / median;
    }
}
