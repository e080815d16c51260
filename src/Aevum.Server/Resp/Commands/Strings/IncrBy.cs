using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class IncrBy : DataCommand
{
    public override CommandInfo Info { get; } = new("incrby", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Adds to the number that a key holds; an absent key counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.TryInteger(args[2], out var delta)) Incr.Add(call, args[1], delta);
    }
}
