using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LPush : DataCommand
{
    public override CommandInfo Info { get; } = new("lpush", CommandGroup.List)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Puts values into a list in front.",
        Complexity = "O(1) for each value",
    };

    public override void Run(DataCall call, CommandArguments args) => ListPush.Run(call, args, isLeft: true, onlyIfThere: false);
}
