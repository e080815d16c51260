// StreamToken: where a subscriber stands, to be kept by it and given back when it comes again: per shard the last batch it has had.
//
//   text    v1/shard:position:epoch,shard:position:epoch,...      decimal, ascending by shard
//
// The epoch is that in which the batch at the position was written: of the log, here; of the leader, where a shard is replicated. It is not needed to
// find the place; it tells whether the batch that stands there now is the one that was meant: a log that lost its end in a power cut grows
// again over the same positions, and mostly over the same system times too, since a clock starts at the ceiling that is left.

using System.Globalization;
using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Model.Access;

/// <summary>Everything up to a position of a shard's stream.</summary>
/// <param name="Position">0: before the first batch.</param>
/// <param name="Epoch">Of the batch at the position; 0: not known, and then not compared.</param>
public readonly record struct StreamPosition(uint Shard, ulong Position, ulong Epoch = 0);

public sealed class StreamToken
{
    /// <summary>Shards that one token names at most.</summary>
    public const int ShardsMax = 1 << 16;

    const string Form = "v1/";

    readonly StreamPosition[] _positions;

    /// <exception cref="AevumException">InvalidArgument: a shard stands in it twice, or none.</exception>
    public StreamToken(params IEnumerable<StreamPosition> positions)
    {
        _positions = [.. positions.OrderBy(p => p.Shard)];
        if (_positions.Length is 0 or > ShardsMax) Throw.Invalid($"a stream token names 1 to {ShardsMax} shards, not {_positions.Length}");
        for (var i = 1; i < _positions.Length; i++)
            if (_positions[i].Shard == _positions[i - 1].Shard) Throw.Invalid($"a stream token names shard {_positions[i].Shard} twice");
    }

    /// <summary>Ascending by shard.</summary>
    public IReadOnlyList<StreamPosition> Positions => _positions;

    public bool TryGet(uint shard, out StreamPosition position)
    {
        var at = Array.FindIndex(_positions, p => p.Shard == shard);
        position = at < 0 ? default : _positions[at];
        return at >= 0;
    }

    /// <exception cref="AevumException">InvalidArgument: the text is no token.</exception>
    public static StreamToken Parse(string text)
    {
        if (!text.StartsWith(Form, StringComparison.Ordinal)) Malformed();
        var positions = new List<StreamPosition>();
        foreach (var range in text.AsSpan(Form.Length).Split(','))
        {
            if (positions.Count == ShardsMax) Malformed();
            positions.Add(ParseOne(text.AsSpan(Form.Length)[range]));
        }
        for (var i = 1; i < positions.Count; i++)
            if (positions[i].Shard <= positions[i - 1].Shard) Malformed();
        return new(positions);
    }

    static StreamPosition ParseOne(ReadOnlySpan<char> text)
    {
        Span<Range> parts = stackalloc Range[4];
        if (text.Split(parts, ':') != 3) Malformed();
        if (!uint.TryParse(text[parts[0]], NumberStyles.None, CultureInfo.InvariantCulture, out var shard)) Malformed();
        if (!ulong.TryParse(text[parts[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var position)) Malformed();
        if (!ulong.TryParse(text[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)) Malformed();
        if (position == 0 && epoch != 0) Malformed();
        return new(shard, position, epoch);
    }

    public override string ToString()
    {
        var text = new StringBuilder(Form);
        foreach (var (shard, position, epoch) in _positions)
        {
            if (text.Length > Form.Length) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{shard}:{position}:{epoch}");
        }
        return text.ToString();
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Malformed() => Throw.Invalid("this is no stream token");
}
