using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRevRangeByLex : DataCommand
{
    public override CommandInfo Info { get; } = new("zrevrangebylex", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.9",
        Summary = "Returns members of a range of members from the last down, all scores being the same.",
        Complexity = "O(log n + m), n the members, m those returned; O(n) by rank",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementRange.Answer(call, args, RangeKind.Member, true);

    public override bool IsSlow(DataCall call, CommandArguments args) => ElementRange.IsSlow(call, args, RangeKind.Member, true);
}
