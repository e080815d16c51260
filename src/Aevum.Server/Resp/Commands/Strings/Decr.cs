using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class Decr : DataCommand
{
    public override CommandInfo Info { get; } = new("decr", CommandGroup.String)
    {
        Arity = 2,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Takes one from the number that a key holds; an absent key counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args) => Incr.Add(call, args[1], -1);
}
