using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class Set : DataCommand
{
    public override CommandInfo Info { get; } = new("set", CommandGroup.String)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Gives a key a string value, whatever it held, and takes its expiry away unless told otherwise.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ExpiryOptions.TryRead(call, args, 3, out var options) || !options.TryExpiry(call, args, "set", out var expiry)) return;
        var key = args[1];
        var exists = false;
        if (options.NeedsOld)
        {
            exists = call.TryReadHead(key, out var head, out var row);
            if (options.Get)
            {
                if (exists && head.Kind != StructureKind.String)
                {
                    call.WrongType();
                    return;
                }
                if (exists) call.Reply.Bulk(head.Rest);
                else call.Reply.Null();
            }
            if (options.KeepExpiry) expiry = row.Expiry;
        }
        if ((options.OnlyIfAbsent && exists) || (options.OnlyIfThere && !exists))
        {
            if (!options.Get) call.Reply.Null();
            return;
        }
        if (!options.Get) call.Reply.Ok();
        call.ForgetElements(key);
        if (expiry != SystemTime.None && expiry <= call.Now) call.Writes.Delete(call.HeadKey(key));
        else call.PutString(key, args[2], expiry);
        call.Signal(key, "set", NotificationClass.String);
        if (options.HasTime) call.Signal(key, "expire", NotificationClass.Generic);
    }
}
