// RespEngine, transactions: MULTI, EXEC, WATCH.
//
// Commands of a transaction that are not about data run after its commit, in their places (RespTransaction). One of them that could hold the loop up
// runs on a worker: the transaction's reply is put aside until it is back, and put together from there.
//
// A watched key is held to the moment of WATCH: EXEC's batch asks that neither its head nor, of a large object, its elements were written since. While a
// client watches, a snapshot keeps what shows a deletion from being compacted away.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    // What a command within EXEC wants to be done beside the loop.
    sealed record BesideAnswer(string Name, Action<ReplyWriter> Write, Action? Then, Action<Action>? Start);

    bool _isExecuting;   // the replies of a transaction are being put together
    BesideAnswer? _beside;

    /// <summary>True while EXEC runs: what would wait for a key otherwise answers at once.</summary>
    public bool IsExecuting => _isExecuting;

    /// <summary>Holds EXEC to what a key holds now.</summary>
    public void Watch(RespClient client, ReadOnlySpan<byte> userKey)
    {
        client.WatchedSince ??= Server.Database.Router.HoldNow();
        var head = _key.HeadOf(client.Keyspace, userKey).ToArray();
        if (client.Watched.Exists(w => w.HeadKey.AsSpan().SequenceEqual(head))) return;
        _reader.View = ReadView.AsOf(client.WatchedSince.At);
        var existed = _reader.TryRead(head, out var row);
        (byte[], byte[])? elements = null;
        if (existed && StructureHead.Read(row.Bytes) is { IsLarge: true } large)
            elements = StructureKey.RangeOf(large.Home.IsEmpty ? head : large.Home, large.Incarnation);
        client.Watched.Add(new WatchedKey(head, existed ? row.Expiry : SystemTime.None, client.Database, userKey.ToArray(), existed, elements));
    }

    /// <summary>Runs what a client has queued, and answers.</summary>
    public void Execute(RespClient client, RespTransaction transaction, ReplyWriter reply)
    {
        transaction.Prepare(client.Version, Meter, Databases);
        DenyQueued(client, transaction);
        if (client.Tracking is not null)
            foreach (var request in transaction.Requests) RememberReads(client, request.Command, CommandProcedure.ArgumentsOf(request.Packed));
        var isShown = Server.Monitors.IsOn;
        try
        {
            if (client.Moment is not null)
            {
                BeginRead(_reader, _call, client.Keyspace, client.Moment, _reply);
                transaction.Run(_reader, null);
            }
            else if (!TryCommit(client, transaction, out var shard, out var commit))
            {
                reply.NullArray();
                return;
            }
            else if (!commit.IsDone)
            {
                if (isShown) ShowQueued(client, transaction);
                HoldExecution(client, transaction, shard!, commit);
                return;
            }
        }
        finally
        {
            client.Unwatch();
        }
        if (isShown) ShowQueued(client, transaction);
        _ = TryWriteExecuted(client, transaction, reply, 0);
    }

    void ShowQueued(RespClient client, RespTransaction transaction)
    {
        foreach (var request in transaction.Requests) Server.Monitors.Tell(client, request.Command, CommandProcedure.ArgumentsOf(request.Packed));
    }

    // From one of the requests on. False: it is not done, for one of them is being answered beside the loop; the reply is empty, and the client suspended.
    bool TryWriteExecuted(RespClient client, RespTransaction transaction, ReplyWriter reply, int from)
    {
        if (from == 0)
        {
            reply.Array(transaction.Requests.Count);
            Meter.Looked(transaction.Call);
        }
        for (var i = from; i < transaction.Requests.Count; i++)
        {
            var request = transaction.Requests[i];
            var (replyAt, began) = (reply.Length, Meter.Now);
            if (request.Command.Session is { } session)
            {
                RunExecuted(session, client, request, reply);
                if (_beside is { } beside)
                {
                    _beside = null;
                    ExecuteBeside(client, transaction, reply, i, beside);
                    return false;
                }
            }
            else
            {
                reply.Raw(transaction.ReplyOf(i));
            }
            var ticks = request.Command.Session is null ? transaction.TimeOf(i) : Meter.Now - began;
            Meter.CountElsewhere(client, request.Command, request.Packed, ticks, reply.Written[replyAt..]);
        }
        KeepSignals(client, transaction);
        return true;
    }

    // Told with the next reply, and once.
    void KeepSignals(RespClient client, RespTransaction transaction)
    {
        if (transaction.TakeSignals() is { Length: > 0 } signals) _afterReply = (signals, client);
    }

    void RunExecuted(SessionCommand command, RespClient client, RespTransaction.Queued request, ReplyWriter reply)
    {
        _isExecuting = true;
        var replyAt = reply.Length;
        try
        {
            command.Run(client, CommandProcedure.ArgumentsOf(request.Packed), reply);
        }
        catch (AevumException failure)
        {
            // Of this one alone: what the others did is done, and told.
            _beside = null;
            reply.Truncate(replyAt);
            reply.Error(RespErrors.TextOf(failure));
        }
        finally
        {
            _isExecuting = false;
        }
    }

    void ExecuteBeside(RespClient client, RespTransaction transaction, ReplyWriter reply, int at, BesideAnswer beside)
    {
        var whole = Server.RentReply();
        var version = whole.Version = reply.Version;
        whole.Raw(reply.Written);
        reply.Clear();
        client.Suspend();
        // What the transaction did is committed: others hear of it now, however long its reply takes.
        KeepSignals(client, transaction);
        PublishAfterReply();
        (beside.Start ?? (work => Server.RunBeside("resp " + beside.Name, work)))(() =>
        {
            var began = Meter.Now;
            var answer = Written(beside.Write, version);
            var ticks = Meter.Now - began;
            Loop.Post(() =>
            {
                beside.Then?.Invoke();
                whole.Raw(answer.Written);
                var request = transaction.Requests[at];
                Meter.CountElsewhere(client, request.Command, request.Packed, ticks, answer.Written);
                EndExecution(client, transaction, whole, at + 1);
            });
        });
    }

    void EndExecution(RespClient client, RespTransaction transaction, ReplyWriter reply, int from)
    {
        if (TryWriteExecuted(client, transaction, reply, from)) AnswerExecution(client, reply);
        Server.ReturnReply(reply);
    }

    void AnswerExecution(RespClient client, ReplyWriter reply)
    {
        client.Send(reply.Written);
        Meter.CountError(reply.Written);
        client.Resume();
        if (client.IsClosed) client.ForgetSession();   // it may have subscribed since it went away
        if (client.IsClosing) client.Close();
        PublishAfterReply();
    }

    // True: the key's database is another one by now (SWAPDB), and the key held something in that one or holds something in this.
    bool IsSwapped(WatchedKey watched, SystemTime now)
    {
        var current = Databases.IdOf(watched.Database);
        if (!Model.Keyspace.KeyspaceId.TryRead(watched.HeadKey, out var before) || before == current) return false;
        if (watched.Existed && (watched.Expiry == SystemTime.None || watched.Expiry > now)) return true;
        _reader.View = ReadView.Present;
        return _reader.TryRead(_key.HeadOf(current, watched.UserKey), out _);
    }

    // False: a watched key was changed.
    bool TryCommit(RespClient client, RespTransaction transaction, out IShard? shard, out PendingCommit commit)
    {
        (shard, commit) = (null, default);
        var now = Server.Database.Clock.Now;
        if (client.Watched.Exists(w => w.Expiry != SystemTime.None && w.Expiry <= now)) return false;
        if (client.Watched.Exists(w => IsSwapped(w, now))) return false;
        byte[]? first = null;
        var router = Server.Database.Router;
        foreach (var request in transaction.Requests)
        {
            if (request.Command.Data is not { } data) continue;
            _keys.Clear();
            var args = CommandProcedure.ArgumentsOf(request.Packed);
            data.Prepare(args);
            if (request.Command.Info.Keys == KeyPlaces.None && data.Writes(args)) first ??= _key.HeadOf(request.Keyspace, default).ToArray();
            var row = data.FindRow(Server.Surroundings, args, _row);
            if (!row.IsEmpty)
            {
                first ??= row.ToArray();
                if (router.ShardOf(row) != router.ShardOf(first))
                    throw new AevumException(ErrorCode.InvalidArgument, "the keys of a transaction lie in several shards");
                continue;
            }
            if (!request.Command.Command.FindKeys(args, _keys)) continue;
            foreach (var at in _keys)
            {
                var head = _key.HeadOf(request.Keyspace, args[at]);
                first ??= head.ToArray();
                if (router.ShardOf(head) != router.ShardOf(first))
                    throw new AevumException(ErrorCode.InvalidArgument, "the keys of a transaction lie in several shards");
            }
        }
        first ??= client.Watched.Count > 0 ? client.Watched[0].HeadKey : null;
        if (first is null)
        {
            BeginRead(_reader, _call, client.Keyspace, null, _reply);
            transaction.Run(_reader, null);
            return true;
        }
        var batch = new StepBatch(Server.Database.Options.Limits)
        {
            Policy = CommitPolicy.AllOrNothing,
            Note = client.Note,
            Namespace = Databases.Session.Default.Id.Namespace,
        };
        foreach (var watched in client.Watched)
        {
            byte[] end = [.. watched.HeadKey, 0];
            // FLUSHALL is one range delete, also over keys that are not there: those it does not touch.
            if (watched.Existed) batch.CheckUnchanged(watched.HeadKey, end, client.WatchedSince!.At);
            else batch.CheckUnwritten(watched.HeadKey, end, client.WatchedSince!.At);
            if (watched.Elements is { } elements) batch.CheckUnchanged(elements.Start, elements.End, client.WatchedSince!.At);
        }
        batch.Call(transaction, first);
        shard = router.ShardOf(first);
        commit = shard.BeginCommit(batch);
        if (batch.Status != CommitStatus.Refused) return true;
        var result = batch.ResultOf(batch.FailedStep);
        return result.Status == StepStatus.Failed ? throw new AevumException(result.Code, result.Message ?? "a command failed") : false;
    }
}
