// TreeReader: one point lookup over a read state: memtables, level 0, sorted levels, and the history tables when the asked time needs them.
//
// The main sources are asked newest first, and the first that holds a version at or before the asked time has the answer, unless a range
// delete seen on the way is newer. A read of the past asks the history tables first: there a version counts only if it had not ended.
// Of both answers the newer one is right: an end may be too late, since what ended a version may have gone to history before the two met.
// So an answer does not end the search, but it narrows it: a table, or a block, whose newest version is older than the answer is not
// looked into. In the main tables that is most of what such a read would find. Merges leave this path: KeyFolder walks all versions.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;
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
        // For what it holds newest only: further back the tables are quicker.
        if (!known && state.Remembered is { } remembered && at >= remembered.Table.MaxVersion)
            known = TryFindRemembered(remembered, key, at, ref deleted, out found);

        var version = state.Version;
        if (at < version.Picture.HistoryMaxEnd) known = TryFindInPast(version, key, at, known, ref deleted, ref found, ref value);
        else if (!known) known = TryFindInTables(version, key, HashOf(key), at, 0, ref deleted, out found, ref value);
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

    /// <summary>Asks memory for what lookups of these keys will read in memtables.</summary>
    /// <param name="keys">At most <see cref="Memtable.PrefetchMax"/>. Those that no memtable has are moved to the front.</param>
    /// <returns>How many no memtable has.</returns>
    public static int Prefetch(ReadState state, Span<NativeKey> keys)
    {
        var left = state.Active.Table.Prefetch(keys);
        for (var i = 0; left > 0 && i < state.Frozen.Length; i++) left = state.Frozen[i].Table.Prefetch(keys[..left]);
        if (left > 0 && state.Remembered is { } remembered) left = remembered.Table.Prefetch(keys[..left]);
        return left;
    }

    /// <summary>The newest version of a key, deletes and range deletes over it included; 0 if there is none.</summary>
    public static ulong NewestVersionOf(ReadState state, ReadOnlySpan<byte> key)
    {
        const ulong All = ulong.MaxValue >> 1;
        var known = TryFindNewest(state, key, All, out var deleted, out var found);
        // Compaction may have dropped a delete from the main tables that is newer than what still stands there.
        var newest = Math.Max(deleted, known ? found.Version : 0);
        return Math.Max(newest, NewerVersions.NewestInHistory(state, key, newest));
    }

    /// <summary>How the newest version of a key at or before a time left it, whatever floors say; of what is still there, history tables aside.</summary>
    /// <param name="expiry">0: it held nothing, or for ever.</param>
    /// <returns>False: no such version is there any more, or it is a merge.</returns>
    public static bool TryFindLeft(ReadState state, ReadOnlySpan<byte> key, ulong at, out ulong expiry)
    {
        expiry = 0;
        if (!TryFindNewest(state, key, at, out var deleted, out var found) || found.Version < deleted) return deleted > 0;
        if (found.Kind == EffectKind.Put) expiry = found.Expiry;
        return found.Kind != EffectKind.Merge;
    }

    // Of what a key has at or before a time in memtables and main tables: its times and kind; the value itself is let go.
    static bool TryFindNewest(ReadState state, ReadOnlySpan<byte> key, ulong at, out ulong deleted, out FoundVersion found)
    {
        deleted = 0;
        var known = TryFindInMemory(state.Active, key, at, ref deleted, out found);
        for (var i = 0; !known && i < state.Frozen.Length; i++) known = TryFindInMemory(state.Frozen[i], key, at, ref deleted, out found);
        if (known) return true;
        var value = default(PinnedValue);
        known = TryFindInTables(state.Version, key, HashOf(key), at, 0, ref deleted, out found, ref value);
        value.Unpin();
        return known;
    }

    static bool TryFindInMemory(MemtableHandle memtable, ReadOnlySpan<byte> key, ulong at, ref ulong deleted, out FoundVersion found)
    {
        var table = memtable.Table;
        if (table.MinVersion > at)
        {
            found = default;
            return false;
        }
        if (table.HasRangeDeletes) deleted = Math.Max(deleted, table.NewestRangeDeleteOver(key, at));
        return table.TryFind(key, at, out found);
    }

    // A merge that was flushed may have become a put: then the tables are asked, as if nothing had been found here.
    static bool TryFindRemembered(MemtableHandle memtable, ReadOnlySpan<byte> key, ulong at, ref ulong deleted, out FoundVersion found)
    {
        var covering = deleted;
        var known = TryFindInMemory(memtable, key, at, ref covering, out found);
        if (known && found.Kind == EffectKind.Merge) return false;
        deleted = covering;
        return known;
    }

    static ulong HashOf(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key) return KeyHash.Compute(bytes, key.Length);
    }

    /// <param name="known">Whether a memtable has a version at or before the time, which is in <paramref name="found"/> then.</param>
    static bool TryFindInPast(
        LiveVersion version, ReadOnlySpan<byte> key, ulong at, bool known, ref ulong deleted, ref FoundVersion found, ref PinnedValue value)
    {
        var hash = HashOf(key);
        var inMemory = known;
        FindInHistory(version, key, hash, at, ref known, ref found, ref value);
        if (inMemory) return true;

        var atLeast = known ? found.Version : 0;
        var main = default(PinnedValue);
        if (!TryFindInTables(version, key, hash, at, atLeast, ref deleted, out var foundInMain, ref main)) return known;
        if (known && foundInMain.Version < atLeast)
        {
            main.Unpin();
            return true;
        }
        value.Unpin();
        value = main;
        found = foundInMain;
        return true;
    }

    /// <param name="atLeast">Versions below this one are not wanted; they may be found nevertheless.</param>
    static bool TryFindInTables(
        LiveVersion version, ReadOnlySpan<byte> key, ulong hash, ulong at, ulong atLeast, ref ulong deleted, out FoundVersion found, ref PinnedValue value)
    {
        found = default;
        var levels = version.Levels;
        foreach (var table in levels[0])
        {
            // What a newer source's range delete covers, older sources cannot bring back: all they hold is older than it.
            if (deleted != 0) return false;
            if (table.Meta.Contains(key) && TryFindInTable(table, key, hash, at, atLeast, ref deleted, out found, ref value)) return true;
        }
        for (var level = 1; level < levels.Length; level++)
        {
            if (levels[level].Length == 0) continue;
            if (deleted != 0) return false;
            var index = TreeVersion.FirstNotEndingBefore(version.Picture.Levels[level], key);
            if (index == levels[level].Length) continue;
            var table = levels[level][index];
            if (table.Meta.Contains(key) && TryFindInTable(table, key, hash, at, atLeast, ref deleted, out found, ref value)) return true;
        }
        return false;
    }

    static bool TryFindInTable(
        TableHandle table, ReadOnlySpan<byte> key, ulong hash, ulong at, ulong atLeast, ref ulong deleted, out FoundVersion found, ref PinnedValue value)
    {
        found = default;
        // Neither does a range delete matter that is older than an answer at hand.
        if (table.Meta.MinVersion > at || table.Meta.MaxVersion < atLeast) return false;
        if (table.Meta.RangeDeletes > 0) deleted = Math.Max(deleted, table.RangeDeletes.NewestCovering(key, at));
        return TryFindInFile(table, key, hash, at, atLeast, out found, ref value);
    }

    static bool TryFindInFile(
        TableHandle table, ReadOnlySpan<byte> key, ulong hash, ulong at, ulong atLeast, out FoundVersion found, ref PinnedValue value)
    {
        var lease = table.Acquire();
        var known = false;
        try
        {
            known = lease.Reader.TryFind(key, hash, at, atLeast, out found, ref value.Lease);
        }
        finally
        {
            if (known)
            {
                value.Table = lease;
            }
            else
            {
                // A block that was looked into in vain is still held.
                value.Lease.Dispose();
                lease.Dispose();
            }
        }
        return known;
    }

    static void FindInHistory(
        LiveVersion version, ReadOnlySpan<byte> key, ulong hash, ulong at, ref bool known, ref FoundVersion found, ref PinnedValue value)
    {
        var levels = version.History;
        foreach (var table in levels[0]) FindInHistory(table, key, hash, at, ref known, ref found, ref value);
        for (var level = 1; level < levels.Length; level++)
        {
            if (levels[level].Length == 0) continue;
            var index = TreeVersion.FirstNotEndingBefore(version.Picture.History[level], key);
            if (index < levels[level].Length) FindInHistory(levels[level][index], key, hash, at, ref known, ref found, ref value);
        }
    }

    static void FindInHistory(
        TableHandle table, ReadOnlySpan<byte> key, ulong hash, ulong at, ref bool known, ref FoundVersion found, ref PinnedValue value)
    {
        var meta = table.Meta;
        if (meta.MinVersion > at || meta.MaxEnd <= at || (known && meta.MaxVersion <= found.Version) || !meta.Contains(key)) return;
        var other = default(PinnedValue);
        if (!TryFindInFile(table, key, hash, at, known ? found.Version : 0, out var ended, ref other)) return;
        if (ended.End <= at || (known && ended.Version <= found.Version))
        {
            other.Unpin();
            return;
        }
        value.Unpin();
        value = other;
        found = ended;
        known = true;
    }
}
