using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SInterStore : DataCommand
{
    public override CommandInfo Info { get; } = new("sinterstore", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.All,
        Since = "1.0.0",
        Summary = "Makes a set of the members that all of some sets have.",
        Complexity = "O(n m), n the members of the smallest set, m the sets",
    };

    public override bool MayTakeSeveralCommits => true;

    public override WriteForecast Forecast(DataCall call, CommandArguments args) =>
        WriteForecast.OfFewest(call, args, [.. Enumerable.Range(2, args.Count - 2)], args[1]);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SetAlgebra.Intersection(call, args, 2, args.Count) is { } result) SetAlgebra.Store(call, args[1], result, "sinterstore");
    }
}
