using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SInter : DataCommand
{
    public override CommandInfo Info { get; } = new("sinter", CommandGroup.Set)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.All,
        Since = "1.0.0",
        Summary = "Returns the members that all of some sets have.",
        Complexity = "O(n m), n the members of the smallest set, m the sets",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SetAlgebra.Intersection(call, args, 1, args.Count) is not { } result) return;
        call.Reply.Set(result.Count);
        foreach (var member in result) call.Reply.Bulk(member);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => SetAlgebra.IsSlow(call, args, 1, args.Count);
}
