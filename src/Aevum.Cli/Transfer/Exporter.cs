// Exporter: keyspaces into NDJSON, one behind the other: a header, then a row a line, in key order.
//
//   values     the keys that hold something at one moment
//   history    every version of every key that may still be asked about, deleted keys too; of each key the oldest first, so that an import in
//              the order of the lines gives the versions back in theirs

using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

sealed class Exporter(Stream target, Action<long> advance) : IDisposable
{
    const int FlushBytes = 64 << 10;

    readonly Utf8JsonWriter _json = new(target, JsonOptions.Lines);

    public void Dispose() => _json.Dispose();

    /// <summary>Writes a keyspace.</summary>
    /// <param name="session">In the keyspace's namespace, at the moment that is wanted.</param>
    /// <param name="prefix">Null: all keys.</param>
    public void Write(Session session, Keyspace keyspace, bool history, byte[]? prefix)
    {
        var at = session.Moment ?? session.Database.Now;
        var floor = history ? keyspace.HistoryFloor : SystemTime.None;
        new ExportHeader(session.Database.Id, session.Namespace, keyspace.Name, history, at, keyspace.Options, floor, prefix, keyspace.Kind).Write(_json);
        EndLine();
        var options = prefix is null ? ScanOptions.All : ScanOptions.OfPrefix(prefix);
        if (history) WriteHistory(keyspace, options);
        else WriteValues(keyspace, options with { AsOf = at });
        target.Flush();
    }

    void WriteValues(Keyspace keyspace, ScanOptions options)
    {
        using var cursor = keyspace.OpenCursor(options);
        while (cursor.MoveNext())
        {
            RowJson.Write(_json, new Row(cursor.Key.ToArray(), ValueChange.Put, cursor.Value.ToArray(), Expiry: cursor.Expiry));
            End();
        }
    }

    void WriteHistory(Keyspace keyspace, ScanOptions options)
    {
        foreach (var key in keyspace.ScanHistory(options))
            foreach (var version in key.Versions.Reverse())
            {
                RowJson.Write(_json, new Row(key.Key, version.Change, version.Value, version.Time, version.Expiry, version.Note));
                End();
            }
    }

    void End()
    {
        EndLine();
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
