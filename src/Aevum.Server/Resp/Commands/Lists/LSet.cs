using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LSet : DataCommand
{
    public override CommandInfo Info { get; } = new("lset", CommandGroup.List)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Gives a place of a list another value.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (!list.Exists)
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }
        if (!call.TryInteger(args[2], out var index)) return;
        if (index < 0) index += list.Count;
        if (index < 0 || index >= list.Count)
        {
            call.Reply.Error("ERR index out of range"u8);
            return;
        }
        list.Put(index, args[3]);
        list.Save();
        call.Signal(args[1], "lset", NotificationClass.List);
        call.Reply.Ok();
    }
}
