// Keyspace, history: what was, when, by whom; what changed between two moments.

using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.History;
using Aevum.Model.Keyspace;

namespace Aevum;

public sealed partial class Keyspace
{
    /// <summary>Every version of a key that may still be asked about, newest first: values, deletes, range deletes over it, each with who
    /// committed it, if that was told.</summary>
    [SkipLocalsInit]
    public IReadOnlyList<HistoryEntry> History(ReadOnlySpan<byte> key)
    {
        RequireReadable();
        using var full = FullKey.Make(_id, key, stackalloc byte[FullKey.StackBytes], KeyBytesMax);
        var shard = ShardOf(full.Bytes);
        var entries = new List<HistoryEntry>();
        foreach (var version in shard.VersionsOf(full.Bytes))
        {
            if (_session.Moment is { } moment && version.Time > moment) continue;
            entries.Add(new HistoryEntry(version.Time, version.Change, version.Value, version.Expiry, NoteOf(shard, version.Time)));
        }
        return entries;
    }

    /// <summary>The history of every key that has one, deleted keys too, in key order. Each key is listed as it is when the walk comes to it.</summary>
    /// <param name="options">Which keys; ascending, and at the session's moment.</param>
    public IEnumerable<KeyHistory> ScanHistory(ScanOptions? options = null)
    {
        RequireReadable();
        options ??= ScanOptions.All;
        if (options.Descending || options.AsOf is not null) Throw.Invalid("a walk over history ascends, and stands at the session's moment");
        var (start, end) = RangeOf(options);
        return Walk();

        IEnumerable<KeyHistory> Walk()
        {
            foreach (var full in _session.Database.Shards.KeysWithHistory(start, end))
            {
                var key = KeyLayout.UserKeyOf(full).ToArray();
                var versions = History(key);
                if (versions.Count > 0) yield return new KeyHistory(key, versions);
            }
        }
    }

    static CommitNote? NoteOf(IShard shard, SystemTime time) =>
        shard.Read(CommitNotes.KeyOf(time), ReadView.Present, out _) is { } row ? CommitNotes.Decode(row, out _) : null;

    /// <summary>The time below which reads of this keyspace are refused.</summary>
    public SystemTime HistoryFloor
    {
        get
        {
            RequireReadable();
            var key = KeyLayout.Make(_id, default);
            return ShardOf(key).HistoryFloorOf(key);
        }
    }

    /// <summary>Keys whose values differ between two moments, in order.</summary>
    /// <param name="from">The earlier moment.</param>
    /// <param name="to">The later moment; null: now.</param>
    /// <exception cref="HistoryUnavailableException">A moment lies below the history floor.</exception>
    public IEnumerable<Difference> Diff(SystemTime from, SystemTime? to = null, ScanOptions? options = null)
    {
        options ??= ScanOptions.All;
        var until = to ?? _session.Moment ?? _session.Database.Now;
        if (from > until) Throw.Invalid($"{from} lies behind {until}");
        using var before = OpenCursor(options with { AsOf = from, Descending = false });
        using var after = OpenCursor(options with { AsOf = until, Descending = false });
        var hasBefore = before.MoveNext();
        var hasAfter = after.MoveNext();
        while (hasBefore || hasAfter)
        {
            var order = !hasBefore ? 1 : !hasAfter ? -1 : before.Key.SequenceCompareTo(after.Key);
            Difference? found = null;
            if (order < 0) found = new Difference(before.Key.ToArray(), before.Value.ToArray(), null);
            else if (order > 0) found = new Difference(after.Key.ToArray(), null, after.Value.ToArray());
            else if (before.Version != after.Version && !before.Value.SequenceEqual(after.Value))
                found = new Difference(before.Key.ToArray(), before.Value.ToArray(), after.Value.ToArray());
            if (order <= 0) hasBefore = before.MoveNext();
            if (order >= 0) hasAfter = after.MoveNext();
            if (found is not null) yield return found;
        }
    }

    /// <summary>What one commit changed in this keyspace.</summary>
    /// <param name="commit">Its system time, as a put, a batch or a version tells it.</param>
    /// <exception cref="HistoryUnavailableException">The commit lies at or below the history floor.</exception>
    public IEnumerable<Difference> ChangesOf(SystemTime commit)
    {
        if (commit == SystemTime.None) Throw.Invalid("there is no commit at no time");
        return Diff(new SystemTime(commit.Value - 1), commit);
    }
}
