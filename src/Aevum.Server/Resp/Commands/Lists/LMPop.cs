using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LMPop : DataCommand
{
    public override CommandInfo Info { get; } = new("lmpop", CommandGroup.List)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.MovableKeys,
        Since = "7.0.0",
        Summary = "Takes values from an end of the first list that has some.",
        Complexity = "O(n + m), n the keys, m the values taken",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (ListPop.TryRunMany(call, args, 1)) call.Reply.NullArray();
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 1, found);
}
