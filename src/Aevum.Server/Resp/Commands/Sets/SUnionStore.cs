using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SUnionStore : DataCommand
{
    public override CommandInfo Info { get; } = new("sunionstore", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.All,
        Since = "1.0.0",
        Summary = "Makes a set of the members that any of some sets has.",
        Complexity = "O(n), n the members of all sets",
    };

    public override bool MayTakeSeveralCommits => true;

    public override WriteForecast Forecast(DataCall call, CommandArguments args) =>
        WriteForecast.OfAll(call, args, [.. Enumerable.Range(2, args.Count - 2)], args[1]);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SetAlgebra.Union(call, args, 2, args.Count) is { } result) SetAlgebra.Store(call, args[1], result, "sunionstore");
    }
}
