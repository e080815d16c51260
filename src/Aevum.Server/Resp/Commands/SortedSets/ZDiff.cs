using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZDiff : DataCommand
{
    public override CommandInfo Info { get; } = new("zdiff", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.MovableKeys,
        Since = "6.2.0",
        Summary = "Returns the members of a sorted set that none of some others has.",
        Complexity = "O(n log n), n the members of all sorted sets",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SortedSetAlgebra.Read(call, args, 1, SetOperation.Difference, isStore: false) is { } algebra)
            ScoredReply.Write(call.Reply, algebra.Result(), algebra.WithScores);
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 1, found);

    public override bool IsSlow(DataCall call, CommandArguments args) => SortedSetAlgebra.IsSlow(call, args);
}
