using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LLen : DataCommand
{
    public override CommandInfo Info { get; } = new("llen", CommandGroup.List)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns how many values a list has.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Lists.Open(args[1]) is { } list) call.Reply.Integer(list.Count);
    }
}
