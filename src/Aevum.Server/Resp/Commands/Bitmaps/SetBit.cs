using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class SetBit : DataCommand
{
    public override CommandInfo Info { get; } = new("setbit", CommandGroup.Bitmap)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Sets or clears a bit of a string, and answers what it was.",
        Complexity = "O(N) with N the length of the whole string, which is written anew",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        if (!BitOffsets.TryRead(call, args[2], 0, out var offset)) return;
        if (!Numbers.TryInteger(args[3], out var bit) || bit is not (0 or 1))
        {
            call.Reply.Error("ERR bit is not an integer or out of range"u8);
            return;
        }
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        if (!BitOffsets.TryReach(call, offset)) return;
        var old = exists ? head.Rest : default;
        var at = (int)(offset >> 3);
        var mask = (byte)(0x80 >> (int)(offset & 7));
        var was = at < old.Length && (old[at] & mask) != 0;
        if (at >= old.Length || was != (bit == 1))
        {
            var length = Math.Max(old.Length, at + 1);
            var draft = StringDraft.Begin(call, old, length);
            draft[at] = (byte)(bit == 1 ? draft[at] | mask : draft[at] & ~mask);
            StringDraft.Save(call, key, length, row.Expiry);
            call.Signal(key, "setbit", NotificationClass.String);
        }
        call.Reply.Integer(was ? 1 : 0);
    }
}
