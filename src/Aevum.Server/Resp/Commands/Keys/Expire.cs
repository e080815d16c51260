// Expire: commands about how long a key lives. The expiry is the head row's own, so a change of it writes the head anew and nothing else; of a large
// structure it is also put down when its elements may be collected. Expiries behind the year 2255: KeyExpiry.

using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT.</summary>
sealed class Expire(string name, bool isMilliseconds, bool isAbsolute) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = isMilliseconds ? "2.6.0" : isAbsolute ? "1.2.0" : "1.0.0",
        Summary = "Lets a key expire after, or at, a time; answers 1, or 0 if it holds nothing or a condition does not hold.",
        Complexity = "O(1); of what a key holds only the head is written anew",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var number)) return;
        bool onlyWithout = false, onlyWith = false, onlyLater = false, onlyEarlier = false;
        for (var i = 3; i < args.Count; i++)
        {
            if (args.Is(i, "nx"u8)) onlyWithout = true;
            else if (args.Is(i, "xx"u8)) onlyWith = true;
            else if (args.Is(i, "gt"u8)) onlyLater = true;
            else if (args.Is(i, "lt"u8)) onlyEarlier = true;
            else
            {
                call.Reply.Error($"ERR Unsupported option {System.Text.Encoding.UTF8.GetString(args[i])}");
                return;
            }
        }
        if (onlyWithout && (onlyWith || onlyLater || onlyEarlier))
        {
            call.Reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible"u8);
            return;
        }
        if (onlyLater && onlyEarlier)
        {
            call.Reply.Error("ERR GT and LT options at the same time are not compatible"u8);
            return;
        }
        if (!ExpiryOptions.TryExpiry(call, number, isMilliseconds, isAbsolute, out var expiry))
        {
            call.Reply.Error($"ERR invalid expire time in '{name}' command");
            return;
        }
        var key = args[1];
        if (!call.TryReadHead(key, out var head, out var row))
        {
            call.Reply.Integer(0);
            return;
        }
        // What never expires counts as the latest of all.
        var hasOne = row.Expiry != SystemTime.None;
        if ((onlyWithout && hasOne) || (onlyWith && !hasOne) || (onlyLater && (!hasOne || expiry <= row.Expiry)) ||
            (onlyEarlier && hasOne && expiry >= row.Expiry))
        {
            call.Reply.Integer(0);
            return;
        }
        call.Reply.Integer(1);
        if (expiry <= call.Now)
        {
            Delete.TryDelete(call, key);
            call.Signal(key, "del", NotificationClass.Generic);
            return;
        }
        if (head.IsLarge) Elements.PutDown(call, call.HeadKey(key), head, expiry);
        call.RewriteHead(key, expiry);
        call.Signal(key, "expire", NotificationClass.Generic);
    }
}

/// <summary>TTL, PTTL, EXPIRETIME, PEXPIRETIME.</summary>
sealed class TimeToLive(string name, bool isMilliseconds, bool isAbsolute) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = isAbsolute ? "7.0.0" : isMilliseconds ? "2.6.0" : "1.0.0",
        Summary = "Answers how long a key lives, or until when; -1 if it does not expire, -2 if it holds nothing.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryReadHead(args[1], out _, out var row))
        {
            call.Reply.Integer(-2);
            return;
        }
        if (row.Expiry == SystemTime.None)
        {
            call.Reply.Integer(-1);
            return;
        }
        var until = KeyExpiry.ToMilliseconds(row.Expiry);
        var milliseconds = isAbsolute ? until : Math.Max(0, until - call.NowMilliseconds);
        call.Reply.Integer(isMilliseconds ? milliseconds : unchecked(milliseconds + 500) / 1000);
    }
}

sealed class Persist : DataCommand
{
    public override CommandInfo Info { get; } = new("persist", CommandGroup.Generic)
    {
        Arity = 2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Lets a key live for ever; answers 0 if it did, or holds nothing.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryReadHead(args[1], out _, out var row) || row.Expiry == SystemTime.None)
        {
            call.Reply.Integer(0);
            return;
        }
        call.RewriteHead(args[1], SystemTime.None);
        call.Signal(args[1], "persist", NotificationClass.Generic);
        call.Reply.Integer(1);
    }
}
