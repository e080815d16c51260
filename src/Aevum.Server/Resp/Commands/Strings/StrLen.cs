using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class StrLen : DataCommand
{
    public override CommandInfo Info { get; } = new("strlen", CommandGroup.String)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Returns the length of a string in bytes; 0 if there is none.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        call.Reply.Integer(exists ? head.Rest.Length : 0);
    }
}
