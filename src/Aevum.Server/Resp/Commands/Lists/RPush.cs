using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class RPush : DataCommand
{
    public override CommandInfo Info { get; } = new("rpush", CommandGroup.List)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Puts values into a list at the end.",
        Complexity = "O(1) for each value",
    };

    public override void Run(DataCall call, CommandArguments args) => ListPush.Run(call, args, isLeft: false, onlyIfThere: false);
}
