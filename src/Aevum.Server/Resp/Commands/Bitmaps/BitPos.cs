using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class BitPos : DataCommand
{
    public override CommandInfo Info { get; } = new("bitpos", CommandGroup.Bitmap)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.7",
        Summary = "Finds the first bit of a string, or of a part of it, that is set or clear.",
        Complexity = "O(N)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var bit)) return;
        if (bit is not (0 or 1))
        {
            call.Reply.Error("ERR The bit argument must be 1 or 0."u8);
            return;
        }
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        if (!exists)
        {
            call.Reply.Integer(bit == 1 ? -1 : 0);
            return;
        }
        if (!BitOffsets.TryReadRange(call, args, 3, head.Rest.Length, isCount: false, out var start, out var end)) return;
        var place = BitKernels.Find(head.Rest, start, end, bit == 1);
        // Who asks for a clear bit without saying where to end sees zeros behind the string.
        if (place < 0 && bit == 0 && args.Count < 5 && start < end) place = end;
        call.Reply.Integer(place);
    }
}
