// RespEngine, beside: writes that are more than one commit should hold (a copy of a large object): a worker makes all their commits, and the client waits.
//
// The command's own step is the last commit, and decides within the sequencer whether what the others prepared still fits; if it does not, all begins
// anew, a few times. Who waits, listens or keeps copies is told on the loop, as of every other commit.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    const int AttemptsMax = 5;

    static readonly AevumException s_changing = new(ErrorCode.Conflict, "the object changes faster than it can be copied");

    void CommitBeside(RespClient client, KnownCommand command, CommandArguments args)
    {
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, client.Keyspace, client.Version, mayBlock: true, step: 0, args, Chances.NextUInt64());
        var (keyspace, note) = (client.Keyspace, client.Note);
        Meter.Begin(command);
        var measured = Meter.LeaveLoop();
        client.Suspend();
        Server.Swaps.BeginCommit();
        Server.RunBeside("resp " + command.Info.Name, () =>
        {
            var batch = new StepBatch(Server.Database.Options.Limits);
            var began = Meter.Now;
            byte[] reply;
            KeySignal[] signals = [];
            try
            {
                (reply, signals) = CommitWhole(command, keyspace, packed, batch, note);
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
                client.Send(reply);
                if (signals.Length > 0) Server.Signals.Publish(this, signals, [client]);
                client.Resume();
            });
        }, WorkClass.Background);   // one after the other: the thread that answers what is short is left to others
    }

    (byte[] Reply, KeySignal[] Signals) CommitWhole(
        KnownCommand command, Model.Keyspace.KeyspaceId keyspace, byte[] packed, StepBatch batch, CommitNote? note)
    {
        var key = new KeyBuffer();
        var keys = new List<int>();
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var kept = command.Data!.Begin(keyspace, CommandProcedure.ArgumentsOf(packed));
            var argument = kept is null ? packed : CommandProcedure.Waiting(packed, kept, out _);
            var args = CommandProcedure.ArgumentsOf(packed);
            keys.Clear();
            _ = command.Command.FindKeys(args, keys);
            batch.Clear();
            batch.Policy = CommitPolicy.EachForItself;
            batch.Note = note;
            batch.Namespace = Databases.Session.Default.Id.Namespace;
            batch.Call(command.Procedure!, key.HeadOf(keyspace, args[keys[0]]), argument);
            Server.Database.Router.ShardOf(key.HeadOf(keyspace, args[keys[0]])).Commit(batch);
            KeySignal[] signals = [.. CommandProcedure.Signals];
            CommandProcedure.Signals.Clear();
            var result = batch.ResultOf(0);
            if (result.Status == StepStatus.Failed) throw new AevumException(result.Code, result.Message ?? "a command failed");
            if (result.Number != CommandProcedure.Blocked) return (batch.BytesOf(0).ToArray(), signals);
        }
        throw s_changing;
    }
}
