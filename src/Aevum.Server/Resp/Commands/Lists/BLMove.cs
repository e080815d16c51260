using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class BLMove : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new("blmove", CommandGroup.List)
    {
        Arity = 6,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.NoScript | CommandFlags.Blocking,
        Keys = KeyPlaces.Two,
        Since = "6.2.0",
        Summary = "Like LMOVE, but waits for the list to get a value.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ListMove.TryEnds(call, args, out var fromLeft, out var toLeft)) return;
        if (!Timeouts.TryRead(call, args[5], out _)) return;
        if (!ListMove.TryMove(call, args[1], args[2], fromLeft, toLeft, out var isEmpty) || !isEmpty) return;
        if (call.MayBlock) call.Block();
        else call.Reply.Null();
    }


    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[5]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
