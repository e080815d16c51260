using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

/// <summary>What LPUSH, RPUSH, LPUSHX and RPUSHX do.</summary>
static class ListPush
{
    public static void Run(DataCall call, CommandArguments args, bool isLeft, bool onlyIfThere)
    {
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (onlyIfThere && !list.Exists)
        {
            call.Reply.Integer(0);
            return;
        }
        for (var i = 2; i < args.Count; i++) list.Push(isLeft, args[i]);
        list.Save();
        Signal(call, args[1], isLeft);
        call.Reply.Integer(list.Count);
    }

    public static void Signal(DataCall call, ReadOnlySpan<byte> key, bool isLeft) =>
        call.Signal(key, isLeft ? "lpush" : "rpush", NotificationClass.List, isReady: true);
}
