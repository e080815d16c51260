using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SRandMember : DataCommand
{
    public override CommandInfo Info { get; } = new("srandmember", CommandGroup.Set)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns members of a set that are drawn at random.",
        Complexity = "O(n), n the members returned",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count > 3)
        {
            call.SyntaxError();
            return;
        }
        long count = 0;
        if (args.Count == 3 && !(call.TryInteger(args[2], out count) && RandomCount.IsSound(call, count))) return;
        if (call.Sets.Open(args[1]) is not { } set) return;
        var random = new SeededRandom(call.Chance);
        if (args.Count == 2)
        {
            if (set.Count == 0) call.Reply.Null();
            else call.Reply.Bulk(set.Draw(random).Name);
            return;
        }
        var drawn = RandomCount.Draw(set, random, count);
        call.Reply.Array(drawn.Count);
        foreach (var (member, _) in drawn) call.Reply.Bulk(member);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
