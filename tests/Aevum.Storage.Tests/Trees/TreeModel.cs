// TreeModel: the slow, obvious oracle: every version of every key in a sorted dictionary, and every range delete in a list.

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

sealed class TreeModel(IMergeOperator? merge = null)
{
    readonly record struct Entry(ulong Version, EffectKind Kind, byte[] Value, ulong Expiry);

    readonly SortedDictionary<byte[], List<Entry>> _keys = new(KeyComparer.Instance);
    readonly List<(byte[] Start, byte[] End, ulong Version)> _ranges = [];

    public IEnumerable<byte[]> Keys => _keys.Keys;

    public void Apply(ReadOnlySpan<byte> encoded)
    {
        var reader = new BatchReader(encoded);
        while (reader.TryRead(out var effect))
        {
            if (effect.Kind == EffectKind.DeleteRange)
            {
                _ranges.Add((effect.Key.ToArray(), effect.Value.ToArray(), reader.SystemTime.Value));
                continue;
            }
            var key = effect.Key.ToArray();
            if (!_keys.TryGetValue(key, out var versions)) _keys[key] = versions = [];
            versions.Add(new(reader.SystemTime.Value, effect.Kind, effect.Value.ToArray(), effect.Expiry.Value));
        }
    }

    /// <summary>The value at a read point, by replaying the key's story from its beginning.</summary>
    public (byte[] Value, ulong Version, ulong Expiry)? Get(byte[] key, ulong at, ulong now)
    {
        if (!_keys.TryGetValue(key, out var versions)) return null;
        var story = versions.Where(v => v.Version <= at).Select((v, i) => (v.Version, Order: i + 1, Entry: (Entry?)v))
            .Concat(_ranges.Where(r => r.Version <= at && KeyComparer.Instance.Compare(r.Start, key) <= 0 && KeyComparer.Instance.Compare(key, r.End) < 0)
                .Select(r => (r.Version, Order: 0, Entry: (Entry?)null)))
            .OrderBy(s => s.Version).ThenBy(s => s.Order);
        (byte[] Value, ulong Version, ulong Expiry)? current = null;
        foreach (var (version, _, entry) in story)
        {
            switch (entry?.Kind)
            {
                case EffectKind.Put:
                    current = (entry.Value.Value, version, entry.Value.Expiry);
                    break;
                case EffectKind.Merge:
                    if (current is { } old && old.Expiry != 0 && old.Expiry <= version) current = null;
                    var result = new ArrayBufferWriter<byte>();
                    merge!.Merge(key, current is not null, current?.Value, entry.Value.Value, result);
                    current = (result.WrittenSpan.ToArray(), version, current?.Expiry ?? 0);
                    break;
                default:
                    current = null;
                    break;
            }
        }
        return current is { } found && found.Expiry != 0 && found.Expiry <= now ? null : current;
    }

    public List<(byte[] Key, byte[] Value)> Scan(ulong at, ulong now, byte[]? start = null, byte[]? end = null) =>
        [.. _keys.Keys.Where(k => (start is null || KeyComparer.Instance.Compare(k, start) >= 0) && (end is null || KeyComparer.Instance.Compare(k, end) < 0))
            .Select(k => (Key: k, Found: Get(k, at, now))).Where(k => k.Found is not null).Select(k => (k.Key, k.Found!.Value.Value))];
}
