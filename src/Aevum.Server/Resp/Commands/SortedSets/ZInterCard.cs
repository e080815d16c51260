using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZInterCard : DataCommand
{
    public override CommandInfo Info { get; } = new("zintercard", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.MovableKeys,
        Since = "7.0.0",
        Summary = "Returns how many members all of some sorted sets have.",
        Complexity = "O(n m), n the members of the smallest sorted set, m the sorted sets",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SortedSetAlgebra.Read(call, args, 1, SetOperation.Count, isStore: false) is { } algebra) call.Reply.Integer(algebra.Result().Count);
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 1, found);

    public override bool IsSlow(DataCall call, CommandArguments args) => SortedSetAlgebra.IsSlow(call, args);
}
