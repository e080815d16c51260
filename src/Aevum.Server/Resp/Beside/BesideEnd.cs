// BesideEnd: the last commit of a command that ran beside (BesideRun): the head, and what goes with it, if all that the command has looked at is still so.
//
// Always true: it changes nothing of the run, for a batch may be decided more than once.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Beside;

sealed class BesideEnd(BesideRun run, DataSurroundings surroundings) : IProcedure
{
    readonly DataCall _call = new() { Surroundings = surroundings };
    readonly ReplyWriter _reply = new();

    public string Name => "resp.beside.end";

    /// <summary>What is to be told once it is committed.</summary>
    public KeySignal[] Signals => [.. _call.Signals];

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        _call.Signals.Clear();
        _call.Begin(context, context, KeyspaceId.FromValue(0), _reply);
        var isTaken = run.Elements?.TryTake(context) ?? true;
        if (!isTaken || !IsStillSo(context))
        {
            if (run.Elements is { } lost) Elements.PutDown(_call, lost.Home, lost.Incarnation);
            context.Return(CommandProcedure.Blocked);
            return;
        }
        if (run.Replaced is { } replaced && context.TryRead(replaced, out var row) && StructureHead.Read(row.Bytes) is { IsLarge: true } head)
            Elements.PutDown(_call, replaced, head);
        foreach (var write in run.Writes)
        {
            if (write.Value is null) context.Delete(write.Key);
            else context.Put(write.Key, write.Value, write.Expiry);
        }
        foreach (var signal in run.Signals)
        {
            _call.Enter(signal.Keyspace);
            _call.Signal(signal.Key, signal.Event, signal.Class, signal.IsReady);
        }
        _call.NoteExpiries(0);
        context.Return(run.Reply.Written);
    }

    bool IsStillSo(IRowReader rows)
    {
        if (run.Until != SystemTime.None && run.Until <= rows.Time) return false;
        // Where nothing comes in its place, it matters whether there was something.
        if (run.MakesNothing && run.Replaced is { } replaced && rows.TryRead(replaced, out _) != run.ReplacedExisted) return false;
        foreach (var seen in run.Seen)
            if ((rows.TryRead(seen.Key, out var row) ? row.Version : SystemTime.None) != seen.Version) return false;
        return true;
    }
}
