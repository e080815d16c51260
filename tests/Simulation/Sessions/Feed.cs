// Feed: one follower of a range over shards, and what it has heard since it was last compared with the model.

using Aevum.Model.Access;
using Aevum.Simulation.Engine;

namespace Aevum.Simulation.Sessions;

sealed class Feed(int number, byte[] start, byte[]? end)
{
    public int Number => number;

    public byte[] Start => start;

    public byte[]? End => end;

    public StreamRange Range { get; } = StreamRange.Between(start, end);

    public ISubscription? Subscription { get; set; }

    /// <summary>To go on after a restart; null: none was taken yet.</summary>
    public string? Token { get; set; }

    /// <summary>By shard: the time of the last batch that the token stands behind.</summary>
    public Dictionary<uint, ulong> TokenGiven { get; set; } = [];

    /// <summary>By shard: the time up to which everything was given, and compared.</summary>
    public Dictionary<uint, ulong> Given { get; set; } = [];

    /// <summary>Since then.</summary>
    public List<(uint Shard, ulong Time, string Effects)> Received { get; } = [];

    /// <summary>Of the snapshot that is being given or was given since.</summary>
    public List<string> Rows { get; } = [];

    /// <summary>The moment of a complete snapshot that was not compared yet.</summary>
    public ulong? SnapshotMoment { get; set; }

    public ulong GivenOf(uint shard) => Received.FindLast(r => r.Shard == shard) is { Shard: > 0 } last ? last.Time : Given.GetValueOrDefault(shard);

    /// <summary>What of a commit it should hear in a shard; null: nothing.</summary>
    public string? Expect(ModelCommit commit, Func<byte[], int> shardIndexOf, uint shard)
    {
        var effects = new List<string>();
        foreach (var effect in commit.Effects)
        {
            if (shardIndexOf(effect.Key) + 1 != shard) continue;
            if (effect.Kind != Core.Batches.EffectKind.DeleteRange)
            {
                if (Range.Contains(effect.Key)) effects.Add(BatchModel.Show(effect));
                continue;
            }
            if (!Range.Overlaps(effect.Key, effect.Value)) continue;
            var from = effect.Key.AsSpan().SequenceCompareTo(start) < 0 ? start : effect.Key;
            var to = end is not null && effect.Value.AsSpan().SequenceCompareTo(end) > 0 ? end : effect.Value;
            effects.Add(BatchModel.Show(effect with { Key = from, Value = to }));
        }
        return effects.Count == 0 ? null : TextOf(effects);
    }

    public static string TextOf(IEnumerable<string> effects) => string.Join("; ", effects.Order(StringComparer.Ordinal));
}
