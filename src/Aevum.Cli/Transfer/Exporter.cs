// Exporter: a keyspace into NDJSON: a header, then a row a line, in key order.
//
//   values     the keys that hold something at one moment
//   history    every version of every key that may still be asked about, deleted keys too; of each key the oldest first, so that an import in
//              the order of the lines gives the versions back in theirs
//
// The header tells where it comes from, as of when, from when on history was kept, and what an import gives back of it.

using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

sealed class Exporter(Session session, Keyspace keyspace, byte[]? prefix, Stream target) : IDisposable
{
    const int FlushBytes = 64 << 10;

    readonly Utf8JsonWriter _json = new(target, JsonOptions.Lines);

    public long Rows { get; private set; }

    public void Dispose() => _json.Dispose();

    public void Run(bool history, Action<long> advance)
    {
        var at = session.Moment ?? session.Database.Now;
        WriteHeader(history, at);
        var options = prefix is null ? ScanOptions.All : ScanOptions.OfPrefix(prefix);
        if (history) WriteHistory(options, advance);
        else WriteValues(options with { AsOf = at }, advance);
        _json.Flush();
        target.Flush();
    }

    void WriteValues(ScanOptions options, Action<long> advance)
    {
        using var cursor = keyspace.OpenCursor(options);
        while (cursor.MoveNext())
        {
            RowJson.Write(_json, new Row(cursor.Key.ToArray(), ValueChange.Put, cursor.Value.ToArray(), Expiry: cursor.Expiry));
            End(advance);
        }
    }

    void WriteHistory(ScanOptions options, Action<long> advance)
    {
        foreach (var key in keyspace.ScanHistory(options))
            foreach (var version in key.Versions.Reverse())
            {
                RowJson.Write(_json, new Row(key.Key, version.Change, version.Value, version.Time, version.Expiry, version.Note));
                End(advance);
            }
    }

    void WriteHeader(bool history, SystemTime at)
    {
        _json.WriteStartObject();
        _json.WriteString(RowJson.HeaderName, RowJson.ExportKind);
        _json.WriteNumber("format", 1);
        _json.WriteString("database", session.Database.Id);
        _json.WriteString("namespace", session.Namespace);
        _json.WriteString("keyspace", keyspace.Name);
        _json.WriteString("kind", history ? "history" : "values");
        _json.WriteString("as_of", at.ToString());
        if (prefix is not null) _json.WriteBytes("prefix", prefix);
        var floor = keyspace.HistoryFloor;
        if (history && floor != SystemTime.None) _json.WriteString("history_floor", floor.ToString());
        _json.WriteString("an_import_restores", history
            ? "values, deletes (ranges as single ones), expiries, notes, the order of each key's versions; " +
              "not system times, idempotency keys, what shared a commit"
            : "values and expiries");
        _json.WriteEndObject();
        EndLine();
    }

    void End(Action<long> advance)
    {
        EndLine();
        Rows++;
        advance(1);
    }

    void EndLine()
    {
        _json.Flush();
        _json.Reset();
        target.WriteByte((byte)'\n');
    }

    /// <summary>A buffer over a stream of the size that is good for it.</summary>
    public static Stream Buffer(Stream stream) => new BufferedStream(stream, FlushBytes);
}
