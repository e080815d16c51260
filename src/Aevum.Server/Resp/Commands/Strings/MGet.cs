using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class MGet : DataCommand
{
    public override CommandInfo Info { get; } = new("mget", CommandGroup.String)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.All,
        Since = "1.0.0",
        Summary = "Returns the strings of several keys; nothing in the place of a key that holds none.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        call.Reply.Array(args.Count - 1);
        for (var i = 1; i < args.Count; i++)
        {
            if (call.TryReadHead(args[i], out var head, out _) && head.Kind == StructureKind.String) call.Reply.Bulk(head.Rest);
            else call.Reply.Null();
        }
    }
}
