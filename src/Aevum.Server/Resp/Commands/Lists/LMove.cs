using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LMove : DataCommand
{
    public override CommandInfo Info { get; } = new("lmove", CommandGroup.List)
    {
        Arity = 5,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.Two,
        Since = "6.2.0",
        Summary = "Takes a value from an end of a list and puts it at an end of another.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ListMove.TryEnds(call, args, out var fromLeft, out var toLeft)) return;
        if (!ListMove.TryMove(call, args[1], args[2], fromLeft, toLeft, out var isEmpty)) return;
        if (isEmpty) call.Reply.Null();
    }
}
