using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

sealed class GeoDist : DataCommand
{
    public override CommandInfo Info { get; } = new("geodist", CommandGroup.Geo)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "3.2.0",
        Summary = "Answers how far two members are from each other, in meters or another unit.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var unit = 1.0;
        if (args.Count > 5)
        {
            call.SyntaxError();
            return;
        }
        if (args.Count == 5 && !GeoArguments.TryUnit(call, args, 4, out unit)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        if (!set.TryGetScore(args[2], out var first) || !set.TryGetScore(args[3], out var second))
        {
            call.Reply.Null();
            return;
        }
        GeoArguments.WriteDistance(call.Reply, GeoCell.OfScore(first).Center.DistanceTo(GeoCell.OfScore(second).Center) / unit);
    }
}
