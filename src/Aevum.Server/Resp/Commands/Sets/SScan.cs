using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SScan : DataCommand
{
    public override CommandInfo Info { get; } = new("sscan", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.0",
        Summary = "Walks over the members of a set, some at a time.",
        Complexity = "O(1) for each call, O(n) for a whole scan",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementScan.Run(call, call.Sets, args, 1, (member, _) =>
    {
        call.Reply.Bulk(member);
        return true;
    });
}
