using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SInterCard : DataCommand
{
    public override CommandInfo Info { get; } = new("sintercard", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.MovableKeys,
        Since = "7.0.0",
        Summary = "Returns how many members all of some sets have.",
        Complexity = "O(n m), n the members of the smallest set, m the sets",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!CountedKeys.TryReadCard(call, args, out var behind, out var limit)) return;
        if (SetAlgebra.Intersection(call, args, 2, behind, limit) is { } result) call.Reply.Integer(result.Count);
    }

    public override bool FindKeys(CommandArguments args, List<int> found) => CountedKeys.Find(args, 1, found);

    public override bool IsSlow(DataCall call, CommandArguments args) =>
        Numbers.TryInteger(args[1], out var count) && SetAlgebra.IsSlow(call, args, 2, (int)Math.Clamp(count + 2, 2, args.Count));
}
