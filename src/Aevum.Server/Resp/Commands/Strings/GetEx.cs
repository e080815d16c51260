using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class GetEx : DataCommand
{
    public override CommandInfo Info { get; } = new("getex", CommandGroup.String)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Returns the string of a key and changes when it expires.",
        Complexity = "O(1)",
    };

    // Without an option it is GET.
    public override bool Writes(CommandArguments args) => args.Count > 2;

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        if (!ExpiryOptions.TryRead(call, args, 2, out var options, isGetEx: true)) return;
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        if (!exists)
        {
            call.Reply.Null();
            return;
        }
        if (!options.TryExpiry(call, args, "getex", out var expiry)) return;
        call.Reply.Bulk(head.Rest);
        if (expiry != SystemTime.None && expiry <= call.Now)
        {
            call.Writes.Delete(call.HeadKey(key));
            call.Signal(key, "del", NotificationClass.Generic);
        }
        else if (expiry != SystemTime.None)
        {
            call.RewriteHead(key, expiry);
            call.Signal(key, "expire", NotificationClass.Generic);
        }
        else if (options.Persist && row.Expiry != SystemTime.None)
        {
            call.RewriteHead(key, SystemTime.None);
            call.Signal(key, "persist", NotificationClass.Generic);
        }
    }
}
