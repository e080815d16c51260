using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZIncrBy : DataCommand
{
    public override CommandInfo Info { get; } = new("zincrby", CommandGroup.SortedSet)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(3, 3, 1),
        Since = "1.2.0",
        Summary = "Adds to the score of a member; one that is not there counts as 0.",
        Complexity = "O(log n), n the members of the sorted set",
    };

    public override void Run(DataCall call, CommandArguments args) => ScoreChange.Run(call, args, 2, new ScoreOptions { Increments = true });
}
