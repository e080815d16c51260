using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SMIsMember : DataCommand
{
    public override CommandInfo Info { get; } = new("smismember", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Tells of each of some members whether a set has it.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is not { } set) return;
        call.Reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++) call.Reply.Integer(set.Contains(args[i]) ? 1 : 0);
    }
}
