using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZPopMax : DataCommand
{
    public override CommandInfo Info { get; } = new("zpopmax", CommandGroup.SortedSet)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Takes the members with the highest scores out of a sorted set.",
        Complexity = "O(m log n), n the members, m those taken",
    };

    public override void Run(DataCall call, CommandArguments args) => ScorePop.Run(call, args, isMax: true);
}
