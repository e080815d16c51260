using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SCard : DataCommand
{
    public override CommandInfo Info { get; } = new("scard", CommandGroup.Set)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns how many members a set has.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is { } set) call.Reply.Integer(set.Count);
    }
}
