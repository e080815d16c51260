using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZCard : DataCommand
{
    public override CommandInfo Info { get; } = new("zcard", CommandGroup.SortedSet)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.2.0",
        Summary = "Returns how many members a sorted set has.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is { } set) call.Reply.Integer(set.Count);
    }
}
