// KeyVersions: every version of one key that may still be asked about, range deletes over it included.
//
// The listing is the same before and after compaction: it leaves out what compaction may drop (what ended at or below the floor) and shows
// of a merge the value that it made, whether or not it has been folded yet.

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Trees;

/// <summary>One version of a key.</summary>
/// <param name="Version">When it was written.</param>
/// <param name="Kind">Put (the result of a merge too), Delete, or DeleteRange if a range delete over the key made it absent.</param>
/// <param name="Value">Of a put; else empty.</param>
/// <param name="Expiry">From when on the value counts as absent; None if it never expires.</param>
public sealed record KeyVersion(SystemTime Version, EffectKind Kind, byte[] Value, SystemTime Expiry);

static class KeyVersions
{
    /// <param name="End">What a history table says of the version's end; 0 elsewhere.</param>
    readonly record struct Raw(ulong Version, EffectKind Kind, ulong Expiry, byte[] Value, ulong End);

    /// <returns>Newest first.</returns>
    public static List<KeyVersion> List(ReadState state, ITreePolicy policy, Floors floors, ReadOnlySpan<byte> key, ulong floor)
    {
        var all = Collect(state, key);
        var merge = policy.MergeOperatorOf(floors.KeyspaceOf(key));
        var versions = new List<KeyVersion>();

        // From the oldest on: what each version made of the one before.
        var exists = false;
        byte[] value = [];
        ulong expiry = 0;
        var results = new ArrayBufferWriter<byte>();
        for (var i = all.Count - 1; i >= 0; i--)
        {
            var (version, kind, ownExpiry, content, _) = all[i];
            // What ended before this version began was deleted, and the delete may be gone, since it lies at or below the floor.
            if (i + 1 < all.Count && all[i + 1].End != 0 && all[i + 1].End < version) (exists, value, expiry) = (false, [], 0);
            switch (kind)
            {
                case EffectKind.Put:
                    (exists, value, expiry) = (true, content, ownExpiry);
                    break;
                case EffectKind.Merge:
                    if (expiry != 0 && expiry <= version) (exists, value, expiry) = (false, [], 0);
                    results.ResetWrittenCount();
                    merge!.Merge(key, exists, value, content, results);
                    (exists, value) = (true, results.WrittenSpan.ToArray());
                    break;
                default:
                    (exists, value, expiry) = (false, [], 0);
                    break;
            }
            // Of several effects of one batch the last one stands; but a value that had expired by the floor may be gone, and a range delete
            // of its batch then stands alone.
            var newer = i - 1;
            if (newer >= 0 && all[newer].Version == version)
            {
                if (kind != EffectKind.DeleteRange || all[newer].Kind != EffectKind.Put || all[newer].Expiry == 0 || all[newer].Expiry > floor) continue;
                newer--;
            }
            var end = newer >= 0 ? all[newer].Version : ulong.MaxValue;
            if (all[i].End != 0) end = Math.Min(end, Math.Max(all[i].End, version + 1));
            if (end <= floor || (!exists && version <= floor) || (expiry != 0 && expiry <= floor)) continue;
            versions.Add(new KeyVersion(new(version), kind == EffectKind.Merge ? EffectKind.Put : kind, value, new(expiry)));
        }
        versions.Reverse();
        return versions;
    }

    static List<Raw> Collect(ReadState state, ReadOnlySpan<byte> key)
    {
        var all = new List<Raw>();
        var sources = TreeSources.Open(state, ulong.MaxValue, withHistory: true, fillCache: true);
        using var cursor = sources.Cursor;
        for (cursor.Seek(key, ulong.MaxValue); cursor.Valid && cursor.Key.SequenceEqual(key); cursor.Next())
            all.Add(new(cursor.Version, cursor.Kind, cursor.Expiry, cursor.Value.ToArray(), cursor.End));

        var ranges = new SortedSet<ulong>();
        foreach (var set in sources.RangeDeletes.Sets) AddCovering(set, key, ranges);
        foreach (var level in state.Version.History)
            foreach (var table in level)
                if (table.Meta.RangeDeletes > 0) AddCovering(table.RangeDeletes, key, ranges);
        if (ranges.Count == 0) return all;

        all.AddRange(ranges.Select(version => new Raw(version, EffectKind.DeleteRange, 0, [], 0)));
        // Stable: at equal times the range delete, added last, is the older one.
        return [.. all.OrderByDescending(v => v.Version)];
    }

    static void AddCovering(RangeDeletes ranges, ReadOnlySpan<byte> key, SortedSet<ulong> versions)
    {
        var fragment = ranges.FragmentOver(key);
        if (fragment is not null) versions.UnionWith(fragment.ListVersions());
    }
}
