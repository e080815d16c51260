using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class BRPopLPush : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new("brpoplpush", CommandGroup.List)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.NoScript | CommandFlags.Blocking,
        Keys = KeyPlaces.Two,
        Since = "2.2.0",
        Summary = "Like RPOPLPUSH, but waits for the list to get a value.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Timeouts.TryRead(call, args[3], out _)) return;
        if (!ListMove.TryMove(call, args[1], args[2], fromLeft: false, toLeft: true, out var isEmpty) || !isEmpty) return;
        if (call.MayBlock) call.Block();
        else call.Reply.Null();
    }


    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[3]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
