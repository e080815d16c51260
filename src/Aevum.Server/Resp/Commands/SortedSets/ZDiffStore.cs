using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZDiffStore : DataCommand
{
    public override CommandInfo Info { get; } = new("zdiffstore", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.MovableKeys,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Makes a sorted set of the members of a sorted set that none of some others has.",
        Complexity = "O(n log n), n the members of all sorted sets",
    };

    public override bool MayTakeSeveralCommits => true;

    public override WriteForecast Forecast(DataCall call, CommandArguments args) => SortedSetAlgebra.Forecast(call, args, SetOperation.Difference);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SortedSetAlgebra.Read(call, args, 2, SetOperation.Difference, isStore: true) is { } algebra)
            SortedSetAlgebra.Store(call, args[1], algebra.Result(), "zdiffstore");
    }

    public override bool FindKeys(CommandArguments args, List<int> found)
    {
        found.Add(1);
        return CountedKeys.Find(args, 2, found);
    }
}
