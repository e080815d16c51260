// ListPop: what LPOP and RPOP do, LMPOP and BLMPOP.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

static class ListPop
{
    public static void Run(DataCall call, CommandArguments args, bool isLeft)
    {
        if (args.Count > 3)
        {
            call.WrongCount(args[0]);
            return;
        }
        long count = 1;
        if (args.Count == 3 && !call.TryNatural(args[2], out count)) return;
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (!list.Exists)
        {
            if (args.Count == 3) call.Reply.NullArray();
            else call.Reply.Null();
        }
        else if (args.Count == 3)
        {
            Take(call, args[1], list, isLeft, count);
        }
        else
        {
            call.Reply.Bulk(list.Peek(isLeft));
            list.Drop(isLeft);
            list.Save();
            Signal(call, args[1], isLeft, list);
        }
    }

    /// <summary>Takes values from the first of some lists that has any.</summary>
    /// <param name="at">Where the number of keys stands.</param>
    /// <returns>True: they are all empty, and nothing has been replied.</returns>
    public static bool TryRunMany(DataCall call, CommandArguments args, int at)
    {
        if (!CountedKeys.TryReadPop(call, args, at, "left"u8, "right"u8, out var behind, out var isLeft, out var count)) return false;
        for (var i = at + 1; i < behind; i++)
        {
            if (call.IsPassedOver(args[i], StructureKind.List)) continue;
            if (call.Lists.Open(args[i]) is not { } list) return false;
            if (list.Count == 0) continue;
            call.Reply.Array(2);
            call.Reply.Bulk(args[i]);
            Take(call, args[i], list, isLeft, count);
            return false;
        }
        return true;
    }

    static void Take(DataCall call, ReadOnlySpan<byte> key, ListRows list, bool isLeft, long count)
    {
        var taken = Math.Min(count, list.Count);
        var reply = call.Reply;
        reply.Array(taken);
        if (taken == 0) return;
        var left = taken;
        list.Walk(isLeft ? 0 : list.Count - 1, descending: !isLeft, (_, value) =>
        {
            reply.Bulk(value);
            return --left > 0;
        });
        if (taken == list.Count) list.Clear();
        else if (isLeft) list.Trim(taken, list.Count - 1);
        else list.Trim(0, list.Count - taken - 1);
        list.Save();
        Signal(call, key, isLeft, list);
    }

    /// <summary>Tells that values were taken.</summary>
    public static void Signal(DataCall call, ReadOnlySpan<byte> key, bool isLeft, ListRows list)
    {
        call.Signal(key, isLeft ? "lpop" : "rpop", NotificationClass.List);
        if (list.Count == 0) call.Signal(key, "del", NotificationClass.Generic);
    }
}
