using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.CAS: a SET that is done only if nobody wrote the key since.</summary>
sealed class CompareAndSet : DataCommand
{
    public override CommandInfo Info { get; } = new("aevum.cas", CommandGroup.History)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Gives a key a string if its version is still this one (v:0: if it holds nothing). Answers the new version, or nil; "
            + "the expiry goes, as with SET.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        if (!MomentText.TryParseVersion(args[2], out var expected))
        {
            call.Reply.Error("ERR a version is v:<system time>, as AEVUM.GETV answers it; v:0 stands for a key that holds nothing"u8);
            return;
        }
        if (!call.TryExpect(key, StructureKind.String, out var exists, out _, out var row)) return;
        if ((exists ? row.Version : SystemTime.None) != expected)
        {
            call.Reply.Null();
            return;
        }
        call.PutString(key, args[3]);
        call.Reply.Bulk(MomentText.OfVersion(call.Now));
        call.Signal(key, "set", NotificationClass.String);
    }
}
