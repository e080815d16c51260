using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

/// <summary>BLPOP and BRPOP.</summary>
sealed class BlockingPop(bool isLeft) : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new(isLeft ? "blpop" : "brpop", CommandGroup.List)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.NoScript | CommandFlags.Blocking,
        Keys = new(1, -2, 1),
        Since = "2.0.0",
        Summary = $"Takes a value from the {(isLeft ? "beginning" : "end")} of the first list that has one, and waits until there is one.",
        Complexity = "O(n), n the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Timeouts.TryRead(call, args[args.Count - 1], out _)) return;
        for (var i = 1; i < args.Count - 1; i++)
        {
            if (call.IsPassedOver(args[i], StructureKind.List)) continue;
            if (call.Lists.Open(args[i]) is not { } list) return;
            if (list.Count == 0) continue;
            call.Reply.Array(2);
            call.Reply.Bulk(args[i]);
            call.Reply.Bulk(list.Peek(isLeft));
            list.Drop(isLeft);
            list.Save();
            ListPop.Signal(call, args[i], isLeft, list);
            return;
        }
        if (call.MayBlock) call.Block();
        else call.Reply.NullArray();
    }

    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[args.Count - 1]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
