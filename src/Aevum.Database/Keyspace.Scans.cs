// Keyspace, scans: ranges and prefixes, whole or page by page; deleting by prefix.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;

namespace Aevum;

public sealed partial class Keyspace
{
    const int DeleteAttempts = 8;

    /// <summary>A cursor over keys in order: the way to read many without copying them.</summary>
    /// <exception cref="HistoryUnavailableException">The moment lies below the history floor.</exception>
    public Cursor OpenCursor(ScanOptions? options = null)
    {
        RequireReadable();
        options ??= ScanOptions.All;
        var (start, end) = RangeOf(options);
        return new Cursor(_session.Database.Router, start, end, _session.ViewAt(options.AsOf), options.Descending);
    }

    /// <summary>Keys in order, each as an entry of its own. The cursor behind it goes when the walk ends or is left.</summary>
    public IEnumerable<Entry> Scan(ScanOptions? options = null)
    {
        using var cursor = OpenCursor(options);
        while (cursor.MoveNext()) yield return new Entry(cursor.Key.ToArray(), cursor.Value.ToArray(), cursor.Version, cursor.Expiry);
    }

    /// <summary>Keys that begin with a prefix.</summary>
    public IEnumerable<Entry> ScanPrefix(byte[] prefix, SystemTime? asOf = null) => Scan(new ScanOptions { Prefix = prefix, AsOf = asOf });

    /// <summary>A part of a scan, and where the next one begins. Between two parts writers go on: each shows its own present, unless the scan
    /// is as of a moment.</summary>
    /// <param name="options">The same for every part.</param>
    /// <param name="limit">Entries of a part, at least 1.</param>
    /// <param name="continueFrom"><see cref="Page.Next"/> of the part before; null: the first.</param>
    public Page ScanPage(ScanOptions options, int limit, byte[]? continueFrom = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (limit < 1) Throw.Invalid($"a page has at least one entry, not {limit}");
        var from = options;
        if (continueFrom is not null)
            from = options.Descending ? options with { End = continueFrom } : options with { Start = continueFrom };
        var entries = new List<Entry>();
        using var cursor = OpenCursor(from);
        while (cursor.MoveNext())
        {
            // A walk down ends before a key, a walk up begins with one: the last one seen, or the first that was not.
            if (entries.Count == limit) return new Page(entries, options.Descending ? entries[^1].Key : cursor.Key.ToArray());
            entries.Add(new Entry(cursor.Key.ToArray(), cursor.Value.ToArray(), cursor.Version, cursor.Expiry));
        }
        return new Page(entries, null);
    }

    /// <summary>Hears of commits that touch keys beginning with a prefix.</summary>
    /// <param name="prefix">Empty: all keys.</param>
    /// <param name="start">With what it begins.</param>
    /// <exception cref="AevumException">Compacted: what the token wants next is no longer kept. InvalidArgument: it is no token of this
    /// database. ReadOnly: the session stands at a moment of the past, of which nothing new is heard.</exception>
    public Watch Watch(ReadOnlySpan<byte> prefix, WatchStart start)
    {
        RequireReadable();
        if (_session.Moment is not null) throw new AevumException(ErrorCode.ReadOnly, "nothing new is heard of a moment of the past");
        return new Watch(_session.Database.Router.Subscribe(StreamRange.Of(_id, prefix), start.Start), _id);
    }

    /// <summary>How many keys a scan finds.</summary>
    public long Count(ScanOptions? options = null)
    {
        using var cursor = OpenCursor(options);
        long count = 0;
        while (cursor.MoveNext()) count++;
        return count;
    }

    /// <summary>Deletes all keys that begin with a prefix, at one instant.</summary>
    /// <param name="prefix">At least one byte: a whole keyspace is emptied with <see cref="Clear"/>.</param>
    /// <returns>How many keys held a value.</returns>
    public long DeletePrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix.IsEmpty) Throw.Invalid("deleting by prefix needs one; Clear empties the keyspace");
        return DeleteRange(ScanOptions.OfPrefix(prefix));
    }

    /// <summary>Deletes all keys, at one instant.</summary>
    /// <returns>How many keys held a value.</returns>
    public long Clear() => DeleteRange(ScanOptions.All);

    // Counted first, and deleted on condition that nothing has changed since; where writers never leave a gap for that, counted in turn.
    long DeleteRange(ScanOptions options)
    {
        _session.RequireWritable();
        _ = Entry;
        var (start, end) = RangeOf(options);
        if (end is null) Throw.Invalid("the keyspace is the last there can be");
        var router = _session.Database.Router;
        for (var attempt = 1; ; attempt++)
        {
            using var held = router.HoldNow();
            long count = 0;
            var parts = new List<(IShard, StepBatch)>();
            foreach (var (shard, partStart, partEnd) in router.ShardsOf(start, end))
            {
                var batch = new StepBatch(_session.Database.Options.Limits) { Namespace = _id.Namespace, Note = _session.Note };
                if (attempt < DeleteAttempts)
                {
                    using var cursor = shard.OpenCursor(partStart, partEnd, ReadView.AsOf(held.At));
                    for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) count++;
                    batch.CheckUnchanged(partStart, partEnd!, held.At);
                    batch.DeleteRange(partStart, partEnd!);
                }
                else
                {
                    batch.Call(Model.KeyValue.DeleteAll.Instance, partStart, partEnd);
                }
                parts.Add((shard, batch));
            }
            router.CommitJointly(parts);
            if (parts.All(p => p.Item2.Status != CommitStatus.Refused))
                return attempt < DeleteAttempts ? count : parts.Sum(p => p.Item2.ResultOf(0).Number);
        }
    }

    internal (byte[] Start, byte[]? End) RangeOf(ScanOptions options)
    {
        var (start, end) = KeyLayout.RangeOf(_id, options.Prefix);
        if (options.Start is { } first && KeyLayout.Make(_id, first) is var from && from.AsSpan().SequenceCompareTo(start) > 0) start = from;
        if (options.End is { } last && KeyLayout.Make(_id, last) is var until && (end is null || until.AsSpan().SequenceCompareTo(end) < 0)) end = until;
        // An empty range, whichever way its bounds were given.
        if (end is not null && start.AsSpan().SequenceCompareTo(end) > 0) end = start;
        return (start, end);
    }
}
