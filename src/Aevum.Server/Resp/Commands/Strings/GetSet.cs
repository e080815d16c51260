using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class GetSet : DataCommand
{
    public override CommandInfo Info { get; } = new("getset", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns the string of a key and gives it another, which does not expire.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        if (exists) call.Reply.Bulk(head.Rest);
        else call.Reply.Null();
        call.PutString(args[1], args[2]);
        call.Signal(args[1], "set", NotificationClass.String);
    }
}
