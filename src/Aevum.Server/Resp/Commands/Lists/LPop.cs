using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LPop : DataCommand
{
    public override CommandInfo Info { get; } = new("lpop", CommandGroup.List)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Takes values from a list's beginning.",
        Complexity = "O(n), n the values taken",
    };

    public override void Run(DataCall call, CommandArguments args) => ListPop.Run(call, args, isLeft: true);
}
