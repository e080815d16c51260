// XREADGROUP: entries for a consumer of a group. With > such as no consumer of the group got yet, which are then pending for this one; with an id those
// that are pending for it, behind that id. It may wait for new ones, and then also for the end of the key or the group.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XReadGroup : StreamReadCommand
{
    public override CommandInfo Info { get; } = new("xreadgroup", CommandGroup.Stream)
    {
        Arity = -7,
        Flags = CommandFlags.Write | CommandFlags.Blocking | CommandFlags.MovableKeys,
        Since = "5.0.0",
        Summary = "Answers entries of streams to a consumer of a group: new ones, or those that are pending for it. May wait for new ones.",
        Complexity = "O(n), n the entries answered",
    };

    public override bool WaitsForLoss => true;

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!StreamRead.TryRead(call, args, ofGroup: true, out var read)) return;
        if (call.HasWaited)
        {
            GoOn(call, args, read);
            return;
        }
        if (!TryReadIds(call, args, read, out var ids)) return;
        var reply = new StreamsReply(call.Reply);
        for (var i = 0; i < ids.Length; i++)
        {
            // Opened anew: the same stream may be named twice.
            var key = args[read.KeysAt + i];
            var stream = call.Streams.Open(key)!;
            var group = StreamGroup.Find(call, stream, args[read.GroupAt])!;
            if (ids[i] is not { } id)
            {
                if (!stream.HasEntriesBehind(group.State.Last)) continue;
                reply.Begin(key);
                Deliver(call, args, read, stream, group, key, read.Count);
            }
            else
            {
                reply.Begin(key);
                TellPending(call, args, read, stream, group, key, id);
            }
            group.Save();
        }
        if (reply.TryEnd()) return;
        if (read.Block is not null && call.MayBlock) call.Block();
        else call.Reply.NullArray();
    }

    static void GoOn(DataCall call, CommandArguments args, in StreamRead read)
    {
        for (var i = 0; i < read.Streams; i++)
        {
            if (call.ReadyKey >= 0 && call.ReadyKey != i) continue;
            var key = args[read.KeysAt + i];
            if (!call.TryReadHead(key, out var head, out _) || head.Kind != StructureKind.Stream)
            {
                call.Reply.Error("UNBLOCKED the stream key no longer exists"u8);
                return;
            }
            var stream = call.Streams.Open(key)!;
            if (StreamGroup.Find(call, stream, args[read.GroupAt]) is not { } group)
            {
                call.Reply.Error("NOGROUP the consumer group this client was blocked on no longer exists"u8);
                return;
            }
            if (!stream.HasEntriesBehind(group.State.Last)) continue;
            var reply = new StreamsReply(call.Reply);
            reply.Begin(key);
            Deliver(call, args, read, stream, group, key, read.CountAfterWaiting);
            group.Save();
            reply.TryEnd();
            return;
        }
        call.Block();
    }

    // Null: >, the new ones.
    static bool TryReadIds(DataCall call, CommandArguments args, in StreamRead read, out StreamId?[] ids)
    {
        ids = new StreamId?[read.Streams];
        for (var i = 0; i < ids.Length; i++)
        {
            var key = args[read.KeysAt + i];
            if (call.Streams.Open(key) is not { } stream) return false;
            if (!stream.IsThere || !stream.TryReadGroup(args[read.GroupAt], out _))
            {
                NoGroup.KeyOrGroup(call, key, args[read.GroupAt], " in XREADGROUP with GROUP option");
                return false;
            }
            var text = args[read.IdAt(i)];
            if (text is [(byte)'>']) continue;
            if (text is [(byte)'$'])
            {
                call.Reply.Error(("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying "
                    + "a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."));
                return false;
            }
            if (!StreamIds.TryRead(call, text, 0, out var id)) return false;
            ids[i] = id != StreamId.Max ? id : null;   // the last id there can be is taken for >
        }
        return true;
    }

    static void Deliver(
        DataCall call, CommandArguments args, in StreamRead read, StreamRows stream, StreamGroup group, ReadOnlySpan<byte> key, long count)
    {
        var consumer = group.SeeConsumer(args[read.GroupAt + 1], key);
        group.State.Last.TryNext(out var first);
        var reply = call.Reply;
        var at = reply.BeginArray();
        var told = new List<StreamId>();
        stream.Walk(first, StreamId.Max, descending: false, (id, fields) =>
        {
            EntryFields.Reply(reply, id, fields);
            told.Add(id);
            return told.Count != count;
        });
        reply.EndArray(at, told.Count);
        foreach (var id in told) group.Advance(id);
        if (read.IsAcknowledged) return;
        // XGROUP SETID may have gone back: what was pending for another is this consumer's now.
        var lastPending = group.LastPending();
        foreach (var id in told)
        {
            PendingEntry? before = id <= lastPending && group.TryGetPending(id, out var pending) ? pending : null;
            group.Assign(id, consumer, call.NowMilliseconds, 1, before);
        }
    }

    static void TellPending(
        DataCall call, CommandArguments args, in StreamRead read, StreamRows stream, StreamGroup group, ReadOnlySpan<byte> key, StreamId id)
    {
        var consumer = group.SeeConsumer(args[read.GroupAt + 1], key);
        id.TryNext(out var first);
        var max = read.Count is 0 or > int.MaxValue ? int.MaxValue : (int)read.Count;
        var ids = stream.ReadOwned(group.Number, consumer.Name, first, StreamId.Max, max);
        call.Reply.Array(ids.Count);
        foreach (var own in ids)
        {
            if (stream.TryRead(own, out var fields))
            {
                EntryFields.Reply(call.Reply, own, fields);
                if (!group.TryGetPending(own, out var pending)) throw DataCall.Corrupt("a consumer's pending entry is not the group's");
                group.Assign(own, consumer, call.NowMilliseconds, pending.Deliveries + 1, pending);
                continue;
            }
            call.Reply.Array(2);
            EntryFields.Reply(call.Reply, own);
            call.Reply.NullArray();
        }
    }
}
