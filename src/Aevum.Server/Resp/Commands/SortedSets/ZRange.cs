using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRange : DataCommand
{
    public override CommandInfo Info { get; } = new("zrange", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.2.0",
        Summary = "Returns members between two ranks, or of a range of scores or of members.",
        Complexity = "O(log n + m), n the members, m those returned; O(n) by rank",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementRange.Answer(call, args, null, null);

    public override bool IsSlow(DataCall call, CommandArguments args) => ElementRange.IsSlow(call, args, null, null);
}
