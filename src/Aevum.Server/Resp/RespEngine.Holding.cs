// RespEngine, holding: with `sync = always` a batch that is decided may not be told of before it is durable. The loop does not wait for the disk: it puts
// the batch aside, with everybody's replies, and goes on; one worker waits for the last of those that were put aside, and so one sync serves them all.
//
//   decided -> held       [Hold]           its clients may ask for more: writes, and reads that can be decided behind them, become steps of later batches
//   held -> answered      [AnswerHeld]     durable, or the log has stopped: replies go out, signals are told, in the order in which batches were decided
//
// What cannot be a step (a command about the connection, a slow read) waits with its client until that one's steps are answered, untaken (HoldBack); an
// error that needs no look at anything goes behind them (AnswerLate). EXEC, and a request that may wait for a key, suspend their client until then.
//
// Always true: replies of a client are in the order of its requests; nobody reads, and nobody is told, what a power cut could take back (the shard shows it
// when it is durable); while no batch is held nothing here costs more than a look at a flag. With any other policy nothing is ever held.
//
// Changes of the catalog (ACL, SWAPDB, VNEW, AEVUM.RETENTION) wait on a worker, with their client. What still waits for the disk on the loop: the first use of
// a numbered database, which makes it, and reads as of a moment that is not durable yet.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    // Batches of one loop that wait for the disk; above it nothing more is taken that would make another.
    const int HeldMax = 32;

    sealed class HeldBatch(StepBatch batch)
    {
        public StepBatch Batch { get; set; } = batch;

        public IShard? Shard { get; set; }

        public PendingCommit Commit { get; set; }

        /// <summary>Why it has no results; null: it has.</summary>
        public AevumException? Failure { get; set; }

        /// <summary>What its steps may have made that others store from, in bytes.</summary>
        public long Forecast { get; set; }

        public List<PendingStep> Steps { get; } = [];

        public KeySignal[] Signals { get; set; } = [];

        /// <summary>What is told behind it to clients that have steps in it, or before it.</summary>
        public List<(RespClient Client, byte[] Reply)> Late { get; } = [];

        /// <summary>The transaction that it is, instead of steps of anybody; null: it is none.</summary>
        public (RespClient Client, RespTransaction Transaction)? Execution { get; set; }
    }

    readonly List<HeldBatch> _held = [];   // in the order in which they were decided
    readonly Stack<HeldBatch> _spare = new();
    List<RespClient> _heldBack = [];
    List<RespClient> _going = [];
    bool _isWaiting;                       // a worker is

    /// <summary>True where replies may have to wait for the disk.</summary>
    public bool MayHold { get; }

    // The batch that was decided last is put aside, and another one is filled from now on.
    void Hold(PendingCommit commit, int done, AevumException? failure, long forecast)
    {
        var held = RentHeld(commit, _shard, failure);
        held.Forecast = forecast;
        (held.Batch, _batch) = (_batch, held.Batch);
        held.Signals = [.. CommandProcedure.Signals];
        CommandProcedure.Signals.Clear();
        for (var i = 0; i < done; i++)
        {
            var step = _pending[i];
            held.Steps.Add(step);
            if (failure is null) CountHeld(step, held.Batch, i);
            if (step.Blocked is not null) step.Client.Suspend();
            if (GoesOnBeside(step, held.Batch.ResultOf(i))) Server.Swaps.BeginCommit();   // until it goes on
        }
        BeginNext(done, held.Batch);
        StartWaiting();
    }

    // Now: what a commit took is known until the next one begins.
    void CountHeld(PendingStep step, StepBatch batch, int index)
    {
        var result = batch.ResultOf(index);
        if ((result.Number == CommandProcedure.Blocked && result.Status != StepStatus.Failed) || GoesOnBeside(step, result)) return;
        Meter.CountStep(step.Client, step.Command, batch, index,
            result.Status == StepStatus.Failed ? RespErrors.ReplyOf(result.Code, result.Message) : batch.BytesOf(index));
    }

    HeldBatch RentHeld(PendingCommit commit, IShard? shard, AevumException? failure)
    {
        if (!_spare.TryPop(out var held)) held = new HeldBatch(new StepBatch(Server.Database.Options.Limits) { Policy = CommitPolicy.EachForItself });
        (held.Commit, held.Shard, held.Failure) = (commit, shard, failure);
        _held.Add(held);
        Server.CountHeld(1);
        return held;
    }

    void StartWaiting()
    {
        if (_isWaiting || _held.Count == 0) return;
        _isWaiting = true;
        HeldBatch[] waited = [.. _held];
        try
        {
            Server.RunBeside("resp durable", () =>
            {
                foreach (var held in waited) Await(held);
                Loop.Post(() => AnswerHeld(waited.Length));
            }, WorkClass.Urgent);
        }
        catch (AevumException closing)
        {
            foreach (var held in waited) held.Failure ??= new AevumException(ErrorCode.OutcomeUnknown, closing.Message, closing);
            Loop.Post(() => AnswerHeld(waited.Length));
        }
    }

    static void Await(HeldBatch held)
    {
        if (held.Failure is not null) return;
        try
        {
            held.Shard!.EndCommit(held.Commit);
        }
        catch (AevumException stopped)
        {
            held.Failure = stopped;
        }
    }

    void AnswerHeld(int count)
    {
        _isWaiting = false;
        for (; count > 0; count--)
        {
            var held = _held[0];
            _held.RemoveAt(0);
            Server.CountHeld(-1);
            if (held.Execution is { } executed) EndExecution(executed.Client, executed.Transaction, held.Failure);
            for (var i = 0; i < held.Steps.Count; i++) AnswerHeldStep(held, i);
            foreach (var (client, reply) in held.Late) client.Send(reply);
            if (held.Signals.Length > 0 && held.Failure is null) Server.Signals.Publish(this, held.Signals, [.. held.Steps.Select(s => s.Client)]);
            held.Steps.Clear();
            held.Late.Clear();
            held.Batch.Clear();
            held.Execution = null;
            held.Forecast = 0;
            if (_spare.Count < HeldMax) _spare.Push(held);
        }
        StartWaiting();
        GoOn();
    }

    void AnswerHeldStep(HeldBatch held, int index)
    {
        var step = held.Steps[index];
        AnswerStep(step, index, held.Batch, held.Failure, counts: false);
        if (held.Failure is { } failure) Meter.CountError(RespErrors.ReplyOf(failure));
        if (step.Blocked is null) return;
        var goesOn = held.Failure is null && held.Batch.ResultOf(index) is var result
            && (result.Number == CommandProcedure.Blocked || GoesOnBeside(step, result));
        if (!goesOn) step.Client.Resume();
        if (GoesOnBeside(step, held.Batch.ResultOf(index))) Server.Swaps.EndCommit();
    }

    // Behind everything of the client that is under way: the last batch that is held is behind all of its steps, or has them.
    void AnswerLate(RespClient client, ReadOnlySpan<byte> reply)
    {
        if (!client.IsMuted) _held[^1].Late.Add((client, reply.ToArray()));
    }

    // ------------------------------------------------------------------------------------------------ clients that wait

    /// <summary>Takes no more of a client until its steps are answered; closes it then if it is to be closed. On the loop.</summary>
    public void HoldBack(RespClient client)
    {
        client.Suspend();
        if (client.IsHeldBack) return;
        client.IsHeldBack = true;
        _heldBack.Add(client);
    }

    void GoOn()
    {
        if (_heldBack.Count == 0) return;
        (_going, _heldBack) = (_heldBack, _going);
        foreach (var client in _going)
        {
            if (client.IsClosed) continue;
            if (client.PendingSteps > 0 || _held.Count >= HeldMax)
            {
                _heldBack.Add(client);
                continue;
            }
            client.IsHeldBack = false;
            if (client.IsClosing) client.CloseNow();
            else if (!client.Waits) client.Resume();
        }
        _going.Clear();
    }

    // True if a request has to wait for the disk; it is then taken again.
    bool MustWait(RespClient client, CommandArguments args)
    {
        if (client.PendingSteps == 0 && !Server.HoldsAny) return false;
        var command = Server.Commands.Find(args);
        if (command is null || !command.Info.AcceptsCount(args.Count)) return false;
        if (client.Transaction is not null && !command.Info.Is(CommandFlags.NotQueued)) return false;
        var writes = command.Data?.Writes(args) ?? command.Info.Name == "exec";
        if (client.PendingSteps > 0)
        {
            var isStep = client.Replies == ReplyMode.On && command.Data is { PreparesBeside: false } data
                && (writes ? CommitsOf(client, data, args) != CommitsNeeded.Several : !IsSlow(client, data, args));
            if (!isStep)
            {
                Flush();
                if (client.PendingSteps > 0)
                {
                    HoldBack(client);
                    return true;
                }
            }
            writes |= isStep;
        }
        if (writes && _held.Count >= HeldMax)
        {
            HoldBack(client);
            return true;
        }
        return command.Info.Name == "watch" && TakesMoment(client);
    }

    // WATCH holds a moment, and a moment is over when all before it is durable: that is waited for elsewhere.
    bool TakesMoment(RespClient client)
    {
        if (client.WatchedSince is not null || client.Transaction is not null || !client.IsAuthenticated || !Server.HoldsAny) return false;
        client.Suspend();
        Server.RunBeside("resp watch", () =>
        {
            IHeldMoment? moment = null;
            try
            {
                moment = Server.Database.Router.HoldNow();
            }
            catch (AevumException)
            {
                // The log has stopped: nothing is held any more soon, and the request hears of it itself.
            }
            Loop.Post(() =>
            {
                if (client.IsClosed) moment?.Dispose();
                else client.WatchedSince = moment;
                client.Resume();
            });
        }, WorkClass.Urgent);
        return true;
    }

    // ------------------------------------------------------------------------------------------------ transactions

    // A transaction is decided; its replies are put together when it is durable.
    void HoldExecution(RespClient client, RespTransaction transaction, IShard shard, PendingCommit commit)
    {
        RentHeld(commit, shard, null).Execution = (client, transaction);
        client.Suspend();
        StartWaiting();
    }

    void EndExecution(RespClient client, RespTransaction transaction, AevumException? failure)
    {
        var reply = Server.RentReply();
        reply.Version = client.Version;
        if (failure is null)
        {
            EndExecution(client, transaction, reply, 0);
            return;
        }
        reply.Error(RespErrors.TextOf(failure));
        AnswerExecution(client, reply);
        Server.ReturnReply(reply);
    }
}
