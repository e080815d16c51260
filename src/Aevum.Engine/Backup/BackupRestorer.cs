// BackupRestorer: a database out of a backup, as it was at a moment.
//
//   tables     copied, each held against its digest; the manifest of each shard written
//   log        a new one: of each stream the records behind the tables, up to the moment; and one batch more, which is the clock's ceiling
//   DATABASE   last: until then the directory does not open
//
// The moment is exact: a batch is in if its time is at or below it. A commit over several shards has one time, so it is in on all of them or on none.
// (Its intent may be in alone, stamped a little earlier: the next open takes it away, as after a crash.)
//
// The database keeps its id and gets a new timeline. Whatever was committed above the moment in the old one belongs to another history: its log is
// refused here, and backups of the two do not continue each other.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Backup;

sealed class BackupRestorer
{
    readonly BackupStore _store;
    readonly StoreContent _content;
    readonly IFileSystem _files;
    readonly IScheduler _scheduler;
    readonly BackupWork _work;
    readonly string _target;
    readonly BackupManifest _backup;
    readonly LogChain _chain;
    readonly SystemTime _moment;
    readonly DatabaseIdentity _identity;
    long _batches;
    long _bytes;

    BackupRestorer(BackupStore store, string target, RestoreOptions options, IScheduler scheduler, BackupWork work)
    {
        _store = store;
        _content = store.ReadAll();
        _files = options.TargetFiles ?? store.Files;
        _scheduler = scheduler;
        _work = work;
        _target = target;
        _backup = Choose(options);
        _moment = options.To ?? _backup.Moment;
        _chain = _content.ChainOf(_backup);
        if (_chain.Missing is { } missing)
            throw new CorruptionException($"{_store.Directory}: backup {_backup.Id} needs piece {missing} of the log, which is missing or damaged");
        _identity = _backup.Identity with { Timeline = NewTimeline() };
    }

    /// <exception cref="AevumException">InvalidArgument: the target is not empty. NotFound: nothing reaches the moment.</exception>
    public static RestoredDatabase Run(
        BackupStore store, string target, RestoreOptions options, IScheduler scheduler, BackupWork work, string holder)
    {
        var restorer = new BackupRestorer(store, target, options, scheduler, work);
        var files = restorer._files;
        var wasThere = files.DirectoryExists(target);
        if (wasThere && (files.ListFiles(target).Count > 0 || files.ListDirectories(target).Count > 0))
            Throw.Invalid($"{target} is not empty: a restore needs a directory of its own");
        files.CreateDirectoryDurably(target);
        try
        {
            using var held = files.Lock(FilePaths.Combine(target, LocalShards.LockName), holder);
            return restorer.Run();
        }
        catch
        {
            restorer.Remove(wasThere);
            throw;
        }
    }

    // ------------------------------------------------------------------------------------------------ which

    BackupManifest Choose(RestoreOptions options)
    {
        if (options.Id is { } id)
        {
            // An error of its own where it is there and cannot be read.
            var backup = _store.Read(id);
            var reach = _content.ChainOf(backup).Reach;
            if (options.To is { } time && (time < backup.From || time > reach))
                throw new AevumException(ErrorCode.NotFound,
                    $"backup {id} reaches from {Text(backup.From)} to {Text(reach)}, not {Text(time)}");
            return backup;
        }
        if (_content.Backups.Count == 0)
            throw new AevumException(_content.Problems.Count > 0 ? ErrorCode.Corruption : ErrorCode.NotFound, _content.Problems.Count > 0
                ? $"{_store.Directory}: no backup can be read; the first problem: {_content.Problems[0]}" : $"{_store.Directory} holds no backups");
        var newest = _content.Backups[^1];
        // The newest backup damaged: whoever wants "the newest" must not get an older one unasked.
        if (options.To is null) return _store.Read(_store.BackupNumbers()[^1]);
        var line = _content.Backups.Where(b => b.Timeline == newest.Timeline).ToList();
        var at = options.To.Value;
        // The latest tables, so the least log; of equals the first, which is all there was then.
        return line.Where(b => b.From <= at && at <= _content.ChainOf(b).Reach).OrderByDescending(b => b.From).ThenBy(b => b.Id).FirstOrDefault()
            ?? throw new AevumException(ErrorCode.NotFound, $"{Text(at)} is covered by no backup; they reach {Covered(line)}");
    }

    string Covered(IEnumerable<BackupManifest> backups)
    {
        var ranges = new List<(SystemTime From, SystemTime To)>();
        foreach (var (from, to) in backups.Select(b => (b.From, To: _content.ChainOf(b).Reach)).OrderBy(r => r.From))
        {
            if (ranges.Count > 0 && from <= ranges[^1].To) ranges[^1] = (ranges[^1].From, ranges[^1].To > to ? ranges[^1].To : to);
            else ranges.Add((from, to));
        }
        return string.Join(", ", ranges.Select(r => $"from {Text(r.From)} to {Text(r.To)}"));
    }

    static string Text(SystemTime time) => SystemTimeText.ToRfc3339(time);

    // Drawn, not counted: two databases restored from one backup must not have the same one.
    uint NewTimeline()
    {
        var random = _scheduler.CreateRandom($"timeline {_target} {_scheduler.Time.GetUtcNow().UtcTicks}");
        while (true)
        {
            var timeline = (uint)(random.NextUInt64() >> 33);
            if (timeline > _backup.Timeline && _content.Backups.All(b => b.Timeline != timeline)) return timeline;
            if (_backup.Timeline > uint.MaxValue / 4 && timeline != 0 && _content.Backups.All(b => b.Timeline != timeline)) return timeline;
        }
    }

    // ------------------------------------------------------------------------------------------------ making it

    RestoredDatabase Run()
    {
        _work.Begin("tables", _backup.TableBytes);
        foreach (var shard in _backup.Shards) RestoreTree(shard);
        _files.SyncDirectory(FilePaths.Combine(_target, LocalShards.ShardsFolder));
        _work.Begin("log", _chain.Pieces.Sum(p => p.Bytes));
        RestoreLog();
        _files.SyncDirectory(_target);
        _work.ThrowIfStopped();
        _identity.Write(_files, _target);
        return new(_target, _backup.Id, _identity.DatabaseId, _identity.Timeline, _moment, _batches, _bytes);
    }

    void RestoreTree(BackupShard shard)
    {
        var directory = FilePaths.Combine(FilePaths.Combine(_target, LocalShards.ShardsFolder), LocalShards.FolderOf(shard.Id));
        var tables = TreeImage.TableFolderOf(directory);
        _files.CreateDirectoryDurably(tables);
        foreach (var table in shard.Tables)
        {
            var source = _store.TablePath(shard.Id, table);
            if (_work.Copy(_store.Files, source, table.Bytes, _files, TreeImage.TablePathOf(directory, table.Id)) != table.Digest)
                throw new CorruptionException($"{source}: the content is not what was backed up") { File = source };
            _bytes += table.Bytes;
        }
        _files.SyncDirectory(tables);
        shard.State.WriteManifest(_files, directory);
    }

    void RestoreLog()
    {
        var options = EngineOptions.Default;
        var folder = FilePaths.Combine(_target, LocalShards.LogFolder);
        // No larger than what there is to write: nothing is ever appended to these segments again.
        var first = Math.Min(_chain.Pieces.Sum(p => p.Bytes) + (64 << 10), options.LogSegmentBytes) / 4096 * 4096;
        using var log = CommitLog.Open(_files, _scheduler, folder, new LogOptions
        {
            DatabaseId = _identity.DatabaseId,
            Timeline = _identity.Timeline,
            SegmentBytes = options.LogSegmentBytes,
            FirstSegmentBytes = (int)first,
            SpareSegments = 1,
        });
        var streams = new Dictionary<uint, (LogStream Stream, ulong Next)>();
        foreach (var shard in _backup.Shards)
        {
            var stream = log.OpenStream(shard.Id);
            if (shard.State.AppliedPosition > 0) stream.Release(shard.State.AppliedPosition);
            streams[shard.Id] = (stream, shard.State.AppliedPosition + 1);
        }
        foreach (var piece in _chain.Pieces)
        {
            // Later pieces hold only what was committed above the moment of those before.
            if (piece.Number > _backup.Id && _chain.Pieces.Any(p => p.Number < piece.Number && p.Moment >= _moment)) break;
            Replay(piece, log, streams);
        }

        // Whatever is stamped from here on lies above the moment, wherever the wall clock stands.
        var ceilingShard = _identity.Shards[0].Id;
        var ceiling = new SystemTime(_moment.Value + 1);
        var batch = new WriteBatch();
        batch.Put(ShardEnvironment.CeilingKey, BitConverter.GetBytes(ceiling.Value));
        batch.SystemTime = ceiling;
        log.Append(streams[ceilingShard].Stream, streams[ceilingShard].Next, batch.Encoded);
        log.SyncNow();
    }

    void Replay(LogPieceInfo piece, CommitLog log, Dictionary<uint, (LogStream Stream, ulong Next)> streams)
    {
        using var reader = new LogPieceReader(_store.Files, _store.PiecePath(piece.Number));
        long told = 0;
        while (reader.MoveNext())
        {
            if (streams.TryGetValue(reader.Stream, out var target) && reader.Position >= target.Next && BatchReader.TimeOf(reader.Payload) <= _moment.Value)
            {
                if (reader.Position != target.Next)
                    Throw.Corruption(_store.PiecePath(piece.Number), reader.Offset, $"position {target.Next} of stream {reader.Stream}, not {reader.Position}");
                log.Append(target.Stream, reader.Position, reader.Payload);
                streams[reader.Stream] = (target.Stream, target.Next + 1);
                _batches++;
            }
            if (reader.Next - told < ContentDigest.ChunkBytes) continue;
            _work.Step(reader.Next - told);
            told = reader.Next;
        }
        _work.Step(reader.Info.Bytes - told);
        _bytes += reader.Info.Bytes;
    }

    // After a failure: what is not a database is of no use to anybody. Not if the process dies; then the directory holds no DATABASE, and does not open.
    void Remove(bool wasThere)
    {
        try
        {
            foreach (var name in _files.ListDirectories(_target)) _files.DeleteTree(FilePaths.Combine(_target, name));
            foreach (var name in _files.ListFiles(_target)) _files.Delete(FilePaths.Combine(_target, name));
            if (!wasThere) _files.DeleteDirectory(_target);
        }
        catch (AevumException)
        {
        }
    }
}
