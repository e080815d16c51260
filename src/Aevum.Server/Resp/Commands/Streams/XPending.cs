// XPENDING: what a group has delivered and nobody acknowledged. In sum, or entry by entry: of an interval of ids, of one consumer, idle for some time.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XPending : DataCommand
{
    const int AtOnce = 256;

    public override CommandInfo Info { get; } = new("xpending", CommandGroup.Stream)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Answers what a consumer group has delivered and was not acknowledged yet.",
        Complexity = "O(n), n the entries answered, and with IDLE those looked at; in sum O(n), n the consumers",
    };

    readonly record struct Question(long IdleMin, StreamId First, StreamId Last, long Count, int ConsumerAt);

    public override bool IsSlow(DataCall call, CommandArguments args)
    {
        var length = call.Reply.Length;
        var isSlow = args.Count is >= 6 and <= 9 && TryRead(call, args, out var question) &&
            (question.Count > StructureRows.SlowElements || question.IdleMin > 0) &&
            call.Streams.Open(args[1]) is { IsThere: true } stream && stream.TryReadGroup(args[2], out var group) && group.Pending > StructureRows.SlowElements;
        call.Reply.Truncate(length);   // what is wrong the command itself says
        return isSlow;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count != 3 && args.Count is < 6 or > 9)
        {
            call.SyntaxError();
            return;
        }
        var question = default(Question);
        if ((args.Count > 3 && !TryRead(call, args, out question)) || call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere || !stream.TryReadGroup(args[2], out var group)) NoGroup.KeyOrGroup(call, args[1], args[2]);
        else if (args.Count == 3) Sum(call.Reply, stream, group);
        else if (question.ConsumerAt == 0) Entries(call, stream, group, question);
        else Entries(call, stream, group, question, args[question.ConsumerAt]);
    }

    static bool TryRead(DataCall call, CommandArguments args, out Question question)
    {
        question = default;
        var at = 3;
        var idleMin = 0L;
        if (args.Is(3, "idle"u8))
        {
            if (!call.TryInteger(args[4], out idleMin)) return false;
            if (args.Count < 8)
            {
                call.SyntaxError();
                return false;
            }
            at = 5;
        }
        if (!call.TryInteger(args[at + 2], out var count) || !StreamIds.TryReadFirst(call, args[at], out var first) ||
            !StreamIds.TryReadLast(call, args[at + 1], out var last)) return false;
        question = new Question(idleMin, first, last, count, at + 3 < args.Count ? at + 3 : 0);
        return true;
    }

    static void Sum(ReplyWriter reply, StreamRows stream, in StreamGroupState group)
    {
        reply.Array(4);
        reply.Integer(group.Pending);
        if (group.Pending == 0)
        {
            reply.Null();
            reply.Null();
            reply.NullArray();
            return;
        }
        EntryFields.Reply(reply, stream.ReadPending(group.Number, StreamId.Zero, StreamId.Max, 1)[0].Id);
        EntryFields.Reply(reply, stream.ReadPending(group.Number, StreamId.Zero, StreamId.Max, 1, descending: true)[0].Id);
        var consumers = stream.ReadConsumers(group);
        consumers.RemoveAll(c => c.Consumer.Pending == 0);
        reply.Array(consumers.Count);
        foreach (var (name, consumer) in consumers)
        {
            reply.Array(2);
            reply.Bulk(name);
            reply.BulkInteger(consumer.Pending);
        }
    }

    static void Entries(DataCall call, StreamRows stream, in StreamGroupState group, in Question question)
    {
        var at = call.Reply.BeginArray();
        var told = 0L;
        for (var first = question.First; told < question.Count;)
        {
            var some = stream.ReadPending(group.Number, first, question.Last, AtOnce);
            foreach (var pending in some)
                if (told < question.Count && Tell(call, pending, question.IdleMin)) told++;
            if (some.Count < AtOnce || !some[^1].Id.TryNext(out first)) break;
        }
        call.Reply.EndArray(at, told);
    }

    static void Entries(DataCall call, StreamRows stream, in StreamGroupState group, in Question question, ReadOnlySpan<byte> consumer)
    {
        var at = call.Reply.BeginArray();
        var told = 0L;
        for (var first = question.First; told < question.Count;)
        {
            var some = stream.ReadOwned(group.Number, consumer, first, question.Last, AtOnce);
            foreach (var id in some)
            {
                if (told == question.Count) break;
                if (!stream.TryReadPending(group.Number, id, out var pending)) throw DataCall.Corrupt("a consumer's pending entry is not the group's");
                if (Tell(call, new PendingEntry(id, pending.Delivered, pending.Deliveries, pending.Consumer.ToArray()), question.IdleMin)) told++;
            }
            if (some.Count < AtOnce || !some[^1].TryNext(out first)) break;
        }
        call.Reply.EndArray(at, told);
    }

    static bool Tell(DataCall call, in PendingEntry pending, long idleMin)
    {
        var idle = unchecked(call.NowMilliseconds - pending.Delivered);
        if (idleMin != 0 && idle < idleMin) return false;
        call.Reply.Array(4);
        EntryFields.Reply(call.Reply, pending.Id);
        call.Reply.Bulk(pending.Consumer);
        call.Reply.Integer(Math.Max(idle, 0));
        call.Reply.Integer(pending.Deliveries);
        return true;
    }
}
