using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class GetBit : DataCommand
{
    public override CommandInfo Info { get; } = new("getbit", CommandGroup.Bitmap)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Returns a bit of a string; those behind its end are 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!BitOffsets.TryRead(call, args[2], 0, out var offset)) return;
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        var at = offset >> 3;
        call.Reply.Integer(exists && at < head.Rest.Length ? head.Rest[(int)at] >> (7 - (int)(offset & 7)) & 1 : 0);
    }
}
