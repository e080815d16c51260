using Aevum.Core.Errors;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>Reads several keys at one moment, from one shard or several.</summary>
static class ManyReader
{
    public static byte[]?[] Read(IShardRouter router, KeyspaceId keyspace, IReadOnlyList<byte[]> keys, ReadView view, int keyBytesMax)
    {
        var values = new byte[]?[keys.Count];
        var byShard = new Dictionary<IShard, List<int>>();
        var full = new ReadOnlyMemory<byte>[keys.Count];
        for (var i = 0; i < keys.Count; i++)
        {
            ArgumentNullException.ThrowIfNull(keys[i], nameof(keys));
            if (KeyLayout.LengthOf(keys[i].Length) > keyBytesMax) Throw.Limit("the key's length", keys[i].Length, keyBytesMax - KeyspaceId.PrefixBytes);
            full[i] = KeyLayout.Make(keyspace, keys[i]);
            var shard = router.ShardOf(full[i].Span);
            if (!byShard.TryGetValue(shard, out var indexes)) byShard[shard] = indexes = [];
            indexes.Add(i);
        }
        if (byShard.Count == 1)
        {
            byShard.Keys.First().ReadMany(full, view, values);
            return values;
        }
        using var held = view.IsPresent && byShard.Count > 1 ? router.HoldNow() : null;
        var at = held is null ? view : ReadView.AsOf(held.At);
        foreach (var (shard, indexes) in byShard)
        {
            var part = new byte[]?[indexes.Count];
            shard.ReadMany(indexes.Select(i => full[i]).ToArray(), at, part);
            for (var i = 0; i < part.Length; i++) values[indexes[i]] = part[i];
        }
        return values;
    }
}
