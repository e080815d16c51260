// Importer: rows into commits.
//
//   line -> row (RowTsv, RowJson) -> the batch that is filling -> a commit: every 500 rows or 1 MiB, and before a row whose key the batch
//   already has, or whose note is another one
//
// So every row is a version of its own, and the versions of a key keep their order. Always true: where an import ends at a line that is refused, all
// lines before it are committed, and none after it.
//
// Not restored: system times (HistoryImporter does that, into a database of its own) and idempotency keys (a commit with one that was used would not
// be done again). What is passed over: a value whose expiry lies in the past and that is no part of a history;
// of a history it is kept, with its expiry, and never seen.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

/// <summary>Turns a line into a row; null: there is nothing to import in it.</summary>
delegate Row? RowReader(ReadOnlySpan<byte> line);

/// <summary>A line that was refused.</summary>
sealed record BadLine(long Number, string Why);

sealed class Importer(Session session, Keyspace keyspace, RowReader read, bool skipBad)
{
    public const int BatchRows = 500;
    public const int BatchBytes = 1 << 20;
    const int BadLinesKept = 20;

    readonly HashSet<byte[]> _keys = new(KeyComparer.Instance);
    readonly List<BadLine> _badLines = [];
    Batch _batch = session.NewBatch();
    int _batchBytes;

    public long Puts { get; private set; }

    public long Deletes { get; private set; }

    /// <summary>Of keys and values imported.</summary>
    public long Bytes { get; private set; }

    public long Commits { get; private set; }

    /// <summary>Rows passed over because their expiry lies in the past.</summary>
    public long Expired { get; private set; }

    public long BadCount { get; private set; }

    /// <summary>The first bad lines.</summary>
    public IReadOnlyList<BadLine> BadLines => _badLines;

    /// <summary>Imports every line, or up to the first bad one.</summary>
    /// <param name="lines">Where they come from.</param>
    /// <param name="advance">Told of rows imported.</param>
    /// <returns>False: a line was bad, and bad ones are not to be skipped.</returns>
    public bool Run(ByteLines lines, Action<long> advance)
    {
        while (lines.TryRead(out var line, out var isTooLong))
        {
            if (TryTake(line, isTooLong, lines.Number, advance) || skipBad) continue;
            Commit(advance);
            return false;
        }
        Commit(advance);
        return true;
    }

    bool TryTake(ReadOnlySpan<byte> line, bool isTooLong, long number, Action<long> advance)
    {
        Row? row;
        try
        {
            if (isTooLong) throw new BadRowException("it is longer than any row can be");
            row = line.IsEmpty ? null : read(line);
        }
        catch (BadRowException wrong)
        {
            return Refuse(number, wrong.Message);
        }
        if (row is null) return true;
        if (row.Expiry != SystemTime.None && row.Time == SystemTime.None && row.Expiry <= session.Database.Now)
        {
            Expired++;
            return true;
        }
        var note = row.Note is { } given ? given with { IdempotencyKey = null } : null;
        if (MustCommitBefore(row, note)) Commit(advance);
        try
        {
            Add(row, note);
            return true;
        }
        catch (AevumException wrong) when (wrong.Code is ErrorCode.LimitExceeded or ErrorCode.InvalidArgument)
        {
            return Refuse(number, wrong.Message);
        }
    }

    bool Refuse(long number, string why)
    {
        BadCount++;
        if (_badLines.Count < BadLinesKept) _badLines.Add(new BadLine(number, why));
        return false;
    }

    bool MustCommitBefore(Row row, CommitNote? note) =>
        _batch.Count >= BatchRows || (_batch.Count > 0 && _batchBytes + row.Key.Length + row.Value.Length > BatchBytes) ||
        note != _batch.Note || _keys.Contains(row.Key);

    void Add(Row row, CommitNote? note)
    {
        _batch.Note = note;
        if (row.Change != ValueChange.Put) _batch.Delete(keyspace, row.Key);
        else if (row.Expiry != SystemTime.None) _batch.PutUntil(keyspace, row.Key, row.Value, row.Expiry);
        else _batch.Put(keyspace, row.Key, row.Value);
        _keys.Add(row.Key);
        _batchBytes += row.Key.Length + row.Value.Length;
        Bytes += row.Key.Length + row.Value.Length;
        if (row.Change == ValueChange.Put) Puts++;
        else Deletes++;
    }

    void Commit(Action<long> advance)
    {
        if (_batch.Count > 0)
        {
            _batch.Commit();
            Commits++;
            advance(_batch.Count);
        }
        _batch = session.NewBatch();
        _keys.Clear();
        _batchBytes = 0;
    }
}
