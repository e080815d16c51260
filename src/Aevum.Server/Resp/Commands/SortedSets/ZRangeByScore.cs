using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRangeByScore : DataCommand
{
    public override CommandInfo Info { get; } = new("zrangebyscore", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.0.5",
        Summary = "Returns members with scores of a range.",
        Complexity = "O(log n + m), n the members, m those returned; O(n) by rank",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementRange.Answer(call, args, RangeKind.Score, false);

    public override bool IsSlow(DataCall call, CommandArguments args) => ElementRange.IsSlow(call, args, RangeKind.Score, false);
}
