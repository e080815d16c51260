// StreamOracle: what a stream must give, told the slow way: every batch of each shard's log is kept, from position 1, and filtered, clipped and
// folded one effect at a time.
//
// It reads the log itself (LogReader), before anything can be released, and again after each open: what the log does not hold any more as
// it was (a power cut) is forgotten here, too.

using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.History;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;

namespace Aevum.Engine.Tests.Streams;

/// <param name="Value">The value, the operand, the end of the range.</param>
sealed record OracleEffect(EffectKind Kind, byte[] Key, byte[] Value, SystemTime Expiry)
{
    public override string ToString() => $"{Kind} {Telling.TextOf(Key)} {Convert.ToHexString(Value)} {Expiry}";
}

sealed record OracleBatch(SystemTime Time, ulong Epoch, byte[] Encoded, List<OracleEffect> Effects, CommitNote? Note);

/// <summary>Of one shard.</summary>
sealed class StreamOracle
{
    readonly List<OracleBatch> _batches = [];

    /// <summary>The last position.</summary>
    public ulong Last => (ulong)_batches.Count;

    public OracleBatch this[ulong position] => _batches[(int)position - 1];

    /// <summary>Takes over what was appended since.</summary>
    public void Record(LocalShard shard)
    {
        using var reader = shard.LogStream.OpenReader(Last + 1);
        while (reader.MoveNext()) _batches.Add(Decode(reader));
    }

    public ulong EpochOf(ulong position) => this[position].Epoch;

    /// <summary>After an open: what is different in the log, or missing at its end, is gone; what was released is in tables.</summary>
    public void Reconcile(LocalShard shard)
    {
        var (first, last) = (shard.LogStream.FirstPosition, shard.LogStream.LastPosition);
        Assert.True(first <= Last + 1, $"the log begins at {first}, recorded are {Last}");
        if (last < Last) _batches.RemoveRange((int)last, _batches.Count - (int)last);
        if (first > last) return;
        using var reader = shard.LogStream.OpenReader(first);
        while (reader.MoveNext())
        {
            var position = reader.Position;
            // Other bytes at the same place are another batch; the same bytes may be one, too: the same thing done again after a power cut.
            if (position <= Last && this[position].Epoch == reader.Epoch && this[position].Encoded.AsSpan().SequenceEqual(reader.Payload)) continue;
            if (position <= Last) _batches.RemoveRange((int)position - 1, _batches.Count - (int)position + 1);
            _batches.Add(Decode(reader));
        }
    }

    static OracleBatch Decode(LogReader record)
    {
        var payload = record.Payload;
        var reader = new BatchReader(payload);
        var effects = new List<OracleEffect>();
        CommitNote? note = null;
        while (reader.TryRead(out var effect))
        {
            effects.Add(new(effect.Kind, effect.Key.ToArray(), effect.Value.ToArray(), effect.Expiry));
            if (KeyspaceId.TryRead(effect.Key, out var id) && id == SystemKeyspaces.Notes) note = CommitNotes.Decode(effect.Value, out _);
        }
        return new(reader.SystemTime, record.Epoch, payload.ToArray(), effects, note);
    }

    static int Compare(byte[] left, byte[] right)
    {
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
            if (left[i] != right[i]) return left[i] - right[i];
        return left.Length - right.Length;
    }

    /// <summary>What the batch at a position does in [start, end).</summary>
    public List<OracleEffect> In(ulong position, byte[] start, byte[] end)
    {
        var found = new List<OracleEffect>();
        foreach (var effect in this[position].Effects)
        {
            if (effect.Kind != EffectKind.DeleteRange)
            {
                if (Compare(effect.Key, start) >= 0 && Compare(effect.Key, end) < 0) found.Add(effect);
                continue;
            }
            var from = Compare(effect.Key, start) > 0 ? effect.Key : start;
            var to = Compare(effect.Value, end) < 0 ? effect.Value : end;
            if (Compare(from, to) < 0) found.Add(effect with { Key = from, Value = to });
        }
        return found;
    }

    /// <summary>Keys and values of [start, end) as of a moment, as text.</summary>
    public string StateAt(SystemTime moment, byte[] start, byte[] end)
    {
        var state = new SortedDictionary<string, (string Value, SystemTime Expiry)>(StringComparer.Ordinal);
        for (ulong position = 1; position <= Last && this[position].Time <= moment; position++)
            foreach (var effect in In(position, start, end)) Apply(state, effect);
        return Show(state, moment);
    }

    public static void Apply(SortedDictionary<string, (string Value, SystemTime Expiry)> state, OracleEffect effect)
    {
        var (key, value) = (Telling.TextOf(effect.Key), Encoding.UTF8.GetString(effect.Value));
        switch (effect.Kind)
        {
            case EffectKind.Put: state[key] = (value, effect.Expiry); break;
            case EffectKind.Delete: state.Remove(key); break;
            case EffectKind.Merge: state[key] = (state.GetValueOrDefault(key).Value + value, SystemTime.None); break;
            default:
                var end = Telling.TextOf(effect.Value);
                var covered = state.Keys.Where(k => string.CompareOrdinal(k, key) >= 0 && (end == "END" || string.CompareOrdinal(k, end) < 0)).ToList();
                foreach (var gone in covered) state.Remove(gone);
                break;
        }
    }

    public static string Show(SortedDictionary<string, (string Value, SystemTime Expiry)> state, SystemTime moment) =>
        string.Join(' ', state.Where(e => e.Value.Expiry == SystemTime.None || e.Value.Expiry > moment).Select(e => $"{e.Key}={e.Value.Value}"));
}
