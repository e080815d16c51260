using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>XRANGE and XREVRANGE.</summary>
sealed class XRange(bool isReverse) : DataCommand
{
    public override CommandInfo Info { get; } = new(isReverse ? "xrevrange" : "xrange", CommandGroup.Stream)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = $"Answers the entries between two ids{(isReverse ? ", the last one first" : "")}.",
        Complexity = "O(n), n the entries answered",
    };

    public override bool IsSlow(DataCall call, CommandArguments args)
    {
        var length = call.Reply.Length;
        var isSlow = TryRead(call, args, out var first, out var last, out var count) && (count < 0 || count > StructureRows.SlowElements) &&
            call.Streams.Open(args[1]) is { IsThere: true } stream && stream.IsSlowToWalk(first, last);
        call.Reply.Truncate(length);   // what is wrong the command itself says
        return isSlow;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryRead(call, args, out var first, out var last, out var count) || call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere) call.Reply.Array(0);
        else if (count == 0) call.Reply.NullArray();
        else Reply(call, stream, first, last, isReverse, count);
    }

    bool TryRead(DataCall call, CommandArguments args, out StreamId first, out StreamId last, out long count)
    {
        count = -1;
        last = default;
        if (!StreamIds.TryReadFirst(call, args[isReverse ? 3 : 2], out first) || !StreamIds.TryReadLast(call, args[isReverse ? 2 : 3], out last)) return false;
        for (var i = 4; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count || !args.Is(i, "count"u8))
            {
                call.SyntaxError();
                return false;
            }
            if (!call.TryInteger(args[i + 1], out count)) return false;
            count = Math.Max(count, 0);
        }
        return true;
    }

    /// <summary>Replies with entries of a range.</summary>
    /// <param name="count">Below 1: all.</param>
    /// <returns>How many.</returns>
    public static long Reply(DataCall call, StreamRows stream, StreamId first, StreamId last, bool isReverse, long count)
    {
        var reply = call.Reply;
        var at = reply.BeginArray();
        var told = 0L;
        stream.Walk(first, last, isReverse, (id, fields) =>
        {
            EntryFields.Reply(reply, id, fields);
            return ++told != count;
        });
        reply.EndArray(at, told);
        return told;
    }
}
