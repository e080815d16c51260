// XINFO: what a stream tells of itself, its groups and their consumers. How many nodes a radix tree has is a compatibility answer: one more than keys,
// as it is with one key; nothing here is a radix tree.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

static class XInfo
{
    public static SubcommandGroup Make() => new("xinfo", CommandGroup.Stream, "5.0.0", "Tells about a stream, its consumer groups and their consumers.",
        new XInfoVerb("stream", -3, "Tells about a stream, and with FULL all there is of it.", "O(1); with FULL O(n), n what is told"),
        new XInfoVerb("groups", 3, "Tells about the consumer groups of a stream.", "O(n), n the groups"),
        new XInfoVerb("consumers", 4, "Tells about the consumers of a group.", "O(n), n the consumers"),
        new HelpVerb("xinfo|help", CommandGroup.Stream, "5.0.0",
            "CONSUMERS <key> <groupname>",
            "    Show consumers of <groupname>.",
            "GROUPS <key>",
            "    Show the stream consumer groups.",
            "STREAM <key> [FULL [COUNT <count>]",
            "    Show information about the stream."));
}

/// <summary>A subcommand of XINFO.</summary>
sealed class XInfoVerb(string what, int arity, string summary, string complexity) : DataCommand
{
    const long DefaultCount = 10;

    public override CommandInfo Info { get; } = new("xinfo|" + what, CommandGroup.Stream)
    {
        Arity = arity,
        Flags = CommandFlags.ReadOnly,
        Keys = new(2, 2, 1),
        Since = "5.0.0",
        Summary = summary,
        Complexity = complexity,
    };

    public override bool IsSlow(DataCall call, CommandArguments args) =>
        args.Count == 6 && Numbers.TryInteger(args[5], out var count) && (count == 0 || count > StructureRows.SlowElements) &&
        call.TryReadHead(args[2], out var head, out _) && head.Kind == StructureKind.Stream;

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Streams.Open(args[2]) is not { } stream) return;
        if (!stream.IsThere) call.Reply.Error("ERR no such key"u8);
        else if (what == "stream") Stream(call, args, stream);
        else if (what == "groups") Groups(call.Reply, stream);
        else if (stream.TryReadGroup(args[3], out var group)) Consumers(call, stream, group);
        else NoGroup.Group(call, args[2], args[3]);
    }

    // ------------------------------------------------------------------------------------------------ stream

    static void Stream(DataCall call, CommandArguments args, StreamRows stream)
    {
        var isFull = args.Count > 3;
        var count = DefaultCount;
        if (isFull)
        {
            if (args.Count is not (4 or 6) || !args.Is(3, "full"u8) || (args.Count == 6 && !args.Is(4, "count"u8)))
            {
                StreamSyntax.Error(call, args);
                return;
            }
            if (args.Count == 6 && !call.TryInteger(args[5], out count)) return;
            if (count < 0) count = DefaultCount;
        }
        var reply = call.Reply;
        ref var state = ref stream.State;
        reply.Map(isFull ? 9 : 10);
        Tell(reply, "length"u8, stream.Count);
        Tell(reply, "radix-tree-keys"u8, state.Nodes);
        Tell(reply, "radix-tree-nodes"u8, state.Nodes + 1L);
        Tell(reply, "last-generated-id"u8, state.Last);
        Tell(reply, "max-deleted-entry-id"u8, state.MaxDeleted);
        Tell(reply, "entries-added"u8, (long)state.Added);
        Tell(reply, "recorded-first-entry-id"u8, state.First);
        if (isFull)
        {
            Full(call, stream, count);
            return;
        }
        Tell(reply, "groups"u8, state.Groups);
        reply.Bulk("first-entry"u8);
        Edge(reply, stream, isReverse: false);
        reply.Bulk("last-entry"u8);
        Edge(reply, stream, isReverse: true);
    }

    static void Edge(ReplyWriter reply, StreamRows stream, bool isReverse)
    {
        stream.Walk(StreamId.Zero, StreamId.Max, isReverse, (id, fields) =>
        {
            EntryFields.Reply(reply, id, fields);
            return false;
        });
        if (stream.Count == 0) reply.Null();
    }

    // Count 0: all.
    static void Full(DataCall call, StreamRows stream, long count)
    {
        var reply = call.Reply;
        var max = count is 0 or > int.MaxValue ? int.MaxValue : (int)count;
        reply.Bulk("entries"u8);
        XRange.Reply(call, stream, StreamId.Zero, StreamId.Max, isReverse: false, count);
        reply.Bulk("groups"u8);
        var groups = stream.ReadGroups();
        reply.Array(groups.Count);
        foreach (var (name, group) in groups)
        {
            reply.Map(7);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            Tell(reply, "last-delivered-id"u8, group.Last);
            Progress(reply, stream, group);
            Tell(reply, "pel-count"u8, group.Pending);
            reply.Bulk("pending"u8);
            var pending = stream.ReadPending(group.Number, StreamId.Zero, StreamId.Max, group.Pending == 0 ? 0 : max);
            reply.Array(pending.Count);
            foreach (var entry in pending)
            {
                reply.Array(4);
                EntryFields.Reply(reply, entry.Id);
                reply.Bulk(entry.Consumer);
                reply.Integer(entry.Delivered);
                reply.Integer(entry.Deliveries);
            }
            FullConsumers(reply, stream, group, max);
        }
    }

    static void FullConsumers(ReplyWriter reply, StreamRows stream, in StreamGroupState group, int max)
    {
        reply.Bulk("consumers"u8);
        var consumers = stream.ReadConsumers(group);
        reply.Array(consumers.Count);
        foreach (var (name, consumer) in consumers)
        {
            reply.Map(4);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            Tell(reply, "seen-time"u8, consumer.Seen);
            Tell(reply, "pel-count"u8, consumer.Pending);
            reply.Bulk("pending"u8);
            var ids = stream.ReadOwned(group.Number, name, StreamId.Zero, StreamId.Max, consumer.Pending == 0 ? 0 : max);
            reply.Array(ids.Count);
            foreach (var id in ids)
            {
                if (!stream.TryReadPending(group.Number, id, out var pending)) throw DataCall.Corrupt("a consumer's pending entry is not the group's");
                reply.Array(3);
                EntryFields.Reply(reply, id);
                reply.Integer(pending.Delivered);
                reply.Integer(pending.Deliveries);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ groups, consumers

    static void Groups(ReplyWriter reply, StreamRows stream)
    {
        var groups = stream.ReadGroups();
        reply.Array(groups.Count);
        foreach (var (name, group) in groups)
        {
            reply.Map(6);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            Tell(reply, "consumers"u8, group.Consumers);
            Tell(reply, "pending"u8, group.Pending);
            Tell(reply, "last-delivered-id"u8, group.Last);
            Progress(reply, stream, group);
        }
    }

    // How many entries the group was delivered and how many it still is to get, where that can be told.
    static void Progress(ReplyWriter reply, StreamRows stream, in StreamGroupState group)
    {
        ref var state = ref stream.State;
        reply.Bulk("entries-read"u8);
        TellOrNull(reply, group.Read);
        reply.Bulk("lag"u8);
        if (state.Added == 0)
        {
            reply.Integer(0);
            return;
        }
        var isCounted = group.Read != StreamState.Unknown && !state.HasTombstones(stream.Count, group.Last);
        var read = isCounted ? group.Read : state.EntriesUpTo(stream.Count, group.Last);
        if (!isCounted && read == StreamState.Unknown) reply.Null();
        else reply.Integer((long)state.Added - read);
    }

    static void Consumers(DataCall call, StreamRows stream, in StreamGroupState group)
    {
        var reply = call.Reply;
        var consumers = stream.ReadConsumers(group);
        reply.Array(consumers.Count);
        foreach (var (name, consumer) in consumers)
        {
            reply.Map(3);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            Tell(reply, "pending"u8, consumer.Pending);
            Tell(reply, "idle"u8, Math.Max(0, call.NowMilliseconds - consumer.Seen));
        }
    }

    static void Tell(ReplyWriter reply, ReadOnlySpan<byte> name, long number)
    {
        reply.Bulk(name);
        reply.Integer(number);
    }

    static void Tell(ReplyWriter reply, ReadOnlySpan<byte> name, StreamId id)
    {
        reply.Bulk(name);
        EntryFields.Reply(reply, id);
    }

    static void TellOrNull(ReplyWriter reply, long number)
    {
        if (number == StreamState.Unknown) reply.Null();
        else reply.Integer(number);
    }
}
