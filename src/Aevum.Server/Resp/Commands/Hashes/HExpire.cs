// HExpire: the four commands that give fields of a hash an expiry. One class, for they differ only in how the time is written: in seconds or
// milliseconds, from now or from 1970.
//
// The time and the condition are read first, then the fields, and only then the hash: a request that is wrong changes nothing. Each field answers
// for itself, in the order named; one named twice is seen the second time as the first left it. A time that has passed removes the field at once.
//
// Always true: a hash whose last field went by this is gone, and its watchers hear "del" after "hdel".
//
// Not here: how rows keep the expiry of a field and when it is collected (HashRows); numfields and FIELDS (FieldArguments).

using Aevum.Core.Time;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, as Redis 7.4 has them. How a field expires: <see cref="HashRows"/>.</summary>
sealed class HExpire(string name, bool isMilliseconds, bool isAbsolute) : DataCommand
{
    const long MillisecondsMax = (1L << 48) - 2;
    const long KeptMax = (long)(SystemTime.MicrosecondsMax / 1000);

    // Answers, a field each.
    const int NoField = -2;
    const int NotMet = 0;
    const int Done = 1;
    const int Deleted = 2;

    public override CommandInfo Info { get; } = new(name, CommandGroup.Hash)
    {
        Arity = -6,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "7.4.0",
        Summary = "Lets fields of a hash expire after, or at, a time; of each: 1, 0 if a condition does not hold, "
            + "2 if it is gone already, -2 if it is not there.",
        Complexity = "O(N) with N the fields named",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryTime(call, args[2], out var expiry)) return;
        bool without = args.Is(3, "nx"u8), with = args.Is(3, "xx"u8), later = args.Is(3, "gt"u8), earlier = args.Is(3, "lt"u8);
        if (!FieldArguments.TryRead(call, args, without || with || later || earlier ? 4 : 3, out var first)) return;
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var (changed, deleted) = (0, 0);
        call.Reply.Array(args.Count - first);
        for (var i = first; i < args.Count; i++)
        {
            if (!hash.TryGetExpiry(args[i], out var old))
            {
                call.Reply.Integer(NoField);
                continue;
            }
            // What never expires counts as the latest of all.
            var hasOne = old != SystemTime.None;
            if ((without && hasOne) || (with && !hasOne) || (later && (!hasOne || expiry <= old)) || (earlier && hasOne && expiry >= old))
            {
                call.Reply.Integer(NotMet);
                continue;
            }
            if (expiry <= call.Now)
            {
                hash.Remove(args[i]);
                deleted++;
                call.Reply.Integer(Deleted);
                continue;
            }
            hash.SetExpiry(args[i], expiry);
            changed++;
            call.Reply.Integer(Done);
        }
        if (changed + deleted == 0) return;
        hash.Save();
        if (deleted > 0) call.Signal(args[1], "hdel", NotificationClass.Hash);
        if (changed > 0) call.Signal(args[1], "hexpire", NotificationClass.Hash);
        if (hash.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
    }

    bool TryTime(DataCall call, ReadOnlySpan<byte> argument, out SystemTime expiry)
    {
        expiry = default;
        if (!call.TryInteger(argument, out var number)) return false;
        if (number < 0)
        {
            call.Reply.Error("ERR invalid expire time, must be >= 0"u8);
            return false;
        }
        var start = isAbsolute ? 0 : call.NowMilliseconds;
        if (number > (isMilliseconds ? MillisecondsMax : MillisecondsMax / 1000) || (isMilliseconds ? number : number * 1000) > MillisecondsMax - start)
        {
            call.Reply.Error($"ERR invalid expire time in '{Info.Name}' command");
            return false;
        }
        var milliseconds = (isMilliseconds ? number : number * 1000) + start;
        expiry = SystemTime.FromMicroseconds((ulong)Math.Clamp(milliseconds, 1, KeptMax) * 1000);
        return true;
    }
}
