using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRangeByLex : DataCommand
{
    public override CommandInfo Info { get; } = new("zrangebylex", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.9",
        Summary = "Returns members of a range of members, all scores being the same.",
        Complexity = "O(log n + m), n the members, m those returned; O(n) by rank",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementRange.Answer(call, args, RangeKind.Member, false);

    public override bool IsSlow(DataCall call, CommandArguments args) => ElementRange.IsSlow(call, args, RangeKind.Member, false);
}
