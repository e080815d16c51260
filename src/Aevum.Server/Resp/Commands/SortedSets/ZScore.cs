using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZScore : DataCommand
{
    public override CommandInfo Info { get; } = new("zscore", CommandGroup.SortedSet)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.2.0",
        Summary = "Returns the score of a member.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        if (set.TryGetScore(args[2], out var score)) call.Reply.Double(score);
        else call.Reply.Null();
    }
}
