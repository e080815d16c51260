using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

sealed class GeoPos : DataCommand
{
    public override CommandInfo Info { get; } = new("geopos", CommandGroup.Geo)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "3.2.0",
        Summary = "Answers longitude and latitude of members.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        call.Reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++)
        {
            if (set.TryGetScore(args[i], out var score)) GeoArguments.WritePoint(call.Reply, GeoCell.OfScore(score).Center);
            else call.Reply.NullArray();
        }
    }
}
