using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SDiff : DataCommand
{
    public override CommandInfo Info { get; } = new("sdiff", CommandGroup.Set)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.All,
        Since = "1.0.0",
        Summary = "Returns the members of a set that none of some others has.",
        Complexity = "O(n), n the members of all sets",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (SetAlgebra.Difference(call, args, 1, args.Count) is not { } result) return;
        call.Reply.Set(result.Count);
        foreach (var member in result) call.Reply.Bulk(member);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => SetAlgebra.IsSlow(call, args, 1, args.Count);
}
