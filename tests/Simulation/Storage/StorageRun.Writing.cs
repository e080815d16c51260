// StorageRun, writing: random batches, and how many of them a power cut may not take.
//
// A write that was refused (DiskFull, InputOutput, InvalidArgument) must have left no trace. One that ended with Closed may be in the log or
// not: nobody can know before the next open, so the model keeps it at its end, as uncertain.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Log;

namespace Aevum.Simulation.Storage;

sealed partial class StorageRun
{
    readonly Queue<(TimeSpan At, int Count)> _acknowledged = [];   // under an interval: when how many batches were acknowledged
    TimeSpan _seenAlive;     // when the disk was last seen working
    int _uncertain;          // batches at the model's end that may be missing
    int _durable;            // batches that a power cut may not take
    ulong _timeWritten;      // the greatest time of any batch, lost ones too

    byte[][] MakeKeys()
    {
        var keys = new SortedSet<byte[]>(ByteOrder.Instance);
        if (Policy.KeyspacePrefixBytes == 0 && _random.OneIn(4)) keys.Add([]);
        for (var attempts = 0; keys.Count < _configuration.Keys && attempts < 4 * _configuration.Keys; attempts++)
        {
            var prefix = Policy.KeyspacePrefixBytes == 0 ? [] : PrefixOf(Policy.Keyspaces[_random.Next(Policy.Keyspaces.Length)].Id);
            var body = new byte[_random.Next(8) switch { 0 => _random.Next(100, 300), 1 => 1, _ => _random.Next(1, 5) }];
            // Few letters, so that keys are prefixes of each other and share long beginnings.
            for (var i = 0; i < body.Length; i++) body[i] = _random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)'a', _ => (byte)_random.Next('a', 'f') };
            keys.Add([.. prefix, .. body]);
        }
        return [.. keys];
    }

    byte[] RandomKey() => _keys[_random.Next(_keys.Length)];

    ulong NextTime() => _time += (ulong)_random.Next(1, 6);

    byte[] RandomValue(SimulatedKeyspace keyspace)
    {
        if (keyspace.Merge?.Name == "add") return BitConverter.GetBytes((long)_random.Next(1000));
        var value = new byte[_random.OneIn(20) ? _configuration.ValueBytesMax * 3 : _random.Next(_configuration.ValueBytesMax + 1)];
        _random.Fill(value);
        // Half of it alike, so that compression has something to do.
        value.AsSpan(value.Length / 2).Clear();
        return value;
    }

    void WriteBatch()
    {
        var batch = new WriteBatch { SystemTime = new SystemTime(NextTime()) };
        var withRange = _random.OneIn(_configuration.RangeDeletesOneIn);
        for (var i = _random.OneIn(10) ? _random.Next(10, 40) : _random.Next(1, 6); i > 0; i--) AddEffect(batch);
        if (withRange)
        {
            AddRangeDelete(batch);
            for (var i = _random.Next(3); i > 0; i--) AddEffect(batch);
        }
        Commit(batch);
    }

    void AddEffect(WriteBatch batch)
    {
        // Now and then the same key again: several effects of one batch on one key.
        var key = _random.OneIn(4) ? _keys[_step % _keys.Length] : RandomKey();
        var keyspace = Policy.Of(key);
        switch (_random.Next(20))
        {
            case < 3: batch.Delete(key); break;
            case < 9 when keyspace.Merge is not null:
                var operand = keyspace.Merge.Name == "add" ? BitConverter.GetBytes((long)_random.Next(-50, 50)) : new byte[_random.Next(1, 6)];
                if (keyspace.Merge.Name != "add") _random.Fill(operand);
                batch.Merge(key, operand);
                break;
            case < 13: batch.Put(key, RandomValue(keyspace), new SystemTime(_time + (ulong)_random.Next(1, _configuration.ExpiryMax))); break;
            default: batch.Put(key, RandomValue(keyspace)); break;
        }
    }

    void AddRangeDelete(WriteBatch batch)
    {
        var (a, b) = (RandomKey(), RandomKey());
        if (ByteOrder.Instance.Compare(a, b) > 0) (a, b) = (b, a);
        if (_random.OneIn(3)) b = [.. b, 0];
        batch.DeleteRange(a, b);
    }

    void WriteSingle()
    {
        if (!OwnLog)
        {
            WriteBatch();
            return;
        }
        var key = RandomKey();
        var batch = new WriteBatch { SystemTime = new SystemTime(NextTime()) };
        if (_random.OneIn(4))
        {
            batch.Delete(key);
            Commit(batch, () => Tree.Delete(key, batch.SystemTime));
            return;
        }
        var value = RandomValue(Policy.Of(key));
        var expiry = _random.OneIn(4) ? new SystemTime(_time + (ulong)_random.Next(1, _configuration.ExpiryMax)) : SystemTime.None;
        batch.Put(key, value, expiry);
        Commit(batch, () => Tree.Put(key, value, batch.SystemTime, expiry));
    }

    void Commit(WriteBatch batch, Action? write = null)
    {
        if (batch.Count == 0) return;
        _timeWritten = Math.Max(_timeWritten, batch.SystemTime.Value);
        Note($"write {_model.Count + 1}: {batch.Count} effects, {batch.Encoded.Length} bytes");
        try
        {
            if (!OwnLog) Require(Tree.Apply(batch.Encoded, (ulong)_model.Count + 1), "a new batch was taken for one that is there");
            else if (write is not null) write();
            else Tree.Write(batch);
            _model.Append(batch.Encoded);
            NoteDurable(acknowledged: true);
            Count("batches");
        }
        catch (AevumException e) when (IsExpected(e))
        {
            Note($"write refused: {e.Code}");
            Count("writes refused");
            if (e.Code != ErrorCode.Closed) return;
            if (!OwnLog)
            {
                Require(_files.Successor is not null, $"a tree without a log stopped: {e}");
                return;
            }
            _model.Append(batch.Encoded);
            _uncertain++;
            _logFailed = true;
        }
    }

    void WriteWhatIsRefused()
    {
        var key = RandomKey();
        if (Policy.Of(key).Merge is not null || _fault != Fault.None) return;
        Note("a merge where none is possible");
        var batch = new WriteBatch { SystemTime = new SystemTime(NextTime()) };
        batch.Put(RandomKey(), [1]);
        batch.Merge(key, [1]);
        try
        {
            if (OwnLog) Tree.Write(batch);
            else Tree.Apply(batch.Encoded, (ulong)_model.Count + 1);
        }
        catch (AevumException e) when (e.Code == ErrorCode.InvalidArgument)
        {
            return;
        }
        throw new SimulationFailure("a merge was taken in a keyspace without a merge operator");
    }

    /// <summary>How many batches must survive a power cut from now on.</summary>
    void NoteDurable(bool acknowledged = false)
    {
        if (_tree is null) return;
        _durable = Math.Max(_durable, (int)Math.Min(Tree.FlushedPosition, (ulong)_model.Count));
        if (!OwnLog) return;
        var sync = _configuration.Tree.Sync;
        var sure = _model.Count - _uncertain;
        switch (sync.Kind)
        {
            case SyncKind.Always when acknowledged:
                _durable = sure;
                break;
            case SyncKind.Every when acknowledged:
                _durable = Math.Max(_durable, sure - (int)sync.Records);
                break;
            case SyncKind.Interval:
                // What would have been synced after the death was not.
                if (!IsDead) _seenAlive = _scheduler.Time.GetElapsedTime(0);
                var now = _seenAlive;
                if (acknowledged) _acknowledged.Enqueue((now, sure));
                while (_acknowledged.TryPeek(out var oldest) && oldest.At + sync.Interval < now)
                {
                    if (!_logMayHaveFailed) _durable = Math.Max(_durable, oldest.Count);
                    _acknowledged.Dequeue();
                }
                break;
        }
    }

    // ---------------------------------------------------------------------------------------- maintenance

    void Flush() => Maintain("flush", () =>
    {
        Tree.Flush();
        Require(Tree.FlushedPosition == (ulong)_model.Count, $"after a flush {Tree.FlushedPosition} batches are in tables, of {_model.Count}");
    });

    void CompactAll() => Maintain("compact all", () => Tree.CompactAll());

    void Maintain(string what, Action action)
    {
        if (_logFailed) return;
        Note(what);
        Count(what);
        try
        {
            action();
            NoteDurable();
        }
        catch (AevumException e) when (IsExpected(e))
        {
            Note($"{what} refused: {e.Code}");
            Count("maintenance refused");
        }
    }
}
