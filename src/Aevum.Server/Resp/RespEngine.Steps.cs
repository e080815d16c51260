// RespEngine, steps: writes on their way to a commit, and their replies.

using System.Runtime.InteropServices;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    // The memory of all keys of a batch is asked for before it is decided; more keys than this push each other out of the core's cache again.
    const int KeysMax = 256;
    const int BatchBytesMax = 1 << 20;

    // Who is waiting for a step's reply. Blocked: the request of a command that may have to wait, kept for when it does.
    // Again: the step is a request that has been waiting.
    readonly record struct PendingStep(RespClient Client, KnownCommand Command, BlockedCall? Blocked, BlockedCall? Again = null);

    readonly List<PendingStep> _pending = [];
    readonly List<PendingStep> _answered = [];   // of the batch that is being answered; a list of its own, kept, so that a batch allocates nothing
    readonly HashSet<byte[]> _touched = new(Core.Bytes.KeyComparer.Instance);
    StepBatch _batch;
    readonly List<int> _keys = [];
    readonly KeyBuffer _key = new();
    readonly KeyBuffer _row = new();
    IShard? _shard;      // whose batch it is
    byte[] _packed = new byte[4096];
    readonly int _batchBytesMax;
    int _batchBytes;
    int _batchKeys;     // a step without any counts as one
    long _batchForecast;   // what those of its steps write at most that might have taken several commits
    CommitNote? _batchNote;

    // Is last: nothing may come behind it in its batch, for it may find out that it is to be done beside.
    void AddStep(RespClient client, KnownCommand command, CommandArguments args, bool isLast = false)
    {
        var keyspace = client.Keyspace;
        try
        {
            command.Data!.Prepare(args);
            _keys.Clear();
            if (!command.Command.FindKeys(args, _keys)) _keys.Clear();
            var row = command.Data.FindRow(Server.Surroundings, args, _row);
            if (!row.IsEmpty) _keys.Clear();
            if (!TryShardOf(keyspace, args, row, out var shard))
            {
                Answer(client, RespErrors.CrossSlot);
                return;
            }
            // One note for one commit; one shard for one batch; one version of a key for one time, where versions are kept.
            var keepsVersions = !row.IsEmpty || Databases.KeepsHistory(client.Database);
            // Only the first request of a batch may be larger than what a batch may hold.
            if (_pending.Count > 0 && (_batchBytes + args.Bytes > _batchBytesMax || shard != _shard || !Equals(_batchNote, client.Note) ||
                (keepsVersions && Touches(keyspace, args, row))))
                Flush();
            if (keepsVersions) Touch(keyspace, args, row);
            _shard = shard;
            _batchNote = client.Note;
            var mayBlock = isLast || (command.Info.Is(CommandFlags.Blocking) && ((IBlockingCommand)command.Data!).MayBlock(args));
            var packed = CommandProcedure.Pack(ref _packed, keyspace, client.Version, mayBlock, _pending.Count, args, Chances.NextUInt64(),
                Meter.TimesStep(command));
            _batch.Policy = CommitPolicy.EachForItself;
            _batch.Call(command.Procedure!, !row.IsEmpty ? row : _key.HeadOf(keyspace, _keys.Count > 0 ? args[_keys[0]] : default), packed);
            _batchBytes += packed.Length;
            _batchKeys += Math.Max(1, _keys.Count);
            _pending.Add(new PendingStep(client, command, mayBlock ? BlockedCall.Of(client, command, args, keyspace, _keys) : null));
            client.PendingSteps++;
            // Who waits for a key is served before the next request, as with Redis: it may take away what came.
            var isAwaited = Server.Waiters.Count > 0 && IsAwaited(keyspace, command, args);
            if (isAwaited || mayBlock || _batchKeys >= KeysMax || _batchBytes >= _batchBytesMax) Flush();
            if (isAwaited && client.PendingSteps > 0) HoldBack(client);
            if (!row.IsEmpty && Server.Collections.IsBehind(row, out var behind)) WaitForIndex(client, behind);
        }
        catch (AevumException refusal)
        {
            Answer(client, RespErrors.ReplyOf(refusal));
        }
    }

    // Who writes vectors faster than they are indexed waits.
    void WaitForIndex(RespClient client, KeyspaceId collection)
    {
        Flush();
        if (client.IsSuspended) return;   // for its steps, and then it comes again
        client.Suspend();
        Server.Scheduler.Start("resp vectors", Core.Scheduling.WorkClass.Urgent, async _ =>
        {
            await Server.Database.WhenIndexHasRoomAsync(collection);
            Loop.Post(client.Resume);
        });
    }

    bool TryShardOf(KeyspaceId keyspace, CommandArguments args, ReadOnlySpan<byte> row, out IShard? shard)
    {
        var router = Server.Database.Router;
        if (!row.IsEmpty)
        {
            shard = router.ShardOf(row);
            return true;
        }
        shard = router.Shards[0];
        if (router.Shards.Count == 1 || _keys.Count == 0) return true;
        shard = router.ShardOf(_key.HeadOf(keyspace, args[_keys[0]]));
        for (var i = 1; i < _keys.Count; i++)
            if (router.ShardOf(_key.HeadOf(keyspace, args[_keys[i]])) != shard) return false;
        return true;
    }

    bool IsAwaited(KeyspaceId keyspace, KnownCommand command, CommandArguments args)
    {
        if (!command.Data!.Writes(args)) return false;
        foreach (var i in _keys)
            if (Server.Waiters.AnyFor(keyspace, args[i])) return true;
        return false;
    }

    // True if a key of the request is in the batch already.
    bool Touches(KeyspaceId keyspace, CommandArguments args, ReadOnlySpan<byte> row)
    {
        if (!row.IsEmpty) return _touched.Contains(row.ToArray());
        foreach (var i in _keys)
            if (_touched.Contains(_key.HeadOf(keyspace, args[i]).ToArray())) return true;
        return false;
    }

    void Touch(KeyspaceId keyspace, CommandArguments args, ReadOnlySpan<byte> row)
    {
        if (!row.IsEmpty) _touched.Add(row.ToArray());
        foreach (var i in _keys) _touched.Add(_key.HeadOf(keyspace, args[i]).ToArray());
    }

    /// <summary>Commits what is under way, if the client has a part in it.</summary>
    public void FlushFor(RespClient client)
    {
        if (client.PendingSteps > 0) Flush();
    }

    /// <summary>Commits what is under way, and answers.</summary>
    public void Flush()
    {
        while (_pending.Count > 0) FlushBatch();
    }

    // One batch; what it had no room for is the next one afterwards, in its order.
    void FlushBatch()
    {
        AevumException? failure = null;
        PendingCommit commit = default;
        try
        {
            _batch.Note = _batchNote;
            _batch.Namespace = Databases.Session.Default.Id.Namespace;
            Meter.BeginCommit();
            commit = _shard!.BeginCommit(_batch);
        }
        catch (AevumException refused)
        {
            failure = refused;
            CommandProcedure.Signals.Clear();
        }
        Meter.EndCommit(_pending.Count);
        Meter.Looked(CommandProcedure.Call);
        // What comes of the answers (who waited goes on) begins a batch of its own.
        var done = failure is null ? StepsWithRoom() : _pending.Count;
        var forecast = ForecastOfBatch;
        _touched.Clear();
        _batchBytes = 0;
        _batchKeys = 0;
        if (!commit.IsDone || _held.Count > 0)
        {
            Hold(commit, done, failure, forecast);
            return;
        }
        var answered = _answered;
        answered.Clear();
        answered.AddRange(CollectionsMarshal.AsSpan(_pending)[..done]);
        for (var i = 0; i < answered.Count; i++) AnswerStep(answered[i], i, _batch, failure);
        var signals = CommandProcedure.Signals.ToArray();
        CommandProcedure.Signals.Clear();
        BeginNext(done, _batch);
        if (signals.Length > 0) Server.Signals.Publish(this, signals, [.. answered.Select(a => a.Client)]);
        answered.Clear();   // holds no client that has gone
    }

    // From: the batch that was committed, and so many of whose steps are done.
    void BeginNext(int done, StepBatch from)
    {
        if (done < _pending.Count)
        {
            BeginWithRest(done, from);
            return;
        }
        _pending.Clear();
        _batch.Clear();
        _batchForecast = 0;
    }

    // A step that failed for the size of the batch is tried again as the first of another; those behind it were not run.
    int StepsWithRoom()
    {
        for (var i = 1; i < _pending.Count; i++)
            if (_batch.ResultOf(i) is { Status: StepStatus.Failed, Code: ErrorCode.LimitExceeded }) return i;
        return _pending.Count;
    }

    void BeginWithRest(int done, StepBatch from)
    {
        _pending.RemoveRange(0, done);
        var rest = new (byte[] Key, byte[] Argument)[_pending.Count];
        for (var i = 0; i < rest.Length; i++)
        {
            var step = from.StepAt(done + i);
            rest[i] = (step.Key.ToArray(), step.Value.ToArray());
            CommandProcedure.MoveTo(rest[i].Argument, i);
        }
        _batch.Clear();
        _batch.Policy = CommitPolicy.EachForItself;
        for (var i = 0; i < rest.Length; i++) _batch.Call(_pending[i].Command.Procedure!, rest[i].Key, rest[i].Argument);
    }

    // Counts: what the step took is told to the meter; else it has been.
    void AnswerStep(PendingStep step, int index, StepBatch batch, AevumException? failure, bool counts = true)
    {
        var client = step.Client;
        client.PendingSteps--;
        if (step.Again is { } waiting && !EndsWait(waiting, failure is null && batch.ResultOf(index).Number == CommandProcedure.Blocked)) return;
        if (failure is not null) Send(RespErrors.ReplyOf(failure));
        else if (batch.ResultOf(index) is var result && GoesOnBeside(step, result)) CommitBeside(client, step.Command, step.Blocked!.Packed, step.Command);
        else if (result.Status == StepStatus.Failed) Send(RespErrors.ReplyOf(result.Code, result.Message));
        else if (result.Number == CommandProcedure.Blocked) Wait(step.Blocked!, batch.BytesOf(index));
        else Send(batch.BytesOf(index));
        if (step.Again is not null) client.Resume();

        void Send(ReadOnlySpan<byte> reply)
        {
            client.Send(reply);
            if (counts) Meter.CountStep(client, step.Command, batch, index, reply);
        }
    }
}
