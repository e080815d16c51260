// TreeModel: the slow, obvious oracle of a tree: every batch in the order of the log, every version of every key in a sorted dictionary,
// every range delete in a list. A value is found by replaying the key's story from its beginning.
//
// Always true: nothing is ever dropped and nothing is remembered from one question to the next, so that whatever the tree does to be quick
// or small has no counterpart here. Truncate goes back to a prefix of the history, as a power cut does.
//
// Not here: history floors. The model knows every moment; whether a moment may be asked for is the caller's affair.

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

/// <summary>What a key holds: the value, when it was written, from when on it counts as absent (0: never).</summary>
public sealed record ModelValue(byte[] Value, ulong Version, ulong Expiry);

/// <summary>One entry of a key's listing, as <see cref="KeyVersion"/> shows it.</summary>
public sealed record ModelVersion(ulong Version, EffectKind Kind, byte[] Value, ulong Expiry);

/// <summary>Byte arrays as unsigned bytes, shorter first on a tie.</summary>
public sealed class ByteOrder : IComparer<byte[]>
{
    public static ByteOrder Instance { get; } = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}

public sealed class TreeModel(Func<byte[], IMergeOperator?> mergeOperatorOf)
{
    sealed record Step(ulong Version, EffectKind Kind, byte[] Value, ulong Expiry);

    readonly List<byte[]> _batches = [];
    readonly SortedDictionary<byte[], List<Step>> _keys = new(ByteOrder.Instance);
    readonly List<(byte[] Start, byte[] End, ulong Version)> _ranges = [];

    /// <summary>Keys that were ever touched, in order.</summary>
    public IEnumerable<byte[]> Keys => _keys.Keys;

    /// <summary>Batches so far; the last one's position in the log.</summary>
    public int Count => _batches.Count;

    /// <summary>The encoded batch at a position, counted from 1.</summary>
    public byte[] BatchAt(int position) => _batches[position - 1];

    /// <summary>The greatest time of any batch; 0 if there is none.</summary>
    public ulong GreatestTime { get; private set; }

    public void Append(ReadOnlySpan<byte> encoded)
    {
        _batches.Add(encoded.ToArray());
        var reader = new BatchReader(encoded);
        var version = reader.SystemTime.Value;
        GreatestTime = Math.Max(GreatestTime, version);
        while (reader.TryRead(out var effect))
        {
            if (effect.Kind == EffectKind.DeleteRange)
            {
                _ranges.Add((effect.Key.ToArray(), effect.Value.ToArray(), version));
                continue;
            }
            var key = effect.Key.ToArray();
            if (!_keys.TryGetValue(key, out var steps)) _keys[key] = steps = [];
            steps.Add(new(version, effect.Kind, effect.Value.ToArray(), effect.Expiry.Value));
        }
    }

    /// <summary>Forgets every batch behind the first <paramref name="count"/>.</summary>
    public void Truncate(int count)
    {
        if (count == Count) return;
        var kept = _batches.Take(count).ToArray();
        _batches.Clear();
        _keys.Clear();
        _ranges.Clear();
        GreatestTime = 0;
        foreach (var batch in kept) Append(batch);
    }

    /// <summary>A model of the first <paramref name="count"/> batches.</summary>
    public TreeModel Prefix(int count)
    {
        var prefix = new TreeModel(mergeOperatorOf);
        for (var position = 1; position <= count; position++) prefix.Append(BatchAt(position));
        return prefix;
    }

    /// <summary>The value at a read point; null if the key is absent there.</summary>
    public ModelValue? Get(byte[] key, ulong at, ulong now)
    {
        if (!_keys.ContainsKey(key)) return null;
        ModelValue? current = null;
        foreach (var step in StoryOf(key, at)) current = After(key, current, step);
        return current is not null && current.Expiry != 0 && current.Expiry <= now ? null : current;
    }

    /// <summary>All keys that hold a value at a read point, in order.</summary>
    public List<(byte[] Key, ModelValue Found)> Scan(ulong at, ulong now, byte[]? start = null, byte[]? end = null)
    {
        var found = new List<(byte[], ModelValue)>();
        foreach (var key in _keys.Keys)
        {
            if (start is not null && ByteOrder.Instance.Compare(key, start) < 0) continue;
            if (end is not null && ByteOrder.Instance.Compare(key, end) >= 0) break;
            if (Get(key, at, now) is { } value) found.Add((key, value));
        }
        return found;
    }

    /// <summary>The versions of a key that may still be asked about, newest first: without those that had ended, were nothing but an
    /// absence, or had expired, at or below the floor.</summary>
    public List<ModelVersion> VersionsOf(byte[] key, ulong floor)
    {
        var story = StoryOf(key, ulong.MaxValue).ToArray();
        var versions = new List<ModelVersion>();
        ModelValue? current = null;
        for (var i = 0; i < story.Length; i++)
        {
            var step = story[i];
            current = After(key, current, step);
            // Of several effects of one batch the last one stands.
            if (i + 1 < story.Length && story[i + 1].Version == step.Version) continue;
            var end = i + 1 < story.Length ? story[i + 1].Version : ulong.MaxValue;
            if (end <= floor || (current is null && step.Version <= floor)) continue;
            if (current is not null && current.Expiry != 0 && current.Expiry <= floor) continue;
            var kind = step.Kind == EffectKind.Merge ? EffectKind.Put : step.Kind;
            versions.Add(new(step.Version, kind, current?.Value ?? [], current?.Expiry ?? 0));
        }
        versions.Reverse();
        return versions;
    }

    // Range deletes come first of their time: a batch never holds an earlier effect that its own range delete covers.
    IEnumerable<Step> StoryOf(byte[] key, ulong at)
    {
        var order = ByteOrder.Instance;
        var ranges = _ranges.Where(r => r.Version <= at && order.Compare(r.Start, key) <= 0 && order.Compare(key, r.End) < 0)
            .Select(r => r.Version).Distinct().Select(version => new Step(version, EffectKind.DeleteRange, [], 0));
        var steps = _keys.TryGetValue(key, out var own) ? own.Where(s => s.Version <= at) : [];
        return ranges.Concat(steps).OrderBy(s => s.Version);   // stable
    }

    ModelValue? After(byte[] key, ModelValue? before, Step step)
    {
        switch (step.Kind)
        {
            case EffectKind.Put:
                return new(step.Value, step.Version, step.Expiry);
            case EffectKind.Merge:
                if (before is not null && before.Expiry != 0 && before.Expiry <= step.Version) before = null;
                var result = new ArrayBufferWriter<byte>();
                mergeOperatorOf(key)!.Merge(key, before is not null, before?.Value, step.Value, result);
                return new(result.WrittenSpan.ToArray(), step.Version, before?.Expiry ?? 0);
            default:
                return null;
        }
    }
}
