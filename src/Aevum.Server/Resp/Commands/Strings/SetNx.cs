using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class SetNx : DataCommand
{
    public override CommandInfo Info { get; } = new("setnx", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Gives a key a string value if it holds nothing.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.TryReadHead(args[1], out _, out _))
        {
            call.Reply.Integer(0);
            return;
        }
        call.PutString(args[1], args[2]);
        call.Signal(args[1], "set", NotificationClass.String);
        call.Reply.Integer(1);
    }
}
