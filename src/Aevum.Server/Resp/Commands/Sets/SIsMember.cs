using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SIsMember : DataCommand
{
    public override CommandInfo Info { get; } = new("sismember", CommandGroup.Set)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Tells whether a set has a member.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is { } set) call.Reply.Integer(set.Contains(args[2]) ? 1 : 0);
    }
}
