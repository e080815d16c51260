using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class BLMPop : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new("blmpop", CommandGroup.List)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.MovableKeys | CommandFlags.Blocking,
        Since = "7.0.0",
        Summary = "Takes values from an end of the first list that has some, and waits until there is one.",
        Complexity = "O(n + m), n the keys, m the values taken",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Timeouts.TryRead(call, args[1], out _)) return;
        if (!ListPop.TryRunMany(call, args, 2)) return;
        if (call.MayBlock) call.Block();
        else call.Reply.NullArray();
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 2, found);

    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[1]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
