using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class DecrBy : DataCommand
{
    public override CommandInfo Info { get; } = new("decrby", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Takes from the number that a key holds; an absent key counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var delta)) return;
        if (delta == long.MinValue) call.Reply.Error("ERR decrement would overflow"u8);   // there is no such number above zero
        else Incr.Add(call, args[1], -delta);
    }
}
