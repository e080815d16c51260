// Rename: a head under another key, whatever the size of the object: elements of a large one stay where they are, behind the key that it had when it became
// large. The head says so (StructureHead.Home), and a row beside the elements tells the collector who has them (StructureKey.OwnerFamily).
//
// Always true: both keys change at one instant, and the expiry goes along; at its home an object needs neither.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>RENAME and RENAMENX.</summary>
sealed class Rename(string name, bool onlyIfAbsent) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = 3,
        Flags = CommandFlags.Write | (onlyIfAbsent ? CommandFlags.Fast : CommandFlags.None),
        Keys = KeyPlaces.Two,
        Since = "1.0.0",
        Summary = onlyIfAbsent ? "Gives a key another name, if that holds nothing." : "Gives a key another name; what that held is gone.",
        Complexity = "O(1)",
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
        MoveHead(call, call.HeadKey(from, 1), call.HeadKey(to, 2));
        call.Signal(from, "rename_from", NotificationClass.Generic);
        call.Signal(to, "rename_to", NotificationClass.Generic, isReady: true);
    }

    static void MoveHead(DataCall call, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        if (!call.Rows.TryRead(from, out var row)) return;
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge)
        {
            call.Writes.Put(to, row.Bytes, row.Expiry);   // read in place, and copied by the put
            call.Writes.Delete(from);
            return;
        }
        call.Surroundings.Ranks.TellOfHead(from, head, row.Version, call.Now);
        var before = head.Home.IsEmpty ? from : head.Home;
        var home = before.SequenceEqual(to) ? default : before;
        var owner = StructureKey.OwnerOf(before, head.Incarnation);
        var value = call.Scratch(StructureHead.PrefixBytesMax + home.Length + head.Body.Length);
        var at = StructureHead.WritePrefix(
            value, head.Kind, isLarge: true, head.ExpiryOf(row.Expiry), head.FieldsExpire, head.FieldsUntil, out var rowExpiry, home);
        head.Body.CopyTo(value[at..]);
        call.Writes.Put(to, value[..(at + head.Body.Length)], rowExpiry);
        call.Writes.Delete(from);
        if (home.IsEmpty) call.Writes.Delete(owner);
        else call.Writes.Put(owner, to);
    }
}
