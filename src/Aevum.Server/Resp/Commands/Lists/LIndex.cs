using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LIndex : DataCommand
{
    public override CommandInfo Info { get; } = new("lindex", CommandGroup.List)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns the value at a place of a list, counted from the end if negative.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (!list.Exists)
        {
            call.Reply.Null();
            return;
        }
        if (!call.TryInteger(args[2], out var index)) return;
        if (list.TryGet(index < 0 ? index + list.Count : index, out var value)) call.Reply.Bulk(value);
        else call.Reply.Null();
    }
}
