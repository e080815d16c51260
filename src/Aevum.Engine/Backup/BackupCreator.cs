// BackupCreator: one backup of an open database, while commits go on.
//
//   piece      the log behind the tables, or behind the piece before: up to the moment         written, synced, named
//   tables     those that the store does not have yet                                          written, synced, checked, named
//   manifest   names them all                                                                  written, synced, named: now there is a backup
//
// Always true: until the manifest has its name there is no backup, and every file of earlier ones is untouched. What a failure leaves is used by the
// next backup, or swept away by it. A file for which there is no space is written once more when the log has given back what it keeps for later
// (LocalShards.WithRoom): the store may lie on the same disk.
//
// RocksDB's BackupEngine shares tables in the same way; that the log between two backups is kept, so that any moment in between can be restored, is
// what PostgreSQL does with base backups and its archive of the write-ahead log.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Storage.Checking;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Backup;

sealed class BackupCreator
{
    readonly LocalShards.BackupSource _source;
    readonly BackupStore _store;
    readonly BackupOptions _options;
    readonly BackupWork _work;
    readonly StoreContent _content;
    readonly ulong _number;
    readonly DatabaseIdentity _identity;
    readonly Dictionary<(uint Shard, ulong Table, long Bytes, ulong Tail), ulong> _known = [];   // to digest: tables that backups name
    readonly ILookup<string, string> _leftovers;    // by beginning of the name: tables in the store that no backup names
    long _newBytes;

    BackupCreator(LocalShards.BackupSource source, BackupStore store, BackupOptions options, BackupWork work)
    {
        _source = source;
        _store = store;
        _options = options;
        _work = work;
        _content = store.ReadAll();
        _number = Math.Max(store.NextNumber, store.PieceNumbers().DefaultIfEmpty().Max() + 1);
        _identity = source.Identity;
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var backup in _content.Backups)
            foreach (var shard in backup.Shards)
                foreach (var table in shard.Tables)
                {
                    named.Add(BackupStore.TableName(shard.Id, table.Id, table.Digest));
                    // A file that went missing is copied anew, which makes the backups that want it whole again.
                    if (store.Files.FileExists(store.TablePath(shard.Id, table))) _known[(shard.Id, table.Id, table.Bytes, table.Tail)] = table.Digest;
                }
        _leftovers = store.Files.ListFiles(store.TableFolder).Where(n => !named.Contains(n) && n.EndsWith(".table", StringComparison.Ordinal))
            .ToLookup(n => n[..Math.Min(n.Length, TableNamePrefix)], StringComparer.Ordinal);
    }

    // <shard>-<table>-
    const int TableNamePrefix = 8 + 1 + 16 + 1;

    /// <remarks>The store's lock is the caller's.</remarks>
    public static BackupInfo Run(LocalShards.BackupSource source, BackupStore store, BackupOptions options, BackupWork work)
    {
        try
        {
            return new BackupCreator(source, store, options, work).Run();
        }
        catch (AevumException full) when (full.Code == ErrorCode.DiskFull)
        {
            // What was written so far is of no use to anybody who has no space.
            try
            {
                store.Sweep();
            }
            catch (AevumException)
            {
            }
            throw;
        }
    }

    BackupInfo Run()
    {
        var from = CompleteFrom();
        var piece = _source.WithRoom(WritePiece);
        _source.ReleaseLog();
        var shards = CopyTables();
        _store.Files.SyncDirectory(_store.TableFolder);

        var manifest = new BackupManifest(_number, _identity, shards)
        {
            From = from,
            Moment = _source.Moment,
            DoneAt = SystemTime.AtOrBefore(_source.Scheduler.Time.GetUtcNow()).Microseconds,
            NewBytes = _newBytes,
            PieceBytes = piece.Bytes,
        };
        _work.ThrowIfStopped();
        _ = _source.WithRoom(() =>
        {
            _store.Write(_store.BackupPath(_number), manifest.Encode());
            return true;
        });
        try
        {
            _store.Sweep();
        }
        catch (AevumException)
        {
            // The backup is there; what is left over goes with the next one.
        }
        return BackupStores.InfoOf(manifest, _store.ReadAll());
    }

    SystemTime CompleteFrom()
    {
        var from = _source.Trees.Max(t => t.Image.CompleteFrom);
        if (from != SystemTime.None) return from;
        // Nothing is in tables: it can be restored to any time since it was made. (The first batch of all, a ceiling, is stamped before the clock
        // knows any time.)
        using var reader = _source.Streams[0].OpenReader(1);
        while (reader.MoveNext())
            if (new SystemTime(BatchReader.TimeOf(reader.Payload)) is { Microseconds: > 0 } time && time <= _source.Moment) return time;
        return _source.Moment;
    }

    // ------------------------------------------------------------------------------------------------ log

    LogPieceInfo WritePiece()
    {
        var before = _content.NewestPiece(_identity.Timeline);
        if (before is not null && !GoesOn(before)) before = null;
        _work.Begin("log", 0);
        var path = _store.PiecePath(_number);
        LogPieceInfo info;
        using (var file = _store.Files.Create(BackupStore.Unfinished(path)))
        {
            var writer = new LogPieceWriter(file, _work);
            var streams = new List<PieceStream>();
            var order = Enumerable.Range(0, _source.Streams.Count).OrderBy(i => _source.Streams[i].Id);
            foreach (var i in order)
            {
                var stream = _source.Streams[i];
                PieceStream? last = before?.Streams.Single(s => s.Id == stream.Id);
                streams.Add(WriteStream(writer, stream, last?.Last ?? _source.Trees[i].AppliedPosition, last?.LastHash ?? 0));
            }
            info = new LogPieceInfo(_number, before?.Number ?? 0, _identity.DatabaseId, _identity.Timeline, _source.Moment, streams);
            writer.Finish(info);
            info = info with { Bytes = file.Length };
        }
        _store.Finish(path);
        _newBytes += info.Bytes;
        return info;
    }

    // Whether the log still has everything behind the piece, and what it has at the piece's end is what the piece ends with. (A database's directory may
    // have been put back to an earlier state by other means; then its positions come a second time, for other batches.)
    bool GoesOn(LogPieceInfo before)
    {
        if (before.Streams.Count != _source.Streams.Count) return false;
        foreach (var stream in _source.Streams)
        {
            if (before.Streams.FirstOrDefault(s => s.Id == stream.Id) is not { Id: > 0 } last) return false;
            if (stream.LastPosition < last.Last || stream.FirstPosition > last.Last + 1) return false;
            if (last.Last < stream.FirstPosition || last.LastHash == 0) continue;
            using var reader = stream.OpenReader(last.Last);
            if (!reader.MoveNext() || XxHash3.Compute(reader.Payload) != last.LastHash) return false;
        }
        return true;
    }

    PieceStream WriteStream(LogPieceWriter writer, LogStream stream, ulong behind, ulong hash)
    {
        var last = behind;
        if (stream.LastPosition <= behind) return new(stream.Id, behind + 1, behind, hash);
        using var reader = stream.OpenReader(behind + 1);
        while (reader.MoveNext())
        {
            // Times rise within a stream: all that follows lies above the moment, too.
            if (BatchReader.TimeOf(reader.Payload) > _source.Moment.Value) break;
            writer.Add(stream.Id, last = reader.Position, reader.Payload);
            hash = 0;
        }
        if (last > behind)
        {
            reader.Seek(last);
            reader.MoveNext();
            hash = XxHash3.Compute(reader.Payload);
        }
        return new(stream.Id, behind + 1, last, hash);
    }

    // ------------------------------------------------------------------------------------------------ tables

    List<BackupShard> CopyTables()
    {
        // Found out first, so that the progress knows how much there is to do.
        var tails = new Dictionary<(uint, ulong), ulong>();
        long missing = 0;
        for (var i = 0; i < _source.Trees.Count; i++)
            foreach (var (id, bytes) in _source.Trees[i].Image.Tables)
            {
                var shard = _identity.Shards[i].Id;
                var tail = _work.TailDigest(_source.Files, _source.Trees[i].PathOf(id), bytes);
                tails[(shard, id)] = tail;
                if (!_known.ContainsKey((shard, id, bytes, tail))) missing += bytes;
                _work.ThrowIfStopped();
            }
        _work.Begin("tables", missing);
        var shards = new List<BackupShard>();
        for (var i = 0; i < _source.Trees.Count; i++)
        {
            var (tree, shard) = (_source.Trees[i], _identity.Shards[i].Id);
            var tables = new List<BackupTable>();
            foreach (var (id, bytes) in tree.Image.Tables)
            {
                var tail = tails[(shard, id)];
                if (!_known.TryGetValue((shard, id, bytes, tail), out var digest) && !TryTakeLeftover(shard, id, bytes, tail, out digest))
                    digest = _source.WithRoom(() => Copy(tree, shard, id, bytes));
                tables.Add(new(id, bytes, tail, digest));
            }
            shards.Add(new(shard, tree.Image, tables));
        }
        return shards;
    }

    ulong Copy(TreePin tree, uint shard, ulong id, long bytes)
    {
        var source = tree.PathOf(id);
        var target = FilePaths.Combine(_store.TableFolder, BackupStore.TableName(shard, id, 0));
        var digest = _work.Copy(_source.Files, source, bytes, _store.Files, BackupStore.Unfinished(target));
        if (_options.CheckTables)
            foreach (var problem in StoreChecker.CheckTable(_store.Files, BackupStore.Unfinished(target), tree.Image, id))
                throw new CorruptionException($"{source} at byte {problem.Offset ?? 0}: {problem.Text}") { File = source, Offset = problem.Offset ?? 0 };
        _store.Files.Rename(BackupStore.Unfinished(target), FilePaths.Combine(_store.TableFolder, BackupStore.TableName(shard, id, digest)));
        _newBytes += bytes;
        return digest;
    }

    // A backup that did not get to its end may have copied it. Read again, as no manifest ever vouched for it.
    bool TryTakeLeftover(uint shard, ulong id, long bytes, ulong tail, out ulong digest)
    {
        digest = 0;
        var prefix = BackupStore.TableName(shard, id, 0)[..TableNamePrefix];
        foreach (var name in _leftovers[prefix])
        {
            var path = FilePaths.Combine(_store.TableFolder, name);
            if (_store.Files.FileLength(path) != bytes || _work.TailDigest(_store.Files, path, bytes) != tail) continue;
            digest = _work.Digest(_store.Files, path, bytes);
            if (name != BackupStore.TableName(shard, id, digest)) continue;
            _newBytes += bytes;
            return true;
        }
        return false;
    }
}
