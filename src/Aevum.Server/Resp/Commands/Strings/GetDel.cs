using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class GetDel : DataCommand
{
    public override CommandInfo Info { get; } = new("getdel", CommandGroup.String)
    {
        Arity = 2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Returns the string of a key and deletes the key.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        if (!exists)
        {
            call.Reply.Null();
            return;
        }
        call.Reply.Bulk(head.Rest);
        call.Writes.Delete(call.HeadKey(args[1]));
        call.Signal(args[1], "del", NotificationClass.Generic);
    }
}
