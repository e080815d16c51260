using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class SetRange : DataCommand
{
    public override CommandInfo Info { get; } = new("setrange", CommandGroup.String)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Overwrites part of a string from a place on, and answers its length; what was not there is zeros.",
        Complexity = "O(N) with N the length of the whole string, which is written anew",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        var part = args[3];
        if (!call.TryInteger(args[2], out var offset)) return;
        if (offset < 0)
        {
            call.Reply.Error("ERR offset is out of range"u8);
            return;
        }
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        var old = exists ? head.Rest : default;
        if (part.IsEmpty)
        {
            call.Reply.Integer(old.Length);
            return;
        }
        if (offset > StringDraft.BytesMax) offset = StringDraft.BytesMax;   // too far as well, and nothing overflows
        if (!StringDraft.TryLength(call, offset + part.Length)) return;
        var length = Math.Max(old.Length, (int)offset + part.Length);
        part.CopyTo(StringDraft.Begin(call, old, length)[(int)offset..]);
        StringDraft.Save(call, key, length, row.Expiry);
        call.Signal(key, "setrange", NotificationClass.String);
        call.Reply.Integer(length);
    }
}
