// Rename: a head under another key. Always true: both keys change at one instant, and the expiry goes along.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>RENAME and RENAMENX. Elements of a large structure lie behind its head's key, so they are written anew.</summary>
sealed class Rename(string name, bool onlyIfAbsent) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = 3,
        Flags = CommandFlags.Write | (onlyIfAbsent ? CommandFlags.Fast : CommandFlags.None),
        Keys = KeyPlaces.Two,
        Since = "1.0.0",
        Summary = onlyIfAbsent ? "Gives a key another name, if that holds nothing." : "Gives a key another name; what that held is gone.",
        Complexity = "O(1), or O(N) with N the elements of a large structure",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var (from, to) = (args[1].ToArray(), args[2].ToArray());
        if (!call.TryReadHead(from, out _, out _))
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }
        var isSame = from.AsSpan().SequenceEqual(to);
        if (onlyIfAbsent && (isSame || call.TryReadHead(to, out _, out _)))
        {
            call.Reply.Integer(0);
            return;
        }
        if (onlyIfAbsent) call.Reply.Integer(1);
        else call.Reply.Ok();
        if (isSame) return;
        Delete.TryDelete(call, to);
        StructureCopy.Run(call, from, to, call.Keyspace);
        Delete.TryDelete(call, from);
        call.Signal(from, "rename_from", NotificationClass.Generic);
        call.Signal(to, "rename_to", NotificationClass.Generic, isReady: true);
    }
}
