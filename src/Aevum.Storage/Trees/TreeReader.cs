// TreeReader: one point lookup over a read state: memtables, level 0, sorted levels, and the history tables when the asked time needs them.
//
// The main sources are asked newest first, and the first that holds a version at or before the asked time has the answer, unless a range
// delete seen on the way is newer. A read of the past also asks the history tables whose span covers the time: there a version counts only
// if it had not ended. Of both answers the newer one is right. Merges leave this path: KeyFolder walks all versions of the key.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

static unsafe class TreeReader
{
    /// <summary>True if the key holds a value at the read point. The result holds on to <paramref name="state"/>'s parts through the lease only:
    /// the caller keeps its reference on the state while it uses the pointer.</summary>
    public static bool TryFind(ReadState state, ITreePolicy policy, Floors floors, ReadOnlySpan<byte> key, ReadPoint point, ref PinnedValue value)
    {
        var at = point.At.Value;
        ulong deleted = 0;   // newest range delete over the key, at or before the asked time
        var known = TryFindInMemory(state.Active, key, at, ref deleted, out var found);
        for (var i = 0; !known && i < state.Frozen.Length; i++) known = TryFindInMemory(state.Frozen[i], key, at, ref deleted, out found);

        var version = state.Version;
        if (!known) known = TryFindInTables(version, key, at, ref deleted, out found, ref value);
        if (at < version.Picture.HistoryMaxEnd) FindInHistory(version, key, at, ref known, ref found, ref value, deleted);
        if (!known) return false;

        // At equal times the range delete is the older one (WriteBatch).
        if (found.Version < deleted || found.Kind == EffectKind.Delete) return false;
        if (found.Kind == EffectKind.Merge) return KeyFolder.TryFold(state, policy, floors, key, point, ref value);
        if (found.Expiry != 0 && found.Expiry <= point.Now.Value) return false;
        value.Pointer = found.ValuePointer;
        value.Length = found.ValueLength;
        value.Version = new(found.Version);
        value.Expiry = new(found.Expiry);
        return true;
    }

    /// <summary>The newest version of a key, deletes and range deletes over it included; 0 if there is none.</summary>
    public static ulong NewestVersionOf(ReadState state, ReadOnlySpan<byte> key)
    {
        const ulong All = ulong.MaxValue >> 1;
        ulong deleted = 0;
        var known = TryFindInMemory(state.Active, key, All, ref deleted, out var found);
        for (var i = 0; !known && i < state.Frozen.Length; i++) known = TryFindInMemory(state.Frozen[i], key, All, ref deleted, out found);
        if (!known)
        {
            var value = default(PinnedValue);
            known = TryFindInTables(state.Version, key, All, ref deleted, out found, ref value);
            value.Unpin();
        }
        // Compaction may have dropped a delete from the main tables that is newer than what still stands there.
        var newest = Math.Max(deleted, known ? found.Version : 0);
        return Math.Max(newest, NewerVersions.NewestInHistory(state, key, newest));
    }

    static bool TryFindInMemory(MemtableHandle memtable, ReadOnlySpan<byte> key, ulong at, ref ulong deleted, out FoundVersion found)
    {
        var table = memtable.Table;
        if (table.HasRangeDeletes) deleted = Math.Max(deleted, table.NewestRangeDeleteOver(key, at));
        return table.TryFind(key, at, out found);
    }

    static bool TryFindInTables(LiveVersion version, ReadOnlySpan<byte> key, ulong at, ref ulong deleted, out FoundVersion found, ref PinnedValue value)
    {
        found = default;
        var levels = version.Levels;
        ulong hash;
        fixed (byte* bytes = key) hash = KeyHash.Compute(bytes, key.Length);
        foreach (var table in levels[0])
        {
            // What a newer source's range delete covers, older sources cannot bring back: all they hold is older than it.
            if (deleted != 0) return false;
            if (table.Meta.Contains(key) && TryFindInTable(table, key, hash, at, ref deleted, out found, ref value)) return true;
        }
        for (var level = 1; level < levels.Length; level++)
        {
            if (levels[level].Length == 0) continue;
            if (deleted != 0) return false;
            var index = TreeVersion.FirstNotEndingBefore(version.Picture.Levels[level], key);
            if (index == levels[level].Length) continue;
            var table = levels[level][index];
            if (table.Meta.Contains(key) && TryFindInTable(table, key, hash, at, ref deleted, out found, ref value)) return true;
        }
        return false;
    }

    static bool TryFindInTable(
        TableHandle table, ReadOnlySpan<byte> key, ulong hash, ulong at, ref ulong deleted, out FoundVersion found, ref PinnedValue value)
    {
        found = default;
        if (table.Meta.MinVersion > at) return false;
        if (table.Meta.RangeDeletes > 0) deleted = Math.Max(deleted, table.RangeDeletes.NewestCovering(key, at));
        var lease = table.Acquire();
        var known = false;
        try
        {
            known = lease.Reader.TryFind(key, hash, at, out found, ref value.Lease);
        }
        finally
        {
            if (known) value.Table = lease;
            else lease.Dispose();
        }
        return known;
    }

    static void FindInHistory(
        LiveVersion version, ReadOnlySpan<byte> key, ulong at, ref bool known, ref FoundVersion found, ref PinnedValue value, ulong deleted)
    {
        ulong hash;
        fixed (byte* bytes = key) hash = KeyHash.Compute(bytes, key.Length);
        for (var level = 0; level < version.History.Length; level++)
            foreach (var table in version.History[level])
            {
                if (table.Meta.MinVersion > at || table.Meta.MaxEnd <= at || !table.Meta.Contains(key)) continue;
                var lease = table.Acquire();
                var other = default(BlockLease);
                if (!lease.Reader.TryFind(key, hash, at, out var ended, ref other) || ended.End <= at ||
                    (known && ended.Version <= found.Version) || ended.Version < deleted)
                {
                    other.Dispose();
                    lease.Dispose();
                    continue;
                }
                value.Unpin();
                value.Lease = other;
                value.Table = lease;
                found = ended;
                known = true;
            }
    }
}
