using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class Append : DataCommand
{
    public override CommandInfo Info { get; } = new("append", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Puts bytes behind a string, and answers its length; an absent key counts as an empty string.",
        Complexity = "O(N) with N the length of the whole string, which is written anew",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        var more = args[2];
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        var old = exists ? head.Rest : default;
        if (exists && !StringDraft.TryLength(call, (long)old.Length + more.Length)) return;
        var length = old.Length + more.Length;
        more.CopyTo(StringDraft.Begin(call, old, length)[old.Length..]);
        StringDraft.Save(call, key, length, row.Expiry);
        call.Signal(key, "append", NotificationClass.String);
        call.Reply.Integer(length);
    }
}
