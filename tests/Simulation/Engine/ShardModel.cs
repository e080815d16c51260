// ShardModel: the slow, obvious oracle of one shard: every commit in the order of its time, every effect of it in the order of its steps. A value
// is found by telling the key's story from its beginning.
//
// Always true: nothing is dropped, and nothing is remembered from one question to the next. Truncate goes back to an earlier moment, as a
// power cut does.
//
// Not here: what a batch of steps does (BatchModel), history floors (whoever asks about the past knows them).

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

/// <summary>One effect; of a range delete the value is the end of the range.</summary>
sealed record ModelEffect(EffectKind Kind, byte[] Key, byte[] Value, ulong Expiry)
{
    public bool Touches(byte[] key) => Kind != EffectKind.DeleteRange
        ? ByteOrder.Instance.Compare(Key, key) == 0
        : ByteOrder.Instance.Compare(Key, key) <= 0 && ByteOrder.Instance.Compare(key, Value) < 0;
}

/// <summary>What was done at one system time.</summary>
sealed record ModelCommit(ulong Time, IReadOnlyList<ModelEffect> Effects);

sealed class ShardModel(Func<byte[], IMergeOperator> mergeOperatorOf)
{
    readonly List<ModelCommit> _commits = [];
    readonly SortedDictionary<byte[], List<ModelCommit>> _byKey = new(ByteOrder.Instance);   // commits with an effect of their own on the key
    readonly List<ModelCommit> _withRanges = [];

    public IReadOnlyList<ModelCommit> Commits => _commits;

    public ulong GreatestTime => _commits.Count == 0 ? 0 : _commits[^1].Time;

    public void Append(ModelCommit commit)
    {
        if (commit.Time <= GreatestTime) throw new SimulationFailure($"times do not rise: {commit.Time} after {GreatestTime}");
        _commits.Add(commit);
        var hasRange = false;
        foreach (var effect in commit.Effects)
        {
            if (effect.Kind == EffectKind.DeleteRange)
            {
                hasRange = true;
                continue;
            }
            if (!_byKey.TryGetValue(effect.Key, out var own)) _byKey[effect.Key] = own = [];
            if (own.Count == 0 || own[^1] != commit) own.Add(commit);
        }
        if (hasRange) _withRanges.Add(commit);
    }

    /// <summary>Forgets what was done after a time.</summary>
    public void Truncate(ulong time)
    {
        var kept = _commits.Where(c => c.Time <= time).ToArray();
        if (kept.Length == _commits.Count) return;
        _commits.Clear();
        _byKey.Clear();
        _withRanges.Clear();
        foreach (var commit in kept) Append(commit);
    }

    /// <summary>What a key holds at a moment, if what has expired by <paramref name="now"/> counts as absent (0: nothing does).</summary>
    public ModelValue? Get(byte[] key, ulong at, ulong now)
    {
        ModelValue? current = null;
        foreach (var commit in StoryOf(key, at))
            foreach (var effect in commit.Effects)
                if (effect.Touches(key)) current = After(key, current, effect, commit.Time);
        return current is not null && current.Expiry != 0 && current.Expiry <= now ? null : current;
    }

    /// <summary>When a key was last written or deleted, at or before a moment; 0: never.</summary>
    public ulong NewestChangeOf(byte[] key, ulong at) => StoryOf(key, at).Select(c => c.Time).LastOrDefault();

    /// <summary>Whether anything in [start, end) was written or deleted after a time, up to a moment.</summary>
    public bool HasChanged(byte[] start, byte[] end, ulong since, ulong at) =>
        ByteOrder.Instance.Compare(start, end) < 0 && _commits.Any(c => c.Time > since && c.Time <= at && c.Effects.Any(e => e.Kind == EffectKind.DeleteRange
            ? ByteOrder.Instance.Compare(e.Key, end) < 0 && ByteOrder.Instance.Compare(start, e.Value) < 0
            : ByteOrder.Instance.Compare(start, e.Key) <= 0 && ByteOrder.Instance.Compare(e.Key, end) < 0));

    /// <summary>All keys of [start, end) that hold a value, in order.</summary>
    public List<(byte[] Key, ModelValue Found)> Scan(byte[] start, byte[]? end, ulong at, ulong now)
    {
        var found = new List<(byte[], ModelValue)>();
        foreach (var key in _byKey.Keys)
        {
            if (ByteOrder.Instance.Compare(key, start) < 0) continue;
            if (end is not null && ByteOrder.Instance.Compare(key, end) >= 0) break;
            if (Get(key, at, now) is { } value) found.Add((key, value));
        }
        return found;
    }

    /// <summary>The versions of a key that may still be asked about, newest first: without those that had ended, were nothing but an absence, or
    /// had expired, at or below the floor.</summary>
    public List<ModelVersion> VersionsOf(byte[] key, ulong floor)
    {
        var story = StoryOf(key, ulong.MaxValue).ToArray();
        var versions = new List<ModelVersion>();
        ModelValue? current = null;
        for (var i = 0; i < story.Length; i++)
        {
            var last = EffectKind.Delete;
            var hasRangeDelete = false;
            foreach (var effect in story[i].Effects)
            {
                if (!effect.Touches(key)) continue;
                current = After(key, current, effect, story[i].Time);
                last = effect.Kind;
                hasRangeDelete |= last == EffectKind.DeleteRange;
            }
            // A value that had expired by the floor may be gone: what its batch deleted before it is told then.
            var told = current;
            if (last == EffectKind.Put && hasRangeDelete && told!.Expiry != 0 && told.Expiry <= floor) (last, told) = (EffectKind.DeleteRange, null);
            var end = i + 1 < story.Length ? story[i + 1].Time : ulong.MaxValue;
            if (end <= floor || (told is null && story[i].Time <= floor)) continue;
            if (told is not null && told.Expiry != 0 && told.Expiry <= floor) continue;
            versions.Add(new(story[i].Time, last == EffectKind.Merge ? EffectKind.Put : last, told?.Value ?? [], told?.Expiry ?? 0));
        }
        versions.Reverse();
        return versions;
    }

    /// <summary>What an effect makes of a value.</summary>
    public ModelValue? After(byte[] key, ModelValue? before, ModelEffect effect, ulong time)
    {
        switch (effect.Kind)
        {
            case EffectKind.Put:
                return new(effect.Value, time, effect.Expiry);
            case EffectKind.Merge:
                if (before is not null && before.Expiry != 0 && before.Expiry <= time) before = null;
                var result = new ArrayBufferWriter<byte>();
                mergeOperatorOf(key).Merge(key, before is not null, before?.Value, effect.Value, result);
                return new(result.WrittenSpan.ToArray(), time, before?.Expiry ?? 0);
            default:
                return null;
        }
    }

    IEnumerable<ModelCommit> StoryOf(byte[] key, ulong at)
    {
        var own = _byKey.TryGetValue(key, out var found) ? found : [];
        return own.Concat(_withRanges.Where(c => c.Effects.Any(e => e.Kind == EffectKind.DeleteRange && e.Touches(key))))
            .Where(c => c.Time <= at).Distinct().OrderBy(c => c.Time);
    }
}
