using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SMembers : DataCommand
{
    public override CommandInfo Info { get; } = new("smembers", CommandGroup.Set)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns all members of a set.",
        Complexity = "O(n), n the members of the set",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is not { } set) return;
        var reply = call.Reply;
        reply.Set(set.Count);
        set.ForEach((member, _) =>
        {
            reply.Bulk(member);
            return true;
        });
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
