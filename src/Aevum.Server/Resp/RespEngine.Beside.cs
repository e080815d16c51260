// RespEngine, beside: writes that are more than one commit should hold: a worker makes all their commits, and the client waits.
//
//   a copy           what it prepares are all commits but the last, which is the command's own step (CopyBeside)
//   other commands   run whole against one moment, and their last commit shows what they made (BesideRun, BesideEnd)
//
// The last commit decides within the sequencer whether what the others prepared still fits; if it does not, all begins anew, a few times. After that a
// command that is no copy is tried as a step like any other: in the sequencer nothing changes meanwhile, and maybe one commit holds it. Last, requests that
// may write wait while it is tried again (ClientPauses), as in a server that does one thing at a time they always would. What was taken in before they
// had to wait may cost an attempt or two; more would mean that others than clients of this server write.
//
// Whether a request is such a one is told by a forecast, which sees heads as they are committed:
//
//   One       it does not write more than a batch holds, whatever steps of this batch before it have made: it is a step like others (somebody on another
//             loop may make it more just then: it is refused for its size, and done when it is asked for again)
//   Maybe     it is a step with nothing behind it, and goes on here if it finds that it is too large (it blocks, or is refused for its size)
//   Several   it is done here from the beginning: the sequencer would be held up for long
//
// Who waits, listens or keeps copies is told on the loop, as of every other commit.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    const int AttemptsBesideMax = 5;
    const int AttemptsWhileWritersWait = 3;
    const int RowBytesOfArgument = 16;   // what a byte of a request becomes in rows, at most

    static readonly AevumException s_changing = new(ErrorCode.Conflict, "the object changes faster than it can be copied");
    static readonly AevumException s_tooLarge =
        new(ErrorCode.Conflict, "what the command reads changes faster than it can be done in several commits, and it is more than one holds");

    // False: it is a step. Is last: of its batch.
    bool TryCommitBeside(RespClient client, KnownCommand command, CommandArguments args, out bool isLast)
    {
        isLast = false;
        var data = command.Data!;
        if (data.PreparesBeside) FlushFor(client);
        var commits = CommitsOf(client, data, args, counts: true);
        isLast = commits == CommitsNeeded.Maybe;
        if (commits != CommitsNeeded.Several) return false;
        FlushFor(client);
        // Steps that are still held are answered first: then it is one, too, unless somebody else has just made it large, and tries.
        if (client.PendingSteps > 0 || !IsOfOneShard(client.Keyspace, command, args)) return false;
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, client.Keyspace, client.Version, mayBlock: true, step: 0, args, Chances.NextUInt64());
        Meter.Begin(command);
        CommitBeside(client, command, packed, Meter.LeaveLoop());
        return true;
    }

    // Counts: the request comes next.
    CommitsNeeded CommitsOf(RespClient client, DataCommand command, CommandArguments args, bool counts = false)
    {
        if (!command.MayTakeSeveralCommits) return CommitsNeeded.One;
        _reply.Clear();
        BeginRead(_reader, _call, client.Keyspace, client.Moment, _reply);
        WriteForecast forecast;
        try
        {
            forecast = command.Forecast(_call, args);
        }
        catch (AevumException)
        {
            return CommitsNeeded.One;   // the command itself will say what is wrong
        }
        if (forecast.Elements > WriteForecast.ElementsMax) return CommitsNeeded.Several;
        // Steps of this batch, and of those that the disk has not, may have made what it reads, from what they read and were told.
        var room = (Server.Database.Options.Limits.BatchBytesMax / 2) - ForecastOfBatch;
        foreach (var held in _held) room -= held.Forecast;
        if (forecast.Bytes > room) return CommitsNeeded.Maybe;
        if (counts) _batchForecast += forecast.Bytes;
        return CommitsNeeded.One;
    }

    long ForecastOfBatch => _batchForecast + (RowBytesOfArgument * (long)_batchBytes);

    bool IsOfOneShard(KeyspaceId keyspace, KnownCommand command, CommandArguments args)
    {
        _keys.Clear();
        return command.Command.FindKeys(args, _keys) && TryShardOf(keyspace, args, default, out _);
    }

    // True: a step that was the last of its batch found that it is too large.
    static bool GoesOnBeside(PendingStep step, in StepResult result) => step.Blocked is not null && step.Command.Data!.MayTakeSeveralCommits
        && (result.Status == StepStatus.Failed ? result.Code == ErrorCode.LimitExceeded : result.Number == CommandProcedure.Blocked);

    // Packed: the request, as a step's argument. Measured: what is counted when it is done; null: nothing.
    void CommitBeside(RespClient client, KnownCommand command, byte[] packed, KnownCommand? measured)
    {
        var note = client.Note;
        client.Suspend();
        Server.Swaps.BeginCommit();
        try
        {
            // One after the other: the thread that answers what is short is left to others.
            Server.RunBeside("resp " + command.Info.Name, Work, WorkClass.Background);
        }
        catch (AevumException closing)
        {
            Server.Swaps.EndCommit();
            client.Send(RespErrors.ReplyOf(closing));
            client.Resume();
        }

        void Work()
        {
            var batch = new StepBatch(Server.Database.Options.Limits);
            var began = Meter.Now;
            byte[] reply;
            KeySignal[] signals = [];
            try
            {
                (reply, signals) = command.Data!.PreparesBeside ? CommitPrepared(command, packed, batch, note) : CommitWhole(command, packed, batch, note);
            }
            catch (AevumException failure)
            {
                reply = RespErrors.ReplyOf(failure);
            }
            finally
            {
                Server.Swaps.EndCommit();
            }
            var ticks = Meter.Now - began;
            Loop.Post(() =>
            {
                Flush();
                if (measured is not null) Meter.CountElsewhere(client, measured, packed, ticks, reply);
                if (batch.Time != SystemTime.None && reply is not [(byte)'-', ..]) Meter.CountChange();
                client.Send(reply);
                if (signals.Length > 0) Server.Signals.Publish(this, signals, [client]);
                client.Resume();
            });
        }
    }

    (byte[] Reply, KeySignal[] Signals) CommitPrepared(KnownCommand command, byte[] packed, StepBatch batch, CommitNote? note)
    {
        if (!IsDone(Attempt, AttemptsBesideMax) && !IsDoneWhileWritersWait(Attempt)) throw s_changing;
        return (batch.BytesOf(0).ToArray(), TakeSignals());

        bool Attempt()
        {
            var kept = command.Data!.Begin(CommandProcedure.KeyspaceOf(packed), CommandProcedure.ArgumentsOf(packed));
            var argument = kept is null ? packed : CommandProcedure.Waiting(packed, kept, out _);
            return TryCommitStep(command.Procedure!, HeadOf(command, packed), argument, batch, note);
        }
    }

    (byte[] Reply, KeySignal[] Signals) CommitWhole(KnownCommand command, byte[] packed, StepBatch batch, CommitNote? note)
    {
        var head = HeadOf(command, packed);
        var shard = Server.Database.Router.ShardOf(head);
        (byte[] Reply, KeySignal[] Signals) done = ([], []);
        if (!IsDone(Attempt, AttemptsBesideMax) && !IsDone(AttemptAsStep, 1) && !IsDoneWhileWritersWait(Attempt)) throw s_tooLarge;
        return done;

        bool Attempt()
        {
            var run = BesideRun.Of(Databases.Session, shard, command.Data!, Server.Surroundings, packed);
            if (!run.HasWritten)
            {
                done = (run.Reply.Written.ToArray(), []);
                return true;
            }
            var end = new BesideEnd(run, Server.Surroundings);
            if (!TryCommitStep(end, head, default, batch, note)) return false;
            done = (batch.BytesOf(0).ToArray(), end.Signals);
            return true;
        }

        bool AttemptAsStep()
        {
            var asStep = packed.ToArray();
            CommandProcedure.MayBlockNoMore(asStep);
            try
            {
                _ = TryCommitStep(command.Procedure!, head, asStep, batch, note);
            }
            catch (AevumException refusal) when (refusal.Code == ErrorCode.LimitExceeded)
            {
                return false;
            }
            done = (batch.BytesOf(0).ToArray(), TakeSignals());
            return true;
        }
    }

    static bool IsDone(Func<bool> attempt, int times)
    {
        for (var i = 0; i < times; i++)
            if (attempt()) return true;
        return false;
    }

    bool IsDoneWhileWritersWait(Func<bool> attempt)
    {
        Server.Pauses.BeginStore();
        try
        {
            return IsDone(attempt, AttemptsWhileWritersWait);
        }
        finally
        {
            Server.Pauses.EndStore();
        }
    }

    // False: it blocked.
    bool TryCommitStep(IProcedure procedure, byte[] head, ReadOnlySpan<byte> argument, StepBatch batch, CommitNote? note)
    {
        batch.Clear();
        batch.Policy = CommitPolicy.EachForItself;
        batch.Note = note;
        batch.Namespace = Databases.Session.Default.Id.Namespace;
        batch.Call(procedure, head, argument);
        Server.Database.Router.ShardOf(head).Commit(batch);
        var result = batch.ResultOf(0);
        if (result.Status == StepStatus.Failed) throw new AevumException(result.Code, result.Message ?? "a command failed");
        return result.Number != CommandProcedure.Blocked;
    }

    // Of the step that was committed last on this thread.
    static KeySignal[] TakeSignals()
    {
        KeySignal[] signals = [.. CommandProcedure.Signals];
        CommandProcedure.Signals.Clear();
        return signals;
    }

    static byte[] HeadOf(KnownCommand command, byte[] packed)
    {
        var args = CommandProcedure.ArgumentsOf(packed);
        var keys = new List<int>();
        _ = command.Command.FindKeys(args, keys);
        return new KeyBuffer().HeadOf(CommandProcedure.KeyspaceOf(packed), args[keys[0]]).ToArray();
    }
}
