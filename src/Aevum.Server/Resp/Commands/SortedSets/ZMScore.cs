using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZMScore : DataCommand
{
    public override CommandInfo Info { get; } = new("zmscore", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Returns the scores of members.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        call.Reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++)
        {
            if (set.TryGetScore(args[i], out var score)) call.Reply.Double(score);
            else call.Reply.Null();
        }
    }
}
