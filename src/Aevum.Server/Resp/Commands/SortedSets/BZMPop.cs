using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class BZMPop : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new("bzmpop", CommandGroup.SortedSet)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.MovableKeys | CommandFlags.Blocking,
        Since = "7.0.0",
        Summary = "Takes members with the lowest or highest scores out of the first sorted set that has some, and waits until there is one.",
        Complexity = "O(k + m log n), k the keys, n the members, m those taken",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Timeouts.TryRead(call, args[1], out _)) return;
        if (!ScorePop.TryRunMany(call, args, 2)) return;
        if (call.MayBlock) call.Block();
        else call.Reply.NullArray();
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 2, found);

    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[1]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
