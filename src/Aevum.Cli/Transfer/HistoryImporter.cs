// HistoryImporter: exported histories into a database of their own, every version at the time it had.
//
//   lines -> a scratch database, keyed by time -> in the order of time, what shares a time as one commit -> the new database (HistoryLoad)
//
// An export is in key order and a history in time order; the store itself does the sorting, as large as it may be. Nothing is made unless every
// line is good, and what could not be finished is removed again.
//
// Not restored: idempotency keys (their answers are gone), and that a delete was one of a whole range.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Transfer;

sealed class HistoryImporter(string directory, DatabaseOptions options)
{
    const int ScratchRows = 1000;
    const int TimeBytes = sizeof(ulong);
    const int NumberBytes = sizeof(int);

    readonly string _scratch = directory.TrimEnd('/', '\\') + ".import";
    readonly List<ExportHeader> _headers = [];

    public long Puts { get; private set; }

    public long Deletes { get; private set; }

    public long Commits { get; private set; }

    /// <summary>Of keys and values.</summary>
    public long Bytes { get; private set; }

    public IReadOnlyList<ExportHeader> Keyspaces => _headers;

    /// <summary>Imports everything, or nothing.</summary>
    /// <param name="advance">Told twice of each row: when it has been read, and when it has been written.</param>
    /// <returns>The line that was refused; null: it is done.</returns>
    public BadLine? Run(ByteLines lines, Action<string> begin, Action<long> advance)
    {
        if (Database.Exists(directory)) throw new AevumException(ErrorCode.AlreadyExists, $"{directory} holds a database; --times makes a new one");
        if (Directory.Exists(_scratch)) throw new AevumException(ErrorCode.AlreadyExists, $"{_scratch} is in the way: an import that was cut short left it");
        try
        {
            using var scratch = Database.Open(_scratch, options with { DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.None } });
            using var session = scratch.OpenSession();
            begin("rows read");
            if (Collect(lines, session, advance) is { } bad) return bad;
            begin("rows written");
            Write(session.Default, advance);
            return null;
        }
        finally
        {
            Directory.Delete(_scratch, recursive: true);
        }
    }

    // ------------------------------------------------------------------------------------------------ reading

    BadLine? Collect(ByteLines lines, Session scratch, Action<long> advance)
    {
        var batch = scratch.NewBatch();
        var key = new byte[TimeBytes + sizeof(long)];
        while (lines.TryRead(out var line, out var isTooLong))
        {
            try
            {
                if (isTooLong) throw new BadRowException("it is longer than any row can be");
                if (line.IsEmpty) continue;
                if (ExportHeader.TryRead(line) is { } header)
                {
                    Begin(header);
                    continue;
                }
                var time = TimeOf(RowJson.Read(line)!);
                BinaryPrimitives.WriteUInt64BigEndian(key, time.Value);
                BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(TimeBytes), lines.Number);
                batch.Put(scratch.Default, key, [.. BitConverter.GetBytes(_headers.Count - 1), .. line]);
            }
            catch (BadRowException wrong)
            {
                return new BadLine(lines.Number, wrong.Message);
            }
            advance(1);
            if (batch.Count < ScratchRows) continue;
            batch.Commit();
            batch = scratch.NewBatch();
        }
        batch.Commit();
        return null;
    }

    void Begin(ExportHeader header)
    {
        if (!header.IsHistory) throw new BadRowException("it begins an export of values, which has no times; a history has (aevum export --history)");
        if (_headers.Exists(h => h.Namespace == header.Namespace && h.Keyspace == header.Keyspace))
            throw new BadRowException($"keyspace {header.Keyspace} of namespace {header.Namespace} comes twice");
        _headers.Add(header);
    }

    SystemTime TimeOf(Row row)
    {
        if (_headers.Count == 0) throw new BadRowException("a history begins with its header");
        return row.Time != SystemTime.None ? row.Time : throw new BadRowException("there is no \"time\"");
    }

    // ------------------------------------------------------------------------------------------------ writing

    void Write(Keyspace scratch, Action<long> advance)
    {
        if (scratch.Scan().FirstOrDefault() is not { } first) throw new AevumException(ErrorCode.InvalidArgument, "there are no rows");
        var last = scratch.Scan(ScanOptions.All with { Descending = true }).First();
        var isDone = false;
        try
        {
            using var load = HistoryLoad.Begin(directory, TimeOf(first.Key), TimeOf(last.Key), options);
            var keyspaces = _headers.Select(h => load.CreateKeyspace(h.Namespace, h.Keyspace, h.Options, h.Floor, h.Kind)).ToArray();
            Write(scratch, load, keyspaces, advance);
            isDone = true;
        }
        finally
        {
            if (!isDone && Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        }
    }

    void Write(Keyspace scratch, HistoryLoad load, Keyspace[] keyspaces, Action<long> advance)
    {
        var batch = load.NewBatch();
        var at = SystemTime.None;
        void Commit()
        {
            if (batch.Count == 0) return;
            load.Commit(batch, at);
            Commits++;
            advance(batch.Count);
            batch = load.NewBatch();
        }

        using var rows = scratch.OpenCursor();
        while (rows.MoveNext())
        {
            var time = TimeOf(rows.Key);
            if (time != at) Commit();
            at = time;
            Add(batch, keyspaces[BitConverter.ToInt32(rows.Value)], RowJson.Read(rows.Value[NumberBytes..])!);
        }
        Commit();
    }

    static SystemTime TimeOf(ReadOnlySpan<byte> key) => new(BinaryPrimitives.ReadUInt64BigEndian(key));

    void Add(Batch batch, Keyspace keyspace, Row row)
    {
        if (row.Note is { } note) batch.Note = note with { IdempotencyKey = null };
        if (row.Change == ValueChange.Put) batch.PutUntil(keyspace, row.Key, row.Value, row.Expiry);
        else batch.Delete(keyspace, row.Key);
        Bytes += row.Key.Length + row.Value.Length;
        if (row.Change == ValueChange.Put) Puts++;
        else Deletes++;
    }
}
