// XREAD: entries behind ids that the client has seen, of several streams; with BLOCK it waits for some. The id $ stands for the last one there is when
// the request first runs: a request that waits keeps its ids as they were then.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XRead : StreamReadCommand
{
    public override CommandInfo Info { get; } = new("xread", CommandGroup.Stream)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly | CommandFlags.Blocking | CommandFlags.MovableKeys,
        Since = "5.0.0",
        Summary = "Answers the entries of streams behind given ids, and may wait for some.",
        Complexity = "O(n), n the entries answered",
    };

    // A request that may wait goes where writes are decided: between looking and waiting nothing comes.
    public override bool Writes(CommandArguments args) => MayBlock(args);

    public override bool IsSlow(DataCall call, CommandArguments args)
    {
        var length = call.Reply.Length;
        var isSlow = StreamRead.TryRead(call, args, ofGroup: false, out var read) && (read.Count == 0 || read.Count > StructureRows.SlowElements) &&
            TryReadIds(call, args, read, out var ids) && HasSlow(call, args, read, ids);
        call.Reply.Truncate(length);   // what is wrong the command itself says
        return isSlow;
    }

    static bool HasSlow(DataCall call, CommandArguments args, in StreamRead read, StreamId[] ids)
    {
        for (var i = 0; i < ids.Length; i++)
            if (call.Streams.Open(args[read.KeysAt + i]) is { IsThere: true } stream && stream.IsSlowToWalk(ids[i], StreamId.Max)) return true;
        return false;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!StreamRead.TryRead(call, args, ofGroup: false, out var read)) return;
        if (call.HasWaited)
        {
            GoOn(call, args, read);
            return;
        }
        if (!TryReadIds(call, args, read, out var ids)) return;
        var reply = new StreamsReply(call.Reply);
        for (var i = 0; i < ids.Length; i++)
        {
            if (call.Streams.Open(args[read.KeysAt + i]) is not { } stream) return;
            if (stream.IsThere && stream.HasEntriesBehind(ids[i])) Tell(call, ref reply, args[read.KeysAt + i], stream, ids[i], read.Count);
        }
        if (reply.TryEnd()) return;
        if (read.Block is not null && call.MayBlock) call.Block(Kept(ids));
        else call.Reply.NullArray();
    }

    // One stream is told: that which something happened to. A key that holds something else now may hold a stream again.
    static void GoOn(DataCall call, CommandArguments args, in StreamRead read)
    {
        for (var i = 0; i < read.Streams; i++)
        {
            if (call.ReadyKey >= 0 && call.ReadyKey != i) continue;
            var key = args[read.KeysAt + i];
            var id = StreamId.Read(call.Kept[(i * StreamId.Bytes)..]);
            if (!call.TryReadHead(key, out var head, out _) || head.Kind != StructureKind.Stream) continue;
            var stream = call.Streams.Open(key)!;
            if (!stream.HasEntriesBehind(id)) continue;
            var reply = new StreamsReply(call.Reply);
            Tell(call, ref reply, key, stream, id, read.CountAfterWaiting);
            reply.TryEnd();
            return;
        }
        call.Block(call.Kept);
    }

    static void Tell(DataCall call, ref StreamsReply reply, ReadOnlySpan<byte> key, StreamRows stream, StreamId id, long count)
    {
        reply.Begin(key);
        id.TryNext(out var first);
        XRange.Reply(call, stream, first, StreamId.Max, isReverse: false, count);
    }

    static bool TryReadIds(DataCall call, CommandArguments args, in StreamRead read, out StreamId[] ids)
    {
        ids = new StreamId[read.Streams];
        for (var i = 0; i < ids.Length; i++)
        {
            if (call.Streams.Open(args[read.KeysAt + i]) is not { } stream) return false;
            var text = args[read.IdAt(i)];
            if (text is [(byte)'$'])
            {
                ids[i] = stream.IsThere ? stream.State.Last : StreamId.Zero;
            }
            else if (text is [(byte)'>'])
            {
                call.Reply.Error(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."u8);
                return false;
            }
            else if (!StreamIds.TryRead(call, text, 0, out ids[i]))
            {
                return false;
            }
        }
        return true;
    }

    static byte[] Kept(StreamId[] ids)
    {
        var kept = new byte[ids.Length * StreamId.Bytes];
        for (var i = 0; i < ids.Length; i++) ids[i].Write(kept.AsSpan(i * StreamId.Bytes));
        return kept;
    }
}
