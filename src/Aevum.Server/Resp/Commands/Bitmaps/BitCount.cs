using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class BitCount : DataCommand
{
    public override CommandInfo Info { get; } = new("bitcount", CommandGroup.Bitmap)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.6.0",
        Summary = "Counts the bits of a string, or of a part of it, that are set.",
        Complexity = "O(N)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        if (!exists)
        {
            call.Reply.Integer(0);
            return;
        }
        if (args.Count == 3)
        {
            call.SyntaxError();
            return;
        }
        if (BitOffsets.TryReadRange(call, args, 2, head.Rest.Length, isCount: true, out var start, out var end))
            call.Reply.Integer(BitKernels.CountRange(head.Rest, start, end));
    }
}
