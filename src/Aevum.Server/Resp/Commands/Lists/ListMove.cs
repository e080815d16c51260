using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

/// <summary>What LMOVE, RPOPLPUSH and those that wait do.</summary>
static class ListMove
{
    /// <summary>Reads LEFT or RIGHT, twice, behind two keys.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryEnds(DataCall call, CommandArguments args, out bool fromLeft, out bool toLeft)
    {
        fromLeft = args.Is(3, "left"u8);
        toLeft = args.Is(4, "left"u8);
        if ((fromLeft || args.Is(3, "right"u8)) && (toLeft || args.Is(4, "right"u8))) return true;
        call.SyntaxError();
        return false;
    }

    /// <summary>Moves a value, and replies with it.</summary>
    /// <param name="isEmpty">True: there is none, and nothing has been replied.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryMove(DataCall call, ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, bool fromLeft, bool toLeft, out bool isEmpty)
    {
        isEmpty = false;
        isEmpty = call.IsPassedOver(source, StructureKind.List);
        if (isEmpty) return true;
        if (call.Lists.Open(source) is not { } from) return false;
        isEmpty = from.Count == 0;
        if (isEmpty) return true;
        var isSame = source.SequenceEqual(target);
        if ((isSame ? from : call.Lists.Open(target)) is not { } to) return false;
        var moved = from.Peek(fromLeft);
        var value = call.Scratch(moved.Length);
        moved.CopyTo(value);
        from.Drop(fromLeft);
        to.Push(toLeft, value);
        if (!isSame) from.Save();
        to.Save();
        call.Reply.Bulk(value);
        ListPush.Signal(call, target, toLeft);
        ListPop.Signal(call, source, fromLeft, from);
        return true;
    }
}
