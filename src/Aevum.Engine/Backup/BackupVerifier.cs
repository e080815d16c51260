// BackupVerifier: reads what one backup needs, or all backups, from end to end. Changes nothing.
//
//   manifests   checksum, structure, that each names what its shards' states name
//   tables      there, whole, as when they were copied (digest); each block, index, filter and bound, and as its tree's state describes it
//   log         each record of each piece; positions dense, times in order and at or below the moment; the pieces that a backup needs are there
//
// A file that several backups need is read once.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Checking;

namespace Aevum.Engine.Backup;

sealed class BackupVerifier
{
    readonly BackupStore _store;
    readonly BackupOptions _options;
    readonly BackupWork _work;
    readonly StoreContent _content;
    readonly List<CheckProblem> _problems = [];
    readonly Dictionary<string, bool> _tables = new(StringComparer.Ordinal);   // by name: sound?
    readonly Dictionary<ulong, bool> _pieces = [];
    long _bytes;
    int _files;

    BackupVerifier(BackupStore store, BackupOptions options, BackupWork work)
    {
        _store = store;
        _options = options;
        _work = work;
        _content = store.ReadAll();
    }

    public static BackupReport Run(BackupStore store, ulong? id, BackupOptions options, BackupWork work) =>
        new BackupVerifier(store, options, work).Run(id);

    BackupReport Run(ulong? id)
    {
        var numbers = _store.BackupNumbers();
        if (id is { } one)
        {
            if (!numbers.Contains(one)) throw new AevumException(ErrorCode.NotFound, $"{_store.Directory} holds no backup {one}");
            numbers = [one];
            _problems.AddRange(_content.Problems.Where(p => p.Path == _store.BackupPath(one)));
        }
        else
        {
            _problems.AddRange(_content.Problems);
        }
        var backups = _content.Backups.Where(b => numbers.Contains(b.Id)).ToList();
        // Beyond what the backups themselves need: what takes them further.
        var chains = backups.ToDictionary(b => b.Id, _content.ChainOf);
        var tables = backups.SelectMany(b => b.Shards.SelectMany(s => s.Tables.Select(t => (Path: _store.TablePath(s.Id, t), t.Bytes)))).Distinct();
        _work.Begin("verify", tables.Sum(t => t.Bytes) + chains.Values.SelectMany(c => c.Pieces).DistinctBy(p => p.Number).Sum(p => p.Bytes));
        var damaged = numbers.Except(backups.Select(b => b.Id)).ToList();
        foreach (var backup in backups)
        {
            _files++;
            _bytes += _store.Files.FileLength(_store.BackupPath(backup.Id));
            if (!IsSound(backup, chains[backup.Id])) damaged.Add(backup.Id);
        }
        damaged.Sort();
        return new(numbers, damaged, _problems, _files, _bytes);
    }

    bool IsSound(BackupManifest backup, LogChain chain)
    {
        var isSound = true;
        foreach (var shard in backup.Shards)
            foreach (var table in shard.Tables) isSound &= IsSound(shard, table);
        foreach (var piece in chain.Pieces)
        {
            var holds = IsSound(piece);
            if (piece.Number <= backup.Id) isSound &= holds;
        }
        if (chain.Missing is { } missing)
        {
            isSound = false;
            // A piece that is there and cannot be read has been named already.
            var path = missing == 0 ? _store.PieceFolder : _store.PiecePath(missing);
            if (!_content.Problems.Any(p => p.Path == path))
                _problems.Add(new(path, null, $"backup {backup.Id} needs this piece of the log, and it is missing"));
            else if (!_problems.Any(p => p.Path == path)) _problems.AddRange(_content.Problems.Where(p => p.Path == path));
        }
        else if (chain.Pieces.FirstOrDefault(p => p.Number == backup.Id) is { } own && (own.Bytes != backup.PieceBytes || own.Moment != backup.Moment))
        {
            isSound = false;
            _problems.Add(new(_store.PiecePath(own.Number), null,
                $"expected {backup.PieceBytes} bytes up to {backup.Moment}, not {own.Bytes} up to {own.Moment}"));
        }
        return isSound;
    }

    bool IsSound(BackupShard shard, in BackupTable table)
    {
        var path = _store.TablePath(shard.Id, table);
        if (_tables.TryGetValue(path, out var known)) return known;
        var before = _problems.Count;
        if (!_store.Files.FileExists(path))
        {
            _problems.Add(new(path, null, "a backup needs this table, and it is missing"));
            return _tables[path] = false;
        }
        _files++;
        try
        {
            if (_work.Digest(_store.Files, path, table.Bytes) != table.Digest) _problems.Add(new(path, null, "the content is not what was backed up"));
            _bytes += table.Bytes;
        }
        catch (AevumException failure) when (failure.Code != ErrorCode.Cancelled)
        {
            _problems.Add(BackupStore.ProblemOf(path, failure));
        }
        if (_options.CheckTables) _problems.AddRange(StoreChecker.CheckTable(_store.Files, path, shard.State, table.Id));
        return _tables[path] = _problems.Count == before;
    }

    bool IsSound(LogPieceInfo piece)
    {
        if (_pieces.TryGetValue(piece.Number, out var known)) return known;
        var path = _store.PiecePath(piece.Number);
        var before = _problems.Count;
        _files++;
        try
        {
            using var reader = new LogPieceReader(_store.Files, path);
            Walk(reader, path);
            _bytes += piece.Bytes;
        }
        catch (AevumException failure) when (failure.Code != ErrorCode.Cancelled)
        {
            _problems.Add(BackupStore.ProblemOf(path, failure));
        }
        return _pieces[piece.Number] = _problems.Count == before;
    }

    void Walk(LogPieceReader reader, string path)
    {
        var expected = reader.Info.Streams.ToDictionary(s => s.Id, s => s.First);
        var times = new Dictionary<uint, ulong>();
        long told = 0;
        while (reader.MoveNext())
        {
            if (!expected.TryGetValue(reader.Stream, out var position) || position != reader.Position)
                Throw.Corruption(path, reader.Offset, $"position {position} of stream {reader.Stream}, not {reader.Position}");
            expected[reader.Stream] = position + 1;
            var batch = new BatchReader(reader.Payload);
            var time = batch.SystemTime.Value;
            while (batch.TryRead(out _)) { }
            if (time <= times.GetValueOrDefault(reader.Stream) || time > reader.Info.Moment.Value)
                Throw.Corruption(path, reader.Offset, $"a batch above the one before it and not above {reader.Info.Moment}, not at {new SystemTime(time)}");
            times[reader.Stream] = time;
            if (reader.Next - told >= ContentDigest.ChunkBytes)
            {
                _work.Step(reader.Next - told);
                told = reader.Next;
            }
        }
        _work.Step(reader.Info.Bytes - told);
        foreach (var (id, _, last, _) in reader.Info.Streams)
            if (expected[id] != last + 1) Throw.Corruption(path, reader.Next, $"stream {id} up to position {last}, not {expected[id] - 1}");
    }
}
