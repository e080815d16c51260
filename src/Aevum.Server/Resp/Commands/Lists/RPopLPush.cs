using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class RPopLPush : DataCommand
{
    public override CommandInfo Info { get; } = new("rpoplpush", CommandGroup.List)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.Two,
        Since = "1.2.0",
        Summary = "Takes the last value of a list and puts it in front of another.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ListMove.TryMove(call, args[1], args[2], fromLeft: false, toLeft: true, out var isEmpty)) return;
        if (isEmpty) call.Reply.Null();
    }
}
