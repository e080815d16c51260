using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZMPop : DataCommand
{
    public override CommandInfo Info { get; } = new("zmpop", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.MovableKeys,
        Since = "7.0.0",
        Summary = "Takes members with the lowest or highest scores out of the first sorted set that has some.",
        Complexity = "O(k + m log n), k the keys, n the members, m those taken",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (ScorePop.TryRunMany(call, args, 1)) call.Reply.NullArray();
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 1, found);
}
